"""Made-up rows, to prove that a plan keeps the rows it says it keeps.

`seed` fills the tables of a database; `count_and_digest` takes evidence of the rows before and after a plan
runs; `lost` and `gone` compare the two. No row's value ever appears in what these return.
"""

from __future__ import annotations

from reconciler.engine.prove.seed.evidence import ColumnEvidence, RowEvidence, count_and_digest, gone, lost
from reconciler.engine.prove.seed.fill import SeedReport, Unseeded, seed

__all__ = [
    "ColumnEvidence",
    "RowEvidence",
    "SeedReport",
    "Unseeded",
    "count_and_digest",
    "gone",
    "lost",
    "seed",
]
