"""What a command found, for machines: one value that SARIF, JUnit, annotations and code quality render."""

from __future__ import annotations

import dataclasses
import hashlib
import os.path
import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Blocked, InvalidInput, NotApproved, ReconcileError, Stale
from reconciler.core.redaction import code_of


class Severity(StrEnum):
    """How bad it is; worst first."""

    ERROR = "error"
    """It fails, or needs a person's consent that it does not have."""
    WARNING = "warning"
    """It can hurt."""
    NOTE = "note"
    """It is good to know."""


_ORDER = {severity: rank for rank, severity in enumerate(Severity)}


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    """What was looked at is wrong."""
    BROKEN = "broken"
    """It could not be looked at: the server was away, the command is off."""
    SKIPPED = "skipped"
    """Nobody looked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say, with its place. Line and column count from 1; None where no file says it."""

    severity: Severity
    code: str
    """Stable: a hazard's, or an error's (`core.redaction.code_of`). `report.rules` has help on it."""
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    object: str | None = None
    """`table:app.users`."""
    hint: str | None = None

    @property
    def sentence(self) -> str:
        """Message and hint in one."""
        return f"{self.message}; {self.hint}" if self.hint else self.message


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: a test case, to those who count test cases."""

    name: str
    outcome: Outcome = Outcome.PASSED
    findings: tuple[Finding, ...] = ()
    message: str = ""
    """Why it failed or was skipped."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that one command found about one target."""

    command: str
    target: str
    checks: tuple[Check, ...]
    place: str = "."
    """The file or folder that findings are shown at which no file says: some readers insist on one."""
    exit_code: int = 0

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything found, each once, worst first, then by place."""
        found = dict.fromkeys(finding for check in self.checks for finding in check.findings)
        return tuple(sorted(found, key=_rank))


def _rank(finding: Finding) -> tuple[object, ...]:
    place = (finding.file is None, finding.file or "", finding.line or 0, finding.column or 0)
    return (_ORDER[finding.severity], *place, finding.code, finding.message)


def fingerprints(findings: Iterable[Finding]) -> tuple[str, ...]:
    """An identity for each finding that stays while lines move: of code, object, file and message, 64
    hexadecimal digits. Equal ones are told apart by their order."""
    seen: Counter[str] = Counter()
    made = []
    for finding in findings:
        said = (finding.code, finding.object or "", finding.file or "", finding.message)
        text = "\0".join(said)
        seen[text] += 1
        made.append(hashlib.sha256(f"{text}\0{seen[text]}".encode(errors="surrogatepass")).hexdigest())
    return tuple(made)


def of_error(error: ReconcileError) -> tuple[Finding, ...]:
    """Every problem of an error, or the error itself."""
    if isinstance(error, InvalidInput) and error.problems:
        return tuple(
            Finding(
                Severity.ERROR,
                code_of(error),
                f"{problem.object}: {problem.message}" if problem.object else problem.message,
                problem.file or None,
                problem.line if problem.file else None,
                problem.column if problem.file else None,
                hint=problem.hint,
            )
            for problem in error.problems
        )
    file, line, column = split_place(error.where)
    where = f"{error.where}: " if error.where and not file else ""
    return (
        Finding(Severity.ERROR, code_of(error), where + error.message, file, line, column, hint=error.hint),
    )


def outcome_of(error: ReconcileError) -> Outcome:
    """Whether what was looked at is wrong, or could not be looked at."""
    is_wrong = isinstance(error, InvalidInput | Blocked | Stale | NotApproved)
    return Outcome.FAILED if is_wrong else Outcome.BROKEN


_PLACE = re.compile(r"(?P<file>.+?):(?P<line>[1-9]\d*)(?::(?P<column>[1-9]\d*))?\Z", re.DOTALL)


def split_place(source: str | None) -> tuple[str | None, int | None, int | None]:
    """`schema/users.yaml:12` or `…:12:7` as file, line and column; nothing where it is no place."""
    match = _PLACE.match(source or "")
    if match is None:
        return None, None, None
    return match["file"], int(match["line"]), int(match["column"]) if match["column"] else None


def relocated(report: Report, folder: Path, root: Path) -> Report:
    """The report with files told from `root` on, where they were told from `folder` on; both absolute.

    Annotations and code scanning want paths from the top of the repository.
    """

    def moved(file: str) -> str:
        path = os.path.normpath(folder / file)
        return os.path.relpath(path, root) if Path(path).is_relative_to(root) else file

    checks = tuple(
        dataclasses.replace(
            check,
            findings=tuple(
                dataclasses.replace(finding, file=moved(finding.file)) if finding.file else finding
                for finding in check.findings
            ),
        )
        for check in report.checks
    )
    return dataclasses.replace(report, checks=checks, place=moved(report.place))
