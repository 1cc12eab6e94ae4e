"""Run a container of a manifest as a process: volumes as a kubelet has them, the command line as it is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.k8s.manifests import Manifest, Workload, of_kind

_ROOTED = re.compile(r"(?<![\w/.])/(?:workspace|etc/reconcile|tmp|dev/termination-log)(?![\w.-])")
"""Paths of the container that lie below a folder of the test's instead."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a container ended."""

    code: int
    output: str
    message: dict[str, Any]
    """What it left in its termination log."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container's file system, in a folder."""

    root: Path
    words: tuple[str, ...]
    folder: Path
    environment: dict[str, str]

    @property
    def log(self) -> Path:
        return self.root / "dev/termination-log"

    def start(self) -> subprocess.Popen[str]:
        """The process, with its output on one pipe."""
        words = [sys.executable, "-m", "reconciler", *self.words]
        return subprocess.Popen(
            words, cwd=self.folder, env=self.environment, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self) -> Ended:
        """Until it ends."""
        process = self.start()
        output = process.communicate(timeout=120)[0]
        text = self.log.read_text(encoding="utf-8")
        assert len(text.encode()) <= 4096
        return Ended(process.returncode, output, json.loads(text) if text else {})


def container(
    manifests: Sequence[Manifest], workload: Workload, root: Path, secrets: dict[str, str]
) -> Container:
    """Lay out what a workload runs of ours. `secrets`: the name of a Secret to its URL."""
    spec = next(one for one in workload.containers if one["name"] in {"wait-for-schema", "reconcile"})
    volumes = {one["name"]: one for one in workload.pod["volumes"]}
    shutil.rmtree(root, ignore_errors=True)
    for mount in spec["volumeMounts"]:
        place = root / mount["mountPath"].lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        files = contents(manifests, volumes[mount["name"]], secrets, root)
        if "subPath" in mount:
            place.write_bytes(files[mount["subPath"]])
        else:
            project(place, files)
    (root / "dev").mkdir(parents=True)
    (root / "dev/termination-log").touch()
    words = tuple(below(root, word) for word in spec["args"])
    given = {one["name"]: below(root, one["value"]) for one in spec["env"]}
    # What the image says, and what a process needs on any machine.
    home = {"HOME": str(root / "tmp"), "TMPDIR": str(root / "tmp"), "PYTHONPATH": os.getcwd()}
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "RECONCILE_CACHE_DIR") if name in os.environ}
    return Container(root, words, root / spec["workingDir"].lstrip("/"), kept | home | given)


def contents(
    manifests: Sequence[Manifest], volume: Manifest, secrets: dict[str, str], root: Path
) -> dict[str, bytes]:
    """The files of a volume."""
    if "secret" in volume:
        url = secrets[volume["secret"]["secretName"]]
        return {item["path"]: url.encode() for item in volume["secret"]["items"]}
    if "configMap" in volume:
        name = volume["configMap"]["name"]
        (held,) = [one for one in of_kind(manifests, "ConfigMap") if one["metadata"]["name"] == name]
        return {key: below(root, text).encode() for key, text in held["data"].items()}
    return {}


def project(place: Path, files: dict[str, bytes]) -> None:
    """As the kubelet writes a volume: links through ..data into a folder that is replaced as a whole."""
    place.mkdir(parents=True, exist_ok=True)
    if not files:
        return
    stamped = place / "..2026_01_01_00_00_00.1"
    stamped.mkdir()
    (place / "..data").symlink_to(stamped.name)
    for name, held in files.items():
        (stamped / name).write_bytes(held)
        (place / name).symlink_to(f"..data/{name}")


def below(root: Path, text: str) -> str:
    """Paths of the container as paths of this machine."""
    return _ROOTED.sub(lambda found: f"{root}{found[0]}", text)
