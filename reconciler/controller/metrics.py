"""What Prometheus reads. Names are a contract: they are added to, never changed (docs/controller.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.controller.state import State

if TYPE_CHECKING:
    from reconciler.controller.state import Finding

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """One instance's metrics, in a registry of their own."""

    def __init__(self, version: str) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry = made = CollectorRegistry()
        of = ("target",)

        def gauge(name: str, help: str, labels: tuple[str, ...] = of) -> Gauge:
            return Gauge(f"reconcile_{name}", help, labels, registry=made)

        self._in_sync = gauge("in_sync", "1 where the database is as declared and no plan waits.")
        self._drift = gauge("drift_objects", "Objects that are not as the last run left them.")
        self._differences = gauge("differences", "Steps of a plan from the database to the declared state.")
        self._success = gauge("last_success_timestamp_seconds", "When a pass last ended without an error.")
        self._attempt = gauge("last_attempt_timestamp_seconds", "When a pass was last begun.")
        self._hazards = gauge("pending_hazards", "Hazards of what waits, by code.", ("target", "code"))
        self._pending = gauge("pending_plans", "Plans of the chain that wait to be applied.")
        self._active = gauge("active", "1 where this instance is the one that works.")
        self._state = gauge("target_state", "1 for the state that the target is in.", ("target", "state"))
        self._lock_wait = gauge("lock_wait_seconds", "How long the last run waited for locks.")
        self._source = gauge("source_info", "The source that is read.", ("revision", "status"))
        self._heartbeat = gauge("heartbeat_timestamp_seconds", "When the loop last turned.", ())
        self._planned = Histogram(
            "reconcile_plan_duration_seconds", "How long looking at a target took.", of, buckets=_SECONDS,
            registry=made,
        )  # fmt: skip
        self._applied = Counter(
            "reconcile_apply", "Plans carried out, by how that ended.", ("target", "result"), registry=made
        )
        self._errors = Counter(
            "reconcile_errors", "Passes that ended with an error.", ("target", "code"), registry=made
        )
        gauge("build_info", "The version that runs.", ("version",)).labels(version).set(1)

    def heartbeat(self, now: float) -> None:
        """The loop turns; `now` in seconds since the epoch."""
        self._heartbeat.set(now)

    def source(self, revision: str | None, status: str) -> None:
        """What the last look at the source found."""
        self._source.clear()
        self._source.labels(revision or "", status).set(1)

    def attempt(self, target: str, now: float) -> None:
        """A pass over a target begins."""
        self._attempt.labels(target).set(now)

    def planned(self, target: str, seconds: float) -> None:
        """A target was looked at in full."""
        self._planned.labels(target).observe(seconds)

    def applied(self, target: str, result: str, lock_wait_seconds: float) -> None:
        """A plan was carried out, or not."""
        self._applied.labels(target, result).inc()
        self._lock_wait.labels(target).set(lock_wait_seconds)

    def failed(self, target: str, code: str) -> None:
        """A pass ended with an error."""
        self._errors.labels(target, code).inc()

    def active(self, target: str, is_active: bool) -> None:
        """Whether this instance works on the target's database."""
        self._active.labels(target).set(int(is_active))

    def found(self, target: str, finding: Finding, succeeded_at: float | None) -> None:
        """What a pass found. Who stands by says nothing of a database that another looks at."""
        self._of_state(target, finding.state)
        if succeeded_at is not None:
            self._success.labels(target).set(succeeded_at)
        if finding.state is State.STANDBY:
            self._forget_findings(target)
            return
        if finding.state is State.ERROR:
            # What was found last still stands, but for the claim that all is well.
            self._in_sync.labels(target).set(0)
            return
        self._in_sync.labels(target).set(int(finding.is_in_sync))
        self._drift.labels(target).set(len(finding.drift))
        self._differences.labels(target).set(len(finding.differences))
        self._pending.labels(target).set(len(finding.pending))
        self._of_hazards(target, finding.hazards)

    def forget(self, target: str) -> None:
        """The target is no longer watched: nothing of it may stay and look current."""
        self._forget_findings(target)
        for metric in (self._success, self._attempt, self._active, self._lock_wait, self._planned):
            metric.remove_by_labels({"target": target})
        for counted in (self._applied, self._errors, self._state):
            counted.remove_by_labels({"target": target})

    def _forget_findings(self, target: str) -> None:
        for metric in (self._in_sync, self._drift, self._differences, self._pending, self._hazards):
            metric.remove_by_labels({"target": target})

    def _of_state(self, target: str, state: State) -> None:
        for each in State:
            self._state.labels(target, each.value).set(int(each is state))

    def _of_hazards(self, target: str, hazards: Mapping[str, int]) -> None:
        self._hazards.remove_by_labels({"target": target})
        for code, count in hazards.items():
            self._hazards.labels(target, code).set(count)
