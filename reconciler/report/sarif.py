"""Findings as SARIF 2.1.0 (OASIS, errata 01), as GitHub's code scanning and others read it.

GitHub refuses a result without a location, so that one which no file says is shown at the report's place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from reconciler import __version__
from reconciler.report.finding import Finding, Report, fingerprints
from reconciler.report.rules import Rule, rule_of
from reconciler.report.words import visible, visible_sql

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "reconcileFinding/v1"
_PLACEHOLDER = re.compile(r"\{(\d+)\}")


def render(report: Report) -> str:
    """One run with a rule for each code that occurs. Equal reports give equal bytes."""
    return json.dumps(as_data(report), indent=2, ensure_ascii=False) + "\n"


def as_data(report: Report) -> dict[str, Any]:
    """What `render` writes, as plain data."""
    findings = report.findings
    codes = sorted({finding.code for finding in findings})
    results = [
        _result(finding, codes.index(finding.code), print, report.place)
        for finding, print in zip(findings, fingerprints(findings), strict=True)
    ]
    driver = {
        "name": "reconcile",
        "semanticVersion": __version__,
        "rules": [_rule(rule_of(code)) for code in codes],
    }
    # A category of its own, so that the findings of one target do not take the place of another's.
    category = "/".join(quote(part, safe="") for part in ("reconcile", report.command, report.target))
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"{category}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": report.exit_code == 0, "exitCode": report.exit_code}],
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    tags = ["postgresql", "schema", *(["security"] if rule.is_security else [])]
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.code.split("_")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.meaning},
        "help": {"text": rule.help.replace("`", ""), "markdown": rule.help},
        "defaultConfiguration": {"level": rule.severity.value},
        "properties": {"tags": tags},
    }


def _result(finding: Finding, rule: int, fingerprint: str, place: str) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(finding.file or place)}}
    if finding.line is not None:
        region = {"startLine": finding.line, "startColumn": finding.column}
        physical["region"] = {key: value for key, value in region.items() if value is not None}
    location: dict[str, Any] = {"physicalLocation": physical}
    if finding.object is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": visible(finding.object)}]
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity.value,
        "message": {"text": _plain(finding.sentence)},
        "locations": [location],
        "partialFingerprints": {FINGERPRINT: fingerprint},
    }


def _plain(text: str) -> str:
    """Text in which brackets link nothing (SARIF 2.1.0, 3.11.6) and no number in braces is a placeholder
    (3.11.5)."""
    escaped = visible_sql(text).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return _PLACEHOLDER.sub(r"{{\1}}", escaped)


def _uri(path: str) -> str:
    segments: Iterable[str] = path.split("/")
    return "/".join(quote(segment, safe="", errors="surrogatepass") for segment in segments)
