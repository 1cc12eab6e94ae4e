"""What the corpus holds, how a case is loaded, and when two databases count as equal.

Equality is judged by observers that share no code with the product: the corpus's own catalog snapshot
(`snap.py`, 45 kinds) and pg_dump. The order of columns is left out, except for tables that are new.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg

from reconciler.audit import dumpentry, pg_dump

Case = dict[str, Any]
Snapshot = Mapping[str, Mapping[str, str]]

_SHOWN = 160
_LISTS = re.compile(r"\{[^{}]*\}")
_WITH_LISTS = frozenset(
    {"publication", "table", "column", "view", "matview", "fdw", "server", "user_mapping"}
)
_STATISTICS = re.compile(r"(?s)^(.*? ON )(.*)( FROM .*)$")


_JOURNAL = re.compile(rf"\b{pg_dump.JOURNAL_SCHEMA}\b")
_JOURNAL_TABLES = re.compile(rf"{pg_dump.JOURNAL_SCHEMA} \w+ {{[^}}]*}};?")
_NO_PRIVILEGES = """
SELECT o.sort || ' ' || i.identity
  FROM (SELECT 'rel', 'pg_class'::regclass, oid, relacl,
               acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner) FROM pg_class
        UNION ALL SELECT 'proc', 'pg_proc'::regclass, oid, proacl, acldefault('f', proowner) FROM pg_proc
        UNION ALL SELECT 'type', 'pg_type'::regclass, oid, typacl, acldefault('T', typowner) FROM pg_type
        UNION ALL SELECT 'ns', 'pg_namespace'::regclass, oid, nspacl, acldefault('n', nspowner)
                    FROM pg_namespace
        UNION ALL SELECT 'lang', 'pg_language'::regclass, oid, lanacl, acldefault('l', lanowner)
                    FROM pg_language
        UNION ALL SELECT 'fdw', 'pg_foreign_data_wrapper'::regclass, oid, fdwacl, acldefault('F', fdwowner)
                    FROM pg_foreign_data_wrapper
        UNION ALL SELECT 'srv', 'pg_foreign_server'::regclass, oid, srvacl, acldefault('S', srvowner)
                    FROM pg_foreign_server) o (sort, class, oid, acl, standard),
       LATERAL pg_identify_object(o.class, o.oid, 0) i
 WHERE ARRAY(SELECT item::text FROM unnest(o.acl) item ORDER BY 1)
     = ARRAY(SELECT item::text FROM unnest(o.standard) item ORDER BY 1)
   AND o.acl IS NOT NULL
    OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'i'
                  AND d.classid IN ('pg_proc'::regclass, 'pg_type'::regclass))
"""


_PARTITIONS_NOT_NULL = """
SELECT i.identity || '.' || quote_ident(k.conname), i.identity || '.' || a.attname || ' not null',
       'n|' || pg_get_constraintdef(k.oid)
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid AND c.relispartition
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1],
       LATERAL pg_identify_object('pg_class'::regclass, c.oid, 0) i
 WHERE k.contype = 'n' AND k.coninhcount > 0
"""


class LoadError(Exception):
    """A side of a case does not load on this server."""


def corpus_dir() -> Path | None:
    """The corpus: RECONCILE_CORPUS, or shared/corpus beside the repository; None where neither exists."""
    named = os.environ.get("RECONCILE_CORPUS")
    folder = Path(named) if named else Path(__file__).resolve().parents[3] / "shared" / "corpus"
    return folder if (folder / "corpus.py").exists() else None


@cache
def module(name: str) -> ModuleType:
    """A module of the corpus (`corpus`, `snap`, `sqlsplit`), loaded by path. Raises FileNotFoundError."""
    folder = corpus_dir()
    if folder is None:
        raise FileNotFoundError("the corpus is not here: set RECONCILE_CORPUS to its folder")
    spec = importlib.util.spec_from_file_location(f"reconcile_corpus_{name}", folder / f"{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{folder} has no {name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def load_cases(major: int | None = None, *, backwards: bool = False) -> Iterator[Case]:
    """Every case that loads on `major`, each from old to new, or from new to old."""
    for case in module("corpus").cases(str(corpus_dir()), pg=_nearest(major)):
        yield reverse(case) if backwards else case


def _nearest(major: int | None) -> int | None:
    """The corpus says what loads on 15, 17 and 18; a major between takes the word of the one below."""
    return None if major is None else max((known for known in (15, 17, 18) if known <= major), default=15)


def reverse(case: Case) -> Case:
    """The same case from new to old."""
    return case | {
        "id": case["id"] + "~",
        "old": case["new"],
        "new": case["old"],
        "seed": case.get("seed_reverse"),
        "seed_reverse": case.get("seed"),
    }


def load_sql(url: str, sql: str, exec: str = "script") -> None:
    """Load one side of a case into a database. Raises LoadError with the server's words."""
    with psycopg.connect(url, autocommit=True) as connection:
        texts = [sql] if exec == "script" else module("sqlsplit").split(sql)
        for text in texts:
            result = connection.pgconn.exec_(text.encode())
            if result.status not in (psycopg.pq.ExecStatus.COMMAND_OK, psycopg.pq.ExecStatus.TUPLES_OK,
                                     psycopg.pq.ExecStatus.EMPTY_QUERY):  # fmt: skip
                raise LoadError(result.error_message.decode(errors="replace").strip())


