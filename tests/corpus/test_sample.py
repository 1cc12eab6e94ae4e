"""A sample of the corpus with the product; the whole of it: python -m tests.corpus.runner."""

from __future__ import annotations

import itertools
import os

import pytest

from tests.corpus import oracle
from tests.corpus.play import Bench
from tests.corpus.product import InProcess
from tests.corpus.servers import NoServer, ServerSource

EVERY = int(os.environ.get("RECONCILE_CORPUS_EVERY", "200"))
"""Of the corpus's 2,203 cases each so-manieth is played."""


@pytest.mark.slow
@pytest.mark.skipif(oracle.corpus_dir() is None, reason="the corpus is not here: set RECONCILE_CORPUS")
def test_a_sample_converges() -> None:
    try:
        source = ServerSource(18)
    except NoServer as reason:
        pytest.skip(str(reason))
    try:
        bench = Bench(source, InProcess())
        chosen = itertools.islice(oracle.load_cases(18), 0, None, EVERY)
        outcomes = [bench.play(case) for case in chosen]
    finally:
        source.close()
    assert [(found.id, found.cause, found.detail) for found in outcomes if found.status == "failed"] == []
    assert any(found.status == "converged" for found in outcomes)
