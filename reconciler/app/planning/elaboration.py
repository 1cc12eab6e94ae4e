"""The desired catalog with the servers and the cache that serve it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reconciler.app.kind_discovery import registry
from reconciler.app.planning import comparison_cache
from reconciler.app.servers.scratch_servers import (
    Hosts,
    draft_on,
    no_scratch_server,
    scratch_on,
    scratch_servers,
)
from reconciler.core.catalog import Catalog
from reconciler.core.errors import InvalidInput, ServerError
from reconciler.core.kind import Destination
from reconciler.engine.declaration.written import Written
from reconciler.engine.elaborate.desired import Desired, Remember, Workshop, desired_catalog, without_server
from reconciler.engine.elaborate.scratch import ScratchRefuses

if TYPE_CHECKING:
    from psycopg import Connection


def desired(written: Written, live: Catalog, target: Connection[Any], hosts: Hosts, owner: str) -> Desired:
    """The declared state in the words of the target's catalog.

    Raises InvalidInput where PostgreSQL refuses what is declared, ServerError where no scratch server is.
    """
    kinds = registry()
    destination = Destination(owner, target.info.server_version // 10000)
    if (plain := without_server(written, live, kinds, destination)) is not None:
        return plain
    refused: InvalidInput | ServerError = no_scratch_server()
    for server in scratch_servers(hosts, target, written.objects):
        remember = _cached_under(f"{written.digest} {server.name} {destination.major}")
        try:
            scratch = scratch_on(server, target, written.objects)
            draft = draft_on(server, target, written.objects, hosts.blank)
            return desired_catalog(written, live, Workshop(kinds, scratch, destination, remember, draft))
        except (InvalidInput, ServerError) as error:
            refused = error
            if (
                isinstance(error, ScratchRefuses)
                and server.is_own_major
                and not _may_pass_elsewhere(error, written)
            ):
                break  # to build everything once more takes as long, and says the same
    raise refused


_OF_THE_BUILD = frozenset({"58P01", "0A000", "22023", "42704"})
"""What an embedded build may refuse, and the target's own not: it may lack ICU, an extension, a collation."""
_OF_EXTENSIONS = frozenset({"42883", "42P01", "42703"})
"""What depends on the versions of extensions too."""


def _may_pass_elsewhere(refused: ScratchRefuses, written: Written) -> bool:
    """Whether another server of the same major may take what this one refuses: then the target decides."""
    has_extensions = any(id.kind == "extension" and id.path != ("plpgsql",) for id in written.objects)
    doubtful = _OF_THE_BUILD | (_OF_EXTENSIONS if has_extensions else frozenset())
    return not refused.sqlstates.isdisjoint(doubtful)


def _cached_under(digest: str) -> Remember:
    """A memory for what was built from just these sources by just this program."""
    key = comparison_cache.key(digest)

    def remember(name: str, make: Callable[[], Any]) -> Any:
        found = comparison_cache.read(f"{key}-{name}")
        if found is None:
            found = make()
            comparison_cache.write(f"{key}-{name}", found)
        return found

    return remember
