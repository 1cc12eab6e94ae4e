"""Names that refer to one another: selectors and labels, volumes and what they mount, ports, accounts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.k8s.manifests import (
    K8S,
    RENDERED,
    Manifest,
    Workload,
    named,
    of_kind,
    rendered,
    selects,
    workloads,
)

README = (K8S / "README.md").read_text(encoding="utf-8")
GIVEN = {"registry", "high", "signers"}
"""Names that the values of these tests make up."""


def is_brought(kind: str, name: str) -> bool:
    """Whether the README tells users that they bring this object."""
    return name in GIVEN or f"| {kind} | `{name}` |" in README


@pytest.mark.parametrize("name", RENDERED)
def test_selectors_take_the_pods_they_are_for_and_no_others(name: str) -> None:
    found = list(workloads(rendered(name)))
    for manifest in of_kind(rendered(name), "Deployment"):
        selector = manifest["spec"]["selector"]
        taken = [one.name for one in found if selects(selector, one.labels)]
        assert taken == [f"Deployment/{manifest['metadata']['name']}"]
    for manifest in of_kind(rendered(name), "Service", "PodDisruptionBudget"):
        selector = manifest["spec"]["selector"]
        selector = selector if "matchLabels" in selector else {"matchLabels": selector}
        assert [one.component for one in found if selects(selector, one.labels)] == ["controller"]
    for manifest in of_kind(rendered(name), "ServiceMonitor"):
        services = of_kind(rendered(name), "Service")
        monitored = [
            one for one in services if selects(manifest["spec"]["selector"], one["metadata"]["labels"])
        ]
        assert len(monitored) == 1
        ports = {port["name"] for port in monitored[0]["spec"]["ports"]}
        assert {one["port"] for one in manifest["spec"]["endpoints"]} <= ports


@pytest.mark.parametrize("name", RENDERED)
def test_the_service_leads_to_a_port(name: str) -> None:
    (service,) = of_kind(rendered(name), "Service")
    (controller,) = [one for one in workloads(rendered(name)) if one.component == "controller"]
    ports = {one["name"]: one["containerPort"] for one in controller.main["ports"]}
    for port in service["spec"]["ports"]:
        assert port["targetPort"] in ports
        assert ports[port["targetPort"]] == port["port"] == 8080


@pytest.mark.parametrize("name", RENDERED)
def test_probes(name: str) -> None:
    (controller,) = [one for one in workloads(rendered(name)) if one.component == "controller"]
    (port,) = controller.main["ports"]
    probed = {
        key: controller.main[key]["httpGet"] for key in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert probed == {
        "startupProbe": {"path": "/startupz", "port": port["name"]},
        "livenessProbe": {"path": "/livez", "port": port["name"]},
        "readinessProbe": {"path": "/readyz", "port": port["name"]},
    }
    listen = next(word for word in controller.main["args"] if word.startswith("--listen="))
    assert listen == f"--listen=0.0.0.0:{port['containerPort']}"
    for workload in workloads(rendered(name)):
        if workload.component in {"deploy", "drift", "test"}:
            assert not any("Probe" in key for container in workload.containers for key in container)


@pytest.mark.parametrize("name", RENDERED)
def test_every_account_exists(name: str) -> None:
    accounts = {one["metadata"]["name"] for one in of_kind(rendered(name), "ServiceAccount")}
    used = [
        one.pod.get("serviceAccountName")
        for one in workloads(rendered(name))
        if one.component not in {None, "test"}
    ]
    assert set(used) == accounts, "one for each workload, and none too many"
    assert len(used) == len(set(used))


@pytest.mark.parametrize("name", RENDERED)
def test_every_mounted_object_exists_or_is_told_of(name: str) -> None:
    for workload in workloads(rendered(name)):
        volumes = {volume["name"]: volume for volume in workload.pod.get("volumes", [])}
        assert len(volumes) == len(workload.pod.get("volumes", []))
        mounted = set()
        for container in workload.containers:
            for mount in container.get("volumeMounts", []):
                mounted.add(mount["name"])
                held = keys_of(name, volumes[mount["name"]])
                if "subPath" in mount and held is not None:
                    assert mount["subPath"] in held
            for source in container.get("envFrom", []):
                named(rendered(name), "ConfigMap", source["configMapRef"]["name"])
        assert mounted == set(volumes), f"{workload.name} has volumes that nothing mounts"


def keys_of(name: str, volume: Manifest) -> set[str] | None:
    """What is in a volume; None where that is the user's."""
    if "configMap" in volume:
        wanted = volume["configMap"]["name"]
        for manifest in of_kind(rendered(name), "ConfigMap"):
            if manifest["metadata"]["name"] == wanted:
                return set(manifest["data"])
        assert is_brought("ConfigMap", wanted), wanted
    elif "secret" in volume:
        assert is_brought("Secret", volume["secret"]["secretName"]), volume
    else:
        assert "emptyDir" in volume
    return None


