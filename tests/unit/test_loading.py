"""Reading a folder with two processes: what comes out is what one process makes of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.quick

_COLUMNS = "\n".join(f"      column_{number}: {{type: text, not_null: true}}" for number in range(150))

# A process of its own: the one that runs tests has threads, and copies of such are not made.
_SCRIPT = """
import json, os, sys
from pathlib import Path
from reconciler.app import registry
from reconciler.core.errors import InvalidInput
from reconciler.engine.declaration import load, worker_process

forks, fork = [], os.fork
def counted():
    child = fork()
    forks.append(child)
    return child
os.fork = counted
load.may_have_one = lambda: sys.argv[2] != "alone"
if sys.argv[2] == "fails":
    given = load._Share.given
    def fails(share, registry):
        yield next(given(share, registry))
        raise RuntimeError
    load._Share.given = fails
try:
    written = load.load(Path(sys.argv[1]), registry())
    told = [[str(id), repr(item)] for id, item in written.objects.items()], list(written.files.items())
except InvalidInput as error:
    told = [str(problem) for problem in error.problems]
try:
    os.waitpid(-1, os.WNOHANG)
    left = True
except ChildProcessError:
    left = False
print(json.dumps({"told": told, "forks": len(forks), "left": left}))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(40):
        place = tmp_path / f"part_{number % 3}" / f"t{number:02}.yaml"
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"tables:\n  t{number:02}:\n    columns:\n{_COLUMNS}\n")
    return tmp_path


def _loaded(folder: Path, how: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, folder, how], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert not said["left"]
    assert said["forks"] == (how != "alone")
    return said["told"]


def test_two_processes_read_what_one_reads(folder: Path) -> None:
    together = _loaded(folder, "together")
    assert together == _loaded(folder, "alone")
    objects, files = together
    assert (len(objects), len(files)) == (40 * 151, 40)


def test_what_the_second_process_does_not_give_is_read_all_the_same(folder: Path) -> None:
    assert _loaded(folder, "fails") == _loaded(folder, "alone")


def test_problems_of_every_file_are_told(folder: Path) -> None:
    for name in ("part_0/t00.yaml", "part_1/t37.yaml"):
        (folder / name).write_text("tables: {t: {colums: {}}}\n")
    together = _loaded(folder, "together")
    assert together == _loaded(folder, "alone")
    assert ["part_0/t00.yaml" in together[0], "part_1/t37.yaml" in together[-1]] == [True, True]


def test_what_is_declared_in_two_files_is_told_with_both_places(folder: Path) -> None:
    (folder / "part_2" / "again.yaml").write_text("tables: {t00: {columns: {id: bigint}}}\n")
    together = _loaded(folder, "together")
    assert together == _loaded(folder, "alone")
    assert "declared twice" in together[0]
    assert "part_0/t00.yaml:2:3" in together[0]
