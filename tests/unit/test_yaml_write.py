"""Writing YAML: what is written reads back the same, in one layout; existing files keep what still holds."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.engine.yaml import reader
from reconciler.engine.yaml.merge import merge_into_existing
from reconciler.engine.yaml.reader import read
from reconciler.engine.yaml.writer import canonical, dump

pytestmark = pytest.mark.quick

NASTY = """\
# #a a# a:b a:_b a:: - -- --- -a ... ...a ? ?a : :a , [ ] { } [a] {a:1} & &a * *a ! !a | |- > >- %
%a @ ` ' " '' "" 'a' "a" a'b a"b \\ \\d \\n ~ null Null NULL true True false yes No on OFF y N = <<
0 00 012 1 -1 +1 1.5 1. .5 1e3 1.0e+3 0x1f 0o17 0b1 1_000 _1 1:30 12:30:45 190:20:30.15 2024-01-01
2024-1-1T1:2:3Z .inf -.Inf .nan . .. () (a )a numeric(12, 2) a,b 9a é 日本 \U0001f600 \u200b \u202e
\x01 \x07 \x1b \x7f \x85 \xa0 \u2028 \u2029 \ufeff \ufffe \t $$ $body$ now()::text 'x'::text
'{}'::jsonb E'\\n' 0.1 1e400 1.0 -0 -0.0 - # <<a =a""".replace("\n", " ").split(" ")
WORDS = [
    "",
    " ",
    "  ",
    "\n",
    "\r",
    "\t",
    "\r\n",
    "\n\n",
    "a ",
    " a",
    "a\n",
    "a: b",
    "a #b",
    "- a",
    "? a",
    *NASTY,
]

texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
    st.lists(st.sampled_from(WORDS), max_size=6).map("".join),
    st.text(alphabet="a \n\t#", max_size=12),
)
scalars = st.one_of(
    texts, st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
mappings = st.dictionaries(texts, values, max_size=5)


def read_back(text: str) -> Any:
    found = read(text, "f")
    assert found.problems == (), text
    return None if found.root is None else found.root.data


@given(mappings, st.booleans())
@settings(max_examples=600)
@example({"a": {"b": "x\n\n", "c": {"d": "y\n\n\n"}}, "e": "\n x\n"}, True)
@example({"a": [[[1], "  x\ny"], [{"k": "\tx\n", "": []}]], "b" * 2000: {"c" * 2000: 1}}, False)
@example({word: [word, {word: word + "\n" + word}] for word in WORDS}, True)
def test_what_is_written_reads_back_the_same(data: dict[str, Any], spaced: bool) -> None:
    text = dump(data, spaced=spaced)
    assert canonical(read_back(text)) == canonical(data)
    assert list(read_back(text)) == list(data)
    assert dump(read_back(text), spaced=spaced) == text


@given(mappings)
@settings(max_examples=300)
@example({word: [word] for word in WORDS})
@example({"a": [1e16, 1.5e-7, 5e-324, -0.0]})
def test_a_reader_of_yaml_1_1_agrees(data: dict[str, Any]) -> None:
    assert canonical(yaml.safe_load(dump(data))) == canonical(data)
    assert canonical(yaml.load(dump(data), Loader=yaml.CSafeLoader)) == canonical(data)


@given(mappings)
@settings(max_examples=100)
def test_our_reader_agrees_without_libyaml(data: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_Loader", yaml.SafeLoader)
        assert canonical(read_back(dump(data))) == canonical(data)


def test_the_layout() -> None:
    data = {
        "schema": "public",
        "enums": {"user_type": ["customer", "team_member"], "odd": ["a, b", "c"]},
        "tables": {
            "users": {
                "comment": "Everyone: all",
                "columns": {
                    "id": {"type": "uuid", "not_null": True, "default": "gen_random_uuid()"},
                    "kind": {"type": "text", "default": "'customer'"},
                    "balance": {"type": "numeric(12, 2)", "not_null": True},
                    "phone": "text",
                    "on": {"type": "text", "transition": {"backfill_value": "0"}},
                },
                "primary_key": ["id"],
                "checks": {"users_phone_check": "phone ~ '^[+0-9 ]+$'", "x": "a = '\\d: '"},
                "foreign_keys": {
                    "fk": {"columns": ["org_id"], "references": "orgs(id)", "on_delete": "cascade"}
                },
                "options": {},
            },
            "tags": {"columns": {"id": "int"}},
        },
        "functions": {"touch(integer, text)": {"returns": "trigger", "body": "begin\n  return new;\nend\n"}},
    }
    assert dump(data, "Written by pull.\n\nEdit freely.", block_keys={"columns", "checks"}) == LAYOUT
    assert read_back(LAYOUT) == data


LAYOUT = """\
# Written by pull.
#
# Edit freely.

schema: public

enums:
  user_type: [customer, team_member]

  odd:
    - a, b
    - c

tables:
  users:
    comment: "Everyone: all"
    columns:
      id: {type: uuid, not_null: true, default: gen_random_uuid()}
      kind: {type: text, default: "'customer'"}
      balance:
        type: numeric(12, 2)
        not_null: true
      phone: text
      "on":
        type: text
        transition: {backfill_value: "0"}
    primary_key: [id]
    checks:
      users_phone_check: phone ~ '^[+0-9 ]+$'
      x: 'a = ''\\d: '''
    foreign_keys:
      fk: {columns: [org_id], references: orgs(id), on_delete: cascade}
    options: {}

  tags:
    columns:
      id: int

functions:
  touch(integer, text):
    returns: trigger
    body: |
      begin
        return new;
      end
"""


def test_flow_gives_way_to_block_at_the_width() -> None:
    fits = {"a": {"b": ["x" * 20] * 4}}
    assert dump(fits) == "a:\n  b: [" + ", ".join(["x" * 20] * 4) + "]\n"
    long = {"a": {"b": ["x" * 20] * 5}}
    assert dump(long) == "a:\n  b:\n" + ("    - " + "x" * 20 + "\n") * 5


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a\nb", "k: |-\n  a\n  b\n"),
        ("a\nb\n", "k: |\n  a\n  b\n"),
        ("a\n\n", "k: |+\n  a\n\n"),
        (" a\nb\n", "k: |2\n   a\n  b\n"),
        ("\n\ta", "k: |2-\n\n  \ta\n"),
        ("a \nb\t\n", "k: |\n  a \n  b\t\n"),
        ("a\r\nb\n", 'k: "a\\r\\nb\\n"\n'),
        ("a\u202eb\nc", 'k: "a\\u202eb\\nc"\n'),
        ("\n\n", 'k: "\\n\\n"\n'),
        ("# a\n--- b\n", "k: |\n  # a\n  --- b\n"),
    ],
)
def test_text_of_several_lines(text: str, written: str) -> None:
    assert dump({"k": text}) == written
    assert read_back(written) == {"k": text}


def test_what_yaml_cannot_hold_is_an_error() -> None:
    for bad in ("\ud800", "a\n\udfff"):
        with pytest.raises(ValueError, match="surrogate"):
            dump({"a": bad})
    with pytest.raises(ValueError, match="inf"):
        dump({"a": float("inf")})
    with pytest.raises(TypeError, match="bytes"):
        dump({"a": b"x"})
    with pytest.raises(TypeError, match="keys are strings"):
        dump({"a": {1: 2}})


def test_a_number_keeps_the_spelling_it_was_read_with() -> None:
    assert dump(read_back("a: 1.50\nb: 1.0e+2\n")) == "a: 1.50\nb: 1.0e+2\n"


def test_types_count_when_data_is_compared() -> None:
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})
    values_apart: list[Any] = [1, True, 1.0, "1", "true", None, "null", [], {}, ""]
    assert len({canonical(value) for value in values_apart}) == len(values_apart)


EXISTING = """\
# Owned by the web team.

schema: public  # ours

# The tables.
tables:

  # Everyone who can sign in.
  users:
    columns:
      id:   {type: uuid}   # never an integer
      mail: text
    # inner comment
    primary_key:   [id]

  # Old.
  logs: {comment: x}

  # Organisations.
  orgs:
    comment: |
      # not a comment
    columns: {id: uuid}
  # the end of the tables

views:
  v: {query: select 1}
# the end
"""


def _existing() -> dict[str, Any]:
    found: dict[str, Any] = read_back(EXISTING)
    return found


def test_merging_the_same_data_changes_no_byte() -> None:
    assert merge_into_existing(EXISTING, _existing()) == EXISTING
    crlf = EXISTING.replace("\n", "\r\n")
    assert merge_into_existing(crlf, _existing()) == crlf


def test_a_changed_entry_is_rewritten_and_all_else_kept() -> None:
    data = _existing()
    data["tables"]["logs"]["comment"] = "z"
    assert merge_into_existing(EXISTING, data) == EXISTING.replace("logs: {comment: x}", "logs: {comment: z}")
    data["tables"]["orgs"] = ["z"]
    merged = merge_into_existing(EXISTING, data)
    assert "  # Organisations.\n  orgs: [z]\n  # the end of the tables\n\nviews:" in merged
    assert "# not a comment" not in merged
    assert "never an integer" in merged


def test_within_a_changed_entry_all_else_is_kept_too() -> None:
    data = _existing()
    users = data["tables"]["users"]
    users["columns"]["mail"] = {"type": "citext"}
    users["primary_key"] = ["mail"]
    changed = EXISTING.replace("mail: text", "mail: {type: citext}").replace("   [id]", " [mail]")
    assert merge_into_existing(EXISTING, data) == changed
    users["columns"]["id"] = {"type": "bigint"}
    users["columns"] = {"first": "text", "id": users["columns"]["id"], "between": "text", "mail": "text"}
    assert """
    columns:
      first: text
      id: {type: bigint}   # never an integer
      between: text
      mail: text
    # inner comment
    primary_key: [mail]
""" in merge_into_existing(EXISTING, data)


def test_an_objects_keys_keep_their_order_and_what_they_hold_follows_the_data() -> None:
    existing = """\
tables:
  t:
    unlogged: true
    columns:
      # second
      b: text
      # first
      a: text
"""
    data = {"tables": {"t": {"comment": "x", "columns": {"a": "text", "b": "int"}, "unlogged": True}}}
    assert (
        merge_into_existing(existing, data)
        == """\
tables:
  t:
    comment: x
    unlogged: true
    columns:
      # first
      a: text
      # second
      b: int
"""
    )


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("a: 'it # is'  # why", "a: 2  # why"),
        ("a: 1#2", "a: 2"),
        ('a: "#"', "a: 2"),
        ("a: # why", "a: 2 # why"),
        ("a: &x 1 # why", "a: 2 # why"),
    ],
)
def test_the_comment_at_the_end_of_a_changed_line_stays(line: str, kept: str) -> None:
    assert merge_into_existing(f"t:\n  o:\n    {line}\n", {"t": {"o": {"a": 2}}}) == f"t:\n  o:\n    {kept}\n"


def test_removed_entries_go_with_their_comments_and_new_ones_are_appended() -> None:
    data = _existing()
    del data["tables"]["logs"]
    data["tables"]["more"] = {"columns": {"id": "uuid"}, "primary_key": ["id"]}
    data["enums"] = {"e": ["a"]}
    del data["views"]
    merged = merge_into_existing(EXISTING, data)
    assert read_back(merged) == data
    assert "Old." not in merged
    assert "views" not in merged
    assert "  more:\n    columns: {id: uuid}\n    primary_key: [id]\n" in merged
    assert merged.endswith("enums:\n  e: [a]\n")
    assert "# the end\n" in merged
    assert "never an integer" in merged


def test_a_file_with_other_layout_keeps_its_head_comment() -> None:
    assert merge_into_existing("# mine\n{a: {b: 1}}\n", {"a": {"b": 2}}) == "# mine\n\na:\n  b: 2\n"
    assert merge_into_existing("# mine\na: [\n", {"a": {"b": 2}}) == "# mine\n\na:\n  b: 2\n"
    assert merge_into_existing("# mine\n", {"a": {"b": 2}}) == "# mine\n\na:\n  b: 2\n"
    assert merge_into_existing("", {"a": {"b": 2}}) == "a:\n  b: 2\n"
    assert read_back(merge_into_existing("a: &x {b: 1}\nc: *x\n", {"c": {"b": 1}})) == {"c": {"b": 1}}


def test_the_caller_may_say_what_is_the_same() -> None:
    data = {"tables": {"t": {"columns": {"a": {"type": "text"}}}}}
    existing = "tables:\n  t:\n    columns: {a: text} # short\n"
    assert merge_into_existing(existing, data, same=lambda path, *_: path == ("tables", "t")) == existing
    assert "short" not in merge_into_existing(existing, data)


few_keys = st.sampled_from("abc")
levels = st.dictionaries(
    few_keys,
    st.dictionaries(few_keys, st.dictionaries(few_keys, st.dictionaries(few_keys, values) | values) | values)
    | scalars,
)


@given(levels, levels, st.booleans())
@settings(max_examples=300)
def test_merging_always_gives_the_new_data(old: dict[str, Any], new: dict[str, Any], in_blocks: bool) -> None:
    merged = merge_into_existing(dump(old, block_keys="abc" if in_blocks else ()), new)
    assert canonical(read_back(merged)) == canonical(new)
