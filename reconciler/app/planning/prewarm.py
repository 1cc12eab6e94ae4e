"""What a draft needs, made ready by another thread while this one loads the program and reads the YAML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, LiteralString

from reconciler.app.kind_discovery import registry
from reconciler.app.planning import comparison_cache
from reconciler.app.servers.scratch_servers import embedded
from reconciler.core.errors import ReconcileError
from reconciler.engine.elaborate.draft import blank_database

if TYPE_CHECKING:
    from concurrent.futures import Future

    from psycopg import Connection

    _Ready = tuple[str, Connection[Any]] | None


class Ahead:
    """Drafts' connections, of which the first can be opened before it is asked for."""

    def __init__(self, major: int, stack: ExitStack) -> None:
        self._major = major
        self._stack = stack
        self._ready: Future[_Ready] | None = None

    def begin(self) -> None:
        """Another thread opens a connection to the embedded scratch server for targets of that major, and has
        the queries planned that a draft is read with. An earlier run left word of them: the kinds need not be
        loaded."""
        from concurrent.futures import ThreadPoolExecutor

        name = f"queries-{comparison_cache.key(str(self._major))}"
        queries = comparison_cache.read(name)
        if queries is None:
            self._stack.callback(
                lambda: comparison_cache.write(name, [kind.query(self._major) for kind in registry()])
            )
        other = self._stack.enter_context(ThreadPoolExecutor(max_workers=1))
        self._ready = other.submit(_made_ready, self._major, queries or (), self._stack)

    def __call__(self, admin_url: str) -> AbstractContextManager[Connection[Any]]:
        """Like `blank_database`."""
        ready = self._ready.result() if self._ready else None
        self._ready = None
        return nullcontext(ready[1]) if ready and ready[0] == admin_url else blank_database(admin_url)


@contextmanager
def opened_ahead(target: Connection[Any]) -> Iterator[Ahead]:
    """An `Ahead` for plans of a target; what it opened is closed at the end."""
    with ExitStack() as stack:
        yield Ahead(target.info.server_version // 10000, stack)


def _made_ready(major: int, queries: Sequence[LiteralString], stack: ExitStack) -> _Ready:
    import psycopg

    try:
        if (server := embedded(major)) is None:
            return None
        connection = stack.enter_context(blank_database(server.url))
        with connection.pipeline():
            for query in queries:
                connection.execute(query, prepare=True)
    except (ReconcileError, psycopg.Error):
        return None  # who needs it opens one, and is told
    return server.url, connection
