"""The few pages that probes, Prometheus and people ask for. Reading only; it listens where it is told to."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import ReconcileError, UsageError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from reconciler.controller.pacing import Health

_SLOWEST_CLIENT_SECONDS = 10.0
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pages are made of."""

    health: Health
    registry: CollectorRegistry
    status: Callable[[], dict[str, Any]]

    def answer(self, path: str, accept: str) -> tuple[HTTPStatus, str, bytes]:
        """A page: its status, type and body."""
        match path:
            case "/livez":
                age = f"the loop last turned {self.health.age_seconds:.0f} s ago"
                return _verdict(self.health.is_alive, age)
            case "/startupz":
                is_started = self.health.is_started
                return _verdict(is_started, "started" if is_started else "the loop has not turned yet")
            case "/readyz":
                unready = self.health.unready
                return _verdict(not unready, "\n".join(unready) or "ready")
            case "/metrics":
                from prometheus_client.exposition import choose_encoder

                encode, kind = choose_encoder(accept)
                return HTTPStatus.OK, kind, encode(self.registry)
            case "/status":
                text = json.dumps(self.status(), indent=2, ensure_ascii=False) + "\n"
                return HTTPStatus.OK, "application/json", text.encode()
            case _:
                known = "/livez /readyz /startupz /metrics /status\n"
                return HTTPStatus.NOT_FOUND, _TEXT, known.encode()


def address(listen: str) -> tuple[str, int]:
    """Read `HOST:PORT`, `[::1]:PORT` or `:PORT` (every address). Raises UsageError."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"--listen {listen}: not understood", hint="write it as 0.0.0.0:8080 or [::]:8080")
    return host.removeprefix("[").removesuffix("]") or "0.0.0.0", int(port)


@contextmanager
def served(listen: str, pages: Pages) -> Iterator[str]:
    """Within the context the pages are served; yields the address. Raises ReconcileError if it is taken."""
    import socket

    host, port = address(listen)

    class Handler(_Handler):
        of = pages

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True
        # Another process on the port is a mistake to be told, not to be shared with.
        allow_reuse_port = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that goes away amid an answer, as probes do when their time is over, is no news."""
            if not isinstance(sys.exception(), OSError):
                super().handle_error(request, client_address)

    try:
        server = Server((host, port), Handler)
    except OSError as error:
        raise ReconcileError(
            f"cannot listen on {listen}: {(error.strerror or str(error)).lower()}",
            hint="another program uses the port, or the address is not this machine's",
        ) from None
    thread = threading.Thread(target=server.serve_forever, name="reconcile-http", daemon=True)
    thread.start()
    shown = f"[{host}]" if ":" in host else host
    try:
        yield f"{shown}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    of: ClassVar[Pages]
    server_version = "reconcile"
    sys_version = ""
    timeout = _SLOWEST_CLIENT_SECONDS

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        status, kind, body = self.of.answer(path, self.headers.get("Accept", ""))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Probes come every few seconds: nothing is logged."""


def _verdict(is_well: bool, text: str) -> tuple[HTTPStatus, str, bytes]:
    status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
    return status, _TEXT, f"{text}\n".encode()
