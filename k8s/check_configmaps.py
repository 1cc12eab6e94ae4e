#!/usr/bin/env python3
"""Whether rendered ConfigMaps fit into the cluster.

    kubectl kustomize OVERLAY | python k8s/check_configmaps.py

Ends with 65 where one is too large: the API server would refuse it, but only when it is applied. Needs
PyYAML.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import yaml

LIMIT_BYTES = 1024 * 1024
"""What the values of a ConfigMap may have together (kubernetes.io, "ConfigMaps")."""
CLIENT_SIDE_LIMIT_BYTES = 256 * 1024
"""What the annotations of an object may have; `kubectl apply` without --server-side keeps a copy in one."""


def size_bytes(config_map: dict[str, Any]) -> int:
    """Of all values, as the API server counts."""
    data = [*(config_map.get("data") or {}).values(), *(config_map.get("binaryData") or {}).values()]
    return sum(len(value.encode()) for value in data)


def findings(manifests: Iterable[Any]) -> tuple[list[str], list[str]]:
    """What is refused, and what needs care."""
    errors, warnings = [], []
    for manifest in manifests:
        if not isinstance(manifest, dict) or manifest.get("kind") != "ConfigMap":
            continue
        name, size = manifest["metadata"]["name"], size_bytes(manifest)
        if size > LIMIT_BYTES:
            errors.append(
                f"ConfigMap {name} holds {size:,} bytes; a ConfigMap holds at most {LIMIT_BYTES:,}.\n"
                "    Mount the files from git (k8s/components/gitsync) or from an image volume instead:\n"
                "    k8s/README.md, Large schemas."
            )
        elif size > CLIENT_SIDE_LIMIT_BYTES:
            warnings.append(
                f"ConfigMap {name} holds {size:,} bytes: apply it with `kubectl apply --server-side`,\n"
                "    in Argo CD with ServerSideApply=true; Flux and helm do well as they are."
            )
    return errors, warnings


def main() -> int:
    """Read the stream, tell what was found; returns the exit code."""
    try:
        manifests = [one for one in yaml.safe_load_all(sys.stdin) if one]
    except yaml.YAMLError as error:
        print(f"error: this is not YAML: {error}", file=sys.stderr)
        return 65
    if not manifests:
        print(
            "error: nothing was read; kubectl kustomize OVERLAY | python k8s/check_configmaps.py",
            file=sys.stderr,
        )
        return 64
    errors, warnings = findings(manifests)
    for text in errors:
        print(f"error: {text}", file=sys.stderr)
    for text in warnings:
        print(f"note: {text}", file=sys.stderr)
    return 65 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
