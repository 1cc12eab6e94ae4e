"""Every manifest against the API's own schemas, over the versions of Kubernetes that are in use."""

from __future__ import annotations

import copy
import json
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from tests.k8s.manifests import K8S, RENDERED, rendered

VERSIONS = ("1.29", "1.31", "1.33", "1.35", "1.37")
CUSTOM = frozenset({"ServiceMonitor", "PrometheusRule"})
"""Their schemas come with their operators, not with Kubernetes."""


@pytest.mark.parametrize("version", VERSIONS)
def test_strictly_valid(version: str) -> None:
    different = {json.dumps(one, sort_keys=True): one for name in RENDERED for one in rendered(name)}
    for manifest in different.values():
        if manifest["kind"] not in CUSTOM:
            assert kubernetes_validate.validate(manifest, version, strict=True) == version


def test_a_typing_error_is_found() -> None:
    job = copy.deepcopy(next(one for one in rendered("base") if one["kind"] == "Job"))
    job["spec"]["backofLimit"] = 3
    with pytest.raises(kubernetes_validate.ValidationError, match="backofLimit"):
        kubernetes_validate.validate(job, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("name", RENDERED)
def test_each_object_is_there_once(name: str) -> None:
    seen = [
        (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in rendered(name)
    ]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("name", RENDERED)
def test_all_of_a_rendering_is_in_one_namespace(name: str) -> None:
    homes = {one["metadata"].get("namespace") for one in rendered(name) if one["kind"] != "Namespace"}
    assert len(homes) == 1
    spaces = {one["metadata"]["name"] for one in rendered(name) if one["kind"] == "Namespace"}
    assert spaces <= homes


def _shapes() -> list[tuple[str, Any]]:
    beside = ("overlays/flux/flux.yaml", "overlays/argocd/application.yaml")
    return [(file, one) for file in beside for one in yaml.safe_load_all((K8S / file).read_text("utf-8"))]


@pytest.mark.parametrize(("file", "shape"), _shapes())
def test_what_is_given_to_flux_and_argo_names_folders_that_exist(file: str, shape: Any) -> None:
    assert shape["apiVersion"].split("/")[0].endswith(("fluxcd.io", "argoproj.io"))
    path = shape["spec"].get("path") or shape["spec"].get("source", {}).get("path")
    if path and "application" not in path:
        assert (K8S.parent / path / "kustomization.yaml").is_file()
