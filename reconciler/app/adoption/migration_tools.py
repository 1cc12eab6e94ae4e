"""Other tools by the tables in which they keep their history: one entry each, and no code.

A query reads `{history}`, the table that was found, or another of the tool's in `{schema}`. `last` gives the
version that was applied last; `unfinished` a line for each migration that is half done, and for a lock that
is held. Neither reads anything else of a row: what a migration's log or SQL says stays where it is.
"""

from __future__ import annotations

from typing import LiteralString

from reconciler.core.dataclass import dataclass

__all__ = ["TOOLS", "Tool"]


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool."""

    name: str
    tables: tuple[str, ...]
    """What its history is called; with `by_shape` also any other name."""
    columns: frozenset[str]
    """What the history has; others may be there too, but for `exactly`."""
    last: LiteralString
    unfinished: LiteralString | None = None
    companions: tuple[str, ...] = ()
    """Its other tables, in the same schema."""
    by_shape: bool = False
    """Whether the columns alone tell it: its users may give the table any name."""
    exactly: bool = False
    """Whether the table has these columns and no others: its name is used by other programs too."""
    owns_schema: bool = False
    """Whether everything in the schema is the tool's."""
    also: tuple[str, ...] = ()
    """Patterns for what it makes elsewhere."""


def _columns(names: LiteralString) -> frozenset[str]:
    return frozenset(names.split())


