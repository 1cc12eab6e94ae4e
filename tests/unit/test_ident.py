"""Names and literals: there is no text that leaves its quotes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.ident import (
    ObjectId,
    bare_name,
    dollar_quoted,
    in_schema,
    literal,
    qualified,
    quote,
    split_name,
    written_bare,
    written_name,
)

_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
names = _text | st.sampled_from(
    ['"', '""', ".", "a.b", " a", "a ", "A", "select", "a:b", "'", "é", "a$", "1"]
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("users", "users"),
        ("user", '"user"'),
        ("Users", '"Users"'),
        ("a b", '"a b"'),
        ('q"q', '"q""q"'),
        ("1a", '"1a"'),
        ("a$", '"a$"'),
        ("", '""'),
        ("users\n", '"users\n"'),
    ],
)
def test_a_name_is_quoted_where_it_must_be(name: str, expected: str) -> None:
    assert quote(name) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a", "'a'"), ("it's", "'it''s'"), ("a\\b", "E'a\\\\b'"), ("\\'", "E'\\\\'''"), ("", "''")],
)
def test_a_literal_is_quoted_for_every_setting(text: str, expected: str) -> None:
    assert literal(text) == expected


@given(names)
def test_a_quoted_name_is_one_token(name: str) -> None:
    quoted = quote(name)
    assert quoted == name or (
        quoted[0] == quoted[-1] == '"' and quoted[1:-1].replace('""', "") == name.replace('"', "")
    )


@given(_text | st.sampled_from(["$$", "$body$", "$", "a$", "$$body$$body2$", "$body2$$$$body$"]))
def test_dollar_quotes_do_not_occur_inside(text: str) -> None:
    quoted = dollar_quoted(text)
    tag = quoted[: quoted.index("$", 1) + 1]
    assert quoted == f"{tag}{text}{tag}"
    assert quoted.find(tag, len(tag)) == len(quoted) - len(tag)


@given(names, names)
def test_what_a_file_writes_is_read_as_the_same_name(schema: str, name: str) -> None:
    for home in (schema, "public"):
        assert in_schema(written_name(schema, name, home), home) == (schema, name)
    assert bare_name(written_bare(name)) == name
    assert split_name(qualified(schema, name)) == (schema, name)


@given(st.lists(names, min_size=1, max_size=4))
def test_an_id_is_read_back(path: list[str]) -> None:
    id = ObjectId("table", tuple(path))
    assert ObjectId.parse(str(id)) == id


@given(st.lists(names, min_size=1, max_size=3), st.lists(names, min_size=1, max_size=3))
def test_different_ids_have_different_texts(first: list[str], second: list[str]) -> None:
    texts = {str(ObjectId("k", tuple(path))) for path in (first, second)}
    assert len(texts) == len({tuple(first), tuple(second)})


@pytest.mark.parametrize("text", ['"a', 'a"b"', "a..b", "", ".a", "a."])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        split_name(text)


def test_too_many_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="3 parts"):
        in_schema("a.b.c", "public")
    with pytest.raises(ValueError, match="expected one name"):
        bare_name('a."b"')


@pytest.mark.parametrize("text", ["users", ":users", ""])
def test_an_id_without_its_kind_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an object id"):
        ObjectId.parse(text)


def test_children_and_facets_have_ids_of_their_own() -> None:
    table = ObjectId("table", ("app", "users"))
    assert str(table.child("column", "id")) == "column:app.users.id"
    assert str(table.facet("privilege", "app.rw")) == 'privilege:table.app.users."app.rw"'
