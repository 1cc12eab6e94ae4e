"""The containers of k8s/, run for real against a server: what their manifests say is enough."""

from __future__ import annotations

import re
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.k8s.kubelet import Container, Ended, container
from tests.k8s.manifests import CHART_VALUES, K8S, ROOT, Manifest, charted, rendered, workloads

GUIDE = ROOT / "docs" / "kubernetes.md"
PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Cluster:
    """A rendering, a database, and roles for its workloads."""

    name: str
    folder: Path
    owner: str
    deploy: str
    read: str

    def container(self, component: str | None, manifests: tuple[Manifest, ...] | None = None) -> Container:
        """The container of a workload, with the Secrets that the README asks for."""
        made = manifests or rendered(self.name)
        (workload,) = [one for one in workloads(made) if one.component == component]
        secrets = {
            "reconcile-database-deploy": self.deploy,
            "reconcile-database-drift": self.read,
            "reconcile-database-controller": self.read,
            "reconcile-database-wait": self.read,
        }
        return container(made, workload, self.folder / str(component), secrets)

    def run(self, component: str | None) -> Ended:
        return self.container(component).run()

    def sql(self, statement: str) -> None:
        with psycopg.connect(self.owner, autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture
def cluster(database: Callable[[], str], tmp_path: Path) -> Iterator[Callable[[str], Cluster]]:
    """A database, with the roles as the guide has them made."""
    url = database()
    name, owner = str(conninfo_to_dict(url)["dbname"]), uuid4().hex
    roles = {f"reconcile_{use}": f"reconcile_{use}_{owner}" for use in ("deploy", "read")}
    with psycopg.connect(url, autocommit=True) as connection:
        made = guide_sql().replace("DATABASE app", f"DATABASE {name}")
        for said, meant in roles.items():
            made = made.replace(said, meant)
        connection.execute(made.encode())
    deploy, read = (
        make_conninfo(url, user=roles[f"reconcile_{use}"], password=password)
        for use, password in (("deploy", "change me"), ("read", "change me too"))
    )
    try:
        yield lambda rendering: Cluster(rendering, tmp_path / "node", url, deploy, read)
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            for role in roles.values():
                connection.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}".encode())


def guide_sql() -> str:
    """The statements of the guide."""
    (found,) = re.findall(r"^```sql\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.slow
def test_from_nothing_to_drift(cluster: Callable[[str], Cluster]) -> None:
    here = cluster("application")
    first = here.run("deploy")
    assert first.code == 0, first.output
    assert first.message["exit_code"] == 0
    assert "applied" in first.output

    again = here.run("deploy")
    assert again.code == 0, again.output
    assert "nothing is pending" in again.output

    waiting = here.run(None)
    assert waiting.code == 0, waiting.output

    calm = here.run("drift")
    assert calm.code == 0, calm.output
    here.sql("ALTER TABLE app.notes ADD COLUMN by_hand integer")
    drifted = here.run("drift")
    assert drifted.code == 2, drifted.output
    assert "column:app.notes.by_hand" in drifted.output
    assert drifted.message["exit_code"] == 2


def test_without_a_chain_the_development_overlay_plans_by_itself(cluster: Callable[[str], Cluster]) -> None:
    here = cluster("dev")
    ended = here.run("deploy")
    assert ended.code == 0, ended.output
    here.sql("SELECT id, body FROM app.notes")


def test_a_chart_without_plans_says_so(cluster: Callable[[str], Cluster]) -> None:
    ended = cluster("chart").run("deploy")
    assert ended.code == 64, ended.output
    assert "no chain of plans" in ended.message["message"]


def test_the_chart_with_the_files_of_base(cluster: Callable[[str], Cluster]) -> None:
    project = K8S / "base" / "project"
    source = {
        part: {file.name: file.read_text(encoding="utf-8") for file in (project / folder).iterdir()}
        for part, folder in (("schema", "schema"), ("plans", "plans/prod"))
    }
    made = tuple(charted(CHART_VALUES["chart"] | {"source": source}))
    here = cluster("chart")
    for component in ("deploy", "drift"):
        ended = here.container(component, made).run()
        assert ended.code == 0, ended.output


def test_a_database_that_cannot_be_reached_is_tried_again(cluster: Callable[[str], Cluster]) -> None:
    here = cluster("base")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://nobody:geheim@127.0.0.1:{taken.getsockname()[1]}/x"
        ended = replace(here, deploy=url).run("deploy")
    assert ended.code == 1, ended.output
    assert "geheim" not in ended.output + str(ended.message)


def test_the_controller(cluster: Callable[[str], Cluster]) -> None:
    here = cluster("base")
    assert here.run("deploy").code == 0
    watching = here.container("controller")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = tuple(re.sub(r"^--listen=.*", f"--listen=127.0.0.1:{port}", word) for word in watching.words)
    words = tuple(re.sub(r"^--interval=.*", "--interval=1", word) for word in words)
    process = replace(watching, words=words).start()
    try:
        probes = [probe["httpGet"]["path"] for probe in _probes(here)]
        for path in probes:
            assert _answers(f"http://127.0.0.1:{port}{path}"), f"{path} of the manifest's probes"
        assert 'reconcile_in_sync{target="prod"} 1.0' in _read(f"http://127.0.0.1:{port}/metrics")
        assert (watching.root / "tmp/status.json").is_file()
    finally:
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=PATIENCE_S)[0]
    assert process.returncode in {0, 143}, output
    assert "Traceback" not in output


def _probes(here: Cluster) -> list[Manifest]:
    (controller,) = [one for one in workloads(rendered(here.name)) if one.component == "controller"]
    return [controller.main[key] for key in ("startupProbe", "livenessProbe", "readinessProbe")]


def _answers(url: str) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            _read(url)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return True
    return False


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        text: bytes = answer.read()
        return text.decode()
