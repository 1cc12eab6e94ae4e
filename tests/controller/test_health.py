"""What probes are told: over HTTP, and by `reconcile health`; addresses, pauses, and what may be logged."""

from __future__ import annotations

import http.client
import io
import json
import socket
import struct
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.controller.http import Pages, address, served
from reconciler.controller.logs import log_to
from reconciler.controller.metrics import Metrics
from reconciler.controller.pacing import Backoff, Health, jittered
from reconciler.core.errors import ServerError, Stopped, UsageError
from reconciler.core.redaction import brief, code_of, without_credentials
from reconciler.engine.connection.retry import Clock
from tests.cli.conftest import Inside
from tests.controller.conftest import Hands

pytestmark = pytest.mark.quick


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def pages(hands: Hands) -> Pages:
    return Pages(Health(hands.clock()), Metrics("0").registry, lambda: {"format": 1})


@pytest.fixture
def at(pages: Pages) -> Iterator[str]:
    with served("127.0.0.1:0", pages) as where:
        yield where


def ask(at: str, path: str, method: str = "GET", **headers: str) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection(at, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()
    finally:
        connection.close()


def test_probes_follow_the_loop(at: str, pages: Pages, hands: Hands) -> None:
    assert [ask(at, page)[0] for page in ("/livez", "/startupz", "/readyz")] == [200, 503, 503]
    pages.health.is_started = True
    pages.health.unready = ("target prod: the database cannot be reached",)
    assert ask(at, "/startupz")[0] == 200
    assert ask(at, "/readyz")[::2] == (503, "target prod: the database cannot be reached\n")
    pages.health.unready = ()
    assert ask(at, "/readyz")[0] == 200
    hands.pass_by(299)
    assert ask(at, "/livez")[0] == 200
    hands.pass_by(2)
    assert ask(at, "/livez")[::2] == (503, "the loop last turned 301 s ago\n")
    pages.health.beat()
    assert ask(at, "/livez")[0] == 200


def test_pages(at: str) -> None:
    assert json.loads(ask(at, "/status")[2]) == {"format": 1}
    status, kind, text = ask(at, "/metrics")
    assert (status, kind.split(";")[0]) == (200, "text/plain")
    assert "# TYPE reconcile_in_sync gauge" in text
    open_metrics = ask(at, "/metrics?x=1", Accept="application/openmetrics-text; version=1.0.0")
    assert open_metrics[1].startswith("application/openmetrics-text")
    assert open_metrics[2].endswith("# EOF\n")
    assert ask(at, "/status", "HEAD") == (200, "application/json", "")
    assert ask(at, "/../etc/passwd")[0] == 404
    assert ask(at, "/status", "POST")[0] == 501


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        (":8080", ("0.0.0.0", 8080)),
        ("[::1]:1", ("::1", 1)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_addresses(text: str, read: tuple[str, int]) -> None:
    assert address(text) == read


@pytest.mark.parametrize("text", ["8080", "host", "host:", "host:x", "host:70000", ""])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError):
        address(text)


def test_health_by_the_page(at: str, pages: Pages, hands: Hands, tmp_path: Path) -> None:
    reconcile = Inside(tmp_path)
    # A proxy of the environment is not asked.
    done = reconcile("health", "--url", f"http://{at}/livez", http_proxy="http://127.0.0.1:1")
    assert (done.code, done.out) == (0, "the loop last turned 0 s ago\n")
    hands.pass_by(1000)
    done = reconcile("health", "--url", f"http://{at}/livez")
    assert (done.code, "1000 s ago" in done.out) == (1, True)
    assert reconcile("health", "--url", "http://127.0.0.1:1/livez").code == 1
    assert reconcile("health", "--url", "file:///etc/passwd").code == 64
    assert reconcile("health", "--url", f"http://{at}/", "--status-file", "x").code == 64


@pytest.mark.parametrize(("age", "code"), [(1, 0), (299, 0), (400, 1)])
def test_health_by_the_file(tmp_path: Path, age: int, code: int) -> None:
    beat = (datetime.now(UTC) - timedelta(seconds=age)).isoformat()
    (tmp_path / "status.json").write_text(json.dumps({"beat_at": beat, "stalled_after_seconds": 300}))
    assert Inside(tmp_path)("health", "--status-file", "status.json").code == code


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"beat_at": 3}'])
def test_a_file_that_says_nothing_is_no_sign_of_life(tmp_path: Path, text: str) -> None:
    (tmp_path / "status.json").write_text(text)
    assert Inside(tmp_path)("health", "--status-file", "status.json").code == 1
    assert Inside(tmp_path)("health", "--status-file", "none.json").code == 1


