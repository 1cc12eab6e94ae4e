"""The process that runs migra: it reads a question as JSON from standard input, and writes the answer as JSON
to standard output.

It is run by path with `python -P`. It uses nothing of this project, so that no import conflicts with migra's.
Question: {"from": url, "to": url, "privileges": bool, "exclude_schema": name}.
Answer: {"sql": text}, {"missing": module} or {"failed": text}.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import IO, Any


def main() -> int:
    """Answer one question and return the exit code."""
    question = json.load(sys.stdin)
    try:
        answer = {"sql": _differences(question)}
    except ModuleNotFoundError as error:
        answer = {"missing": error.name or "migra"}
    except Exception as error:  # migra's libraries raise any exception; the parent reports it on one line
        lines = str(error).strip().splitlines() or ["no message"]
        answer = {"failed": f"{type(error).__name__}: {lines[0]}"}
    json.dump(answer, sys.stdout)
    return 0


def _differences(question: dict[str, Any]) -> str:
    migration_class = _migration_class()
    sqlalchemy = importlib.import_module("sqlalchemy")
    psycopg = importlib.import_module("psycopg")
    pool = importlib.import_module("sqlalchemy.pool").StaticPool
    connections = [psycopg.connect(question[side]) for side in ("from", "to")]
    engines = [
        sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda c=connection: c, poolclass=pool)
        for connection in connections
    ]
    with engines[0].connect() as old, engines[1].connect() as new:
        migration = migration_class(old, new, exclude_schema=question["exclude_schema"])
        migration.set_safety(False)
        migration.add_all_changes(privileges=question["privileges"])
        return str(migration.sql)


def _migration_class() -> Any:
    """Import migra with a substitute for pkg_resources, which its libraries import but setuptools dropped."""
    if importlib.util.find_spec("migra") is None:
        raise ModuleNotFoundError("No module named 'migra'", name="migra")
    stub = types.ModuleType("pkg_resources")
    stub.resource_stream = _resource_stream  # type: ignore[attr-defined]
    own = sys.modules.get("pkg_resources")
    sys.modules["pkg_resources"] = stub
    try:
        return importlib.import_module("migra").Migration
    finally:
        del sys.modules["pkg_resources"]
        if own is not None:
            sys.modules["pkg_resources"] = own


def _resource_stream(module: str, path: str) -> IO[bytes]:
    spec = importlib.util.find_spec(module)
    origin = spec.origin if spec is not None else None
    if origin is None:
        raise FileNotFoundError(f"{module} has no folder to read {path} from")
    return Path(origin).parent.joinpath(path).open("rb")


if __name__ == "__main__":
    sys.exit(main())
