"""What a cluster gives to a container: mounted folders, arguments, an end. No cluster is in it.

The arguments are those of k8s/. A process has no mounts of its own here, so `/etc/reconcile` is a folder of
the pod, and the settings that name it are written anew for each.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml

from tests.cli.conftest import Finished
from tests.cli.team import git
from tests.forge.conftest import Quiet
from tests.forge.workflows import ROOT

K8S = ROOT / "k8s"
SECRETS = "/etc/reconcile"


def arguments(manifest: str, changed: Mapping[str, str] | None = None) -> list[str]:
    """What the manifest's container for reconcile is started with; `changed` replaces a flag's value."""
    spec = yaml.safe_load((K8S / manifest).read_text(encoding="utf-8"))["spec"]["template"]["spec"]
    (container,) = spec.get("initContainers", spec.get("containers"))
    words: list[str] = container["args"]
    for flag, value in (changed or {}).items():
        (at,) = [at for at, word in enumerate(words) if word.partition("=")[0] == flag]
        if "=" in words[at]:
            words[at] = f"{flag}={value}"
        else:
            words[at + 1] = value
    return words


def mounted(folder: Path, files: Mapping[str, str]) -> None:
    """Files as the kubelet mounts those of a ConfigMap or Secret: links through `..data`."""
    folder.mkdir(parents=True)
    (folder / "..2026_11_22").mkdir()
    (folder / "..data").symlink_to("..2026_11_22")
    for name, text in files.items():
        (folder / "..data" / name).write_text(text, encoding="utf-8")
        (folder / name).symlink_to(f"..data/{name}")


def committed(origin: Path, commit: str) -> dict[str, str]:
    """The files of a commit."""
    packed = subprocess.run(
        ["git", "-C", str(origin), "archive", commit], stdout=subprocess.PIPE, check=True
    ).stdout
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        files = {one.name: archive.extractfile(one) for one in archive if one.isfile()}
        return {name: content.read().decode() for name, content in files.items() if content is not None}


@dataclass(slots=True)
class Pod:
    """A container that carries out one command in /workspace."""

    folder: Path
    url: str
    files: Mapping[str, str]
    """The repository's files, of which ConfigMaps were made."""
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    """More folders below /etc/reconcile."""

    def __post_init__(self) -> None:
        for name in ("schema", "plans/prod"):
            inner = {path: text for path, text in self.files.items() if path.startswith(f"{name}/")}
            mounted(self.workspace / name, {Path(path).name: text for path, text in inner.items()})
        place = str(self.folder) + SECRETS
        settings = self.files["reconcile.yaml"].replace(SECRETS, place)
        (self.workspace / "reconcile.yaml").write_text(settings, encoding="utf-8")
        for name, files in ({"database": {"url": self.url}} | self.secrets).items():
            mounted(Path(place, name), files)
        (self.folder / "tmp").mkdir()

    @property
    def workspace(self) -> Path:
        """Where it runs."""
        return self.folder / "workspace"

    @property
    def message(self) -> dict[str, Any]:
        """What it left as its termination message; nothing where it was killed."""
        path = self.folder / "termination-log"
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return said

    @property
    def log(self) -> str:
        """What it has said so far."""
        return (self.folder / "log").read_text(encoding="utf-8")

    def start(self, words: list[str]) -> subprocess.Popen[bytes]:
        """Start its command."""
        quiet = Quiet(self.workspace)
        given = {
            "RECONCILE_TERMINATION_LOG": str(self.folder / "termination-log"),
            "HOME": str(self.folder / "tmp"),
            "TMPDIR": str(self.folder / "tmp"),
        }
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                quiet.command(*words), cwd=self.workspace, env=quiet.environment(**given | self.variables),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def run(self, words: list[str]) -> Finished:
        """Run its command to the end."""
        code = self.start(words).wait(120)
        assert "Traceback" not in self.log, self.log
        return Finished(code, self.log, self.log)


@dataclass(frozen=True, slots=True)
class GitSync:
    """A folder with a link to the newest commit's files, which is replaced in one go."""

    folder: Path
    origin: Path

    @property
    def link(self) -> Path:
        """What the controller reads."""
        return self.folder / "current"

    @property
    def url_file(self) -> Path:
        """The controller's secret."""
        return Path(str(self.folder) + SECRETS, "database", "url")

    def flip(self, commit: str) -> None:
        """Bring a commit; also one that was there before."""
        tree = self.folder / ".worktrees" / commit
        if not tree.exists():
            git(self.origin, "worktree", "add", "-q", "--detach", str(tree), commit)
            settings = tree / "reconcile.yaml"
            text = settings.read_text(encoding="utf-8").replace(SECRETS, str(self.folder) + SECRETS)
            settings.write_text(text, encoding="utf-8")
        beside = self.folder / "next"
        beside.symlink_to(f".worktrees/{commit}")
        beside.replace(self.link)
