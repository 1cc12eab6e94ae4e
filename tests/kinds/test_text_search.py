"""Text search objects, conversions, transforms, access methods and languages, on a real server."""

from __future__ import annotations

from reconciler.core.ident import ObjectId
from reconciler.kinds.access_method import AccessMethod
from reconciler.kinds.conversion import Conversion
from reconciler.kinds.function import Function
from reconciler.kinds.language import Language
from reconciler.kinds.text_search_configuration import TextSearchConfiguration
from reconciler.kinds.text_search_dictionary import TextSearchDictionary
from reconciler.kinds.text_search_parser import TextSearchParser
from reconciler.kinds.text_search_template import TextSearchTemplate
from reconciler.kinds.transform import Transform
from tests.kinds.constraints_schema import Database
from tests.kinds.roundtrip import (
    alterations,
    assert_altered,
    assert_built,
    assert_written,
    of_kind,
    read,
    run,
)

TEXT_SEARCH = (TextSearchTemplate(), TextSearchParser(), TextSearchDictionary(), TextSearchConfiguration())
OTHERS = (Conversion(), Language(), Transform(), AccessMethod())
KINDS = (Function(), *TEXT_SEARCH, *OTHERS)

BEFORE = """
CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('glad', 'sad');
CREATE FUNCTION app.handler() RETURNS language_handler LANGUAGE c
    AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION app.inline(internal) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_inline_handler';
CREATE FUNCTION app.validator(oid) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_validator';
"""
OBJECTS = """
CREATE TEXT SEARCH TEMPLATE app."Plain one" (LEXIZE = dsimple_lexize, INIT = dsimple_init);
CREATE TEXT SEARCH TEMPLATE app.bare (LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH PARSER app.words (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
    LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
CREATE TEXT SEARCH DICTIONARY app.german (TEMPLATE = snowball, LANGUAGE = german, STOPWORDS = german);
CREATE TEXT SEARCH DICTIONARY app.plain (TEMPLATE = app."Plain one", ACCEPT = false);
CREATE TEXT SEARCH DICTIONARY app.empty (TEMPLATE = app.bare);
CREATE TEXT SEARCH CONFIGURATION app.mine (PARSER = app.words);
ALTER TEXT SEARCH CONFIGURATION app.mine ADD MAPPING FOR asciiword, word WITH app.german, simple;
ALTER TEXT SEARCH CONFIGURATION app.mine ADD MAPPING FOR url WITH app.plain;
CREATE TEXT SEARCH CONFIGURATION app.copied (COPY = pg_catalog.english);
CREATE TEXT SEARCH CONFIGURATION app.none (PARSER = pg_catalog."default");
CREATE DEFAULT CONVERSION app.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE CONVERSION app.back FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
CREATE TRUSTED LANGUAGE "plMine" HANDLER app.handler INLINE app.inline VALIDATOR app.validator;
CREATE LANGUAGE pltheirs HANDLER app.handler;
CREATE TRANSFORM FOR app.mood LANGUAGE "plMine" (FROM SQL WITH FUNCTION varchar_support(internal));
CREATE TRANSFORM FOR double precision LANGUAGE sql (FROM SQL WITH FUNCTION varchar_support(internal));
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE ACCESS METHOD "Tree" TYPE INDEX HANDLER bthandler;
"""
NUMBERS = {
    "text_search_template": 2,
    "text_search_parser": 1,
    "text_search_dictionary": 3,
    "text_search_configuration": 3,
    "conversion": 2,
    "language": 2,
    "transform": 2,
    "access_method": 2,
}


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    run(source, BEFORE, OBJECTS)
    run(empty, BEFORE)
    catalog = read(source, KINDS)
    for kind in (*TEXT_SEARCH, *OTHERS):
        assert assert_written(kind, catalog) == NUMBERS[kind.name]
        assert_built(kind, catalog, empty, KINDS)
    for kind in (*reversed(TEXT_SEARCH), *reversed(OTHERS)):
        for entry in of_kind(catalog, kind).values():
            run(source, *kind.drop(entry))
    assert {entry.id.kind for entry in read(source, KINDS)} == {"function"}


def test_needs(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    needs = read(source, KINDS)[ObjectId("text_search_configuration", ("app", "mine"))].needs
    assert {id.kind for id in needs} >= {"text_search_parser", "text_search_dictionary"}


def test_altered_in_place(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    german = ObjectId("text_search_dictionary", ("app", "german"))
    assert_altered(source, TextSearchDictionary(), german, KINDS, options=("language='danish'",))
    mine = ObjectId("text_search_configuration", ("app", "mine"))
    mappings = (("email", ("simple",)), ("url", ("app.german", "app.plain")), ("word", ("simple",)))
    assert_altered(source, TextSearchConfiguration(), mine, KINDS, mappings=mappings)
    language = ObjectId("language", ("plMine",))
    assert_altered(source, Language(), language, KINDS, trusted=False, inline=None, validator=None)
    transform = ObjectId("transform", ('app.mood LANGUAGE "plMine"',))
    assert transform in read(source, KINDS)


def test_a_transform_is_replaced(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    id = ObjectId("transform", ("double precision LANGUAGE sql",))
    old = read(source, KINDS)[id]
    to_sql = "CREATE FUNCTION app.to_sql(internal) RETURNS float8 LANGUAGE internal IMMUTABLE AS 'float8in'"
    run(source, to_sql)
    state = Transform.state(from_sql=None, to_sql="app.to_sql(internal)")
    new = type(old)(id, state)
    run(source, *alterations(Transform(), old, new))
    assert read(source, KINDS)[id].state == state
