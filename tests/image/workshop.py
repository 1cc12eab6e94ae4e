"""Builds the image without Docker and without an image registry: buildah in chroot isolation, on own bases.

python -m tests.image.workshop [runtime|ci]    build one target; tells where its archive is
"""

from __future__ import annotations

import atexit
import hashlib
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.image.bases import PYTHON_IMAGE, RUNTIME_IMAGE, bases
from tests.image.machine import HOME, ROOT, Failed, NotHad, alone, buildah, requirements_met
from tests.image.wheelhouse import argument, wheels


def built(target: str, name: str = "first") -> Path:
    """The archive (in the format of `docker save`) of a target of the Dockerfile; built where sources have
    changed. Another `name` is another build of the same. Raises NotHad, and
    Failed where the Dockerfile is wrong."""
    requirements_met()
    archive = HOME / "archives" / f"{target}-{name}-{_summed(snapshot())}.tar"
    with alone():
        if not archive.exists():
            archive.parent.mkdir(parents=True, exist_ok=True)
            for old in archive.parent.glob(f"{target}-{name}-*.tar"):
                old.unlink()
            _build(target, archive)
    return archive


def _build(target: str, archive: Path) -> None:
    try:
        bases()
        house = wheels()
    except Failed as reason:  # a network or a mirror that is not there; what follows is ours
        raise NotHad(str(reason)) from None
    tag = f"localhost/reconcile-{target}:test"
    buildah(
        "build", "--format", "docker", "--no-cache", "--pull-never", "--target", target,
        "--timestamp", argument("SOURCE_DATE_EPOCH"), "--build-context", f"wheels={house}",
        "--build-arg", f"PYTHON_IMAGE={PYTHON_IMAGE}", "--build-arg", f"RUNTIME_IMAGE={RUNTIME_IMAGE}",
        "--tag", tag, str(snapshot()),
    )  # fmt: skip
    half = archive.with_suffix(".half")
    half.unlink(missing_ok=True)
    buildah("push", "--quiet", tag, f"docker-archive:{half}:reconcile:{target}")
    half.rename(archive)
    buildah("rmi", "--force", tag)


@cache
def snapshot() -> Path:
    """A copy of what the build reads, made once in a process: the tree may change while we build."""
    HOME.mkdir(parents=True, exist_ok=True)
    copy = Path(tempfile.mkdtemp(prefix="context-", dir=HOME))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    for name in ("Dockerfile", ".dockerignore", "pyproject.toml", "uv.lock", "LICENSE"):
        shutil.copy2(ROOT / name, copy)
    for name in ("k8s/image", "reconciler"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    # Something that must not get in: the allow-list's test.
    (copy / "secret.env").write_text("PGPASSWORD=hunter2\n")
    return copy


def _summed(tree: Path) -> str:
    summed = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(path for path in tree.rglob("*") if path.is_file()):
        summed.update(str(path.relative_to(tree)).encode() + b"\0" + path.read_bytes())
    return summed.hexdigest()[:12]


if __name__ == "__main__":
    try:
        print(built(*(sys.argv[1:] or ["runtime"])))
    except (NotHad, Failed) as problem:
        sys.exit(str(problem))
