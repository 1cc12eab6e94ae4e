"""One case from start to end: load, pull, plan, apply, compare, plan again, look for the rows."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from reconciler.engine.prove.seed import RowEvidence, count_and_digest, gone, lost, seed
from tests.corpus import oracle
from tests.corpus.databases import Databases
from tests.corpus.oracle import Case, LoadError
from tests.corpus.product import Plan, Product, ProductFailed, hazards, rendered
from tests.corpus.servers import Server, ServerSource

_OPTIONAL_ROWS = ("23", "22")
"""SQLSTATE classes that say that rows stand in the way: integrity constraint violation, data exception."""
_SQLSTATE = re.compile(r"SQLSTATE (\w{5})")
_STEP = re.compile(r"step \d+ \(([a-z ]+?)(?: \S*[.\"]\S*)?(?: of .*?| on .*?)?\)(?:, \S+)?: (.*)")
_NAMES = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`|\S*[./_]\S*|\d+")
_SHOWN_DIFFERENCES = 12


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a case ended."""

    id: str
    suite: str
    status: str
    """converged, failed or skipped."""
    cause: str = ""
    """A few words that cases with the same trouble share."""
    detail: str = ""
    note: str = ""
    """What is worth knowing of a case that converged."""
    seconds: float = 0.0
    plan: str = ""


