"""Roles, poolers, servers and connection strings: what is refused, and with which way on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from reconciler.core.errors import Blocked, ConnectionFailed, PoolerDetected, Unsupported, UsageError
from reconciler.embedded import Server, choose
from reconciler.engine.connection.session import opened, redacted, set_local
from reconciler.engine.execute import journal
from reconciler.engine.execute.apply import ApplyOptions, apply
from tests.apply.shop import observe, rows, run, shop_plan, steps_that_ran


@pytest.fixture
def role(url: str) -> Iterator[str]:
    """An ordinary role that owns the shop's tables."""
    name = f"r_{psycopg.conninfo.conninfo_to_dict(url)['dbname']}"
    run(url, f"CREATE ROLE {name} LOGIN PASSWORD 'sekret-pw'", f"GRANT CREATE ON SCHEMA public TO {name}")
    run(url, f"ALTER TABLE public.items OWNER TO {name}", f"ALTER TABLE public.ran OWNER TO {name}")
    yield name
    run(url, f"DROP OWNED BY {name} CASCADE", f"DROP ROLE {name}")


def as_role(url: str, role: str) -> str:
    return psycopg.conninfo.make_conninfo(url, user=role, password="sekret-pw")


def test_an_ordinary_role_is_told_which_grant_it_needs(url: str, role: str) -> None:
    with pytest.raises(Blocked, match="may not create the journal") as caught:
        apply(shop_plan(), as_role(url, role), observe)
    grant = str(caught.value.hint).split(";")[0]
    assert grant.startswith("GRANT CREATE ON DATABASE ")
    assert steps_that_ran(url) == []
    run(url, grant)
    assert apply(shop_plan(), as_role(url, role), observe).ran == (1, 2, 3, 4, 5)


def test_a_schema_made_for_the_role_does_too(url: str, role: str) -> None:
    with pytest.raises(Blocked) as caught:
        apply(shop_plan(), as_role(url, role), observe)
    run(url, str(caught.value.hint).split("once: ")[1])
    assert apply(shop_plan(), as_role(url, role), observe).ran == (1, 2, 3, 4, 5)


def test_nobody_else_reads_the_journal(url: str, role: str) -> None:
    apply(shop_plan(), url, observe)
    with opened(as_role(url, role)) as connection, pytest.raises(Blocked) as caught:
        journal.history(connection)
    run(url, str(caught.value.hint))
    with opened(as_role(url, role)) as connection:
        assert len(journal.history(connection)) == 1


