"""The peers that package clients install into bench/.cache (see README.md): same database, same change."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.scenarios import COLUMN, Scenario, Stage, environment
from bench.timing import Command

_CACHE = Path(__file__).parent / ".cache"
_MIGRA = _CACHE / "pip/migra/bin/migra"
_PG_DELTA = _CACHE / "pgdelta/node_modules/.bin/pgdelta"
_NPM = _CACHE / "npm/node_modules"


def peers(stage: Stage) -> Iterator[Scenario]:
    """The lines of the peers that are installed."""
    if _MIGRA.exists():
        yield from _both("migra", stage, _migra)
    if _PG_DELTA.exists():
        yield from _both("pg-delta", stage, _pg_delta)
    if (_NPM / ".bin/drizzle-kit").exists():
        yield Scenario("drizzle-kit pull (reads only)", _drizzle_kit(stage), is_peer=True)


def _both(name: str, stage: Stage, command: Callable[[Stage, str], Command]) -> Iterator[Scenario]:
    yield Scenario(f"{name}, no-op", command(stage, "same"), is_peer=True)
    yield Scenario(f"{name}, one column", command(stage, "changed"), is_peer=True)


def _migra(stage: Stage, to: str) -> Command:
    """migra, which compares two databases; 2 says that they differ."""
    urls = [stage.urls[name].replace("postgresql://", "postgresql+psycopg2://") for name in ("base", to)]
    is_changed = to == "changed"
    return Command(
        (str(_MIGRA), "--unsafe", *urls),
        stage.folder,
        environment(stage.folder),
        frozenset({2 if is_changed else 0}),
        COLUMN if is_changed else "",
    )


def _pg_delta(stage: Stage, to: str) -> Command:
    """pg-delta, which compares two databases and understands a URL only if it names a host."""
    source, desired = (_with_host(stage.urls[name]) for name in ("base", to))
    words = ("plan", "--source", source, "--desired", desired, "--renames", "off", "--out", "delta.json")
    changes = 1 if to == "changed" else 0
    return Command(
        (str(_PG_DELTA), *words),
        stage.folder,
        environment(stage.folder),
        output=f"actions:          {changes}\n",
    )


def _drizzle_kit(stage: Stage) -> Command:
    folder = stage.folder / "drizzle"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "node_modules").symlink_to(_NPM)
    settings = {
        "dialect": "postgresql",
        "out": "./out",
        "schema": "./out/schema.ts",
        "dbCredentials": {"url": _with_host(stage.urls["base"])},
    }
    (folder / "drizzle.config.json").write_text(json.dumps(settings))
    words = (str(_NPM / ".bin/drizzle-kit"), "pull")
    return Command(words, folder, environment(stage.folder), output="schema file is ready")


def _with_host(url: str) -> str:
    return url.replace("@/", "@localhost/")
