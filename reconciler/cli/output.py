"""Where characters go: standard output for results, standard error for progress and errors."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, TextIO

from reconciler.cli.options import Format

if TYPE_CHECKING:
    from reconciler.core.errors import ReconcileError
    from reconciler.engine.plan import Plan


def has_colour(stream: TextIO) -> bool:
    """Whether to colour: a terminal, and nobody objects (no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def show_plan(plan: Plan, format: Format, target: str, verbose: bool = False) -> None:
    """Write a plan to standard output."""
    sys.stdout.write(rendered(plan, format, target, verbose))


def rendered(plan: Plan, format: Format, target: str, verbose: bool = False) -> str:
    """A plan in the chosen format, ended by a newline."""
    from reconciler.report import json, markdown, sql, text

    match format:
        case Format.JSON:
            return _ended(json.render(plan))
        case Format.MARKDOWN:
            return _ended(markdown.render(plan, target=target))
        case Format.SQL:
            return _ended(sql.render(plan))
        case Format.TEXT:
            width = shutil.get_terminal_size((100, 40)).columns
            return _ended(text.render(plan, colour=has_colour(sys.stdout), width=width, verbose=verbose))


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def say(message: str) -> None:
    """One line of progress on standard error."""
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


def complain(error: ReconcileError) -> None:
    """An error as a person reads it: what, where, how to go on."""
    red, dim, plain = ("\033[31m", "\033[2m", "\033[0m") if has_colour(sys.stderr) else ("", "", "")
    where = f"{error.where}: " if error.where else ""
    lines = [f"{red}error:{plain} {where}{error.message}"]
    if error.hint:
        lines.append(f"{dim}  hint: {error.hint}{plain}")
    say("\n".join(lines))
