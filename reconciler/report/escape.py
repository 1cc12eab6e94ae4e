"""Text from a database made safe to stand in Markdown: it can neither format, nor link, nor call anybody."""

from __future__ import annotations

import re
from urllib.parse import quote as percent_encoded

from reconciler.report.words import visible

_PLAIN = re.compile(r"[\w.,:;/()\[\]{}@+*=~#%^!?'\"-]+( [\w.,:;/()\[\]{}@+*=~#%^!?'\"-]+)*\Z")
_MARKDOWN = re.compile(
    r"""[\\`*\[\]<>|~&$#]         # formats, links, quotes HTML or ends a cell wherever it stands
    | (?<![^\W_])_ | _(?![^\W_])  # inside a word it is only a character
    | \A[-+=] | \A[0-9]+[.)]     # makes a list or a heading at the start""",
    re.VERBOSE,
)
_AUTOLINK = re.compile(r"(?i)(https?|ftp|mailto|xmpp)(:)|\b(www)(\.)")
_REFERENCE = re.compile(r"@(?=[\w])")
_BACKTICKS = re.compile(r"`+")
_BREAK = "\u200b"
"""A zero-width space. Entities are decoded before mentions are looked for; only a character between helps."""


def prose(text: str) -> str:
    """The text as words of a sentence: no formatting, HTML, table border, link, mention or reference."""
    text = _AUTOLINK.sub(lambda found: f"{found[1] or found[3]}{_BREAK}{found[2] or found[4]}", visible(text))
    text = _entities(text)
    return _REFERENCE.sub("@" + _BREAK, text).replace("&#35;", f"&#35;{_BREAK}")


def code(text: str) -> str:
    """The text as code, where nothing is a mention or a reference, on one line.

    Backticks read better in a mail; what could end them or a table's cell stands in an element.
    """
    shown = visible(text)
    return f"`{shown}`" if _PLAIN.match(shown) else f"<code>{_entities(shown)}</code>"


def _entities(text: str) -> str:
    return _MARKDOWN.sub(lambda found: "".join(f"&#{ord(char)};" for char in found[0]), text)


def fenced(text: str, language: str = "") -> str:
    """The text as a code block whose fence is longer than any run of backticks in it."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def in_comment(text: str) -> str:
    """The text inside an HTML comment, which it cannot end; equal exactly for equal texts."""
    return percent_encoded(text, safe="/:._").replace("--", "-%2D")
