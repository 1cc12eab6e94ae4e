"""Where characters go: standard output for results, standard error for progress and errors."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, TextIO

from reconciler.cli.options import Format

if TYPE_CHECKING:
    from reconciler.core.errors import ReconcileError
    from reconciler.engine.plan import Plan


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


def show_plan(
    plan: Plan, format: Format, target: str, verbose: bool = False, file: str | None = None
) -> None:
    """Write a plan to standard output; `file` is where it is saved."""
    sys.stdout.write(rendered(plan, format, target, verbose, file))


def rendered(plan: Plan, format: Format, target: str, verbose: bool = False, file: str | None = None) -> str:
    """A plan in the chosen format, ended by a newline."""
    from reconciler.report import json, markdown, sql, text

    match format:
        case Format.JSON:
            return json.render(plan)
        case Format.MARKDOWN:
            return markdown.render(plan, target=target, file=file)
        case Format.SQL:
            return sql.render(plan)
        case Format.TEXT:
            return text.render(plan, colour=has_colour(sys.stdout), width=width(), verbose=verbose)


def show_json(data: Any) -> None:
    """Write plain data to standard output."""
    import json

    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n")


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
    lines = [f"{red}error:{plain} {where}{error.message}"]
    if error.hint:
        lines.append(f"{dim}  hint: {error.hint}{plain}")
    say("\n".join(lines))
