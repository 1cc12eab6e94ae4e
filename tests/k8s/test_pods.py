"""What every pod must be: the rules of PodSecurity `restricted`, and ours on top."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from tests.k8s.manifests import RENDERED, Workload, rendered, workloads

VOLUME_TYPES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected",
    "secret",
}  # fmt: skip
"""kubernetes.io, "Pod Security Standards": Restricted, Volume Types."""
MAY_ADD = {"NET_BIND_SERVICE"}
SECRET_WORDS = ("password", "secret", "token", "url", "pgpass", "dsn")
SETTINGS = {"RECONCILE_TERMINATION_LOG", "PGSSLMODE", "PGSSLROOTCERT"}
"""Environment that our containers may set."""


def all_workloads(name: str) -> list[Workload]:
    found = list(workloads(rendered(name)))
    assert found
    return found


@pytest.mark.parametrize("name", RENDERED)
def test_pod_security_restricted(name: str) -> None:
    for workload in all_workloads(name):
        pod = workload.pod
        assert not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC"))
        for volume in pod.get("volumes", []):
            assert set(volume) - {"name"} <= VOLUME_TYPES, (workload.name, volume)
        assert "runAsUser" not in pod["securityContext"] or pod["securityContext"]["runAsUser"] > 0
        for container in workload.containers:
            security = container["securityContext"]
            around = pod["securityContext"] | security
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"]["drop"] == ["ALL"]
            assert set(security["capabilities"].get("add", [])) <= MAY_ADD
            assert not security.get("privileged")
            assert security.get("procMount", "Default") == "Default"
            assert around["runAsNonRoot"] is True
            assert around["runAsUser"] > 0
            assert around["seccompProfile"]["type"] in {"RuntimeDefault", "Localhost"}
            assert not any("hostPort" in port for port in container.get("ports", []))


@pytest.mark.parametrize("name", RENDERED)
def test_nothing_talks_to_the_kubernetes_api(name: str) -> None:
    for workload in all_workloads(name):
        assert workload.pod["automountServiceAccountToken"] is False
        projected = [
            one
            for volume in workload.pod.get("volumes", [])
            for one in volume.get("projected", {}).get("sources", [])
        ]
        assert not any("serviceAccountToken" in one for one in projected)
    for manifest in rendered(name):
        assert manifest["kind"] not in {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "Secret"}
        if manifest["kind"] == "ServiceAccount":
            assert manifest["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", RENDERED)
def test_our_containers(name: str) -> None:
    for workload in all_workloads(name):
        for container in workload.containers:
            if container["name"] not in {"reconcile", "wait-for-schema", "git-sync"}:
                continue
            around = workload.pod["securityContext"] | container["securityContext"]
            assert around["runAsUser"] == (65533 if container["name"] == "git-sync" else 65532)
            assert around["runAsGroup"] == 65532
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"
            assert set(container["resources"]["requests"]) == {"cpu", "memory", "ephemeral-storage"}
            assert {"memory", "ephemeral-storage"} <= set(container["resources"]["limits"])
            assert "command" not in container, "the image's ENTRYPOINT runs"


@pytest.mark.parametrize("name", RENDERED)
def test_tmp_is_a_volume_with_a_limit(name: str) -> None:
    for workload in all_workloads(name):
        limits = {
            one["name"]: one["emptyDir"].get("sizeLimit")
            for one in workload.pod.get("volumes", [])
            if "emptyDir" in one
        }
        assert all(limits.values()), workload.name
        for container in workload.containers:
            mounts = {one["mountPath"]: one for one in container.get("volumeMounts", [])}
            if container["name"] in {"reconcile", "wait-for-schema", "git-sync"}:
                assert mounts["/tmp"]["name"] in limits
            for path, mount in mounts.items():
                writable = mount["name"] in limits and (path == "/tmp" or container["name"] == "git-sync")
                assert writable or mount.get("readOnly") is True, (workload.name, path)


@pytest.mark.parametrize("name", RENDERED)
def test_no_mount_lies_within_another(name: str) -> None:
    """A ConfigMap's volume is read-only: a folder for a mount within it could not be made."""
    for workload in all_workloads(name):
        for container in workload.containers:
            paths = [PurePosixPath(one["mountPath"]) for one in container.get("volumeMounts", [])]
            assert len(paths) == len(set(paths))
            assert not [(a, b) for a in paths for b in paths if a != b and a.is_relative_to(b)]


@pytest.mark.parametrize("name", RENDERED)
def test_secrets_come_as_files_only(name: str) -> None:
    for workload in all_workloads(name):
        for container in workload.containers:
            for variable in container.get("env", []):
                assert "valueFrom" not in variable, (workload.name, variable)
                assert variable["name"] in SETTINGS or container["name"] == "git-sync"
                assert "://" not in variable["value"]
            for source in container.get("envFrom", []):
                assert "secretRef" not in source, (workload.name, source)
            for word in container.get("args", []):
                assert "://" not in word or word == "--url=http://reconcile-controller:8080/readyz"
                assert not any(
                    secret in word.split("=")[0].lower() for secret in SECRET_WORDS
                ) or word.startswith("--url=http:")


@pytest.mark.parametrize("name", RENDERED)
def test_a_secret_can_be_read_by_its_pod_and_by_nobody_else(name: str) -> None:
    for workload in all_workloads(name):
        for volume in workload.pod.get("volumes", []):
            if "secret" not in volume:
                continue
            mode = volume["secret"]["defaultMode"]
            if workload.component is None:
                # An application's pod may have no fsGroup; its own containers do not mount it.
                users = [
                    one["name"]
                    for one in workload.containers
                    if volume["name"] in {mount["name"] for mount in one.get("volumeMounts", [])}
                ]
                assert users == ["wait-for-schema"]
                continue
            assert mode == 0o440
            assert workload.pod["securityContext"]["fsGroup"] == workload.pod["securityContext"]["runAsGroup"]


@pytest.mark.parametrize("name", RENDERED)
def test_images_are_pinned(name: str) -> None:
    for workload in all_workloads(name):
        for container in workload.containers:
            image = container["image"]
            tag = image.rsplit("/", 1)[-1].partition(":")[2]
            assert tag not in {"", "latest"}, (workload.name, image)
            assert "." not in image.split("/")[0] or "/" not in image, "no registry's host"


@pytest.mark.parametrize("name", RENDERED)
def test_there_is_time_to_stop(name: str) -> None:
    for workload in all_workloads(name):
        if workload.component in {"deploy", "controller"}:
            assert workload.pod["terminationGracePeriodSeconds"] >= 60
        assert not any("lifecycle" in one for one in workload.containers)
