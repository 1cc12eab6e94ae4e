"""What an extension's script makes is the extension's, with all that stands under it."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from reconciler.app import live_catalog, registry
from reconciler.core.catalog import Catalog
from tests.extensions.conftest import FOLDER, Place

pytestmark = pytest.mark.matrix

SCRIPTS = ("everything--0.9.sql", "everything--0.9--1.0.sql")

NEVER_MEMBERS = {
    "role": "of the whole server",
    "membership": "of the whole server",
    "extension": "it is what has the members",
    "extension_version": "it is the extension's own",
    "publication": "PostgreSQL does not make publications members",
    "publication_table": "under a publication",
    "subscription": "PostgreSQL does not make subscriptions members",
    "default_privilege": "PostgreSQL does not make default privileges members",
    "owner": "a script makes everything as one role",
    "member_privilege": "what the script did not give",
    "security_label": "there is no provider of labels",
}


def _read(place: Place) -> Catalog:
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute("SET search_path = ''")
        return live_catalog(connection)


def test_the_extension_has_something_of_every_kind(place: Callable[[], Place]) -> None:
    """As a plain script the same text gives entries of every kind that an extension can have."""
    plain = place()
    for name in SCRIPTS:
        plain.execute((FOLDER / name).read_text())
    found = {entry.id.kind for entry in _read(plain)}
    # Below 18 a NOT NULL of a table has no name that a comment could be on.
    ((major,),) = plain.execute("SELECT current_setting('server_version_num')::integer / 10000")
    too_new = {"not_null_comment"} if major < 18 else set()
    assert {kind.name for kind in registry()} - found <= NEVER_MEMBERS.keys() | too_new


@pytest.mark.parametrize("options", [(), ("--ownership",)], ids=["", "ownership"])
def test_what_an_extension_owns_is_named_nowhere(
    place: Callable[[], Place], options: tuple[str, ...]
) -> None:
    one = place()
    one.execute("CREATE EXTENSION everything")
    text = one.pull(*options)
    assert "everything.yaml" not in text
    assert [line for line in text.splitlines() if "everything" in line] == ["  everything: {}"]
    assert one.steps(*options) == []
    one.execute("CREATE TABLE public.t (id integer)")
    one.pull(*options)
    one.edit("id: integer", "id: bigint")
    assert len(one.steps(*options)) == 1
    one.run(*options)
    assert one.steps(*options) == []


def test_no_entry_of_an_extension_is_read(place: Callable[[], Place]) -> None:
    bare, extended = place(), place()
    extended.execute("CREATE EXTENSION everything")
    more = {str(id) for id in _read(extended).entries.keys() - _read(bare).entries.keys()}
    assert more == {
        "extension:everything",
        "extension_version:extension.everything",
        "comment:extension.everything",
    }
    assert _read(extended).unknown == ()


USERS = """
    CREATE TABLE public.child (own integer) INHERITS (everything.refers);
    CREATE TABLE public.part PARTITION OF everything.parts FOR VALUES FROM (10) TO (20);
    CREATE TABLE public.refers (
        config_id integer REFERENCES everything.config, n text REFERENCES everything.config (name));
    CREATE TABLE public.uses (
        code everything.code, mood everything.mood DEFAULT 'sad', place everything.place,
        span everything.span, raw everything.raw, name text COLLATE everything.plain,
        n integer DEFAULT nextval('everything.numbers'));
    CREATE INDEX uses_place_idx ON public.uses USING hash (place everything.place_hash);
    CREATE TRIGGER touched BEFORE UPDATE ON public.uses FOR EACH ROW EXECUTE FUNCTION everything.touch();
    CREATE VIEW public.seen AS SELECT name, doubled FROM everything.config;
    CREATE MATERIALIZED VIEW public.total AS SELECT everything.total(number::integer) FROM everything.counts;
    CREATE TABLE public.typed OF everything.place;
    CREATE TABLE public.alike (LIKE everything.config INCLUDING DEFAULTS INCLUDING INDEXES);
    CREATE PUBLICATION told FOR TABLE everything.parts;
    CREATE FOREIGN TABLE public.far (id integer) SERVER everything_server"""


def test_what_uses_an_extension_can_be_rebuilt(place: Callable[[], Place]) -> None:
    one, other = place(), place()
    one.execute("CREATE EXTENSION everything")
    one.execute(USERS)
    one.pull()
    assert one.steps() == []
    rebuilt = Place(one.reconcile, other.url)
    rebuilt.run()
    assert rebuilt.steps() == []
    assert Place(other.reconcile, other.url).pull() == one.text()
