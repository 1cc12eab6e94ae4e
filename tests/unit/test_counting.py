"""Numbers with their nouns, for every kind that there is."""

from __future__ import annotations

import pytest

from reconciler.app.kind_discovery import registry
from reconciler.core.counting import counted

pytestmark = pytest.mark.quick


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (1, "index", "1 index"),
        (0, "index", "0 indexes"),
        (2, "policy", "2 policies"),
        (2, "primary key", "2 primary keys"),
        (2, "operator class", "2 operator classes"),
        (2, "statistics", "2 statistics"),
    ],
)
def test_a_noun_has_its_plural(number: int, noun: str, said: str) -> None:
    assert counted(number, noun) == said


def test_every_kind_has_one() -> None:
    plurals = [counted(2, kind.name.replace("_", " ")) for kind in registry()]
    wrong = ("sss", "xs", "lys", "icys", "ilys")
    assert [plural for plural in plurals if not plural.endswith("s") or plural.endswith(wrong)] == []
    assert [plural for plural in plurals if plural.endswith("ss")] == []
