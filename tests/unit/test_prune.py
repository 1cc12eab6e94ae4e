"""What nobody declares: left, dropped, or dropped with the consent of the setting."""

from __future__ import annotations

import dataclasses

import pytest

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.errors import Blocked
from reconciler.core.statement import HazardCode
from reconciler.engine.plan.planner import Context, make_plan
from reconciler.engine.plan.prune import consented, spared
from tests.unit.toys import REGISTRY, box, catalog, glass, label, mould, part

pytestmark = pytest.mark.quick

CHEST, ATTIC = box("chest"), box("attic")
LID, HINGE = part(CHEST, "lid"), part(CHEST, "hinge")


def _on(entry: Entry, *needed: Entry) -> Entry:
    return dataclasses.replace(entry, needs=frozenset(other.id for other in needed))


def _ids(found: Catalog) -> set[str]:
    return set(map(str, found.entries))


def test_never_leaves_whole_objects_with_all_they_have() -> None:
    inner = box("inner", parent=CHEST)
    current = catalog(
        CHEST, LID, HINGE, inner, part(inner, "lid"), ATTIC, door := part(ATTIC, "door"), label(door, "x")
    )
    found = spared("never", current, catalog(CHEST, LID), REGISTRY)
    assert _ids(found.desired) == _ids(current) - {str(HINGE.id)}
    assert found.left == (ATTIC.id, inner.id)
    assert found.notes[0] == "box:app.attic is not declared; it is left, as manage.prune is never"


@pytest.mark.parametrize("prune", ["ask", "always"])
def test_otherwise_nothing_is_left(prune: str) -> None:
    current, desired = catalog(CHEST, ATTIC), catalog(CHEST)
    found = spared(prune, current, desired, REGISTRY)  # type: ignore[arg-type]
    assert found.desired is desired
    assert found.notes == ()


def test_what_is_left_cannot_stand_on_what_goes() -> None:
    pane = _on(glass("pane"), HINGE)
    with pytest.raises(Blocked, match=r"glass:app.pane needs part:app.chest.hinge, which goes"):
        spared("never", catalog(CHEST, HINGE, pane), catalog(CHEST), REGISTRY)


def test_the_name_of_what_is_left_is_taken() -> None:
    with pytest.raises(Blocked, match=r"box:app.attic has the name that is declared for mould:app.attic"):
        spared("never", catalog(ATTIC), catalog(mould("attic")), REGISTRY)


def test_always_consents_to_what_goes_with_whole_objects() -> None:
    current, desired = catalog(CHEST, LID, HINGE, ATTIC), catalog(CHEST, LID)
    plan = make_plan(current, desired, REGISTRY, Context(18, ""), None)
    assert {str(hazard.object) for _, hazard in plan.blocking} == {"part:app.chest.hinge", "box:app.attic"}
    given = consented("always", plan, current, desired, REGISTRY)
    assert [str(hazard.object) for _, hazard in given.blocking] == ["part:app.chest.hinge"]
    assert [ack.code for ack in given.acks] == [HazardCode.DATA_LOSS]
    assert consented("ask", plan, current, desired, REGISTRY) is plan
