"""Run migra, an independent schema differ: which SQL would turn one database into the other?

Its SQL is a finding to read and is never run. migra covers only some kinds of objects: for `BLIND_KINDS` it
can miss a difference, for `UNRELIABLE_KINDS` it can report a false one. Both lists were measured with pairs
of small schemas on PostgreSQL 14 to 18, with the versions that the extra `audit` pins. Kinds for which
migra's inspector has no property (roles, subscriptions, access methods, security labels) count as blind.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from reconciler.audit.errors import AuditError
from reconciler.core.dataclass import dataclass

TIMEOUT_S: Final = 120
"""A schema of 300 tables takes about two seconds."""

BLIND_KINDS: Final = (
    "access methods",
    "aggregates",
    "casts",
    "column order",
    "column statistics targets",
    "column storage",
    "comments",
    "default privileges",
    "domains",
    "event triggers",
    "extended statistics",
    "foreign-data wrappers, servers, user mappings and foreign tables",
    "FORCE ROW LEVEL SECURITY",
    "identity options",
    "index storage parameters",
    "named NOT NULL constraints",
    "NULLS NOT DISTINCT",
    "operators, operator classes and families",
    "options of functions: SET, COST, PARALLEL, LEAKPROOF",
    "owners",
    "partition bounds",
    "privileges on anything but tables and views",
    "publications and subscriptions",
    "range types",
    "replica identity",
    "roles and memberships",
    "rules",
    "security labels",
    "sequence options",
    "storage parameters",
    "text search objects",
    "view options",
    "virtual and stored generated columns",
)
"""Kinds for which migra can miss a difference."""

UNRELIABLE_KINDS: Final = (
    "changed generated columns",
    "CLUSTER ON",
    "INHERITS",
    "NOT ENFORCED constraints",
    "NOT VALID checks",
    "WITHOUT OVERLAPS",
)
"""Kinds for which migra writes SQL that fails, or always reports a difference."""

_CHILD = Path(__file__).with_name("migra_child.py")


@dataclass(frozen=True, slots=True)
class MigraVerdict:
    """The result of migra, and the kinds that it does not cover."""

    differences: str
    """The SQL that migra would run, for reading only. Empty if it found no difference."""
    blind: tuple[str, ...] = BLIND_KINDS
    unreliable: tuple[str, ...] = UNRELIABLE_KINDS


def audit(
    url_from: str,
    url_to: str,
    *,
    privileges: bool = False,
    exclude_schema: str = "_reconcile",
    timeout_s: float = TIMEOUT_S,
) -> MigraVerdict:
    """Compare two databases with migra, in a separate process.

    `exclude_schema` is ignored on both sides. Raises AuditError if migra is not installed, fails, or does not
    finish in time.
    """
    question = {
        "from": url_from,
        "to": url_to,
        "privileges": privileges,
        "exclude_schema": exclude_schema,
    }
    done = _run([sys.executable, "-P", str(_CHILD)], json.dumps(question), timeout_s)
    try:
        answer = json.loads(done.stdout)
    except json.JSONDecodeError:
        lines = done.stderr.strip().splitlines() or ["no output"]
        raise AuditError(f"migra stopped (exit code {done.returncode}): {lines[-1]}") from None
    if "missing" in answer:
        raise AuditError(
            f"migra is not installed: no module named {answer['missing']}",
            hint="pip install 'reconcile-postgres[audit]'",
        )
    if "failed" in answer:
        raise AuditError(f"migra could not compare the databases: {answer['failed']}")
    return MigraVerdict(differences=answer["sql"].strip())


def _run(command: Sequence[str], question: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Run the process. URLs are sent through standard input, because every user can see arguments."""
    try:
        return subprocess.run(
            command, input=question, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise AuditError(f"migra did not finish within {timeout_s:g} s") from None
