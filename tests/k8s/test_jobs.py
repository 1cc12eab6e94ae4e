"""What the API's schema cannot say about Jobs: our exit codes, and the API server's own validation."""

from __future__ import annotations

import re

import pytest

from reconciler.core import errors
from tests.k8s.manifests import RENDERED, Workload, rendered, workloads

FINAL = [3, 4, 5, 64, 65]
RETRIED = [1, 6, 7, 143]
DRIFT = 2


def jobs(name: str) -> list[Workload]:
    return [one for one in workloads(rendered(name)) if one.job is not None]


def test_every_exit_code_is_either_final_or_retried() -> None:
    found = {1}
    waiting: list[type[errors.ReconcileError]] = [errors.ReconcileError]
    while waiting:
        kind = waiting.pop()
        found.add(kind.exit_code)
        waiting.extend(kind.__subclasses__())
    assert found == {*FINAL, *RETRIED}


@pytest.mark.parametrize("name", RENDERED)
def test_a_final_exit_code_fails_the_job_at_once(name: str) -> None:
    for workload in jobs(name):
        assert workload.job is not None
        rules = workload.job["podFailurePolicy"]["rules"]
        codes = next(one["onExitCodes"] for one in rules if one["action"] == "FailJob")
        wanted = [DRIFT, *FINAL] if workload.component == "drift" else FINAL
        assert codes == {"containerName": "reconcile", "operator": "In", "values": wanted}
        assert not {*codes["values"]} & {*RETRIED}


@pytest.mark.parametrize("name", RENDERED)
def test_the_api_servers_own_rules(name: str) -> None:
    """kubernetes.io, "Jobs", "Pod failure policy"; and the API reference of PodFailurePolicyRule."""
    for workload in jobs(name):
        job = workload.job
        assert job is not None
        assert workload.pod["restartPolicy"] == "Never"
        assert job["podReplacementPolicy"] == "Failed"
        assert "backoffLimitPerIndex" not in job
        rules = job["podFailurePolicy"]["rules"]
        assert 0 < len(rules) <= 20
        for rule in rules:
            assert rule["action"] in {"FailJob", "Ignore", "Count"}
            assert len({"onExitCodes", "onPodConditions"} & set(rule)) == 1
            if codes := rule.get("onExitCodes"):
                values = codes["values"]
                assert values == sorted(set(values))
                assert 0 not in values
                assert codes["containerName"] in {one["name"] for one in workload.containers}
        assert {
            "action": "Ignore",
            "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
        } in rules
        assert job["activeDeadlineSeconds"] > workload.pod["terminationGracePeriodSeconds"]
        assert job["backoffLimit"] >= 1


@pytest.mark.parametrize("name", RENDERED)
def test_a_job_stays_until_the_next_one(name: str) -> None:
    """Argo CD and Flux would make it anew; and its log is what one looks for."""
    assert not any("ttlSecondsAfterFinished" in (one.job or {}) for one in jobs(name))


@pytest.mark.parametrize("name", RENDERED)
def test_the_cron_job(name: str) -> None:
    for workload in jobs(name):
        if workload.manifest["kind"] != "CronJob":
            continue
        spec = workload.manifest["spec"]
        assert spec["concurrencyPolicy"] == "Forbid"
        assert spec["startingDeadlineSeconds"] >= 10, "the controller looks every ten seconds"
        assert re.fullmatch(r"\S+( \S+){4}", spec["schedule"])
        assert workload.job is not None
        assert workload.job["activeDeadlineSeconds"] < 3600, "one is over before the next begins"
        # A name is cut to 63 characters for the Job's suffix and the pod's.
        assert len(workload.manifest["metadata"]["name"]) <= 52