@contextmanager
def pooler(url: str) -> Iterator[str]:
    """A real server behind a forwarder that tells clients another process id, as poolers do."""
    target = psycopg.conninfo.conninfo_to_dict(url)
    listener = socket.create_server(("127.0.0.1", 0))

    def forward(source: socket.socket, sink: socket.socket, is_reply: bool) -> None:
        # One direction closes both sockets under the other.
        with source, sink, suppress(OSError):
            while data := source.recv(65536):
                at = data.find(b"K\x00\x00\x00\x0c") if is_reply else -1
                if at >= 0:
                    data = data[: at + 5] + b"\x00\x00\x00\x07" + data[at + 9 :]
                    is_reply = False
                sink.sendall(data)

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = connect_to(target)
            threading.Thread(target=forward, args=(client, server, False), daemon=True).start()
            threading.Thread(target=forward, args=(server, client, True), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    port = listener.getsockname()[1]
    try:
        yield psycopg.conninfo.make_conninfo(
            url, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable"
        )
    finally:
        listener.close()


def connect_to(target: Mapping[str, object]) -> socket.socket:
    host, port = str(target.get("host", "")), int(str(target.get("port", 5432)))
    if host.startswith("/"):
        unix = socket.socket(socket.AF_UNIX)
        unix.connect(f"{host}/.s.PGSQL.{port}")
        return unix
    return socket.create_connection((host, port))


def test_a_pooler_is_refused_and_nothing_is_left_on_its_session(url: str) -> None:
    with pooler(url) as through:
        with pytest.raises(PoolerDetected, match="pooler"):
            apply(shop_plan(), through, observe)
        with opened(through, pooler="any") as connection:
            assert connection.execute("SHOW search_path").fetchone() != ("",)
            with connection.transaction():
                set_local(connection)
                assert connection.execute("SHOW search_path").fetchone() == ("",)
        options = ApplyOptions(pooler="session")
        assert apply(shop_plan(), through, observe, options).ran == (1, 2, 3, 4, 5)


def test_a_standby_is_refused(tmp_path: Path) -> None:
    """A standby would give us an advisory lock: one that only it knows."""
    settings = {"wal_level": "replica", "hot_standby": "on"}
    installation = choose().installation
    data_dir = tmp_path / "pg"
    with Server.start(installation, data_dir, settings=settings) as primary:
        run(primary.url(), "CREATE TABLE public.items (id int PRIMARY KEY, name text)")
    (data_dir / "standby.signal").touch()
    with Server.start(installation, data_dir, settings=settings) as standby:
        assert rows(standby.url(), "SELECT pg_is_in_recovery()") == [(True,)]
        with pytest.raises(Unsupported, match="standby") as caught:
            apply(shop_plan(), standby.url(), observe)
        assert "primary" in str(caught.value.hint)


def test_what_roles_and_databases_set_does_not_matter(url: str) -> None:
    hostile = {
        "search_path": "public",
        "DateStyle": "SQL, DMY",
        "quote_all_identifiers": "on",
        "idle_in_transaction_session_timeout": "1ms",
        "default_transaction_isolation": "serializable",
        "default_transaction_read_only": "on",
    }
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    run(url, *(f"ALTER DATABASE {name} SET {setting} = '{value}'" for setting, value in hostile.items()))
    assert rows(url, "SHOW DateStyle") == [("SQL, DMY",)]
    with opened(url) as connection:
        for setting, value in (
            ("search_path", ""),
            ("DateStyle", "ISO, YMD"),
            ("quote_all_identifiers", "off"),
        ):
            assert connection.execute("SELECT current_setting(%s)", (setting,)).fetchone() == (value,)
    verdict = apply(shop_plan(), url, observe)
    assert verdict.ran == (1, 2, 3, 4, 5)


def test_a_reading_session_cannot_write(url: str) -> None:
    with opened(url, read_only=True) as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute("CREATE TABLE public.x ()")


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"dbname": "nowhere_at_all"}, "create the database"),
        ({"host": "nowhere.invalid"}, "host is unknown"),
        ({"host": "127.0.0.1", "port": "1"}, "no server listens"),
        ({"host": "/nowhere"}, "no server listens"),
        ({"user": "nobody_at_all"}, "user"),
    ],
)
def test_why_no_connection_is_had(url: str, change: dict[str, str], hint: str) -> None:
    broken = psycopg.conninfo.make_conninfo(url, **{"password": "sekret-pw", **change})
    with pytest.raises(ConnectionFailed) as caught, opened(broken):
        pass
    assert hint in str(caught.value.hint) or "role" in str(caught.value.hint)
    assert "sekret" not in caught.value.message + str(caught.value.hint)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql+asyncpg://u:sekret-pw@h/d",
        "jdbc:postgresql://h/d?password=sekret-pw",
        "postgresql://u:sekret%zzpw@h/d",
        "sekret-pw",
        "mysql://u:sekret-pw@h/d",
        "postgresql://u:sekret-pw@h/d?nonsense=1",
    ],
)
def test_an_unreadable_connection_string_is_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as caught, opened(text):
        pass
    assert "sekret" not in caught.value.message + str(caught.value.hint)
    assert "postgresql://" in str(caught.value.hint)
    assert "sekret" not in redacted(text)


def test_redacted_names_the_server() -> None:
    assert redacted("postgresql://u:sekret-pw@h:5433/d") == "host=h port=5433 dbname=d user=u"
