"""The wheels that a build installs, fetched beforehand by pip with this machine's own configuration."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.image.bases import PYTHON
from tests.image.machine import HOME, ROOT, NotHad, run


def wheels() -> Path:
    """A folder with a wheel for everything that the build installs: the lock's packages, uv, hatchling."""
    versions = {name: argument(name) for name in ("UV_VERSION", "HATCHLING_VERSION", "EXTRAS")}
    identity = hashlib.sha256((ROOT / "uv.lock").read_bytes() + json.dumps(versions).encode()).hexdigest()[
        :12
    ]
    house = HOME / f"wheels-{identity}"
    if house.is_dir():
        return house
    for old in HOME.glob("wheels-*"):
        shutil.rmtree(old)
    half = HOME / "wheels-half"
    half.mkdir()
    locked = half / "locked.txt"
    locked.write_text("\n".join(_locked(versions["EXTRAS"].split())), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(half)]
    machine = platform.machine()
    tags = [f"--platform=manylinux_2_{minor}_{machine}" for minor in (41, 39, 36, 34, 31, 28, 27, 26, 17)]
    there = [
        *tags,
        f"--platform=manylinux2014_{machine}",
        f"--python-version={PYTHON}",
        "--only-binary=:all:",
    ]
    run([*pip, *there, "--no-deps", "--require-hashes", "--requirement", str(locked)])
    run([*pip, *there, f"uv=={versions['UV_VERSION']}", f"hatchling=={versions['HATCHLING_VERSION']}"])
    half.rename(house)
    return house


def _locked(extras: Sequence[str]) -> Iterator[str]:
    """The lock as pip's requirements, for the image's Python: pip would ask its own about the markers."""
    from packaging.requirements import Requirement

    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        raise NotHad("uv is not installed")
    asked = [word for extra in extras for word in ("--extra", extra)]
    export = [
        uv,
        "export",
        "--quiet",
        "--frozen",
        "--no-dev",
        "--no-emit-project",
        "--no-header",
        "--no-annotate",
    ]
    said = run([*export, *asked], cwd=ROOT)
    there = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.5"}
    for line in said.replace("\\\n", " ").splitlines():
        words, *hashes = line.split(" --hash=")
        requirement = Requirement(words)
        if requirement.marker is None or requirement.marker.evaluate(there):
            yield " ".join(
                [f"{requirement.name}{requirement.specifier}", *(f"--hash={one.strip()}" for one in hashes)]
            )


def argument(name: str) -> str:
    """The default of an ARG of the Dockerfile."""
    found = re.search(
        rf'^ARG {name}="?([^"\n]*)"?$', (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert found is not None, name
    return found[1]
