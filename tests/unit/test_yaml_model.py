"""What a model refuses in YAML is said at the place where it stands, with what was meant."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.engine.yaml.reader import did_you_mean, problems_of, read
from reconciler.engine.yaml.validation_errors import known_names

pytestmark = pytest.mark.quick


def test_did_you_mean() -> None:
    assert did_you_mean("tpye", ["type", "default", "not_null"]) == "type"
    assert did_you_mean("NOT_NUL", ["type", "not_null"]) == "not_null"
    assert did_you_mean("xyzzy", ["type", "default"]) is None


def _faults(text: str, model: Any, *base: str) -> list[tuple[int, int, str, str | None]]:
    """Validate what stands at `base` and tell what is wrong with it."""
    import pydantic

    node = read(text, "f").root
    assert node is not None
    inner = node.at(*base)
    assert inner is not None
    with pytest.raises(pydantic.ValidationError) as raised:
        pydantic.TypeAdapter(model).validate_python(inner.data)
    found = problems_of(raised.value, base, node, model, "table public.users")
    assert {problem.object for problem in found} == {"table public.users"}
    return [(problem.line, problem.column, problem.message, problem.hint) for problem in found]


def _table_model() -> Any:
    from typing import Annotated, Literal

    from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

    class Document(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    class Column(Document):
        type: Annotated[str, BeforeValidator(lambda value: value)]
        not_null: bool = False
        on_delete: Literal["cascade", "restrict"] | None = None
        password: str | None = None
        check_: str | None = Field(default=None, alias="check")

        @model_validator(mode="after")
        def _sound(self) -> Column:
            if self.type == "nonsense":
                raise ValueError("nonsense is no type")
            return self

    class Table(Document):
        columns: dict[str, str | Column] = Field(default_factory=dict)
        primary_key: list[str] = Field(default_factory=list)
        limit: int = Field(default=0, ge=0)

    # The annotations are names of this function, which pydantic cannot find by itself.
    for model in (Column, Table):
        model.model_rebuild(_types_namespace=locals())
    return Table


def test_unknown_keys_are_compared_with_known_ones() -> None:
    text = "tables:\n  users:\n    columns:\n      id: {tpye: uuid, type: uuid}\n    colums: {}\n    zzz: 1\n"
    assert _faults(text, _table_model(), "tables", "users") == [
        (4, 12, "unknown key `tpye`", "did you mean `type`?"),
        (5, 5, "unknown key `colums`", "did you mean `columns`?"),
        (6, 5, "unknown key `zzz`", "known here: columns, limit, primary_key"),
    ]


def test_of_a_union_only_the_branch_that_was_meant_complains() -> None:
    text = "columns:\n  a: {not_null: 1, chekc: x}\n  b: 12\n  c: {type: nonsense}\n"
    text += "  d: {type: x, on_delete: cascde}\n"
    assert _faults(text, _table_model()) == [
        (2, 3, "`type` is missing", None),
        (2, 17, "said `1`, expected true or false", None),
        (2, 20, "unknown key `chekc`", "did you mean `check`?"),
        (3, 6, "said `12`, expected a string or a mapping", 'quote it: "12"'),
        (4, 6, "nonsense is no type", None),
        (5, 27, "said `cascde`, expected 'cascade' or 'restrict'", "did you mean `cascade`?"),
    ]


def test_wrong_types_are_said_with_what_was_expected() -> None:
    text = "primary_key: [1, a, {b: c}]\nlimit: -1\ncolumns: []\n"
    assert _faults(text, _table_model()) == [
        (1, 15, "said `1`, expected a string", 'quote it: "1"'),
        (1, 21, "said a mapping, expected a string", None),
        (2, 8, "the value should be greater than or equal to 0", None),
        (3, 10, "said a list, expected a mapping", None),
    ]


def test_validation_does_not_repeat_secrets_nor_what_the_reader_said() -> None:
    faults = _faults("columns:\n  a: {type: t, password: 123, not_null: yes}\n", _table_model())
    assert faults == [(2, 26, "said a number, expected a string", 'quote it: "..."')]


def test_a_long_list_of_names_begins_with_the_likeliest() -> None:
    names = [f"option_{letter}" for letter in "abcdefghijklmno"] + ["fillfactor"]
    assert known_names("fill", names).startswith("fillfactor, ")
    assert known_names("fill", names).endswith(" … and 4 more")
    assert known_names("fill", names[:12]) == ", ".join(names[:12])
