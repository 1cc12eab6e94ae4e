"""Text from a database made safe to stand in Markdown: it can neither format, nor link, nor call anybody."""

from __future__ import annotations

import re
from collections.abc import Callable
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
_REFERENCE = re.compile(
    r"""(?i)[@#!$%&~^](?=[\w"])   # a person, an issue, a merge request, a label, an epic
    | \bGH(?=-\d)                # an issue of GitHub's
    | \[(?=\w+:)                 # [issue:1], [vulnerability:1] of GitLab's
    | \A/(?=\w)                  # a quick action of GitLab's""",
    re.VERBOSE,
)
_BACKTICKS = re.compile(r"`+")
_QUICK_ACTION = re.compile(r"^/(?=[a-z])", re.MULTILINE)
_BREAK = "\u200b"
"""A zero-width space. Entities are decoded before mentions are looked for; only a character between helps."""
_MORE = "…"


def prose(text: str) -> str:
    """The text as words of a sentence: no formatting, HTML, table border, link, mention or reference."""
    text = _AUTOLINK.sub(lambda found: f"{found[1] or found[3]}{_BREAK}{found[2] or found[4]}", visible(text))
    return _entities(_REFERENCE.sub(lambda found: found[0] + _BREAK, text))


def code(text: str) -> str:
    """The text as code, where nothing is a mention or a reference, on one line.

    Backticks read better in a mail; what could end them or a table's cell stands in an element.
    """
    shown = visible(text)
    return f"`{shown}`" if _PLAIN.match(shown) else element(text)


def element(text: str) -> str:
    """`code` that works within HTML too."""
    return f"<code>{_entities(visible(text))}</code>"


def _entities(text: str) -> str:
    return _MARKDOWN.sub(lambda found: "".join(f"&#{ord(char)};" for char in found[0]), text)


def fenced(text: str, language: str = "") -> str:
    """The text as a code block whose fence is longer than any run of backticks in it.

    A line that starts as a quick action is moved by a space: GitLab has taken such lines for commands where
    shorter fences stood before them.
    """
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{_QUICK_ACTION.sub(' /', text)}\n{fence}"


def within(room: int, text: str, shown: Callable[[str], str] = prose) -> str:
    """The text as `shown` writes it, cut before that so that it is at most `room` characters long."""
    whole = shown(text)
    if len(whole) <= room:
        return whole
    fits, too_many = 0, len(text)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if len(shown(text[:middle] + _MORE)) <= room:
            fits = middle
        else:
            too_many = middle
    return shown(text[:fits] + _MORE)


def in_comment(text: str) -> str:
    """The text inside an HTML comment, which it cannot end; equal exactly for equal texts."""
    return percent_encoded(text, safe="/:._").replace("--", "-%2D")
