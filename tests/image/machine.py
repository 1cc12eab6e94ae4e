"""What this machine must have to build an image without Docker, and how it is called."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("RECONCILE_IMAGE_HOME") or ROOT / ".reconcile" / "image")
"""Everything that is worth keeping between runs: bases, wheels, archives."""
TIMEOUT_S = 900


class NotHad(Exception):
    """The image cannot be built here; says why."""


class Failed(Exception):
    """A program that should have done its work did not; says what it said."""


def requirements_met() -> None:
    """Raises NotHad with what this machine lacks; installs buildah and debootstrap where apt can."""
    if sys.platform != "linux":
        raise NotHad("buildah needs Linux")
    if os.geteuid() != 0:
        raise NotHad("debootstrap and chroot need root")
    missing = [name for name in ("buildah", "debootstrap") if shutil.which(name) is None]
    if missing and shutil.which("apt-get"):
        with alone():
            quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            for words in (("update",), ("install", "--yes", "--no-install-recommends", *missing)):
                subprocess.run(
                    ["apt-get", "-qq", *words],
                    env=quietly,
                    capture_output=True,
                    timeout=TIMEOUT_S,
                    check=False,
                )
    for name in ("buildah", "debootstrap", "dpkg-deb", "unshare", "chroot"):
        if shutil.which(name) is None:
            raise NotHad(f"{name} is not installed, and apt-get cannot install it")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        raise NotHad("this root may not mount: buildah cannot isolate a build")


@contextmanager
def alone() -> Iterator[None]:
    """One process at a time: workers of pytest share the storage."""
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def buildah(*words: str) -> str:
    """No namespaces, and no file system of its own: both may be missing inside a container."""
    environment = {**os.environ, "BUILDAH_ISOLATION": "chroot"}
    places = ["--storage-driver", "vfs", "--root", str(HOME / "storage"), "--runroot", str(HOME / "run")]
    return run(["buildah", *places, *words], env=environment)


def run(command: Sequence[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a program; what it wrote. Raises Failed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-20:])
        raise Failed(f"{' '.join(command[:3])} … failed ({done.returncode}):\n{last}")
    return done.stdout
