"""Broken YAML syntax in plain words: what PyYAML's parser says, rephrased, with the way out."""

from __future__ import annotations

import re

import yaml

from reconciler.core.errors import Problem

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_QUOTE_IT = "put the whole value in quotes"
_SYNTAX: tuple[tuple[str, str, str | None], ...] = (
    ("tab character", "a tab indents this line; YAML allows only spaces", "replace the tab by spaces"),
    (
        "mapping values are not allowed",
        "a colon and a space inside an unquoted value, or a line that is indented too far",
        _QUOTE_IT + ", or align the line with its neighbours",
    ),
    (
        "unknown escape character",
        "double quotes give a backslash a meaning, and this one has none",
        "use single quotes, where a backslash stands for itself",
    ),
    ("unexpected end of stream", "the quote that opens here is never closed", "close it"),
    ("document indicator", "the quote that opens here is never closed", "close it"),
    ("block sequence entries", "a list begins on the line after its key", "move the `- ` to the next line"),
    ("expected node content", "a value is missing here", None),
    ("Unicode character escape", "this escape names no character", None),
    (
        "could not find expected ':'",
        "this line has no `:` after its key",
        "write `key: value`, or indent the line",
    ),
    (
        "comment or line break",
        "a text block begins on the line after `|` or `>`",
        "move the text to the next line",
    ),
    (
        "',' or '}'",
        "the `{` that opens at line {context} is not closed before this",
        "close it; " + _QUOTE_IT,
    ),
    (
        "',' or ']'",
        "the `[` that opens at line {context} is not closed before this",
        "close it; " + _QUOTE_IT,
    ),
    (
        "expected key",
        "this line does not fit the indentation of the block that starts at line {context}",
        "align it with the keys of that block",
    ),
    (
        "expected '-' indicator",
        "a key among the `- ` items of the list that starts at line {context}",
        "align it with the keys above the list, or indent it under an item",
    ),
    (
        "expected <document start>",
        "text after the end of the document, or a line that is not indented like its neighbours",
        "align it with the keys above",
    ),
)
_AT_CONTEXT = ("unexpected end of stream", "document indicator", "could not find expected ':'")


def syntax_problem(error: Exception, text: str, file: str) -> Problem:
    """What PyYAML (or the encoder before it) could not read, rephrased. `text` is without byte order mark."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None or not isinstance(error, yaml.MarkedYAMLError):
        return _unprintable(text, file)
    context = error.context_mark
    said = str(error.problem)
    if context is not None and any(part in said for part in _AT_CONTEXT):
        mark = context
    lines = text.split("\n")
    line = lines[mark.line] if mark.line < len(lines) else ""
    message, hint = _rephrased(said, str(error.context), line, mark.column)
    where = "" if context is None else str(context.line + 1)
    return Problem(file, mark.line + 1, mark.column + 1, None, message.replace("{context}", where), hint)


def _rephrased(said: str, context: str, line: str, column: int) -> tuple[str, str | None]:
    at = line[column : column + 1]
    if at == "\t" and "scanning" in context:
        return _SYNTAX[0][1:]
    if "cannot start any token" in said:
        return f"a value cannot start with `{at}`", _QUOTE_IT
    if "scanning an alias" in context or "scanning an anchor" in context:
        return (
            f"`{'*' if 'alias' in context else '&'}` at the start of a value has a meaning in YAML",
            _QUOTE_IT,
        )
    if "tag" in context:
        return "`!` at the start of a value has a meaning in YAML", _QUOTE_IT
    before = line[:column].rstrip()
    if "expected" in said and at == ":" and before[-1:] in ("", "{", "[", ","):
        return "a key is missing before `:`", None
    if "expected" in said and before[-1:] in ("'", '"') and at:
        return "text follows the closing quote", _QUOTE_IT + ": \"'a'::text\""
    if "expected" in said and before[-1:] in ("]", "}") and at:
        return f"text follows the closing `{before[-1]}`", _QUOTE_IT
    for part, message, hint in _SYNTAX:
        if part in said:
            return message, hint
    return said, None


def _unprintable(text: str, file: str) -> Problem:
    found = _UNPRINTABLE.search(text)
    if found is None:
        return Problem(file, 1, 1, None, "this is not YAML", None)
    before = text[: found.start()]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    code = ord(found.group())
    hint = f'in double quotes, write it as "\\x{code:02x}"' if code <= 0xFF else None
    return Problem(file, line, column, None, f"the character U+{code:04X} cannot stand in YAML", hint)
