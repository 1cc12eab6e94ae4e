"""Choose the user that a server runs as: PostgreSQL refuses root, but containers and CI often run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from reconciler.core.errors import EmbeddedUnavailable
from reconciler.embedded import keeper
from reconciler.embedded.installations import Installation

KEEPER: tuple[str, ...] = (sys.executable, "-I", "-S", keeper.__file__)
"""The start of the keeper's command line: isolated mode, and without site-packages for speed."""


def way() -> str:
    """Return how to give up root, in the keeper's notation.

    A user namespace is preferred: we keep the ownership of files, and private folders stay accessible.
    RECONCILE_AS_ROOT=userns|setuid selects one. Raises EmbeddedUnavailable if neither is available.
    """
    if os.geteuid() != 0:
        return "plain"
    wanted = os.environ.get("RECONCILE_AS_ROOT", "")
    if wanted != "setuid" and _namespaces_allowed():
        return "userns"
    if wanted != "userns":
        for name in ("postgres", "nobody"):
            try:
                user = pwd.getpwnam(name)
            except KeyError:
                continue
            if user.pw_uid != 0:
                return f"setuid:{user.pw_uid}:{user.pw_gid}"
    raise EmbeddedUnavailable(
        "PostgreSQL refuses root, and root can neither make a user namespace nor become another user",
        hint="run as an ordinary user, allow user namespaces, or point --scratch-url at a server",
    )


def _namespaces_allowed() -> bool:
    if sys.platform != "linux":
        return False
    probe = [*KEEPER, "exec", "userns", "--", "/bin/true"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def run(way: str, command: Sequence[str], environment: dict[str, str]) -> str | None:
    """Run a program as that user. Return None if it succeeded, else its output."""
    whole = [*KEEPER, "exec", way, "--", *command] if way != "plain" else list(command)
    done = subprocess.run(whole, env=environment, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stderr or done.stdout).strip()


def give(path: Path, way: str) -> None:
    """Make the server's user the owner of everything under `path`."""
    keeper.give(str(path), way)


def take_back(path: Path, way: str) -> None:
    """Make this process's user the owner of everything under `path` again."""
    if way.startswith("setuid:"):
        keeper.give(str(path), f"setuid:{os.geteuid()}:{os.getegid()}")


def reachable(path: Path, way: str) -> bool:
    """Return whether the server's user can access this folder. It always can, unless it is another user."""
    if not way.startswith("setuid:"):
        return True
    real = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in (real, *real.parents))


def brought_within_reach(installation: Installation, way: str, cache: Path) -> Installation:
    """Return the installation, or a copy of it that the server's user can run. That user cannot access a
    virtual environment in a private home, and we must not change the permissions of that home."""
    if reachable(installation.bin_dir, way):
        return installation
    prefix = installation.bin_dir.parent
    copy = cache / "installations" / f"{installation.source}-{installation.version}"
    if not copy.exists():
        partial = copy.with_name(f"{copy.name}.{os.getpid()}")
        partial.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(prefix, partial, symlinks=True)
        try:
            partial.rename(copy)
        except OSError:  # another process finished its copy first
            shutil.rmtree(partial, ignore_errors=True)
    return Installation(
        copy / "bin", installation.major, installation.version, installation.source, installation.extensions
    )
