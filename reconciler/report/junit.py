"""Checks as JUnit's XML, which every CI system shows: a case per check, a suite per command and target."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from reconciler.report.finding import Check, Finding, Outcome, Report
from reconciler.report.words import visible

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (section 2.2) has no way to write."""
_COUNTED = {"failures": Outcome.FAILED, "errors": Outcome.BROKEN, "skipped": Outcome.SKIPPED}
_ELEMENTS = {Outcome.FAILED: "failure", Outcome.BROKEN: "error"}


def render(report: Report) -> str:
    """One suite. No times: the same findings give the same bytes."""
    counts = {"tests": len(report.checks)}
    for key, outcome in _COUNTED.items():
        counts[key] = sum(check.outcome is outcome for check in report.checks)
    totals = {key: str(count) for key, count in counts.items()}
    name = f"reconcile {report.command} {_legal(report.target)}"
    root = ElementTree.Element("testsuites", {"name": "reconcile", **totals})
    suite = ElementTree.SubElement(root, "testsuite", {"name": name, **totals})
    for check in report.checks:
        _case(suite, check, f"reconcile.{report.command}.{_legal(report.target)}")
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(suite: ElementTree.Element, check: Check, class_name: str) -> None:
    attributes = {"classname": class_name, "name": _legal(check.name)}
    placed = [finding for finding in check.findings if finding.file]
    if placed:
        attributes["file"] = _legal(placed[0].file or "")
        attributes["line"] = str(placed[0].line or 1)
    case = ElementTree.SubElement(suite, "testcase", attributes)
    told = "\n".join(_line(finding) for finding in check.findings)
    if check.outcome is Outcome.SKIPPED:
        ElementTree.SubElement(case, "skipped", {"message": _legal(check.message)})
    elif check.outcome in _ELEMENTS:
        kind = check.findings[0].code if check.findings else check.outcome.value
        fields = {"type": kind, "message": _legal(check.message)}
        ElementTree.SubElement(case, _ELEMENTS[check.outcome], fields).text = told
        return
    if told:
        ElementTree.SubElement(case, "system-out").text = told


def _line(finding: Finding) -> str:
    numbers = [str(number) for number in (finding.line, finding.column) if number is not None]
    place = ":".join([finding.file, *numbers]) + ": " if finding.file else ""
    return _legal(f"{place}{finding.severity}: {finding.code}: {finding.sentence}")


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", visible(text))
