"""What of an error may be kept where others read it: in logs, status files, metrics, termination messages.

No SQL (it can hold literals), no connection strings, no more than fits.
"""

from __future__ import annotations

import re

from reconciler.core.errors import Busy, NotConverged, ReconcileError, ServerError, Stopped

_WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z])")
_CREDENTIALS = re.compile(r"(\w+://)[^\s/@]*@")
_PASSWORD = re.compile(r"(?i)\b(\w*(?:password|secret|token))\s*=\s*('[^']*'|\S+)")


def code_of(error: BaseException) -> str:
    """A stable word for the sort of error: `connection_failed`, `invalid_input`; `unexpected` for what is not
    ours."""
    if not isinstance(error, ReconcileError) or type(error) is ReconcileError:
        return "unexpected"
    # A finer class within one module is no sort of its own: the words are those of core/errors.py.
    known = (of for of in type(error).__mro__ if of.__module__ == ReconcileError.__module__)
    of = next(known, ReconcileError)
    name = type(error).__name__ if of is ReconcileError else of.__name__
    return _WORD_START.sub("_", name).lower()


def brief(error: BaseException, longest: int = 1000) -> str:
    """What went wrong, without the statement that did: at most `longest` characters."""
    if not isinstance(error, ReconcileError):
        # What a stranger's error says can quote anything.
        return f"unexpected {type(error).__name__}"
    lines = error.message.splitlines() or [""]
    if isinstance(error, Stopped):
        lines = [lines[0], *lines[-1:]] if len(lines) > 1 else lines
    elif isinstance(error, ServerError | Busy) and not isinstance(error, NotConverged):
        lines = lines[:1]
    text = without_credentials("\n".join(lines))
    where = f"{error.where}: " if error.where else ""
    return shortened(where + text, longest)


def without_credentials(text: str) -> str:
    """Blot out what looks like the user and password of a URL, or a password in a keyword string."""
    return _PASSWORD.sub(r"\1=***", _CREDENTIALS.sub(r"\1***@", text))


def shortened(text: str, longest: int) -> str:
    """The text, or its beginning with `...`: at most `longest` characters."""
    return text if len(text) <= longest else text[: max(0, longest - 4)] + " ..."
