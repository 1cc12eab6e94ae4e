"""Where characters go: standard output for results, standard error for progress and errors."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, TextIO

from reconciler.cli.options import FindingsFormat, Format

if TYPE_CHECKING:
    from reconciler.core.errors import ReconcileError
    from reconciler.engine.plan.model import Plan
    from reconciler.report.finding import Report
    from reconciler.report.plan_context import Context


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
    plan: Plan,
    format: Format,
    context: Context,
    verbose: bool = False,
    max_chars: int | None = None,
    command: str = "plan",
) -> None:
    """Write a plan to standard output; `max_chars` is for Markdown, `command` for formats of findings."""
    sys.stdout.write(rendered(plan, format, context, verbose, max_chars, command))


def rendered(
    plan: Plan,
    format: Format,
    context: Context,
    verbose: bool = False,
    max_chars: int | None = None,
    command: str = "plan",
) -> str:
    """A plan in the chosen format."""
    match format:
        case Format.JSON:
            from reconciler.report import json

            return json.render(plan, context)
        case Format.MARKDOWN:
            from reconciler.report import markdown

            return markdown.render(plan, context, max_chars or markdown.BUDGET)
        case Format.SQL:
            from reconciler.report import sql

            return sql.render(plan)
        case Format.TEXT:
            from reconciler.report import text

            colour = has_colour(sys.stdout)
            return text.render(plan, context, colour=colour, width=width(), verbose=verbose)
        case Format.GITLAB_TERRAFORM:
            from reconciler.report import gitlab

            return gitlab.terraform(plan)
        case _:
            from reconciler.cli.report_format import rendered_findings, sources_folder
            from reconciler.report import findings

            return rendered_findings(findings.of_plan(plan, context, command), format, sources_folder())


def show_findings(report: Report, format: FindingsFormat | Format) -> None:
    """Write a report of findings to standard output."""
    from reconciler.cli.report_format import rendered_findings, sources_folder

    sys.stdout.write(rendered_findings(report, format, sources_folder()))


def show_markdown(context: Context, plan: Plan | None = None, max_chars: int | None = None) -> None:
    """Write a comment to standard output; without a plan it says what the standing says."""
    from reconciler.report import markdown

    sys.stdout.write(markdown.render(plan, context, max_chars or markdown.BUDGET))


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
