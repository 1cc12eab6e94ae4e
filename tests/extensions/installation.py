"""A PostgreSQL installation with more extensions than another, which stays as it is: programs are copied, all
else is linked to."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from reconciler.embedded.cluster import cache_dir
from reconciler.embedded.installations import Installation


def extended(installation: Installation, files: Iterable[Path]) -> Installation:
    """The installation with these control files and scripts; made once, and found again by the next run."""
    files = sorted(files)
    said = [str(installation.bin_dir), installation.version, *(file.read_text() for file in files)]
    digest = hashlib.sha256("\0".join([*said, *(file.name for file in files)]).encode()).hexdigest()[:12]
    home = cache_dir() / "extended" / f"{installation.version.split()[0]}-{digest}"
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        workshop = Path(tempfile.mkdtemp(dir=home.parent))
        workshop.chmod(0o755)
        _lay_out(installation, files, workshop)
        try:
            workshop.rename(home)
        except OSError:  # another worker was faster
            shutil.rmtree(workshop)
    prefix = home / installation.bin_dir.parent.relative_to("/")
    more = {file.stem for file in files if file.suffix == ".control"}
    return Installation(
        prefix / "bin",
        installation.major,
        installation.version,
        installation.source,
        installation.extensions | more,
    )


def _lay_out(installation: Installation, files: Iterable[Path], root: Path) -> None:
    """A server looks for its folders from where its program is, so that all keep their places."""
    bin_dir = installation.bin_dir
    share = _share(installation)
    shutil.copytree(bin_dir, root / bin_dir.relative_to("/"))
    # A wheel keeps the libraries that it came with in a folder beside the package.
    for lib in (bin_dir.parent / "lib", *bin_dir.parents[2].glob("*.libs")):
        (root / lib.relative_to("/")).symlink_to(lib)
    here = root / share.relative_to("/")
    (here / "extension").mkdir(parents=True)
    for original in share.iterdir():
        if original.name != "extension":
            (here / original.name).symlink_to(original)
    for original in (share / "extension").iterdir():
        (here / "extension" / original.name).symlink_to(original)
    for file in files:
        shutil.copy(file, here / "extension" / file.name)


def _share(installation: Installation) -> Path:
    """The folder with `extension/` in it."""
    prefix = installation.bin_dir.parent
    debian = Path(str(prefix).replace("/lib/postgresql/", "/share/postgresql/"))
    folders = [
        prefix / "share",
        *prefix.glob("share/postgresql*"),
        *prefix.glob("share/*/postgresql*"),
        debian,
    ]
    return next(folder for folder in folders if (folder / "extension").is_dir())
