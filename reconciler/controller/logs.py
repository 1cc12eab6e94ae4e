"""Logs: a line for each thing that changes, as JSON or text, on standard error. Never a secret or a row."""

from __future__ import annotations

import sys
from typing import Any, Literal, Protocol, TextIO, cast

LogFormat = Literal["json", "text"]


class Log(Protocol):
    """The part of a structlog logger that is used."""

    def info(self, event: str, **facts: Any) -> Any: ...

    def warning(self, event: str, **facts: Any) -> Any: ...

    def error(self, event: str, **facts: Any) -> Any: ...

    def bind(self, **facts: Any) -> Log: ...


def log_to(stream: TextIO | None = None, format: LogFormat = "json") -> Log:
    """A logger of our own: structlog's global settings stay as they are."""
    import structlog

    last: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if format == "json"
        else structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])
    )
    made = structlog.wrap_logger(
        structlog.PrintLogger(stream or sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_secrets,
            last,
        ],
        wrapper_class=structlog.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return cast(Log, made)


def _without_secrets(_logger: Any, _method: str, facts: Any) -> Any:
    from reconciler.core.redaction import without_credentials

    for name, value in facts.items():
        if isinstance(value, str):
            facts[name] = without_credentials(value)
    return {name: value for name, value in facts.items() if value is not None}