TOOLS: tuple[Tool, ...] = (
    Tool(
        "Drizzle Kit", ("__drizzle_migrations",), _columns("id hash created_at"),
        # Later versions have a column `name`; before that only the time at which it was generated tells.
        """SELECT coalesce(to_jsonb(h) ->> 'name', to_char(to_timestamp(h.created_at / 1000)
           AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS') || ' (' || left(h.hash, 12) || ')')
           FROM {history} AS h ORDER BY h.created_at DESC, h.id DESC LIMIT 1""",
    ),
    Tool(
        "Alembic", ("alembic_version",), _columns("version_num"),
        "SELECT string_agg(version_num, ', ' ORDER BY version_num) FROM {history}",
    ),
    Tool(
        "Flyway", ("flyway_schema_history", "schema_version"),
        _columns("installed_rank version description script checksum installed_on success"),
        """SELECT version FROM {history} WHERE success AND version IS NOT NULL
           ORDER BY installed_rank DESC LIMIT 1""",
        """SELECT coalesce(version, description) || ' failed' FROM {history}
           WHERE NOT success ORDER BY installed_rank""",
        by_shape=True,
    ),
    Tool(
        "Liquibase", ("databasechangelog",),
        _columns("id author filename dateexecuted orderexecuted exectype md5sum"),
        """SELECT id || ' by ' || author FROM {history} WHERE exectype <> 'FAILED'
           ORDER BY orderexecuted DESC, dateexecuted DESC LIMIT 1""",
        """SELECT id || ' by ' || author || ' failed' FROM {history}
           WHERE exectype = 'FAILED' ORDER BY orderexecuted""",
        by_shape=True,
    ),
    Tool(
        "Liquibase", ("databasechangeloglock",), _columns("id locked lockgranted lockedby"),
        "SELECT NULL",
        """SELECT 'its lock is held' || coalesce(' since ' || to_char(lockgranted, 'YYYY-MM-DD HH24:MI'), '')
           FROM {history} WHERE locked""",
        by_shape=True,
    ),
    Tool(
        "Django", ("django_migrations",), _columns("id app name applied"),
        "SELECT app || '.' || name FROM {history} ORDER BY id DESC LIMIT 1",
    ),
    Tool(
        "Prisma", ("_prisma_migrations",),
        _columns("id checksum finished_at migration_name rolled_back_at started_at applied_steps_count"),
        """SELECT migration_name FROM {history} WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL
           ORDER BY finished_at DESC, migration_name DESC LIMIT 1""",
        """SELECT migration_name || ' is not finished' FROM {history}
           WHERE finished_at IS NULL AND rolled_back_at IS NULL ORDER BY started_at""",
    ),
    Tool(
        "golang-migrate", ("schema_migrations",), _columns("version dirty"),
        "SELECT version::text FROM {history} LIMIT 1",
        "SELECT version::text || ' is dirty' FROM {history} WHERE dirty",
        by_shape=True, exactly=True,
    ),
    Tool(
        "Ecto", ("schema_migrations",), _columns("version inserted_at"),
        "SELECT max(version)::text FROM {history}", exactly=True,
    ),
    Tool(
        "Supabase", ("schema_migrations",), _columns("version statements name"),
        "SELECT version || coalesce(' ' || name, '') FROM {history} ORDER BY version DESC LIMIT 1",
        companions=("seed_files",),
    ),
    Tool(
        "Rails or dbmate", ("schema_migrations",), _columns("version"),
        "SELECT max(version) FROM {history}", exactly=True,
    ),
    Tool(
        "Rails", ("ar_internal_metadata",), _columns("key value created_at updated_at"), "SELECT NULL",
    ),
    Tool(
        "goose", ("goose_db_version",), _columns("id version_id is_applied tstamp"),
        """SELECT max(version_id)::text FROM (SELECT DISTINCT ON (version_id) version_id, is_applied
           FROM {history} ORDER BY version_id, id DESC) AS newest WHERE is_applied""",
        by_shape=True,
    ),
    Tool(
        "Sqitch", ("changes",),
        _columns("change_id script_hash change project note committed_at planned_at"),
        "SELECT project || ':' || change FROM {history} ORDER BY committed_at DESC LIMIT 1",
        """SELECT change || ' failed' FROM (SELECT change, event FROM {schema}.events
           ORDER BY committed_at DESC LIMIT 1) AS latest WHERE event = 'fail'""",
        companions=("dependencies", "events", "projects", "releases", "tags"), by_shape=True,
    ),
    Tool(
        "Knex", ("knex_migrations",), _columns("id name batch migration_time"),
        "SELECT name FROM {history} ORDER BY id DESC LIMIT 1",
        by_shape=True, exactly=True,
    ),
    Tool(
        "Knex", ("knex_migrations_lock",), _columns("index is_locked"), "SELECT NULL",
        "SELECT 'its lock is held' FROM {history} WHERE is_locked = 1", exactly=True,
    ),
    Tool(
        "TypeORM", ("migrations",), _columns("id timestamp name"),
        "SELECT name FROM {history} ORDER BY timestamp DESC, id DESC LIMIT 1",
        companions=("typeorm_metadata",), exactly=True,
    ),
    Tool(
        "Sequelize", ("SequelizeMeta",), _columns("name"),
        'SELECT max(name COLLATE "C") FROM {history}', companions=("SequelizeData",),
    ),
    Tool(
        "Atlas", ("atlas_schema_revisions",),
        _columns("version description type applied total executed_at hash operator_version"),
        # A version that starts with a dot is a note of the tool's to itself.
        """SELECT version FROM {history} WHERE version NOT LIKE '.%' AND applied = total
           ORDER BY version COLLATE "C" DESC LIMIT 1""",
        """SELECT version || ': ' || applied || ' of ' || total || ' statements' FROM {history}
           WHERE version NOT LIKE '.%' AND applied < total ORDER BY version COLLATE "C" """,
        by_shape=True,
    ),
    Tool(
        "pgroll", ("migrations",), _columns("schema name migration parent done resulting_schema"),
        "SELECT schema || ':' || name FROM {history} WHERE done ORDER BY created_at DESC LIMIT 1",
        """SELECT schema || ':' || name || ' is not complete' FROM {history}
           WHERE NOT done ORDER BY created_at""",
        companions=("pgroll_version",), owns_schema=True, also=("event_trigger:pg_roll_handle_*",),
    ),
    Tool(
        "node-pg-migrate", ("pgmigrations",), _columns("id name run_on"),
        "SELECT name FROM {history} ORDER BY run_on DESC, id DESC LIMIT 1", exactly=True,
    ),
    Tool(
        "Laravel", ("migrations",), _columns("id migration batch"),
        "SELECT migration FROM {history} ORDER BY id DESC LIMIT 1", exactly=True,
    ),
    Tool(
        "Entity Framework", ("__EFMigrationsHistory",), _columns("MigrationId ProductVersion"),
        'SELECT max("MigrationId" COLLATE "C") FROM {history}', by_shape=True,
    ),
    Tool(
        "SQLx", ("_sqlx_migrations",), _columns("version description installed_on success checksum"),
        "SELECT max(version)::text FROM {history} WHERE success",
        "SELECT version::text || ' failed' FROM {history} WHERE NOT success ORDER BY version",
    ),
    Tool(
        "Diesel", ("__diesel_schema_migrations",), _columns("version run_on"),
        "SELECT max(version) FROM {history}",
    ),
    Tool(
        "Kysely", ("kysely_migration",), _columns("name timestamp"),
        "SELECT name FROM {history} ORDER BY timestamp DESC, name DESC LIMIT 1",
    ),
    Tool(
        "Kysely", ("kysely_migration_lock",), _columns("id is_locked"), "SELECT NULL",
        "SELECT 'its lock is held' FROM {history} WHERE is_locked = 1",
    ),
    Tool(
        "MikroORM", ("mikro_orm_migrations",), _columns("id name executed_at"),
        "SELECT name FROM {history} ORDER BY id DESC LIMIT 1",
        by_shape=True, exactly=True,
    ),
    Tool(
        "Doctrine", ("doctrine_migration_versions",), _columns("version executed_at execution_time"),
        'SELECT max(version COLLATE "C") FROM {history}',
        by_shape=True, exactly=True,
    ),
    Tool(
        "Phinx", ("phinxlog",), _columns("version migration_name start_time end_time breakpoint"),
        """SELECT version || coalesce(' ' || migration_name, '') FROM {history}
           ORDER BY version DESC LIMIT 1""",
        by_shape=True, exactly=True,
    ),
    Tool(
        "refinery", ("refinery_schema_history",), _columns("version name applied_on checksum"),
        "SELECT version || coalesce(' ' || name, '') FROM {history} ORDER BY version DESC LIMIT 1",
    ),
    Tool(
        "yoyo", ("_yoyo_migration",), _columns("migration_hash migration_id applied_at_utc"),
        "SELECT migration_id FROM {history} ORDER BY applied_at_utc DESC, migration_id DESC LIMIT 1",
        companions=("_yoyo_log", "_yoyo_version", "yoyo_lock"),
    ),
    Tool(
        "graphile-migrate", ("migrations",), _columns("hash previous_hash filename date"),
        "SELECT filename FROM {history} ORDER BY filename DESC LIMIT 1",
        companions=("current",), owns_schema=True, exactly=True,
    ),
    Tool(
        "Hasura", ("hdb_version",), _columns("hasura_uuid version upgraded_on cli_state console_state"),
        "SELECT NULL", owns_schema=True,
    ),
    Tool(
        "Hasura", ("hdb_source_catalog_version",), _columns("version upgraded_on"), "SELECT NULL",
        owns_schema=True, exactly=True,
    ),
)  # fmt: skip
"""In the order in which they are tried: of two that know a table by its name, the first."""
