"""What each overlay and component is for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.k8s.manifests import (
    K8S,
    Composition,
    Manifest,
    composed,
    named,
    of_kind,
    rendered,
    workloads,
)

HOOK = "argocd.argoproj.io/hook"
WAVE = "argocd.argoproj.io/sync-wave"
DIGEST = "sha256:" + "0123456789abcdef" * 4


def notes_of(manifest: Manifest) -> dict[str, str]:
    found: dict[str, str] = manifest["metadata"].get("annotations", {})
    return found


def beside(file: str) -> list[Any]:
    return list(yaml.safe_load_all((K8S / file).read_text(encoding="utf-8")))


def seconds(duration: str) -> int:
    """Of 65m, 1h."""
    number, unit = re.fullmatch(r"(\d+)([smh])", duration).groups()  # type: ignore[union-attr]
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


class TestArgo:
    def test_the_job_is_a_sync_hook_before_applications(self) -> None:
        job = named(rendered("argocd"), "Job", "reconcile-deploy")
        assert notes_of(job) == {
            HOOK: "Sync",
            "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
            WAVE: "-1",
        }

    def test_what_the_job_needs_is_there_before_it(self) -> None:
        for manifest in of_kind(
            rendered("argocd"), "Namespace", "ServiceAccount", "ConfigMap", "NetworkPolicy"
        ):
            assert notes_of(manifest)[WAVE] == "-2"
            assert HOOK not in notes_of(manifest), "a hook would be deleted"

    def test_what_needs_the_job_comes_after_it(self) -> None:
        for manifest in of_kind(rendered("argocd"), "Deployment", "CronJob"):
            assert int(notes_of(manifest)[WAVE]) > -1

    def test_only_the_job_is_a_hook(self) -> None:
        hooks = [one["kind"] for one in rendered("argocd") if HOOK in notes_of(one)]
        assert hooks == ["Job"]

    def test_the_application_applies_on_the_server(self) -> None:
        (application,) = beside("overlays/argocd/application.yaml")
        options = application["spec"]["syncPolicy"]["syncOptions"]
        assert "ServerSideApply=true" in options
        assert application["spec"]["destination"]["namespace"] == "reconcile"


class TestFlux:
    def test_the_job_may_be_made_anew(self) -> None:
        job = named(rendered("flux"), "Job", "reconcile-deploy")
        assert notes_of(job) == {"kustomize.toolkit.fluxcd.io/force": "enabled"}

    def test_the_application_waits_for_the_schema(self) -> None:
        source, schema, application = beside("overlays/flux/flux.yaml")
        assert schema["spec"]["wait"] is True
        assert application["spec"]["dependsOn"] == [{"name": schema["metadata"]["name"]}]
        for one in (schema, application):
            assert one["spec"]["sourceRef"] == {"kind": source["kind"], "name": source["metadata"]["name"]}

    def test_the_job_gives_up_before_flux_does(self) -> None:
        _, schema, _ = beside("overlays/flux/flux.yaml")
        job = named(rendered("flux"), "Job", "reconcile-deploy")
        assert seconds(schema["spec"]["timeout"]) > job["spec"]["activeDeadlineSeconds"]


class TestProd:
    def test_two_controllers_and_a_budget(self) -> None:
        deployment = named(rendered("prod"), "Deployment", "reconcile-controller")["spec"]
        assert deployment["replicas"] == 2
        assert deployment["strategy"]["type"] == "RollingUpdate"
        assert deployment["template"]["spec"]["topologySpreadConstraints"]
        (budget,) = of_kind(rendered("prod"), "PodDisruptionBudget")
        assert budget["spec"]["maxUnavailable"] == 1

    def test_the_server_is_verified(self) -> None:
        for workload in workloads(rendered("prod")):
            environment = {one["name"]: one["value"] for one in workload.main["env"]}
            mounts = {one["mountPath"] for one in workload.main["volumeMounts"]}
            assert environment["PGSSLMODE"] == "verify-full"
            assert str(Path(environment["PGSSLROOTCERT"]).parent) in mounts

    def test_postgresql_only_where_it_is(self) -> None:
        policy = named(rendered("prod"), "NetworkPolicy", "reconcile-egress")
        for rule in policy["spec"]["egress"]:
            assert rule["to"]

    def test_it_observes(self) -> None:
        (controller,) = [one for one in workloads(rendered("prod")) if one.component == "controller"]
        assert "--mode=observe" in controller.main["args"]


class TestImage:
    @pytest.mark.parametrize("composition", ["k8s/base", "k8s/overlays/prod", "k8s/overlays/argocd"])
    def test_one_place_for_it(self, composition: str) -> None:
        """What `kustomize edit set image reconcile=…@sha256:…` writes."""
        images = (
            f"images:\n  - {{name: reconcile, newName: example.org/team/reconcile, digest: {DIGEST!r}}}\n"
        )
        made = composed(Composition((composition,), rest=images))
        used = {one["image"] for workload in workloads(made) for one in workload.containers}
        assert used == {f"example.org/team/reconcile@{DIGEST}"}

    def test_the_version_is_the_packages(self) -> None:
        project = (K8S.parent / "pyproject.toml").read_text(encoding="utf-8")
        version = re.search(r'^version = "(.+)"', project, re.MULTILINE)
        assert version is not None
        for name in ("base", "prod", "application", "chart"):
            for workload in workloads(rendered(name)):
                for container in workload.containers:
                    if container["image"].startswith("reconcile"):
                        assert container["image"] == f"reconcile:{version[1]}"


class TestGitSync:
    def test_jobs_begin_when_the_commit_is_there(self) -> None:
        for workload in workloads(rendered("gitsync")):
            if workload.job is not None:
                (sync,) = workload.pod["initContainers"]
                assert "--one-time" in sync["args"]
                assert "restartPolicy" not in sync
                assert workload.main["workingDir"] == "/git/current"

    def test_the_controller_has_a_sidecar_and_reads_through_the_link(self) -> None:
        (controller,) = [one for one in workloads(rendered("gitsync")) if one.component == "controller"]
        (sync,) = controller.pod["initContainers"]
        assert sync["restartPolicy"] == "Always"
        assert sync["startupProbe"], "the controller starts when this has succeeded"
        assert "--source=/git/current" in controller.main["args"]
        assert not controller.main["workingDir"].endswith("current")

    def test_the_link_is_where_it_is_looked_for(self) -> None:
        for workload in workloads(rendered("gitsync")):
            (sync,) = workload.pod["initContainers"]
            environment = {one["name"]: one["value"] for one in sync["env"]}
            assert environment["GITSYNC_ROOT"] == "/git"
            assert environment["GITSYNC_LINK"] == "current"

    def test_no_config_map_holds_schema_and_plans(self) -> None:
        names = [one["metadata"]["name"] for one in of_kind(rendered("gitsync"), "ConfigMap")]
        assert [one.rpartition("-")[0] for one in names] == ["reconcile-gitsync"]


class TestWait:
    def test_only_a_deployment_that_asks_for_it(self) -> None:
        waiting = {
            one.name
            for one in workloads(rendered("application"))
            if any(container["name"] == "wait-for-schema" for container in one.pod.get("initContainers", []))
        }
        assert waiting == {"Deployment/notes"}

    def test_the_application_is_left_as_it_was(self) -> None:
        notes = named(rendered("application"), "Deployment", "notes")["spec"]["template"]["spec"]
        assert [one["name"] for one in notes["containers"]] == ["notes"]
        assert "volumeMounts" not in notes["containers"][0]


def test_signers_are_mounted_where_the_readme_says() -> None:
    for workload in workloads(rendered("signatures")):
        mounted = "/etc/reconcile/signers" in {one["mountPath"] for one in workload.main["volumeMounts"]}
        assert mounted is (workload.component != "drift"), "who only looks needs no keys"
    assert "/etc/reconcile/signers/allowed_signers" in (K8S / "README.md").read_text(encoding="utf-8")


def test_either_the_job_or_the_controller_applies() -> None:
    kinds = [one["kind"] for one in rendered("controller-apply")]
    assert "Job" not in kinds
    assert kinds.count("ServiceAccount") == 2
