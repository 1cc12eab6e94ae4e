"""The first process of a container: what a runtime does under a restricted pod, then the program itself.

Run as root in new mount and PID namespaces, with {"root", "binds": [[from, to, is_writable]], "user",
"folder", "environment", "command"} as JSON in the one argument. The root is read-only, /tmp and /dev/shm are
not.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

PR_SET_NO_NEW_PRIVS = 38
DEVICES = ("null", "zero", "full", "random", "urandom")


def main() -> None:
    """Become the program."""
    asked = json.loads(sys.argv[1])
    root = Path(asked["root"])
    _mount("--make-rprivate", "/")
    _mount("--bind", str(root), str(root))
    _mount("--types", "tmpfs", "--options", "mode=1777", "tmpfs", f"{root}/tmp")
    _mount("--types", "tmpfs", "--options", "mode=0755", "tmpfs", f"{root}/dev")
    _mount("--types", "proc", "proc", f"{root}/proc")
    (root / "dev/shm").mkdir()
    (root / "dev/shm").chmod(0o1777)
    for device in DEVICES:
        _bind(Path("/dev", device), root / "dev" / device, is_writable=True)
    for source, target, is_writable in asked["binds"]:
        _bind(Path(source), Path(f"{root}{target}"), is_writable)
    _mount("--options", "remount,bind,ro", str(root))
    os.chroot(root)
    os.chdir(asked["folder"])
    os.setgroups([])
    os.setgid(asked["user"])
    os.setuid(asked["user"])
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.execve(asked["command"][0], asked["command"], asked["environment"])


def _bind(source: Path, target: Path, is_writable: bool) -> None:
    """Places for mounts exist in the image, or lie under /dev and /tmp, which are new."""
    if not target.exists():
        target.mkdir(parents=True) if source.is_dir() else target.touch()
    _mount("--bind", str(source), str(target))
    if not is_writable:
        _mount("--options", "remount,bind,ro", str(target))


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


if __name__ == "__main__":
    main()
