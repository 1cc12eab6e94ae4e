"""Other people's rules: yamllint, and checkov's for Kubernetes. What is left out has a reason."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.k8s.manifests import HERE, K8S, RENDERED, rendered
from tests.k8s.tools import CHECKOV, NotHad

CONFIG = K8S / ".checkov.yaml"


def test_yamllint() -> None:
    words = [
        sys.executable,
        "-m",
        "yamllint",
        "--strict",
        "--config-file",
        str(K8S / ".yamllint.yaml"),
        str(K8S),
        str(HERE),
    ]
    done = subprocess.run(words, cwd=K8S, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_check_that_is_left_out_has_a_reason() -> None:
    skipped = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["skip-check"]
    reasons = re.findall(r"^  - (CKV\w+) +# \S.{20,}", CONFIG.read_text(encoding="utf-8"), re.MULTILINE)
    assert reasons == skipped


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What checkov says of everything that is rendered."""
    folder = tmp_path_factory.mktemp("rendered")
    for number, name in enumerate(RENDERED):
        try:
            text = yaml.safe_dump_all(rendered(name))
        except NotHad as error:
            pytest.skip(str(error))
        (folder / f"{number}.yaml").write_text(text, encoding="utf-8")
    return checkov(folder)


def checkov(folder: Path) -> dict[str, Any]:
    """In an environment of its own: it wants older libraries than we do."""
    words = [sys.executable, "-m", "uv", "tool", "run", "--quiet", "--from", f"checkov=={CHECKOV}", "checkov"]
    had = subprocess.run([*words, "--version"], capture_output=True, text=True, timeout=300, check=False)
    if had.returncode != 0:
        pytest.skip(f"checkov {CHECKOV} cannot be had: {had.stderr.strip().splitlines()[-1:]}")
    words += ["--directory", str(folder), "--config-file", str(CONFIG), "--skip-download", "--compact"]
    done = subprocess.run(
        [*words, "--output", "json"], capture_output=True, text=True, timeout=300, check=False
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_checkov_finds_nothing(report: dict[str, Any]) -> None:
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 1000
    failed = report["results"]["failed_checks"]
    assert not [f"{one['check_id']} {one['check_name']}: {one['resource']}" for one in failed]


@pytest.mark.slow
def test_checkov_finds_what_is_wrong(tmp_path: Path) -> None:
    (wrong,) = [one for one in rendered("base") if one["kind"] == "Job"]
    text = yaml.safe_dump(wrong).replace("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false")
    (tmp_path / "job.yaml").write_text(text, encoding="utf-8")
    assert "CKV_K8S_22" in {one["check_id"] for one in checkov(tmp_path)["results"]["failed_checks"]}
