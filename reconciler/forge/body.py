"""What a comment says: a file that the plan was rendered into, or a log where there is no plan to show."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path

from reconciler.core.errors import InvalidInput, UsageError
from reconciler.report.markdown import Context, Standing, State, marker, render

_LARGEST_BYTES = 8_000_000
_KEPT = 20_000
"""Characters of a log that a comment shows, its end."""


class Told(StrEnum):
    """What a comment can say without a plan."""

    FAILED = "failed"
    STALE = "stale"
    APPLIED = "applied"


def read_body(file: str, target: str | None, told: Told | None) -> tuple[str, str]:
    """The marker and the text of the comment. `file` may be `-`, standard input.

    With `told` the file is a log, and its text is shown as it is. Raises UsageError for a file or target that
    is missing, InvalidInput for a file that holds nothing to show.
    """
    text = _read(file)
    if told is not None:
        return _told(text, target, told)
    if not text.strip():
        hint = "did the plan fail? Then post its errors: --state failed --file plan.err"
        raise InvalidInput(f"{file} is empty", hint=hint)
    first = text.lstrip().partition("\n")[0].strip()
    is_marked = first.startswith("<!-- reconcile:comment ") and first.endswith("-->")
    if target is None:
        if not is_marked:
            hint = "pass --target, or render the file with: reconcile plan --format markdown"
            raise UsageError(f"{file} does not say whose plan it is", hint=hint)
        return first, text
    wanted = marker(target)
    if is_marked and first != wanted:
        raise UsageError(f"{file} is the comment of another target than --target {target}: {first}")
    return wanted, text if is_marked else f"{wanted}\n{text}"


def _told(text: str, target: str | None, told: Told) -> tuple[str, str]:
    if target is None:
        raise UsageError(f"--state {told} is about which target?", hint="pass --target")
    log = text.strip()
    shown = log if len(log) <= _KEPT else f"… {log[-_KEPT:]}"
    standing = Standing(State[told.name], shown)
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