@pytest.mark.parametrize("name", RENDERED)
def test_each_workload_has_a_secret_of_its_own(name: str) -> None:
    secrets = {
        one.component: volume["secret"]["secretName"]
        for one in workloads(rendered(name))
        for volume in one.pod.get("volumes", [])
        if one.component and volume["name"] == "database"
    }
    assert len(secrets) == len(set(secrets.values()))
    assert set(secrets) <= {"deploy", "drift", "controller"}


@pytest.mark.parametrize("name", RENDERED)
def test_a_file_mounted_alone_changes_with_its_pod(name: str) -> None:
    """A kubelet never updates a subPath: the pods must be made anew (kubernetes/kubernetes#50345)."""
    for workload in workloads(rendered(name)):
        alone = [
            one
            for container in workload.containers
            for one in container.get("volumeMounts", [])
            if "subPath" in one
        ]
        if not alone or workload.job is not None:
            continue
        annotations = workload.manifest["spec"]["template"]["metadata"].get("annotations", {})
        hashed = all(is_hashed(name, workload, mount["name"]) for mount in alone)
        assert hashed or "checksum/source" in annotations


def is_hashed(name: str, workload: Workload, volume: str) -> bool:
    source: Any = next(one for one in workload.pod["volumes"] if one["name"] == volume)["configMap"]["name"]
    base, _, suffix = source.rpartition("-")
    return base in {"reconcile-settings", "reconcile-schema", "reconcile-plans"} and len(suffix) == 10


class TestNetwork:
    """Who may talk to whom."""

    @pytest.mark.parametrize("name", RENDERED)
    def test_every_pod_of_ours_is_closed_in_both_directions(self, name: str) -> None:
        policies = of_kind(rendered(name), "NetworkPolicy")
        for workload in workloads(rendered(name)):
            covering = [
                one["spec"] for one in policies if selects(one["spec"]["podSelector"], workload.labels)
            ]
            assert {"Ingress", "Egress"} <= {kind for one in covering for kind in one["policyTypes"]}, (
                workload.name
            )

    @pytest.mark.parametrize("name", RENDERED)
    def test_out_only_to_dns_postgresql_and_git(self, name: str) -> None:
        for workload in workloads(rendered(name)):
            out = allowed(name, workload, "egress")
            wanted = {("UDP", 53), ("TCP", 53), ("TCP", 5432)}
            if workload.component == "test":
                wanted |= {("TCP", 8080)}
            if any(one["name"] == "git-sync" for one in workload.containers):
                wanted |= {("TCP", 22), ("TCP", 443)}
            assert out == (wanted if workload.component else set())

    @pytest.mark.parametrize("name", RENDERED)
    def test_in_only_to_the_metrics_of_the_controller(self, name: str) -> None:
        for workload in workloads(rendered(name)):
            wanted = {("TCP", 8080)} if workload.component == "controller" else set()
            assert allowed(name, workload, "ingress") == wanted

    @pytest.mark.parametrize("name", RENDERED)
    def test_a_name_server_is_asked_for_in_one_namespace(self, name: str) -> None:
        for manifest in of_kind(rendered(name), "NetworkPolicy"):
            for rule in manifest["spec"].get("egress", []):
                if 53 in {port["port"] for port in rule["ports"]}:
                    assert rule["to"], manifest["metadata"]["name"]


def allowed(name: str, workload: Workload, direction: str) -> set[tuple[str, int]]:
    """Protocols and ports that the policies of a rendering allow a workload's pods."""
    found = set()
    for manifest in of_kind(rendered(name), "NetworkPolicy"):
        if selects(manifest["spec"]["podSelector"], workload.labels):
            for rule in manifest["spec"].get(direction, []):
                assert rule["ports"], "a rule without ports would allow all of them"
                found |= {(port["protocol"], port["port"]) for port in rule["ports"]}
                if direction == "ingress":
                    assert rule["from"], "a rule without `from` would allow everybody"
    return found