class Failed(Exception):
    """A case does not converge."""

    def __init__(self, cause: str, detail: str, plan: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.detail = detail
        self.plan = plan


class Skipped(Exception):
    """A case can't be judged here."""


class TimeIsUp(BaseException):
    """The worker's alarm. Not an Exception: nothing on the way may take it for an error of its own."""


@dataclass(slots=True)
class Bench:
    """Where cases are played: a server for most of them, and the means to start others."""

    source: ServerSource
    product: Product | None
    """None: only look whether loading the new side twice gives the same."""
    databases: Databases = field(init=False)

    def __post_init__(self) -> None:
        self.databases = Databases(self.source.start())

    def play(self, case: Case) -> Outcome:
        """Play one case; never raises for what the case or the product does."""
        start = time.monotonic()
        found = self._judged(case)
        plan = found.pop("plan", "")
        return Outcome(case["id"], case["suite"], seconds=time.monotonic() - start, plan=plan, **found)

    def _judged(self, case: Case) -> dict[str, Any]:
        try:
            with self._sides(case) as sides:
                plan, note = _run(case, sides, self.product)
            return {"status": "converged", "note": note, "plan": plan}
        except Skipped as reason:
            return {"status": "skipped", "cause": str(reason)}
        except LoadError as error:
            return {"status": "skipped", "cause": "does not load", "detail": str(error)}
        except Failed as failure:
            return {
                "status": "failed",
                "cause": failure.cause,
                "detail": failure.detail,
                "plan": failure.plan,
            }
        except TimeIsUp:
            return {"status": "failed", "cause": "time is up"}

    @contextmanager
    def _sides(self, case: Case) -> Iterator[Sides]:
        if self.databases.without(case["exts"]):
            missing = ", ".join(self.databases.without(case["exts"]))
            raise Skipped(f"no extension {missing}")
        if not case["cluster"]:
            try:
                yield Sides(case, self.databases, self.databases, self.databases.server.url())
            finally:
                self.databases.release()
            return
        servers: list[Server] = []
        try:
            servers += [self.source.start() for _ in range(3)]
            yield Sides(case, Databases(servers[0]), Databases(servers[1]), servers[2].url())
        finally:
            for server in servers:
                server.stop()


@dataclass(frozen=True, slots=True)
class Sides:
    """Where the two sides of a case are loaded: on one server, or on one each where roles differ."""

    case: Case
    here: Databases
    there: Databases
    scratch_url: str

    def __post_init__(self) -> None:
        for databases in {id(self.here): self.here, id(self.there): self.there}.values():
            databases.roles(self.case["roles"])

    @property
    def roles(self) -> bool:
        """Whether roles are part of what must become equal."""
        return bool(self.case["cluster"])

    def old(self) -> str:
        """A database with the old side, to be changed."""
        return self.here.loaded(self.case["old"], self.case["exec"])

    def new(self) -> str:
        """A database with the new side, to be read."""
        return self.there.shared(self.case["new"], self.case["exec"])


def run_case(case: Case, source: ServerSource, product: Product) -> Outcome:
    """Play one case on a server started for it."""
    bench = Bench(source, product)
    try:
        return bench.play(case)
    finally:
        bench.databases.server.stop()


def _run(case: Case, sides: Sides, product: Product | None) -> tuple[str, str]:
    """The rendered plan and a note. Raises Failed, Skipped, LoadError."""
    wanted = sides.new()
    if product is None:
        again = sides.here.fresh(case["new"], case["exec"])
        _must_equal(again, wanted, sides, None, "")
        return "", ""
    work = Path(tempfile.mkdtemp(prefix="rcase"))
    try:
        attempt = Attempt(case, sides, product, work, wanted)
        try:
            return attempt.run(with_rows=True)
        except RowsInTheWay as reason:
            plan, _ = attempt.run(with_rows=False)
            return plan, f"not with rows, as the plan says: {reason}"
    finally:
        shutil.rmtree(work, ignore_errors=True)


class RowsInTheWay(Exception):
    """Made-up rows stop a plan that says that rows may stop it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Old to new with the product, with rows or without."""

    case: Case
    sides: Sides
    product: Product
    work: Path
    wanted: str
    """URL of the database that holds the new side."""

    def run(self, *, with_rows: bool) -> tuple[str, str]:
        """Returns the rendered plan and a note. Raises Failed, RowsInTheWay."""
        url = self.sides.old()
        before = self.sides.here.loaded_snapshot(url, self.case["old"], self.case["exec"])
        note = _put_rows(url, self.case) if with_rows else ""
        rows = _rows(url)
        folder, out = self.work / f"schema{with_rows}", self.work / f"{with_rows}.plan.yaml"
        self._stage(lambda: self.product.pull(self.wanted, folder, all_roles=self.sides.roles))
        plan: Plan = self._stage(lambda: self.product.plan(url, folder, out, self.sides.scratch_url))
        text = rendered(plan)
        if self.case["noop"] and plan.get("steps") and not self._differ(url):
            raise Failed("plan: not empty for equal sides", text, text)
        self._apply(out, url, plan, could_be_rows=with_rows and not self.case.get("seed"))
        _must_equal(url, self.wanted, self.sides, before, text)
        again: Plan = self._stage(
            lambda: self.product.plan(url, folder, self.work / "again.plan.yaml", self.sides.scratch_url),
            text,
        )
        if again.get("steps"):
            raise Failed("second plan is not empty", rendered(again), text)
        _must_keep(rows, _rows(url), plan, text)
        return text, note

    def _differ(self, url: str) -> bool:
        """Whether pg_dump sees a difference where the corpus's snapshot, which reads less, sees none."""
        here = oracle.observe(url, self.sides.here.server.binaries)
        there = self.sides.there.observed(self.wanted, roles=self.sides.roles)
        return here.dump != there.dump

    def _apply(self, out: Path, url: str, plan: Plan, *, could_be_rows: bool) -> None:
        try:
            self._stage(lambda: self.product.apply(out, url), rendered(plan))
        except Failed as failure:
            states = _SQLSTATE.findall(failure.detail)
            announced = {"may_fail", "data_loss"} & {code for code, _ in hazards(plan)}
            if could_be_rows and announced and any(state.startswith(_OPTIONAL_ROWS) for state in states):
                raise RowsInTheWay(failure.cause) from None
            raise

    def _stage(self, stage: Callable[[], Any], plan: str = "") -> Any:
        try:
            return stage()
        except ProductFailed as failure:
            raise Failed(_cause(failure), failure.said, plan) from None
        except (psycopg.Error, LoadError) as error:
            raise Failed(f"{type(error).__name__}", str(error), plan) from None


def _cause(failure: ProductFailed) -> str:
    """The stage, the exit code, and what was said, with names and numbers taken out."""
    lines = [line for line in failure.said.splitlines() if line.strip()] or [""]
    if any(line.startswith("Traceback") for line in lines):
        return f"{failure.stage}: traceback {_shape(lines[-1])}"
    line = next((line for line in lines if line.startswith("error: ")), lines[0]).removeprefix("error: ")
    step = _STEP.match(line)
    return f"{failure.stage} {failure.exit_code}: " + (
        f"{step[1]}: {_shape(step[2])}" if step else _shape(line)
    )


def _shape(text: str) -> str:
    return _NAMES.sub("…", _SQLSTATE.sub("", text)).replace(" ()", "")[:90]


def _put_rows(url: str, case: Case) -> str:
    """The case's own rows, or made-up ones; says which tables stay empty."""
    if case.get("seed"):
        oracle.load_sql(url, case["seed"], "script")
        return ""
    with psycopg.connect(url, autocommit=True) as connection:
        report = seed(connection)
    empty = ", ".join(unseeded.table for unseeded in report.unseeded)
    return f"no rows in {empty}" if empty else ""


_HEIRS = """
WITH RECURSIVE heir AS (
  SELECT c.oid, c.oid AS ancestor FROM pg_class c WHERE c.relkind IN ('r', 'p')
   UNION SELECT i.inhrelid, h.ancestor FROM pg_inherits i JOIN heir h ON h.oid = i.inhparent)
SELECT ancestor::regclass::text, array_agg(oid::regclass::text) FROM heir GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Rows:
    """What is known of a database's rows."""

    evidence: Mapping[str, RowEvidence]
    heirs: Mapping[str, list[str]]
    """The tables that inherit from a table, itself among them; names without quotes."""


def _rows(url: str) -> Rows:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET search_path = ''")
        heirs: dict[str, list[str]] = dict(connection.execute(_HEIRS).fetchall())
        bare = {_bare(table): [_bare(heir) for heir in own] for table, own in heirs.items()}
        return Rows(count_and_digest(connection), bare)


def _bare(name: str) -> str:
    """Plans quote names otherwise than SQL does."""
    return name.replace('"', "")


def _must_equal(url: str, wanted: str, sides: Sides, before: oracle.Snapshot | None, plan: str) -> None:
    here = oracle.observe(url, sides.here.server.binaries, roles=sides.roles)
    there = sides.there.observed(wanted, roles=sides.roles)
    found = oracle.differences(here, there, before)
    if found:
        shown = "\n".join(map(str, found[:_SHOWN_DIFFERENCES]))
        more = len(found) - _SHOWN_DIFFERENCES
        raise Failed(oracle.causes(found), shown + (f"\nand {more} more" if more > 0 else ""), plan)


def _must_keep(before: Rows, after: Rows, plan: Plan, text: str) -> None:
    """Rows survive wherever the plan did not say that they are lost."""
    announced = [_bare(id.partition(":")[2]) for code, id in hazards(plan) if code == "data_loss"]
    # What a partition that goes held is announced there, and missing from the whole.
    before, after = (
        Rows({name: own for name, own in rows.evidence.items() if _bare(name) not in announced}, rows.heirs)
        for rows in (before, after)
    )
    broken = [
        what
        for what in (*lost(before.evidence, after.evidence), *gone(before.evidence, after.evidence))
        if not any(_covers(place, _bare(what), before) for place in announced)
    ]
    if broken:
        raise Failed("rows lost without a word", "\n".join(broken), text)


def _covers(place: str, what: str, before: Rows) -> bool:
    """Whether a hazard at `place` (an object's path) speaks of the loss `what` (a table or column).

    One on a table or a column of it speaks of the tables that inherit from it, too.
    """
    table = next((name for name in before.heirs if place == name or place.startswith(f"{name}.")), None)
    if table is None:
        return True  # the hazard is on something else than a table, a type for instance
    name = what.partition(" (")[0]
    places = [heir + place.removeprefix(table) for heir in before.heirs[table]]
    return any(name == own or name.startswith(f"{own}.") for own in places)
