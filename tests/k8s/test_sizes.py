"""A ConfigMap holds 1 MiB: who has more is told before the cluster says it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.k8s.manifests import K8S, RENDERED, ROOT, Refused, built, by_sdk, charted, of_kind, rendered
from tests.k8s.tools import tool

CHECK = K8S / "check_configmaps.py"
MIB = 1024 * 1024


def overlay(folder: Path, size: int) -> Path:
    """A user's overlay whose one schema file has so many bytes."""
    folder.joinpath("large.yaml").write_text("#" * (size - 1) + "\n", encoding="ascii")
    folder.joinpath("kustomization.yaml").write_text(
        "configMapGenerator:\n  - {name: reconcile-schema, files: [large.yaml]}\n", encoding="utf-8"
    )
    return folder


def checked(folder: Path) -> subprocess.CompletedProcess[str]:
    """As one would type it: kubectl kustomize … | python k8s/check_configmaps.py."""
    built(folder)
    made = subprocess.run([str(tool("kubectl")), "kustomize", str(folder)], capture_output=True, check=True)
    return subprocess.run(
        [sys.executable, str(CHECK)], input=made.stdout.decode(), capture_output=True, text=True, check=False
    )


def test_one_byte_too_many(tmp_path: Path) -> None:
    done = checked(overlay(tmp_path, MIB + 1))
    assert done.returncode == 65
    assert "holds 1,048,577 bytes; a ConfigMap holds at most 1,048,576" in done.stderr
    assert "k8s/components/gitsync" in done.stderr
    assert "Large schemas" in done.stderr


def test_as_much_as_fits_needs_server_side_apply(tmp_path: Path) -> None:
    done = checked(overlay(tmp_path, MIB))
    assert done.returncode == 0
    assert "--server-side" in done.stderr


def test_little_is_not_talked_about(tmp_path: Path) -> None:
    done = checked(overlay(tmp_path, 1000))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("text", "code"), [("", 64), ("a: [", 65)])
def test_what_is_no_rendering(text: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, str(CHECK)], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("render", [charted, by_sdk])
def test_the_chart_refuses_it_itself(render: object) -> None:
    values = {"source": {"schema": {"large.yaml": "#" * (MIB + 1)}}}
    with pytest.raises(Refused, match=r"source\.schema holds 1048577 bytes.*Large schemas"):
        render(values)  # type: ignore[operator]


@pytest.mark.parametrize("name", RENDERED)
def test_ours_are_small_and_their_keys_are_allowed(name: str) -> None:
    for manifest in of_kind(rendered(name), "ConfigMap"):
        for key in manifest["data"]:
            assert all(letter.isalnum() or letter in "-._" for letter in key), key
    assert ROOT in CHECK.parents