def test_pauses_double_up_to_a_longest(hands: Hands) -> None:
    pause = Backoff(10, hands.clock(), longest_seconds=60)
    waited = []
    for _ in range(5):
        pause.failed()
        waited.append(pause.seconds_left)
        hands.pass_by(pause.seconds_left)
    assert waited == [10, 20, 40, 60, 60]
    pause.failed()
    pause.reset()
    assert (pause.failures, pause.seconds_left) == (0, 0)


def test_nothing_is_due_before_its_time(hands: Hands) -> None:
    pause = Backoff(10, hands.clock())
    pause.failed()
    due = [pause.is_due]
    hands.pass_by(9)
    due.append(pause.is_due)
    hands.pass_by(1)
    assert [*due, pause.is_due] == [False, False, True]


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 90), (0.5, 100), (1.0, 110)])
def test_intervals_are_jittered_by_a_tenth(chance: float, seconds: float) -> None:
    assert jittered(100, Clock(random=lambda: chance)) == pytest.approx(seconds)


def test_logs_hold_no_password() -> None:
    stream = io.StringIO()
    log = log_to(stream).bind(target="prod")
    log.warning("failed", message="postgresql://me:s3cr3t@host/db password='s3 cr3t' x", nothing=None)
    told = json.loads(stream.getvalue())
    assert "s3" not in stream.getvalue()
    assert (told["level"], told["event"], told["target"], "nothing" in told) == (
        "warning", "failed", "prod", False,
    )  # fmt: skip


def test_text_logs_keep_to_one_line() -> None:
    stream = io.StringIO()
    log_to(stream, "text").error("failed", message="one\ntwo")
    assert stream.getvalue().count("\n") == 1


def test_what_is_kept_of_an_error() -> None:
    refused = ServerError("relation \"x\" exists (SQLSTATE 42P07)\n    CREATE USER MAPPING (password 'p')")
    assert (brief(refused), code_of(refused)) == ('relation "x" exists (SQLSTATE 42P07)', "server_error")
    stopped = Stopped("refused (SQLSTATE 1)\n    ALTER x\nDROP y\n1 of 2 steps are done and stay done")
    assert brief(stopped) == "refused (SQLSTATE 1)\n1 of 2 steps are done and stay done"
    assert brief(KeyError("s3cr3t")) == "unexpected KeyError"
    assert len(brief(ServerError("x" * 5000), 100)) == 100


def test_credentials_are_blotted_out() -> None:
    text = "postgres://u:p@h/d and https://token@h host=h password = 'a b' sslpassword=x"
    assert without_credentials(text) == (
        "postgres://***@h/d and https://***@h host=h password=*** sslpassword=***"
    )


def test_what_does_not_speak_http_is_not_healthy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")
                connection.recv(4096)

        thread = threading.Thread(target=answer)
        thread.start()
        done = Inside(tmp_path)("health", "--url", f"http://127.0.0.1:{server.getsockname()[1]}/livez")
        thread.join()
    assert done.code == 1
    assert "does not speak HTTP" in done.out
    assert "defect" not in done.err


def test_a_client_that_goes_away_leaves_nothing_in_the_log(
    hands: Hands, capfd: pytest.CaptureFixture[str]
) -> None:
    large = Pages(Health(hands.clock()), Metrics("0").registry, lambda: {"large": "x" * 20_000_000})
    gone = struct.pack("ii", 1, 0)
    with served("127.0.0.1:0", large) as at:
        host, port = at.split(":")
        client = socket.create_connection((host, int(port)))
        client.sendall(b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(10)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, gone)
        client.close()
        for thread in threading.enumerate():
            if "process_request_thread" in thread.name:
                thread.join()
    assert capfd.readouterr().err == ""
