"""Random small schemas as SQL: any two of them share enough names to be alterations of each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hypothesis import strategies as st

_DEFAULTS: dict[str, tuple[str, ...]] = {
    "integer": ("0", "app.one()", "nextval('app.numbers')"),
    "bigint": ("42", "app.one()"),
    "numeric(8,2)": ("1.50",),
    "text": ("'it''s'", r"'a\b'"),
    "varchar(20)": ("'v'",),
    "boolean": ("true",),
    "date": ("current_date", "'2020-01-01'"),
    "timestamptz": ("now()",),
    "uuid": ("gen_random_uuid()",),
    "jsonb": ("'{}'",),
    "text[]": ("'{}'",),
    "app.mood": ("'ok'",),
    "app.amount": ("1",),
}
_WHOLE = ("integer", "bigint")
_CASTS_TO_TEXT = frozenset({"integer", "bigint", "numeric(8,2)", "text", "varchar(20)", "boolean", "uuid"})
"""Types whose text form is the same whatever the settings: what a generated column may be made of."""
_TABLES = ("people", "Odd Table", "orders")
_COLUMNS = ("a", "b", "Odd, column", "user")
_LABELS = ("sad", "ok", "happy", "it's")


@dataclass(frozen=True, slots=True)
class Column:
    """A column with at most one of default and identity."""

    name: str
    type: str
    default: str | None = None
    not_null: bool = False
    identity: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table that always has a column `id`."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    unique: tuple[str, ...]
    check: str | None
    generated: str | None
    """The column that the generated column `shown` is made of."""
    indexed: tuple[str, ...]
    index_tail: str
    refers_to: str | None
    policy: str | None
    trigger_when: str | None
    comment: str | None

    @property
    def sql_name(self) -> str:
        return f'app."{self.name}"'


@dataclass(frozen=True, slots=True)
class Schema:
    """All objects live in the schema `app`."""

    labels: tuple[str, ...]
    amount_type: str
    amount_check: str | None
    one_returns: str
    sequence: str
    tables: tuple[Table, ...]
    view_columns: tuple[str, ...]
    over_view: str
    materialized: bool


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _column(name: str, types: Iterable[str] = tuple(sorted(_DEFAULTS))) -> st.SearchStrategy[Column]:
    plain = st.sampled_from(tuple(types)).flatmap(
        lambda type: st.builds(
            Column,
            st.just(name),
            st.just(type),
            st.none() | st.sampled_from(_DEFAULTS[type]),
            st.booleans(),
            comment=st.sampled_from([None, None, "it's", "two\nlines"]),
        )
    )
    identity = st.builds(
        Column,
        st.just(name),
        st.sampled_from(_WHOLE),
        not_null=st.just(True),
        identity=st.sampled_from(["ALWAYS", "BY DEFAULT", "ALWAYS AS IDENTITY (INCREMENT BY 2"]),
    )
    return plain | plain | plain | identity


@st.composite
def _table(draw: st.DrawFn, name: str) -> Table:
    id = draw(_column("id", _WHOLE))
    names = draw(st.lists(st.sampled_from(_COLUMNS), unique=True, max_size=3))
    columns = (id, *(draw(_column(each)) for each in names))
    all_names = ["id", *names]
    texts = [column.name for column in columns if column.type in _CASTS_TO_TEXT]
    any_column = st.sampled_from(all_names)
    return Table(
        name=name,
        columns=columns,
        key=tuple(draw(st.sampled_from([["id"], ["id"], [], all_names[:2]]))),
        unique=tuple(draw(st.lists(any_column, unique=True, max_size=2))),
        check=draw(
            st.none()
            | st.sampled_from(["id > 0", "id <> app.one()", f"{_quoted(all_names[-1])} IS NOT NULL"])
        ),
        generated=draw(st.none() | st.sampled_from(texts)) if texts else None,
        indexed=tuple(draw(st.lists(any_column, unique=True, max_size=2))),
        index_tail=draw(st.sampled_from(["", " WHERE id > 10", " WHERE id IS NOT NULL"])),
        refers_to=draw(st.none() | st.sampled_from(_TABLES)),
        policy=draw(st.none() | any_column),
        trigger_when=draw(st.none() | any_column),
        comment=draw(st.sampled_from([None, "A table."])),
    )


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """Any schema of the sort."""
    names = draw(st.lists(st.sampled_from(_TABLES), unique=True, min_size=1, max_size=3))
    tables = tuple(draw(_table(name)) for name in names)
    labels = draw(st.lists(st.sampled_from(_LABELS), unique=True))
    first = [column.name for column in tables[0].columns]
    return Schema(
        labels=tuple(dict.fromkeys([*labels, "ok"])),
        amount_type=draw(st.sampled_from(["integer", "numeric(10,2)"])),
        amount_check=draw(st.none() | st.sampled_from(["VALUE > 0", "VALUE < 100 OR VALUE > 200"])),
        one_returns=draw(st.sampled_from(_WHOLE)),
        sequence=draw(st.sampled_from(["", " INCREMENT BY 5 CYCLE", " AS integer START WITH 7 CACHE 3"])),
        tables=tables,
        view_columns=tuple(draw(st.lists(st.sampled_from(first), unique=True))),
        over_view=draw(st.sampled_from(["id", "*", "id::text AS id"])),
        materialized=draw(st.booleans()),
    )


def sql(schema: Schema) -> str:
    """The statements that make the schema in a database without `app`."""
    return ";\n".join([*_before(schema), *_tables(schema), *_after(schema)])


def _before(schema: Schema) -> Iterator[str]:
    yield "CREATE SCHEMA app"
    labels = ", ".join("'" + label.replace("'", "''") + "'" for label in schema.labels)
    yield f"CREATE TYPE app.mood AS ENUM ({labels})"
    check = f" CONSTRAINT amount_check CHECK ({schema.amount_check})" if schema.amount_check else ""
    yield f"CREATE DOMAIN app.amount AS {schema.amount_type}{check}"
    yield f"CREATE FUNCTION app.one() RETURNS {schema.one_returns} LANGUAGE sql IMMUTABLE AS 'SELECT 1'"
    yield ("CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end'")
    yield f"CREATE SEQUENCE app.numbers{schema.sequence}"


def _tables(schema: Schema) -> Iterator[str]:
    for table in schema.tables:
        clauses = ",\n    ".join(_clauses(table))
        yield f"CREATE TABLE {table.sql_name} (\n    {clauses}\n)"
        if table.indexed:
            columns = ", ".join(map(_quoted, table.indexed))
            yield f'CREATE INDEX "{table.name}_idx" ON {table.sql_name} ({columns}){table.index_tail}'
        if table.policy:
            yield f"CREATE POLICY rows ON {table.sql_name} USING ({_quoted(table.policy)} IS NOT NULL)"
        if table.trigger_when:
            yield (
                f"CREATE TRIGGER noted BEFORE UPDATE ON {table.sql_name} FOR EACH ROW "
                f"WHEN (old.{_quoted(table.trigger_when)} IS NOT NULL) EXECUTE FUNCTION app.note()"
            )
        if table.comment:
            yield f"COMMENT ON TABLE {table.sql_name} IS '{table.comment}'"
        for column in table.columns:
            if column.comment:
                text = column.comment.replace("'", "''")
                yield f"COMMENT ON COLUMN {table.sql_name}.{_quoted(column.name)} IS '{text}'"


def _clauses(table: Table) -> Iterator[str]:
    for column in table.columns:
        parts = [_quoted(column.name), column.type]
        if column.identity:
            closed = f"{column.identity})" if "(" in column.identity else f"{column.identity} AS IDENTITY"
            parts.append(f"GENERATED {closed}")
        if column.default:
            parts.append(f"DEFAULT {column.default}")
        if column.not_null:
            parts.append("NOT NULL")
        yield " ".join(parts)
    if table.generated:
        yield f"shown text GENERATED ALWAYS AS ({_quoted(table.generated)}::text) STORED"
    if table.refers_to:
        yield "ref_id integer"
    if table.key:
        yield f"PRIMARY KEY ({', '.join(map(_quoted, table.key))})"
    if table.unique:
        yield f'CONSTRAINT "{table.name}_once" UNIQUE ({", ".join(map(_quoted, table.unique))})'
    if table.check:
        yield f'CONSTRAINT "{table.name}_check" CHECK ({table.check})'


def _after(schema: Schema) -> Iterator[str]:
    keyed = {table.name for table in schema.tables if table.key == ("id",)}
    for table in schema.tables:
        if table.refers_to in keyed:
            yield (
                f'ALTER TABLE {table.sql_name} ADD CONSTRAINT "{table.name}_fkey" '
                f'FOREIGN KEY (ref_id) REFERENCES app."{table.refers_to}" ON DELETE CASCADE'
            )
    columns = ", ".join(_quoted(name) for name in dict.fromkeys(["id", *schema.view_columns]))
    yield f"CREATE VIEW app.shown AS SELECT {columns} FROM {schema.tables[0].sql_name} WHERE id > 0"
    kind = "MATERIALIZED VIEW" if schema.materialized else "VIEW"
    yield f"CREATE {kind} app.over_shown AS SELECT {schema.over_view} FROM app.shown"
    yield f"COMMENT ON {kind} app.over_shown IS 'Over a view.'"
