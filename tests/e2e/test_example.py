"""The example in schema/ and its chain in plans/: what a newcomer looks at must hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.cli import main

ROOT = Path(__file__).parents[2]


@pytest.mark.quick
def test_the_chain_is_whole() -> None:
    from reconciler.engine.chain import chain

    folder = ROOT / "plans" / "dev"
    assert [link.slug for link in chain.read_chain(folder)]
    assert chain.verify_chain(folder) == ()


def test_the_chain_leads_to_the_schema(
    database: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    url = database()
    for file in sorted((ROOT / "plans" / "dev").glob("*.plan.yaml")):
        assert main(["apply", str(file), "--url", url]) == 0, capsys.readouterr().err
    assert main(["plan", "--url", url, "--schema", str(ROOT / "schema"), "--detailed-exitcode"]) == 0
