"""Build the text of a comment from a rendered plan, or from a log if there is no plan to show."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path

from reconciler.core.errors import InvalidInput, UsageError
from reconciler.report.markdown import Context, Standing, State, marker, render

_LARGEST_BYTES = 8_000_000
_LOG_LIMIT = 20_000
"""Number of characters that a comment shows of a log. The end of the log is kept."""


class Told(StrEnum):
    """The state that a comment reports if it does not show a plan."""

    FAILED = "failed"
    STALE = "stale"
    APPLIED = "applied"


def read_body(file: str, target: str | None, state: Told | None) -> tuple[str, str]:
    """Return the marker and the text of the comment.

    If `file` is `-`, the text is read from standard input. If `state` is given, the file is a log, and its
    text is shown verbatim. Raises UsageError if the file cannot be read, or if the target is missing or
    another one; InvalidInput if the file is empty, too large or not UTF-8.
    """
    text = _read(file)
    if state is not None:
        return _state_body(text, target, state)
    if not text.strip():
        hint = "did the plan fail? Then post its errors: --state failed --file plan.err"
        raise InvalidInput(f"{file} is empty", hint=hint)
    first = text.lstrip().partition("\n")[0].strip()
    is_marked = first.startswith("<!-- reconcile:comment ") and first.endswith("-->")
    if target is None:
        if not is_marked:
            hint = "pass --target, or render the file with: reconcile plan --format markdown"
            raise UsageError(f"{file} does not name the target of its plan", hint=hint)
        return first, text
    expected = marker(target)
    if is_marked and first != expected:
        raise UsageError(f"{file} belongs to another target than --target {target}: {first}")
    return expected, text if is_marked else f"{expected}\n{text}"


def _state_body(text: str, target: str | None, state: Told) -> tuple[str, str]:
    if target is None:
        raise UsageError(f"--state {state} requires a target", hint="pass --target")
    log = text.strip()
    shown = log if len(log) <= _LOG_LIMIT else f"… {log[-_LOG_LIMIT:]}"
    standing = Standing(State[state.name], shown)
    return marker(target), render(None, Context(target, standing=standing))


def _read(file: str) -> str:
    try:
        if file == "-":
            raw = sys.stdin.buffer.read(_LARGEST_BYTES + 1)
        else:
            with Path(file).open("rb") as opened:
                raw = opened.read(_LARGEST_BYTES + 1)
    except OSError as error:
        hint = "write it with: reconcile plan --format markdown > plan.md"
        raise UsageError(f"--file: cannot read {file}: {error.strerror}", hint=hint) from None
    if len(raw) > _LARGEST_BYTES:
        raise InvalidInput(
            f"{file} is larger than any comment", hint="reconcile plan --format markdown --max-chars 60000"
        )
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{file} is not UTF-8 text") from None
