"""A fixed, well-spread sample of the cases that converge; the whole corpus: python -m tests.corpus.runner."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus import oracle
from tests.corpus.play import Bench
from tests.corpus.product import InProcess
from tests.corpus.servers import NoServer, ServerSource

SAMPLE = (Path(__file__).parent / "sample.txt").read_text().split("\n")
"""Ids of cases: a case that converged once is not lost unseen."""


@pytest.mark.slow
@pytest.mark.skipif(oracle.corpus_dir() is None, reason="the corpus is not here: set RECONCILE_CORPUS")
def test_a_sample_converges() -> None:
    try:
        source = ServerSource(18)
    except NoServer as reason:
        pytest.skip(str(reason))
    try:
        bench = Bench(source, InProcess())
        chosen = (case for case in oracle.load_cases(18) if case["id"] in SAMPLE)
        outcomes = [bench.play(case) for case in chosen]
    finally:
        source.close()
    assert [(found.id, found.cause, found.detail) for found in outcomes if found.status == "failed"] == []
    assert any(found.status == "converged" for found in outcomes)
