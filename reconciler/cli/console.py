"""Where characters go: standard output for results, standard error for progress and errors."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from reconciler.core.errors import ReconcileError


def has_colour(stream: TextIO) -> bool:
    """Whether to colour: a terminal, and nobody objects (no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def can_ask() -> bool:
    """Whether a person is there to answer."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def width() -> int:
    """Columns to fill."""
    return min(shutil.get_terminal_size((100, 40)).columns, 120)


def show_json(data: Any) -> None:
    """Write plain data to standard output."""
    import json

    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n")


def show_wrapped(text: str, start: str = "") -> None:
    """A sentence after `start`, at a terminal in lines that fit it: those that follow are indented as far.

    They do not break at a no-break space, which is written as a space.
    """
    if not sys.stdout.isatty():
        show(start + text.replace("\N{NO-BREAK SPACE}", " "))
        return
    import textwrap

    rest = " " * (len(start) or 2)
    shown = textwrap.fill(
        text, width(), initial_indent=start, subsequent_indent=rest, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
    show(shown.replace("\N{NO-BREAK SPACE}", " "))


def show(line: str = "") -> None:
    """One line of a result on standard output."""
    sys.stdout.write(line + "\n")


def say(message: str) -> None:
    """One line of progress on standard error."""
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


def complain(error: ReconcileError) -> None:
    """An error as a person reads it: what, where, how to go on."""
    red, dim, plain = ("\033[31m", "\033[2m", "\033[0m") if has_colour(sys.stderr) else ("", "", "")
    where = f"{error.where}: " if error.where else ""
    lines = [f"{red}error:{plain} {_harmless(where + error.message)}"]
    if error.hint:
        lines.append(f"{dim}  hint: {_harmless(error.hint)}{plain}")
    say("\n".join(lines))


def _harmless(text: str) -> str:
    """The text without what a terminal obeys or, in a run of GitHub Actions, the runner."""
    from reconciler.report.github import inert
    from reconciler.report.words import visible_sql

    return inert(visible_sql(text)) if os.environ.get("GITHUB_ACTIONS") else visible_sql(text)
