"""What k8s/ renders to, by the real tools, and the pods in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.k8s.tools import NotHad, tool

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"
CHART = K8S / "helm" / "reconcile"
HERE = Path(__file__).resolve().parent
FILES_BEYOND = "--load-restrictor=LoadRestrictionsNone"

Manifest = dict[str, Any]


class Refused(Exception):
    """The tool did not render; says what it said."""


@dataclass(frozen=True, slots=True)
class Composition:
    """A kustomization that takes parts of k8s/ together, as a user's overlay does."""

    resources: tuple[str, ...]
    components: tuple[str, ...] = ()
    rest: str = ""


REPOSITORY = """\
configMapGenerator:
  - name: reconcile-gitsync
    literals: [GITSYNC_REPO=git@git.example.com:team/database.git, GITSYNC_REF=main]
"""
COMPOSITIONS = {
    "base": Composition(("k8s/base",)),
    "dev": Composition(("k8s/overlays/dev",)),
    "prod": Composition(("k8s/overlays/prod",)),
    "argocd": Composition(("k8s/overlays/argocd",)),
    "flux": Composition(("k8s/overlays/flux",)),
    "gitsync": Composition(("k8s/base",), ("k8s/components/gitsync",), f"namespace: reconcile\n{REPOSITORY}"),
    "signatures": Composition(("k8s/base",), ("k8s/components/signatures",)),
    "controller-apply": Composition(("k8s/base",), ("k8s/components/controller-apply",)),
    "application": Composition(("k8s/base", "tests/k8s/application"), ("k8s/components/wait",)),
    "everything": Composition(
        ("k8s/overlays/prod",),
        ("k8s/components/gitsync", "k8s/components/signatures", "k8s/dashboards"),
        f"namespace: databases\n{REPOSITORY}",
    ),
}
CHART_VALUES: dict[str, Manifest] = {
    "chart": {},
    "chart, all on": {
        "image": {"digest": "sha256:" + "ab" * 32, "pullSecrets": ["registry"]},
        "tls": {"caConfigMap": "reconcile-ca"},
        "signatures": {"configMap": "signers"},
        "controller": {"replicas": 2, "mode": "apply"},
        "deploy": {"mode": "direct"},
        "networkPolicy": {"databaseCidrs": ["10.1.0.0/16"]},
        "serviceMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True},
        "podAnnotations": {"team": "data"},
        "podLabels": {"team": "data"},
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "data", "operator": "Exists"}],
        "priorityClassName": "high",
    },
}
RENDERED = (*COMPOSITIONS, *CHART_VALUES)
"""Everything that is held to the rules."""


@cache
def rendered(name: str) -> tuple[Manifest, ...]:
    """A composition or chart by its name. Raises NotHad and Refused."""
    if name in COMPOSITIONS:
        return tuple(composed(COMPOSITIONS[name]))
    return tuple(charted(CHART_VALUES[name]))


def composed(composition: Composition) -> list[Manifest]:
    """Build a kustomization. Raises NotHad and Refused."""
    with tempfile.TemporaryDirectory() as folder:

        def listed(key: str, parts: Sequence[str]) -> str:
            return "".join(
                [f"{key}:\n", *(f"  - {os.path.relpath(ROOT / part, folder)}\n" for part in parts)]
            )

        text = listed("resources", composition.resources) + listed("components", composition.components)
        Path(folder, "kustomization.yaml").write_text(text + composition.rest, encoding="utf-8")
        return built(Path(folder))


def built(folder: Path, *flags: str) -> list[Manifest]:
    """What `kubectl kustomize` makes of a folder. Raises NotHad and Refused."""
    return documents(_said([str(tool("kubectl")), "kustomize", *flags, str(folder)]))


def charted(values: Manifest, release: str = "reconcile", namespace: str = "reconcile") -> list[Manifest]:
    """What helm makes of the chart; by its SDK where there is no helm. Raises Refused."""
    try:
        helm = str(tool("helm"))
    except NotHad:
        return by_sdk(values, release, namespace)
    words = [helm, "template", release, str(CHART), "--namespace", namespace, "--values", "-"]
    return documents(_said(words, json.dumps(values)))


def by_sdk(values: Manifest, release: str = "reconcile", namespace: str = "reconcile") -> list[Manifest]:
    """What helm's SDK makes of the chart, in a process of its own. Raises Refused."""
    asked = json.dumps({"chart": str(CHART), "values": values, "release": release, "namespace": namespace})
    answer = json.loads(_said([sys.executable, str(HERE / "helm_sdk.py")], asked))
    return [one for name, text in sorted(answer.items()) if name.endswith(".yaml") for one in documents(text)]


def _said(words: list[str], asked: str = "") -> str:
    done = subprocess.run(words, input=asked, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise Refused(done.stderr.strip())
    return done.stdout


def documents(text: str) -> list[Manifest]:
    """The objects of a stream."""
    return [one for one in yaml.safe_load_all(text) if one]


@dataclass(frozen=True, slots=True)
class Workload:
    """Something that makes pods."""

    manifest: Manifest
    labels: dict[str, str]
    """Of its pods."""
    pod: Manifest
    """Their spec."""
    job: Manifest | None
    """The Job's spec, where it is a Job or makes them."""

    @property
    def name(self) -> str:
        return f"{self.manifest['kind']}/{self.manifest['metadata']['name']}"

    @property
    def namespace(self) -> str | None:
        found = self.manifest["metadata"].get("namespace")
        return found if isinstance(found, str) else None

    @property
    def component(self) -> str | None:
        return self.labels.get("app.kubernetes.io/component")

    @property
    def containers(self) -> list[Manifest]:
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]

    @property
    def main(self) -> Manifest:
        return next(one for one in self.pod["containers"] if one["name"] == "reconcile")


def workloads(manifests: Sequence[Manifest]) -> Iterator[Workload]:
    """All that make pods, with Pods themselves."""
    for manifest in manifests:
        spec = manifest.get("spec", {})
        if manifest["kind"] == "Pod":
            yield Workload(manifest, manifest["metadata"].get("labels", {}), spec, None)
            continue
        job = None
        if manifest["kind"] == "CronJob":
            job = spec = spec["jobTemplate"]["spec"]
        elif manifest["kind"] == "Job":
            job = spec
        template = spec.get("template") if isinstance(spec, dict) else None
        if template:
            yield Workload(manifest, template["metadata"]["labels"], template["spec"], job)


def of_kind(manifests: Sequence[Manifest], *kinds: str) -> list[Manifest]:
    """Those of some kinds."""
    return [one for one in manifests if one["kind"] in kinds]


def named(manifests: Sequence[Manifest], kind: str, name: str) -> Manifest:
    """The one of that kind and name."""
    (found,) = [one for one in manifests if one["kind"] == kind and one["metadata"]["name"] == name]
    return found


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a label selector without expressions takes these labels; an empty one takes all."""
    assert "matchExpressions" not in selector
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()
