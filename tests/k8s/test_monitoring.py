"""Alerts and the dashboard: they ask for what the controller says, and Prometheus understands them."""

from __future__ import annotations

import functools
import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.controller.metrics import Metrics
from reconciler.controller.source import SourceStatus
from reconciler.controller.state import State
from tests.k8s.manifests import HERE, K8S, Manifest, of_kind, rendered
from tests.k8s.tools import tool

FOREIGN = {
    "kube_job_failed": {"condition", "job_name"},
    "kube_job_status_start_time": {"job_name"},
    "kube_cronjob_status_last_schedule_time": {"cronjob"},
}
"""What kube-state-metrics exports, with the labels that we use."""
SCRAPED = {"namespace", "pod", "job", "le"}
"""Labels that Prometheus adds, and those of histograms."""
METRIC = re.compile(r"\b((?:reconcile|kube)_\w+)(?:\{(.*?)\})?")
LABEL = re.compile(r"(\w+)\s*(=~|!~|!=|=)\s*\"([^\"]*)\"")
DASHBOARD = json.loads((K8S / "dashboards" / "grafana.json").read_text(encoding="utf-8"))


@cache
def exported() -> dict[str, set[str]]:
    """Every metric that the controller exports, with its labels."""
    registry: Any = Metrics("1.0").registry
    return {
        name: {*collector._labelnames}
        for collector, names in registry._collector_to_names.items()
        for name in names
    }


def groups() -> list[Manifest]:
    rule = yaml.safe_load((K8S / "components/prometheusrule/prometheusrule.yaml").read_text(encoding="utf-8"))
    found: list[Manifest] = rule["spec"]["groups"]
    return found


def alerts() -> list[Manifest]:
    return [one for group in groups() for one in group["rules"]]


def panels() -> list[Manifest]:
    found: list[Manifest] = DASHBOARD["panels"]
    return found


def queries() -> Iterator[str]:
    for panel in panels():
        yield from (target["expr"] for target in panel["targets"])
    yield from (one["expr"] for one in DASHBOARD["annotations"]["list"])


EXPRESSIONS = [*(one["expr"] for one in alerts()), *queries()]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_only_what_is_exported_is_asked_for(expression: str) -> None:
    asked = METRIC.findall(expression)
    assert asked
    for name, matchers in asked:
        labels = exported().get(name, FOREIGN.get(name))
        assert labels is not None, f"nobody exports {name}"
        for label, _, _ in LABEL.findall(matchers):
            assert label in labels | SCRAPED, f"{name} has no label {label}"


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_only_values_that_exist_are_compared_with(expression: str) -> None:
    known = {"status": {one.value for one in SourceStatus}, "state": {one.value for one in State}}
    for _, matchers in METRIC.findall(expression):
        for label, _, value in LABEL.findall(matchers):
            if label in known and not value.startswith("$"):
                assert {*value.split("|")} <= known[label]


@pytest.mark.parametrize(
    "name", ["in_sync", "drift_objects", "last_success_timestamp_seconds", "pending_plans"]
)
def test_what_matters_most_is_on_the_dashboard(name: str) -> None:
    assert any(f"reconcile_{name}" in one for one in queries())


