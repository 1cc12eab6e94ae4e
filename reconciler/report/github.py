"""Findings as annotations of a GitHub Actions run: workflow commands, a line each.

GitHub shows ten of each level for a step and drops the rest without a word: the last one of ten tells how
many more there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.report.finding import Finding, Report, Severity
from reconciler.report.rules import rule_of
from reconciler.report.words import visible, visible_sql

MOST = 10
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_LONGEST = 4_000
"""Characters of a message; an annotation may have 64 KB, and nobody reads that in a margin."""
_COMMAND = re.compile(r"^(\s*):(?=:)|##(?=\[)", re.MULTILINE)


def render(report: Report) -> str:
    """The annotations, worst first; nothing where there is nothing to say."""
    return "".join(f"{line}\n" for severity in Severity for line in _of_level(report, severity))


def _of_level(report: Report, severity: Severity) -> Iterator[str]:
    found = [finding for finding in report.findings if finding.severity is severity]
    shown = found if len(found) <= MOST else found[: MOST - 1]
    level = _LEVELS[severity]
    for finding in shown:
        yield _annotation(level, finding, report.target)
    if more := len(found) - len(shown):
        codes = ", ".join(dict.fromkeys(finding.code for finding in found[MOST - 1 :]))
        yield f"::{level} title={_property(report.target)}::{_data(f'+{more} more: {codes}')}"


def _annotation(level: str, finding: Finding, target: str) -> str:
    fields = {
        "file": finding.file,
        "line": finding.line,
        "col": finding.column,
        "title": f"{rule_of(finding.code).title} ({target})",
    }
    listed = ",".join(f"{key}={_property(str(value))}" for key, value in fields.items() if value is not None)
    text = visible_sql(finding.sentence)
    return f"::{level} {listed}::{_data(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…')}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")


def inert(text: str) -> str:
    """Text for a log of GitHub Actions in which no line is a workflow command, whatever a name holds."""
    return _COMMAND.sub(lambda found: f"{found[1]}: " if found[1] is not None else "# #", text)