def snapshot(url: str, *, roles: bool = False) -> Snapshot:
    """The catalogs of a database, by kind and identity.

    The product's journal is left out. A list of privileges that spells out the default counts as none, as
    GRANT and REVOKE leave one behind; so do those of a range's own functions and multirange: nobody grants
    them, and pg_dump does not write them. A partition's inherited NOT NULL has no name of its own: what
    ATTACH keeps and PARTITION OF takes from the parent, PostgreSQL never renames.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        found: dict[str, dict[str, str]] = module("snap").snapshot(connection, roles=roles)
        for (identity,) in connection.execute(_NO_PRIVILEGES).fetchall() if "acl" in found else ():
            found["acl"].pop(identity, None)
        for own, column, definition in connection.execute(_PARTITIONS_NOT_NULL).fetchall():
            if found.get("constraint", {}).pop(own, None) is not None:
                found["constraint"][column] = definition
    for name, text in found.get("publication", {}).items():
        # One for all tables has those of the journal: PostgreSQL knows no exception from it.
        found["publication"][name] = _JOURNAL_TABLES.sub("", text).rstrip("|;")
    return {
        kind: own
        for kind, objects in found.items()
        if (own := {name: text for name, text in objects.items() if not _JOURNAL.search(name)})
    }


@dataclass(frozen=True, slots=True)
class Difference:
    """Something in which two databases are not equal."""

    observer: str
    """`catalogs` or `pg_dump`."""
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.observer}: {self.text}"


def catalog_differences(a: Snapshot, b: Snapshot, old: Snapshot | None = None) -> list[Difference]:
    """What differs between two snapshots.

    With `old`, the state that a was before, also columns that are out of order in tables that were not there;
    partitions and children of tables that were there take their order.
    """
    return [
        Difference("catalogs", kind, text)
        for kind in sorted({*a, *b})
        for text in _kind_differences(kind, a.get(kind, {}), b.get(kind, {}), _orderly(kind, b, old))
    ]


def _orderly(kind: str, b: Snapshot, old: Snapshot | None) -> frozenset[str] | None:
    """The identities whose definition must agree; None: all."""
    if kind != "column_order":
        return None
    if old is None:
        return frozenset()
    before = old.get("table", {})
    return frozenset(
        name
        for name, definition in b.get("table", {}).items()
        if name not in before and not any(parent in definition for parent in before)
    )


def _kind_differences(
    kind: str, a: Mapping[str, str], b: Mapping[str, str], only: frozenset[str] | None
) -> Iterator[str]:
    for name in sorted({*a, *b}):
        if only is not None and (name not in only or name not in a):
            continue
        if name not in a:
            yield f"{kind} {name} is missing"
        elif name not in b:
            yield f"{kind} {name} is too much"
        elif _settled(kind, a[name]) != _settled(kind, b[name]):
            yield f"{kind} {name}: {_cut(a[name], b[name])}"


def _settled(kind: str, definition: str) -> str:
    """A definition without what means nothing.

    That is: what follows the order of a table's columns; the order of options; whether a key is inherited,
    where ATTACH PARTITION leaves something else behind than PARTITION OF.
    """
    if kind in _WITH_LISTS:
        definition = _LISTS.sub(
            lambda match: "{" + ",".join(sorted(match[0][1:-1].split(","))) + "}", definition
        )
    if kind == "statistics" and (parts := _STATISTICS.match(definition)):
        return parts[1] + ", ".join(sorted(parts[2].split(", "))) + parts[3]
    if kind == "constraint" and definition[0] in "pux":
        return definition.removesuffix("true").removesuffix("false")
    if kind in ("index", "cindex"):
        return dumpentry.with_options_in_order(definition)
    return definition


def _cut(a: str, b: str) -> str:
    """Both texts from a little before the first place where they differ."""
    same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    start = max(0, same - 20)
    return f"{a[start : start + _SHOWN]!r} should be {b[start : start + _SHOWN]!r}"


@dataclass(frozen=True, slots=True)
class Observed:
    """What both observers see of one database."""

    catalogs: Snapshot
    dump: tuple[dumpentry.DumpEntry, ...]


def observe(url: str, binaries: Path | None = None, *, roles: bool = False) -> Observed:
    """Look at a database; the order of columns is left out of the dump."""
    dump = pg_dump.schema_text(url, binary_dir=binaries)
    return Observed(snapshot(url, roles=roles), pg_dump.entries(dump, column_order=False))


def differences(a: Observed, b: Observed, old: Snapshot | None = None) -> list[Difference]:
    """What keeps two databases from being equal: empty when both observers see no difference."""
    dumped = (
        Difference("pg_dump", re.sub(r"^[-+!] ([A-Z ]+[A-Z])\b.*", r"\1", text.split("\n")[0]), text)
        for text in pg_dump.compare(a.dump, b.dump)
    )
    return [*catalog_differences(a.catalogs, b.catalogs, old), *dumped]


def equal_catalogs(url_a: str, url_b: str, *, roles: bool = False) -> list[Difference]:
    """`differences` of two databases that both live on a server of the same major."""
    return differences(observe(url_a, roles=roles), observe(url_b, roles=roles))


def causes(differences: Iterable[Difference]) -> str:
    """A short name for a set of differences: the first observer's kinds."""
    found = list(differences)
    observer = found[0].observer
    kinds = dict.fromkeys(difference.kind for difference in found if difference.observer == observer)
    return f"{observer}: {', '.join(list(kinds)[:3])}"
