"""`python -m load`: each change under load, as plain SQL and as `reconcile` carries it out, side by side.

The table that it prints stands in docs/reliability.md. Compare within one run: machines differ, and so do
their moments. The target is no client error and a worst wait below 150 ms, or below twice the idle worst.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg

from load.changes import CHANGES, FILL, Change
from load.clients import Served, clients
from reconciler.app import Application, Request, apply_plan, make_plan
from reconciler.embedded import Server, choose
from reconciler.engine.plan.consent import Consent

_TARGET_MS = 150.0


@dataclass(frozen=True, slots=True)
class Line:
    """One change, carried out in one way."""

    change: str
    way: str
    seconds: float
    served: Served
    idle: Served

    @property
    def is_met(self) -> bool:
        """Whether the application hardly noticed."""
        return not self.served.errors and self.served.worst_ms <= max(_TARGET_MS, 2 * self.idle.worst_ms)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for. Returns 0, or 64 where no change has the wanted name."""
    asked = _parser().parse_args(arguments)
    chosen = [change for change in CHANGES if not asked.change or change.name in asked.change]
    if not chosen:
        print(f"the changes are: {', '.join(change.name for change in CHANGES)}", file=sys.stderr)
        return 64
    # Checkpoints of a server that was just filled would be the longest wait of all.
    settings = {"max_wal_size": "8GB", "checkpoint_timeout": "30min", "shared_buffers": "512MB"}
    installation = choose(asked.major).installation
    with Server.start(installation, durable=True, settings=settings) as server:
        print(f"PostgreSQL {installation.version}, {asked.rows:,} rows, {asked.clients} clients\n")
        print("| change | how | errors | worst ms | idle worst ms | p99.9 ms | of idle tps | seconds | met |")
        print("|---|---|--:|--:|--:|--:|--:|--:|---|")
        for change in chosen:
            for way, carry_out in (("SQL", _by_hand), ("reconcile", _by_plan)):
                line = _measured(server, change, way, carry_out, asked)
                print(_row(line), flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m load", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, metavar="N", help="rows of the table")
    parser.add_argument("--clients", type=int, default=6, metavar="N")
    parser.add_argument("--idle", type=float, default=5.0, metavar="SECONDS", help="load before the change")
    parser.add_argument("--change", action="append", help="only this change; repeatable")
    parser.add_argument("--major", type=int, help="PostgreSQL's major version")
    return parser


def _measured(
    server: Server,
    change: Change,
    way: str,
    carry_out: Callable[[Change, str, Path], None],
    asked: argparse.Namespace,
) -> Line:
    """Fill a new database, let the clients work alone for a while, then carry the change out among them."""
    with _database(server, change, asked.rows) as (url, folder):
        with clients(url, asked.rows, asked.clients) as alone:
            time.sleep(asked.idle)
        with clients(url, asked.rows, asked.clients) as load:
            time.sleep(1.0)
            begun = time.monotonic()
            carry_out(change, url, folder)
            seconds = time.monotonic() - begun
            time.sleep(1.0)
    return Line(change.name, way, seconds, load.served, alone.served)


@contextmanager
def _database(server: Server, change: Change, rows: int) -> Iterator[tuple[str, Path]]:
    name = f"load_{uuid4().hex}"
    _administer(server, f"CREATE DATABASE {name}")
    url = server.url(name)
    try:
        with tempfile.TemporaryDirectory(prefix="reconcile-load-") as text:
            folder = Path(text)
            _plan_and_apply(change.before, url, folder)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("SELECT set_config('load.rows', %s, false)", (str(rows),))
                for statement in FILL:
                    connection.execute(statement.encode())
            yield url, folder
    finally:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(server: Server, statement: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(statement.encode())


def _by_hand(change: Change, url: str, _folder: Path) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(change.sql.encode())


def _by_plan(change: Change, url: str, folder: Path) -> None:
    _plan_and_apply(change.after, url, folder)


def _plan_and_apply(text: str, url: str, folder: Path) -> None:
    (folder / "schema.yaml").write_text(text)
    plan = make_plan(Request(url, folder / "schema.yaml", base=folder))
    apply_plan(plan, Application(url, Consent(everything=True)))


def _row(line: Line) -> str:
    served, idle = line.served, line.idle
    share = served.per_second / idle.per_second if idle.per_second else 0.0
    cells = (
        line.change,
        line.way,
        str(len(served.errors)),
        f"{served.worst_ms:,.0f}",
        f"{idle.worst_ms:,.0f}",
        f"{served.p999_ms:,.1f}",
        f"{share:.0%}",
        f"{line.seconds:.1f}",
        "yes" if line.is_met else "no",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
