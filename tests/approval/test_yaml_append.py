"""An item more in a list, and not a byte of the rest changed."""

from __future__ import annotations

import pytest
import yaml

from reconciler.core.errors import InvalidInput
from reconciler.engine.yaml.append import with_items

pytestmark = pytest.mark.quick

PATH = ("manage", "ignore")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "manage:\n  ignore:\n    - NEW\n"),
        ("# a comment\n", "# a comment\n\nmanage:\n  ignore:\n    - NEW\n"),
        ("a: 1", "a: 1\n\nmanage:\n  ignore:\n    - NEW\n"),
        ("manage:\n  # none\na: 1\n", "manage:\n  ignore:\n    - NEW\n  # none\na: 1\n"),
        ("manage:  # ours\n    x: 1\n", "manage:  # ours\n    ignore:\n      - NEW\n    x: 1\n"),
        ("manage: {x: 1}  # c\n", "manage: {x: 1, ignore: [NEW]}  # c\n"),
        ("manage: {}\n", "manage: {ignore: [NEW]}\n"),
        ("manage:\n  ignore: []\n", "manage:\n  ignore: [NEW]\n"),
        ("manage:\n  ignore: [a,\n    b,\n  ]\n", "manage:\n  ignore: [a,\n    b,\n  NEW]\n"),
        (
            "manage:\n  ignore:\n  - a # one\n# c\nz: 1\n",
            "manage:\n  ignore:\n  - a # one\n  - NEW\n# c\nz: 1\n",
        ),
        ("manage:\r\n  ignore:\r\n    - a", "manage:\r\n  ignore:\r\n    - a\r\n    - NEW\r\n"),
    ],
)
def test_forms(before: str, after: str) -> None:
    assert with_items(before, PATH, ["NEW"]) == after
    kept = [line for line in before.splitlines() if line.strip().startswith("#")]
    assert all(line in with_items(before, PATH, ["NEW"]).splitlines() for line in kept)


def test_several_items_are_quoted_by_the_caller() -> None:
    text = with_items("acks:\n  - {step: 1}\n", ("acks",), ['{step: 2, reason: "a: b # c"}', "{step: 3}"])
    assert yaml.safe_load(text)["acks"] == [{"step": 1}, {"step": 2, "reason": "a: b # c"}, {"step": 3}]


@pytest.mark.parametrize(
    "text",
    ["manage: 3\n", "manage:\n  ignore: word\n", "manage: {x: &a [], ignore: *a}\n", "- a\n", "a: [\n"],
)
def test_what_cannot_be_added_to_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        with_items(text, PATH, ["NEW"])
