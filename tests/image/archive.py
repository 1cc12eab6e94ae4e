"""Reading an image's archive, in the format of `docker save`."""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from tests.image.machine import HOME, alone, run


def unpacked(archive: Path) -> Path:
    """The root file system of an archive, as a container sees it."""
    tree = archive.with_suffix(".root")
    with alone():
        if not tree.is_dir():
            for old in archive.parent.glob(f"{archive.name.rsplit('-', 1)[0]}-*.root"):
                shutil.rmtree(old)
            half = archive.with_suffix(".unpacking")
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            for layer in layers(archive):
                _apply(archive, layer, half)
            half.rename(tree)
    return tree


def _apply(archive: Path, layer: str, tree: Path) -> None:
    """A layer over those below it. A file called .wh.NAME takes NAME away (OCI image spec, "Whiteouts")."""
    with tarfile.open(archive) as whole, tempfile.NamedTemporaryFile(dir=HOME) as one:
        content = whole.extractfile(layer)
        assert content is not None
        shutil.copyfileobj(content, one)
        one.flush()
        with tarfile.open(one.name) as packed:
            names = [Path(name) for name in packed.getnames() if Path(name).name.startswith(".wh.")]
        for name in names:
            gone = tree / name.with_name(name.name.removeprefix(".wh."))
            shutil.rmtree(gone) if gone.is_dir() and not gone.is_symlink() else gone.unlink(missing_ok=True)
        unpack = ["tar", "--directory", str(tree), "--extract", "--numeric-owner", "--exclude=.wh.*"]
        run([*unpack, "--file", one.name])


def layers(archive: Path) -> list[str]:
    """The archive's members that are layers, from the bottom up; named by their digests."""
    (entry,) = _json(archive, "manifest.json")
    return [str(name) for name in entry["Layers"]]


def configuration(archive: Path) -> dict[str, Any]:
    """The image's configuration: config, history, rootfs."""
    (entry,) = _json(archive, "manifest.json")
    return dict(_json(archive, entry["Config"]))


def _json(archive: Path, name: str) -> Any:
    with tarfile.open(archive) as whole:
        content = whole.extractfile(name)
        assert content is not None
        return json.load(content)
