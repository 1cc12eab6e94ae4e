"""As whom a server runs: PostgreSQL refuses root, and containers and CI often are root."""

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
"""The command line of the keeper; isolated, and without site-packages for speed."""


def way() -> str:
    """How to stop being root, in the keeper's words. A user namespace is preferred: files stay ours and
    private folders stay reachable. RECONCILE_AS_ROOT=userns|setuid picks one.

    Raises EmbeddedUnavailable when neither can be had.
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
    """Run a program as that user; None when it went well, else what it said."""
    whole = [*KEEPER, "exec", way, "--", *command] if way != "plain" else list(command)
    done = subprocess.run(whole, env=environment, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stderr or done.stdout).strip()


def give(path: Path, way: str) -> None:
    """Let the server's user own everything under `path`."""
    keeper.give(str(path), way)


def take_back(path: Path, way: str) -> None:
    """Own everything under `path` again."""
    if way.startswith("setuid:"):
        keeper.give(str(path), f"setuid:{os.geteuid()}:{os.getegid()}")


def reachable(path: Path, way: str) -> bool:
    """Whether the server's user gets as far as this folder: only another user can be shut out."""
    if not way.startswith("setuid:"):
        return True
    real = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in (real, *real.parents))


def brought_within_reach(installation: Installation, way: str, cache: Path) -> Installation:
    """The installation, or a copy of it where another user can run it: a virtual environment below a
    private home cannot be entered, and opening that home to everyone is not ours to do."""
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
        except OSError:  # somebody was faster
            shutil.rmtree(partial, ignore_errors=True)
    return Installation(
        copy / "bin", installation.major, installation.version, installation.source, installation.extensions
    )
