"""The bases that stand in for those of the Dockerfile, which lie in image registries.

For python:3.13-slim-trixie Debian trixie, made by debootstrap; for distroless the packages that hold Python
and what it loads, unpacked into an empty tree: no shell, no package manager, nothing configured.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

from tests.image.machine import HOME, buildah, run

SUITE = "trixie"
PYTHON = "3.13"
BUILD_PACKAGES = ("python3", "python3-venv", "ca-certificates")
RUNTIME_PACKAGES = [
    "base-files",
    "netbase",
    "tzdata",
    "ca-certificates",
    "media-types",
    "libc6",
    "libssl3t64",
    "zlib1g",
    "libpython3.13-minimal",
    "libpython3.13-stdlib",
    "python3.13-minimal",
    "libexpat1",
    "libffi8",
    "libbz2-1.0",
    "liblzma5",
    "libsqlite3-0",
    "libuuid1",
    "libncursesw6",
    "libtinfo6",
    "libreadline8t64",
    "libdb5.3t64",
    "libgcc-s1",
    "libstdc++6",
    "libcrypt1",
    "libzstd1",
]
"""Python and what its extension modules load; distroless holds these and a few more."""
_RECIPE = hashlib.sha256(repr((SUITE, BUILD_PACKAGES, RUNTIME_PACKAGES)).encode()).hexdigest()[:8]
PYTHON_IMAGE = f"localhost/reconcile-python:{_RECIPE}"
RUNTIME_IMAGE = f"localhost/reconcile-distroless:{_RECIPE}"


def bases() -> None:
    have = buildah("images", "--format", "{{.Name}}:{{.Tag}}").split()
    if PYTHON_IMAGE in have and RUNTIME_IMAGE in have:
        return
    with tempfile.TemporaryDirectory(dir=HOME) as workshop:
        debian = Path(workshop, "debian")
        asked = [
            "debootstrap",
            "--variant=minbase",
            f"--include={','.join(BUILD_PACKAGES)}",
            SUITE,
            str(debian),
        ]
        run([*asked, *_mirror()])
        packages = Path(workshop, "packages")
        (debian / "var/cache/apt/archives").rename(packages)
        (debian / "var/cache/apt/archives/partial").mkdir(parents=True)
        _commit(debian, PYTHON_IMAGE)
        _commit(_distroless(packages, Path(workshop, "distroless")), RUNTIME_IMAGE)


def _distroless(packages: Path, tree: Path) -> Path:
    for name in RUNTIME_PACKAGES:
        (package,) = packages.glob(f"{name}_*.deb")
        run(["dpkg-deb", "--extract", str(package), str(tree)])
    for alias in ("python", "python3"):
        (tree / "usr/bin" / alias).symlink_to(f"python{PYTHON}")
    for program in ("ldd", "tzselect"):
        (tree / "usr/bin" / program).unlink(missing_ok=True)
    (tree / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/sbin/nologin\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n"
        "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"
    )
    (tree / "etc/group").write_text("root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n")
    known = sorted((tree / "usr/share/ca-certificates").rglob("*.crt"))
    (tree / "etc/ssl/certs").mkdir(parents=True, exist_ok=True)
    (tree / "etc/ssl/certs/ca-certificates.crt").write_bytes(b"".join(one.read_bytes() for one in known))
    return tree


def _mirror() -> tuple[str, ...]:
    """Where this machine's apt gets Debian from; nothing (then debootstrap knows) where it is not Debian."""
    explicit = os.environ.get("RECONCILE_DEBIAN_MIRROR")
    if explicit:
        return (explicit,)
    form = "$(ORIGIN)|$(LABEL)|$(SITE)"
    told = subprocess.run(
        ["apt-get", "indextargets", "--format", form], capture_output=True, text=True, check=False
    ).stdout
    sites = [line.split("|")[2] for line in told.splitlines() if line.startswith("Debian|Debian|")]
    return tuple(sites[:1])


def _commit(tree: Path, tag: str) -> None:
    packed = tree.with_suffix(".tar")
    run(["tar", "--directory", str(tree), "--create", "--file", str(packed), "."])
    container = buildah("from", "scratch").strip()
    buildah("add", "--quiet", container, str(packed), "/")
    buildah("commit", "--quiet", "--rm", container, tag)
    packed.unlink()