class TestAlerts:
    def test_prometheus_understands_them(self, tmp_path: Path) -> None:
        assert promtool(tmp_path, "check", "rules", "rules.yaml").returncode == 0

    def test_they_fire_when_they_should_and_only_then(self, tmp_path: Path) -> None:
        done = promtool(tmp_path, "test", "rules", "alerts.yaml")
        assert done.returncode == 0, done.stdout + done.stderr

    def test_a_rule_that_is_wrong_is_found(self, tmp_path: Path) -> None:
        done = promtool(
            tmp_path,
            "test",
            "rules",
            "alerts.yaml",
            old="reconcile_drift_objects) > 0",
            new="reconcile_drift_objects) > 3",
        )
        assert done.returncode != 0

    def test_each_is_tested(self) -> None:
        cases = yaml.safe_load((HERE / "alerts.yaml").read_text(encoding="utf-8"))["tests"]
        tests = [one for case in cases for one in case["alert_rule_test"]]
        firing = {one["alertname"] for one in tests if one.get("exp_alerts")}
        silent = {one["alertname"] for one in tests if not one.get("exp_alerts")}
        assert firing == silent == {one["alert"] for one in alerts()}

    def test_each_says_what_and_how_bad(self) -> None:
        names = [one["alert"] for one in alerts()]
        assert len(names) == len(set(names))
        for one in alerts():
            assert one["alert"].startswith("Reconcile")
            assert one["labels"]["severity"] in {"critical", "warning", "info"}
            assert set(one["annotations"]) == {"summary", "description"}

    def test_a_label_in_the_text_is_a_label_of_the_alert(self) -> None:
        """Aggregation leaves only the labels that `by` names."""
        for one in alerts():
            kept = {
                label.strip() for by in re.findall(r"by \(([^)]*)\)", one["expr"]) for label in by.split(",")
            }
            for text in one["annotations"].values():
                assert set(re.findall(r"\$labels\.(\w+)", text)) <= kept, one["alert"]


def promtool(folder: Path, *words: str, old: str = "", new: str = "") -> subprocess.CompletedProcess[str]:
    program = str(tool("promtool"))
    text = yaml.safe_dump({"groups": groups()})
    assert old in text
    (folder / "rules.yaml").write_text(text.replace(old, new) if old else text, encoding="utf-8")
    (folder / "alerts.yaml").write_bytes((HERE / "alerts.yaml").read_bytes())
    return subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, check=False)


class TestDashboard:
    def test_prometheus_understands_its_queries(self, tmp_path: Path) -> None:
        variables = {"$namespace": ".*", "$target": ".*", "$__rate_interval": "5m"}
        rules = []
        for number, query in enumerate(queries()):
            filled = functools.reduce(lambda text, one: text.replace(*one), variables.items(), query)
            assert "$" not in filled
            rules.append({"record": f"q:{number}", "expr": filled})
        (tmp_path / "rules.yaml").write_text(
            yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}), "utf-8"
        )
        words = [str(tool("promtool")), "check", "rules", "rules.yaml"]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def test_every_panel_says_what_it_shows(self) -> None:
        ids = [one["id"] for one in panels()]
        assert len(ids) == len(set(ids))
        for panel in panels():
            assert panel["title"]
            assert panel["description"]
            references = [one["refId"] for one in panel["targets"]]
            assert len(references) == len(set(references))

    def test_panels_do_not_lie_on_one_another(self) -> None:
        for panel in panels():
            assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        for one, other in itertools.combinations([panel["gridPos"] for panel in panels()], 2):
            beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
            assert beside or above

    def test_it_is_bound_to_no_installation(self) -> None:
        assert "id" not in DASHBOARD, "an id is one Grafana's own"
        assert set(_uids(DASHBOARD)) == {"${datasource}"}
        variables = {one["name"] for one in DASHBOARD["templating"]["list"]}
        used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(DASHBOARD)))
        assert used == variables

    def test_it_is_delivered_whole(self) -> None:
        (held,) = [
            one for one in of_kind(rendered("everything"), "ConfigMap") if "grafana.json" in one["data"]
        ]
        assert json.loads(held["data"]["grafana.json"]) == DASHBOARD
        assert held["metadata"]["labels"]["grafana_dashboard"] == "1"


def _uids(value: Any) -> Iterator[str]:
    """Of data sources, at any depth."""
    if isinstance(value, dict):
        if isinstance(value.get("datasource"), dict):
            yield value["datasource"]["uid"]
        for each in value.values():
            yield from _uids(each)
    elif isinstance(value, list):
        for each in value:
            yield from _uids(each)
