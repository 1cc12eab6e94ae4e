"""Reading YAML: what plain scalars mean, what is refused and how, and where every fault stands."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.document import Position
from reconciler.engine.yaml import reader
from reconciler.engine.yaml.reader import MOST_NESTED, Read, read, read_file, read_folder

pytestmark = pytest.mark.quick


def data_of(text: str) -> Any:
    found = read(text, "f.yaml")
    assert found.problems == ()
    return None if found.root is None else found.root.data


def places(found: Read) -> list[tuple[int, int]]:
    return [(problem.line, problem.column) for problem in found.problems]


def only(text: str) -> tuple[int, int, str, str]:
    """Line, column, message and hint of the one problem that the text has."""
    (problem,) = read(text, "f.yaml").problems
    assert problem.file == "f.yaml"
    return problem.line, problem.column, problem.message, problem.hint or ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-17", -17),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("text", "text"),
        ('"true"', "true"),
        ("'012'", "012"),
        ('"yes"', "yes"),
        ("gen_random_uuid()", "gen_random_uuid()"),
        ("now()::text", "now()::text"),
        ("1.2.3", "1.2.3"),
        ("10 days", "10 days"),
        ("-", "-"),
        ("tRuE", "tRuE"),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    read_value = data_of(f"a: {text}" if text != "-" else 'a: "-"')["a"]
    assert read_value == value
    assert isinstance(read_value, type(value))


@pytest.mark.parametrize("word", ["yes", "No", "ON", "off", "y", "N", "oFF"])
def test_a_bare_yes_or_no_is_refused_with_both_ways_out(word: str) -> None:
    line, column, message, hint = only(f"a: {word}\n")
    assert (line, column) == (1, 4)
    assert f"`{word}`" in message
    assert f'"{word}"' in hint
    assert "true" in hint or "false" in hint


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-01",
        "2024-01-01 12:00:00",
        "12:30",
        "12:30:45",
        "012",
        "-07",
        "00.5",
        "1_000",
        "1_0.5",
        "0x1F",
        "0o17",
        "0b11",
        ".inf",
        "-.INF",
        ".nan",
        "9" * 5000,
    ],
)
def test_what_yaml_readers_disagree_on_is_refused_and_quoting_mends_it(text: str) -> None:
    line, column, _, hint = only(f"a: {text}\n")
    assert (line, column) == (1, 4)
    assert "quote it" in hint
    assert data_of(f'a: "{text}"') == {"a": text}


def test_keys_are_always_text() -> None:
    assert data_of("on: 1\nyes: 2\n012: 3\nnull: 4\n2024-01-01: 5\n'': 6\n") == {
        "on": 1,
        "yes": 2,
        "012": 3,
        "null": 4,
        "2024-01-01": 5,
        "": 6,
    }


def test_the_spelling_of_numbers_and_nulls_is_kept() -> None:
    root = read("a: 1.50\nb: null\nc: +5\nd: 123456789012345678901234.5\ne: \nf: '7'\n", "f").root
    assert root is not None
    assert [root.text((key,)) for key in "abcdef"] == [
        "1.50",
        "null",
        "+5",
        "123456789012345678901234.5",
        "",
        "7",
    ]
    assert repr(root.data["d"]) == "123456789012345678901234.5"
    assert repr(pickle.loads(pickle.dumps(root.data["a"]))) == "1.50"
    assert root.text(()) is None
    assert root.text(("nowhere",)) is None


def test_every_key_and_value_has_its_place() -> None:
    root = read(
        "tables:\n  users:\n    columns:\n      id: {type: uuid}\n    pk:\n      - id\n      - b\n", "f.yaml"
    ).root
    assert root is not None
    path = ("tables", "users", "columns", "id", "type")
    assert root.key_position(path) == Position("f.yaml", 4, 12)
    assert str(root.value_position(path)) == "f.yaml:4:18"
    assert root.value_position(("tables", "users", "pk", 1)) == Position("f.yaml", 7, 9)
    assert root.key_position(("tables", "users", "pk", 1)) == Position("f.yaml", 7, 9)
    assert root.key_position((*path, "deeper", 3)) == root.key_position(path)
    users = root.at("tables", "users")
    assert users is not None
    assert [key for key, _ in users.items()] == ["columns", "pk"]
    listed = users.at("pk")
    assert listed is not None
    assert [(item.data, item.spot.line) for item in listed.elements()] == [("id", 6), ("b", 7)]
    assert users.at("pk", 2) is None


def test_a_duplicate_key_names_both_places_and_the_first_counts() -> None:
    found = read("t:\n  a: 1\n  b: 2\n  a: 3\n", "f.yaml")
    (problem,) = found.problems
    assert (problem.line, problem.column) == (4, 3)
    assert "f.yaml:2:3" in problem.message
    assert found.root is not None
    assert found.root.data == {"t": {"a": 1, "b": 2}}


def test_one_reading_finds_every_fault() -> None:
    found = read("a: no\nb: 012\nc: !x y\na: 1\n<<: {}\nd: {e, f: numeric(12, 2)}\n", "f")
    assert places(found) == [(1, 4), (2, 4), (3, 4), (4, 1), (5, 1), (6, 5), (6, 11)]


def test_a_comma_inside_braces_is_pointed_out() -> None:
    line, column, message, hint = only("a: {type: numeric(12, 2), x: 1}")
    assert (line, column) == (1, 11)
    assert "numeric(12" in message
    assert "quote" in hint
    assert data_of('a: {type: "numeric(12, 2)"}\nb: numeric(12, 2)\nc: [lower(x)]') == {
        "a": {"type": "numeric(12, 2)"},
        "b": "numeric(12, 2)",
        "c": ["lower(x)"],
    }


def test_a_second_document_is_refused() -> None:
    assert only("a: 1\n---\nb: 2\n")[:2] == (2, 1)
    assert data_of("---\na: 1\n...\n") == {"a": 1}


@pytest.mark.parametrize(
    "text", ["a: !x y", "a: ! z", "a: !!str 1", "a: !!python/object:os.system {}", "!x a: 1"]
)
def test_tags_are_refused(text: str) -> None:
    assert "tag" in only(text)[2]


def test_aliases_stand_for_what_they_name() -> None:
    found = read("a: &x {b: 1.50}\nc: *x\nd: &y text\ne: *y\n", "f")
    assert found.problems == ()
    assert found.root is not None
    assert found.root.data == {"a": {"b": 1.5}, "c": {"b": 1.5}, "d": "text", "e": "text"}
    assert str(found.root.value_position(("c",))) == "f:2:4"
    assert found.root.text(("c", "b")) == "1.50"


@pytest.mark.parametrize(
    ("text", "place"),
    [("a: *x", (1, 4)), ("a: &x [*x]", (1, 8)), ("a: &x 1\n<<: *x", (2, 1)), ("k: &x b\n*x : 1", (2, 1))],
)
def test_aliases_that_make_no_sense_are_refused(text: str, place: tuple[int, int]) -> None:
    assert only(text)[:2] == place


def test_a_yaml_bomb_is_refused() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    assert "aliases" in only("\n".join(rows))[2]


def test_deep_nesting_is_refused_with_and_without_aliases() -> None:
    deep = "[" * (MOST_NESTED - 1) + "]" * (MOST_NESTED - 1)
    assert read(f"a: {deep}", "f").problems == ()
    assert "nesting" in only(f"a: [{deep}]")[2]
    assert "nesting" in only("a: " + "[" * 400 + "]" * 400 + "\nb: 1")[2]
    assert "nesting" in only(f"a: &x {deep}\nb: [*x]")[2]


@pytest.mark.parametrize(
    ("text", "place", "says", "hint"),
    [
        ("a:\n\tb: 1", (2, 1), "tab", "spaces"),
        ("a: 1\n\tb: 2", (2, 1), "tab", "spaces"),
        ("a:\n  b: |\n\tx", (3, 1), "tab", "spaces"),
        ("a: b: c", (1, 5), "colon", "quotes"),
        ("a: @x", (1, 4), "`@`", "quotes"),
        ("a: *", (1, 5), "`*`", "quotes"),
        ("a: &", (1, 5), "`&`", "quotes"),
        ("a: 'x'::text", (1, 7), "closing quote", "'a'::text"),
        ("a: {b: 'x'::text}", (1, 11), "closing quote", "'a'::text"),
        ("a: [1] b", (1, 8), "closing `]`", "quotes"),
        ('a: "\\d"', (1, 5), "backslash", "single quotes"),
        ("b: 1\na: 'x\n\n", (2, 4), "never closed", "close"),
        ("a: {b: 1\nc: 2", (2, 2), "line 1", "close"),
        ("a: [b", (2, 1), "line 1", "close"),
        ("a:\n    b: 1\n  c: 2", (3, 3), "line 1", "align"),
        ("a:\n - b\n c: d", (3, 2), "line 2", "align"),
        ("a: 1\nfoo\nb: 2", (2, 1), "`:`", "key: value"),
        ("a: |x\n  b", (1, 5), "text block", "next line"),
        ("a: - b", (1, 4), "list", "next line"),
        ("a: \x00", (1, 4), "U+0000", "x00"),
        ("a: 1\nb: \x1b", (2, 4), "U+001B", "x1b"),
        ("a: \ud800", (1, 4), "U+D800", ""),
        ('a: "\\ud800"', (1, 7), "escape", ""),
    ],
)
def test_broken_syntax_is_told_in_plain_words(
    text: str, place: tuple[int, int], says: str, hint: str
) -> None:
    found = only(text)
    assert found[:2] == place
    assert says in found[2]
    assert hint in found[3]


def test_a_character_that_postgresql_cannot_hold_is_refused() -> None:
    found = read('a: "x\\0y"\n"b\\0": 1\nc: 2\n', "f.yaml")
    assert places(found) == [(1, 4), (2, 1)]
    assert "NUL" in found.problems[0].message
    assert found.root is not None
    assert "c" in found.root.data


def test_only_text_is_a_key() -> None:
    assert "{{ name }}" in only("a: {{ name }}\n")[3]
    assert "plain text" in only("? [a, b]\n: c\n")[2]
    for text in (": x\n", "{: x}\n", "?\n: x\n"):
        assert "key is missing" in only(text)[2]
    assert "value is missing" in only("a: [,]\n")[2]


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "\ufeff"])
def test_an_empty_file_is_fine(text: str) -> None:
    assert read(text, "f") == Read("f", None)


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    found = read("\ufeffa: |\r\n  x\r\n  y\r\nb: no\r\n", "f")
    assert found.root is not None
    assert found.root.data["a"] == "x\ny\n"
    assert places(found) == [(4, 4)]
    assert places(read("\ufeff\x01", "f")) == [(1, 1)]


def test_secrets_are_not_repeated() -> None:
    _, _, message, hint = only("password: 0123\n")
    assert "0123" not in message + hint


def test_it_reads_the_same_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &x [1, 'b']\nb: {c: *x, d: no}\ne: |\n  t\ne: 2\n"
    fast = read(text, "f")
    monkeypatch.setattr(reader, "_Loader", yaml.SafeLoader)
    assert read(text, "f") == fast
    assert [problem.message for problem in read("a:\n\tb", "f").problems] == [
        "a tab indents this line; YAML allows only spaces"
    ]
    assert only("a: \x01")[:2] == (1, 4)


@given(st.text(alphabet="ab:-?[]{}#&*!|>'\"%@`,\n \t\x01\u2028<", max_size=40))
def test_reading_never_raises(text: str) -> None:
    found = read(text, "f")
    assert all(problem.line >= 1 and problem.column >= 1 for problem in found.problems)


def test_files_that_cannot_be_read_are_problems(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("a: 1\nb: ü".encode() + b"\xe9")
    (problem,) = read_file(latin).problems
    assert (problem.file, problem.line, problem.column) == (str(latin), 2, 5)
    assert "UTF-8" in problem.message
    assert "folder" in read_file(tmp_path).problems[0].message
    assert "no such file" in read_file(tmp_path / "absent.yaml").problems[0].message


def test_a_folder_is_read_in_order_without_what_is_hidden(tmp_path: Path) -> None:
    for name in ["b.yaml", "a.yml", "sub/c.YAML", ".git/d.yaml", ".e.yaml", "f.sql", "..data/m.yaml"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a: 1\n")
    (tmp_path / "m.yaml").symlink_to("..data/m.yaml")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    (tmp_path / "broken.yaml").symlink_to("nowhere")
    found = read_folder(tmp_path)
    assert [os.path.relpath(each.file, tmp_path) for each in found] == [
        "a.yml",
        "b.yaml",
        "broken.yaml",
        "m.yaml",
        "sub/c.YAML",
    ]
    assert [each.file for each in found if each.problems] == [str(tmp_path / "broken.yaml")]
    assert read_folder(tmp_path / "a.yml") == [read_file(tmp_path / "a.yml")]
    assert "does not exist" in read_folder(tmp_path / "absent")[0].problems[0].message
    (tmp_path / "empty").mkdir()
    assert read_folder(tmp_path / "empty") == []


def test_a_pipe_in_a_folder_is_told_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "tables.yaml").write_text("tables: {}\n")
    pipe, tables = read_folder(tmp_path)
    assert [problem.message for problem in pipe.problems] == ["is a pipe or a device, expected a file"]
    assert tables.root is not None
