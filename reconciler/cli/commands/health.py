"""reconcile health: whether a controller is alive, for the HEALTHCHECK of an image without a shell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

UNHEALTHY = 1
DEFAULT_URL = "http://127.0.0.1:8080/livez"


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("health")(health)


def health(
    url: Annotated[
        str | None,
        typer.Option("--url", help=f"A page that answers with 2xx; else {DEFAULT_URL}.", show_default=False),
    ] = None,
    status_file: Annotated[
        Path | None,
        typer.Option("--status-file", help="A controller's status file.", show_default=False),
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds to wait for the page.")] = 3.0,
) -> int:
    """Whether a controller is alive: 0 where it is, 1 where it is not."""
    from reconciler.cli.console import show
    from reconciler.core.errors import UsageError

    if url is not None and status_file is not None:
        raise UsageError("--url and --status-file are two ways to ask", hint="pass one of them")
    is_well, said = _file(status_file) if status_file is not None else _page(url or DEFAULT_URL, timeout)
    show(said)
    return 0 if is_well else UNHEALTHY


def _page(url: str, timeout: float) -> tuple[bool, str]:
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import ProxyHandler, build_opener

    from reconciler.core.errors import UsageError

    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--url {url}: not an address of a page", hint=f"such as {DEFAULT_URL}")
    try:
        # A proxy that the environment names knows nothing of this container.
        with build_opener(ProxyHandler({})).open(url, timeout=timeout) as answer:
            return True, answer.read(200).decode("utf-8", errors="replace").strip()
    except HTTPError as error:
        with error:
            return False, f"{error.code}: {error.read(200).decode('utf-8', errors='replace').strip()}"
    except URLError as error:
        return False, f"no answer from {url}: {error.reason}"
    except (OSError, ValueError) as error:
        return False, f"no answer from {url}: {error}"
    except HTTPException as error:
        return False, f"{url} does not speak HTTP: {type(error).__name__}"


def _file(path: Path) -> tuple[bool, str]:
    import json
    from datetime import UTC, datetime

    try:
        status = json.loads(path.read_text(encoding="utf-8"))
        age = (datetime.now(UTC) - datetime.fromisoformat(status["beat_at"])).total_seconds()
        limit = float(status["stalled_after_seconds"])
    except OSError as error:
        return False, f"{path}: {(error.strerror or str(error)).lower()}"
    except (ValueError, KeyError, TypeError):
        return False, f"{path} is not a controller's status file"
    return age < limit, f"the loop last turned {age:.0f} s ago"
