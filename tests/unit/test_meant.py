"""What a text can mean, and what it surely does not."""

from __future__ import annotations

import pytest

from reconciler.app.kind_discovery import registry
from reconciler.core.ident import ObjectId
from reconciler.engine.catalog.text_names import meant, said

pytestmark = pytest.mark.quick

TOTAL = ObjectId("function", ("app", "total(integer)"))
MOST = ObjectId("aggregate", ("app", "most(anyelement)"))
QUOTED = ObjectId("function", ("app", '"Total""s"(integer)'))
COUNTER = ObjectId("sequence", ("app", "orders_id_seq"))
SECOND = ObjectId("sequence", ("app", "orders_id_seq1"))
CUT = ObjectId("sequence", ("app", f"{'o' * 58}_seq"))
TYPE = ObjectId("enum", ("app", "mood"))
OPERATOR = ObjectId("operator", ("app", "===(integer, integer)"))
ALWAYS = {QUOTED, CUT, TYPE, OPERATOR}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", set()),
        ("total", {TOTAL}),
        ("APP.Total (1)", {TOTAL}),
        ("subtotals", {TOTAL}),  # more than it means, and no harm
        ("tot al", set()),
        ("max(most)", {MOST}),
        ("nextval('app.orders_id_seq')", {COUNTER, SECOND}),
        ("orders_id", {COUNTER, SECOND}),
        (r'U&"t\006ftal"(1)', {TOTAL, MOST, COUNTER, SECOND}),
        (r"(e'to\164al')::regproc", {TOTAL, MOST, COUNTER, SECOND}),
        ("'value' = e", set()),
    ],
)
def test_a_name_in_the_text_is_meant(text: str, found: set[ObjectId]) -> None:
    candidates = {TOTAL, MOST, QUOTED, COUNTER, SECOND, CUT, TYPE, OPERATOR}
    assert meant(said(["a", text]), candidates, registry()) - ALWAYS == found
    assert meant(said([text]), candidates, registry()) >= ALWAYS
