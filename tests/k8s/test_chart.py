"""The Helm chart: the same as base/, hooks in order, and values that cannot be right are refused."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.k8s.manifests import (
    CHART,
    CHART_VALUES,
    K8S,
    Manifest,
    Refused,
    Workload,
    by_sdk,
    charted,
    named,
    of_kind,
    rendered,
    workloads,
)
from tests.k8s.tools import tool

HOOK, WEIGHT, POLICY = "helm.sh/hook", "helm.sh/hook-weight", "helm.sh/hook-delete-policy"
HELMS_TIMEOUT_S = 300
"""Of `helm install` and `helm upgrade`, where --timeout says nothing."""


def hooks(manifests: list[Manifest] | tuple[Manifest, ...], when: str) -> list[Manifest]:
    return [
        one for one in manifests if when in one["metadata"].get("annotations", {}).get(HOOK, "").split(",")
    ]


class TestHooks:
    @pytest.mark.parametrize("name", CHART_VALUES)
    def test_the_job_runs_after_install_and_before_upgrade(self, name: str) -> None:
        job = named(rendered(name), "Job", "reconcile-deploy")
        assert job["metadata"]["annotations"] == {
            HOOK: "post-install,pre-upgrade",
            WEIGHT: "0",
            POLICY: "before-hook-creation",
        }

    @pytest.mark.parametrize("name", CHART_VALUES)
    def test_what_the_job_needs_is_a_hook_before_it(self, name: str) -> None:
        """Before an upgrade, all else of the release is still as it was."""
        (job,) = [one for one in workloads(rendered(name)) if one.component == "deploy"]
        early = {
            (one["kind"], one["metadata"]["name"])
            for one in hooks(rendered(name), "pre-upgrade")
            if int(one["metadata"]["annotations"][WEIGHT]) < 0
        }
        made = {one["metadata"]["name"] for one in of_kind(rendered(name), "ConfigMap")}
        mounted = {one["configMap"]["name"] for one in job.pod["volumes"] if "configMap" in one}
        assert ("ServiceAccount", job.pod["serviceAccountName"]) in early
        assert {("ConfigMap", one) for one in mounted & made} <= early
        assert {f"reconcile-{part}-deploy" for part in ("schema", "plans", "settings")} <= mounted

    @pytest.mark.parametrize("name", CHART_VALUES)
    def test_nothing_else_relies_on_a_hook(self, name: str) -> None:
        transient = {(one["kind"], one["metadata"]["name"]) for one in hooks(rendered(name), "pre-upgrade")}
        for workload in workloads(rendered(name)):
            if workload.component in {"drift", "controller"}:
                used = {
                    ("ConfigMap", one["configMap"]["name"])
                    for one in workload.pod["volumes"]
                    if "configMap" in one
                }
                assert not used & transient
                assert ("ServiceAccount", workload.pod["serviceAccountName"]) not in transient

    @pytest.mark.parametrize("name", CHART_VALUES)
    def test_a_failed_job_can_be_looked_at_and_does_not_block_the_next(self, name: str) -> None:
        for manifest in rendered(name):
            notes = manifest["metadata"].get("annotations", {})
            if HOOK in notes:
                assert notes[POLICY] == "before-hook-creation"

    def test_the_job_gives_up_before_helm_does(self) -> None:
        job = named(rendered("chart"), "Job", "reconcile-deploy")
        assert job["spec"]["activeDeadlineSeconds"] < HELMS_TIMEOUT_S

    def test_helm_test_asks_the_controller(self) -> None:
        (pod,) = hooks(rendered("chart"), "test")
        (service,) = of_kind(rendered("chart"), "Service")
        assert pod["kind"] == "Pod"
        url = f"http://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}/readyz"
        assert pod["spec"]["containers"][0]["args"] == ["health", f"--url={url}"]


class TestLikeBase:
    @staticmethod
    def plain(workload: Workload) -> Manifest:
        """Without names that a release or a hash makes, and without labels."""
        spec: Manifest = copy.deepcopy(workload.manifest["spec"])
        template = spec.get("jobTemplate", {}).get("spec", spec)["template"]
        template["metadata"].clear()
        for volume in template["spec"]["volumes"]:
            if "configMap" in volume:
                volume["configMap"]["name"] = volume["name"]
        for holder in (spec, spec.get("jobTemplate", {})):
            holder.pop("metadata", None)
        spec.pop("selector", None)
        if workload.manifest["kind"] == "Job":
            # Helm waits for it, and gives up after five minutes.
            assert spec.pop("activeDeadlineSeconds")
        return spec

    @pytest.mark.parametrize("component", ["deploy", "drift", "controller"])
    def test_workloads_are_the_same(self, component: str) -> None:
        chart, base = (
            next(self.plain(one) for one in workloads(rendered(name)) if one.component == component)
            for name in ("chart", "base")
        )
        assert chart == base

    @pytest.mark.parametrize("kind", ["Service", "PodDisruptionBudget"])
    def test_so_is_what_is_about_them(self, kind: str) -> None:
        specs = []
        for name in ("chart", "base"):
            (manifest,) = copy.deepcopy(of_kind(rendered(name), kind))
            del manifest["spec"]["selector"]
            specs.append(manifest["spec"])
        assert specs[0] == specs[1]

    def test_so_are_the_settings(self) -> None:
        settings = [
            yaml.safe_load(one["data"]["reconcile.yaml"])
            for name in ("chart", "base")
            for one in of_kind(rendered(name), "ConfigMap")
            if "reconcile.yaml" in one["data"]
        ]
        assert len(settings) == 3
        assert all(one == settings[0] for one in settings)

    def test_so_are_the_alerts(self) -> None:
        (chart,) = of_kind(rendered("chart, all on"), "PrometheusRule")
        (base,) = of_kind(rendered("prod"), "PrometheusRule")
        assert chart["spec"] == base["spec"]


REFUSED: list[tuple[str, Manifest, str]] = [
    ("a value that is not there", {"controler": {}}, "controler"),
    ("a mode that is not there", {"controller": {"mode": "force"}}, "mode"),
    ("healing that is not there", {"settings": {"controller": {"heal": "always"}}}, "heal"),
    ("a chain and no chain", {"deploy": {"mode": "both"}}, "mode"),
    ("an interval of nothing", {"controller": {"interval": 0}}, "interval"),
    ("text for a number", {"controller": {"replicas": "2"}}, "replicas"),
    ("a tag in the repository", {"image": {"repository": "reconcile:1.0"}}, "repository"),
    ("a digest in the repository", {"image": {"repository": "reconcile@sha256:" + "0" * 64}}, "repository"),
    ("half a digest", {"image": {"digest": "sha256:abc"}}, "digest"),
    ("whatever is latest", {"image": {"tag": "latest"}}, "tag"),
    ("a schedule of four fields", {"drift": {"schedule": "17 * * *"}}, "schedule"),
    ("a URL with its password", {"settings": {"targets": {"prod": {"url": "postgresql://u:p@h/d"}}}}, "prod"),
    ("a relative file for the URL", {"settings": {"targets": {"prod": {"url_file": "url"}}}}, "url_file"),
    ("a folder in a file's name", {"source": {"schema": {"app/users.yaml": ""}}}, "app/users.yaml"),
    ("a schema that is no YAML file", {"source": {"schema": {"users.sql": ""}}}, "users.sql"),
    ("a plan without a number", {"source": {"plans": {"users.plan.yaml": ""}}}, "users.plan.yaml"),
    ("no limit of memory", {"deploy": {"resources": {"limits": {"memory": None}}}}, "memory"),
    ("a quantity that is none", {"deploy": {"resources": {"limits": {"memory": "lots"}}}}, "memory"),
    ("a port that is none", {"networkPolicy": {"databasePort": 70000}}, "databasePort"),
    ("an address that is no range", {"networkPolicy": {"databaseCidrs": ["10.0.0.1"]}}, "databaseCidrs"),
    ("a Secret's name in capitals", {"database": {"deploySecret": "Deploy"}}, "deploySecret"),
    (
        "labels that selectors rely on",
        {"podLabels": {"app.kubernetes.io/name": "mine"}},
        "app.kubernetes.io/name",
    ),
]


@pytest.mark.parametrize(
    ("values", "told"), [(one[1], one[2]) for one in REFUSED], ids=[one[0] for one in REFUSED]
)
def test_refused(values: Manifest, told: str) -> None:
    with pytest.raises(Refused) as refused:
        charted(values)
    assert told in str(refused.value)
    assert "reconcile:\n- at '" in str(refused.value), "values.schema.json refuses it, and says where"


ACCEPTED: list[Manifest] = [
    {"image": {"repository": "registry.example.org:5000/team/reconcile", "tag": "1.2.3"}},
    {"drift": {"schedule": "@daily"}, "controller": {"enabled": False}},
    {"deploy": {"enabled": False}, "drift": {"enabled": False}, "controller": {"interval": 2.5}},
    {"source": {"existingSchemaConfigMap": "mine", "existingPlansConfigMap": "mine-too"}},
    {
        "source": {
            "plans": {"CHAIN": "", "0001_a.plan.yaml": "", "0001_a.plan.yaml.sig": "", "snapshot.yaml": ""}
        }
    },
    {"networkPolicy": {"enabled": False}},
    {"deploy": {"resources": {"limits": {"memory": "2Gi", "cpu": 1.5}}}},
]


@pytest.mark.parametrize("values", ACCEPTED)
def test_accepted(values: Manifest) -> None:
    assert charted(values)


def test_a_workload_that_is_off_leaves_nothing_behind() -> None:
    made = charted(
        {"deploy": {"enabled": False}, "drift": {"enabled": False}, "controller": {"enabled": False}}
    )
    assert {one["kind"] for one in made} == {"NetworkPolicy"}


def test_the_image_by_digest() -> None:
    for workload in workloads(rendered("chart, all on")):
        assert all(one["image"].startswith("reconcile@sha256:") for one in workload.containers)


def test_a_change_of_the_schema_makes_new_controller_pods() -> None:
    def checksum(text: str) -> Any:
        made = charted({"source": {"schema": {"a.yaml": text}}})
        (controller,) = of_kind(made, "Deployment")
        return controller["spec"]["template"]["metadata"]["annotations"]["checksum/source"]

    assert checksum("schemas: {a: {}}\n") != checksum("schemas: {b: {}}\n")
    assert checksum("schemas: {a: {}}\n") == checksum("schemas: {a: {}}\n")


def test_files_arrive_as_they_are(tmp_path: Path) -> None:
    """Also where the text looks like a template, or like YAML within YAML."""
    text = '# {{ not a template }}\nschema: app\n\ntables:\n  t: {columns: {a: "text"}}\n'
    made = charted({"source": {"schema": {"a.yaml": text}}})
    for name in ("reconcile-schema", "reconcile-schema-deploy"):
        assert named(made, "ConfigMap", name)["data"]["a.yaml"] == text


def test_long_names_are_cut_where_kubernetes_would_refuse_them() -> None:
    made = charted({}, release="a" * 53)
    for manifest in made:
        assert len(manifest["metadata"]["name"]) <= 63
    (cron,) = of_kind(made, "CronJob")
    assert len(cron["metadata"]["name"]) <= 52


def test_two_releases_in_one_namespace_do_not_take_each_others_pods() -> None:
    one, other = (charted({}, release=name) for name in ("orders", "billing"))
    names = [{(each["kind"], each["metadata"]["name"]) for each in made} for made in (one, other)]
    assert not names[0] & names[1]
    (deployment,) = of_kind(one, "Deployment")
    wanted = deployment["spec"]["selector"]["matchLabels"].items()
    assert not [each.name for each in workloads(other) if wanted <= each.labels.items()]


@pytest.mark.parametrize("name", CHART_VALUES)
def test_helm_lint(name: str, tmp_path: Path) -> None:
    values = tmp_path / "values.json"
    values.write_text(json.dumps(CHART_VALUES[name]), encoding="utf-8")
    words = [str(tool("helm")), "lint", "--strict", str(CHART), "--values", str(values)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", CHART_VALUES)
def test_two_versions_of_helm_make_the_same(name: str) -> None:
    def ordered(manifests: list[Manifest] | tuple[Manifest, ...]) -> list[str]:
        return sorted(json.dumps(one, sort_keys=True) for one in manifests)

    assert ordered(by_sdk(CHART_VALUES[name])) == ordered(rendered(name))


def test_notes_tell_what_to_do_next() -> None:
    words = [str(tool("helm")), "install", "reconcile", str(CHART), "--dry-run=client", "--namespace", "db"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    notes = done.stdout.partition("NOTES:")[2]
    assert "source.plans is empty" in notes
    assert "logs job/reconcile-deploy" in notes
    for secret in ("deploy", "drift", "controller"):
        assert f"reconcile-database-{secret}" in notes


def test_every_value_is_described() -> None:
    """In values.schema.json, so that nothing in values.yaml is refused or goes unchecked."""
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert set(schema["properties"]) - {"global"} == set(values)
    for key, value in values.items():
        described = schema["properties"][key]
        if isinstance(value, dict) and described.get("additionalProperties") is False:
            assert set(described["properties"]) == set(value), key
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    base = yaml.safe_load((K8S / "base" / "kustomization.yaml").read_text(encoding="utf-8"))
    assert chart["appVersion"] == base["images"][0]["newTag"]
