"""What GitLab shows in a merge request: the counts of a plan, and findings as code quality."""

from __future__ import annotations

import json

from reconciler.core.redaction import code_of
from reconciler.engine.plan.model import Action, Plan
from reconciler.report.finding import Finding, Report, Severity, fingerprints
from reconciler.report.words import visible

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}
_WORST = "data_loss"


def terraform(plan: Plan) -> str:
    """For `artifacts:reports:terraform`: how many objects are made, changed and dropped."""
    counts = plan.counts()
    numbers = {
        "create": counts.get(Action.CREATE, 0),
        "update": counts.get(Action.ALTER, 0) + counts.get(Action.RENAME, 0),
        "delete": counts.get(Action.DROP, 0),
    }
    return json.dumps(numbers) + "\n"


def terraform_failure(error: BaseException) -> str:
    """The same for a plan that failed. Without the counts GitLab says that the report could not be made."""
    return json.dumps({"error": code_of(error)}) + "\n"


def code_quality(report: Report) -> str:
    """For `artifacts:reports:codequality`: a list, where fingerprints tell what is new."""
    findings = report.findings
    prints = fingerprints(findings)
    found = [_issue(one, print, report.place) for one, print in zip(findings, prints, strict=True)]
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _issue(finding: Finding, fingerprint: str, place: str) -> dict[str, object]:
    is_worst = finding.severity is Severity.ERROR and finding.code == _WORST
    return {
        "description": visible(finding.sentence),
        "check_name": finding.code,
        "fingerprint": fingerprint,
        "severity": "blocker" if is_worst else _SEVERITIES[finding.severity],
        "location": {"path": finding.file or place, "lines": {"begin": finding.line or 1}},
    }
