"""A controller's private folder, after processes that ended in order and others that were killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from reconciler.controller.workfolder import work_folder

pytestmark = pytest.mark.quick

_HOLD = """
import sys
from reconciler.controller.workfolder import work_folder
with work_folder() as folder:
    (folder / "tree").mkdir()
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of its own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def aged(folder: Path) -> None:
    os.utime(folder, (1e9, 1e9))


def test_it_is_private_and_goes(temporary: Path) -> None:
    with work_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no flock(2)")
def test_what_a_killed_one_left_goes_and_what_a_living_one_has_stays(temporary: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    left = Path(process.stdout.readline().strip())
    aged(left)
    with work_folder():
        assert (left / "tree").is_dir()
    process.kill()
    process.communicate()
    assert left.exists()
    aged(left)
    with work_folder() as folder:
        assert list(temporary.iterdir()) == [folder]


def test_what_was_made_just_now_or_is_a_link_stays(temporary: Path) -> None:
    (temporary / "reconcile-controller-young").mkdir()
    (temporary / "elsewhere").mkdir()
    (temporary / "elsewhere/file").touch()
    (temporary / "reconcile-controller-link").symlink_to("elsewhere")
    os.utime(temporary / "reconcile-controller-link", (1e9, 1e9), follow_symlinks=False)
    with work_folder():
        pass
    assert (temporary / "reconcile-controller-young").is_dir()
    assert (temporary / "elsewhere/file").exists()
