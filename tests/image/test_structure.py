"""What the built images are made of."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.image.archive import configuration, layers
from tests.image.container import Container
from tests.image.wheelhouse import argument

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent


@pytest.mark.parametrize("target", ["runtime", "ci"])
def test_the_structure_is_as_described(target: str, request: pytest.FixtureRequest) -> None:
    archive: Path = request.getfixturevalue(f"{target}_archive")
    tool = Path(sys.executable).with_name("container-structure-test")
    command = [str(tool), "test", "--driver", "tar", "--image", str(archive)]
    command += ["--config", str(HERE / f"{target}.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_two_builds_have_the_same_layers(runtime_archive: Path, runtime_again: Path) -> None:
    one, other = (
        configuration(archive)["rootfs"]["diff_ids"] for archive in (runtime_archive, runtime_again)
    )
    assert one == other
    assert len(one) == len(layers(runtime_archive))


def test_our_layers_hold_one_time_and_root_owns_all(runtime_archive: Path) -> None:
    with tarfile.open(runtime_archive) as whole:
        for name in layers(runtime_archive)[1:]:
            content = whole.extractfile(name)
            with tarfile.open(fileobj=content) as layer:
                for entry in layer:
                    assert (entry.uid, entry.gid) == (0, 0), entry.name
                    assert entry.mtime == int(argument("SOURCE_DATE_EPOCH")), entry.name
                    assert not entry.mode & (stat.S_ISUID | stat.S_ISGID), entry.name
                    assert entry.issym() or not entry.mode & stat.S_IWOTH, entry.name


def test_nothing_of_the_tree_but_the_program_is_inside(runtime: Container, ci: Container) -> None:
    for container in (runtime, ci):
        (package,) = container.root.glob("opt/reconcile/lib/python3*/site-packages/reconciler")
        assert (package / "py.typed").exists()
        names = {path.name for path in (container.root / "opt").rglob("*")}
        assert not names & {"secret.env", "uv.lock", "direct_url.json", "uv_cache.json", "_virtualenv.py"}
        assert not (container.root / "workspace").exists() or not os.listdir(container.root / "workspace")


def test_what_is_not_needed_is_not_there(runtime: Container, ci: Container) -> None:
    programs = {path.name for path in runtime.root.rglob("*") if path.is_file() and os.access(path, os.X_OK)}
    shells = {"sh", "bash", "dash", "ash", "busybox", "env", "perl"}
    assert not programs & (shells | {"apt-get", "dpkg", "pip", "pip3", "uv", "psql", "pg_ctl", "gcc", "ldd"})
    assert {"reconcile", "postgres", "initdb", "pg_resetwal"} <= programs
    for container in (runtime, ci):
        assert not list(container.root.glob("opt/reconcile/lib/python3*/site-packages/pip"))
        assert not (container.root / "build").exists()
    assert not list((ci.root / "var/lib/apt/lists").glob("*"))
    for tool in ("bin/sh", "usr/bin/git", "opt/reconcile/bin/reconcile"):
        assert (ci.root / tool).exists()


def test_the_lists_of_files_are_true(runtime: Container) -> None:
    # What makes a list of parts from the image reads them.
    (site,) = runtime.root.glob("opt/reconcile/lib/python3*/site-packages")
    records = list(site.glob("*.dist-info/RECORD"))
    assert len(records) > 25
    for record in records:
        for line in record.read_text().splitlines():
            assert (site / line.split(",")[0].strip('"')).exists(), f"{record}: {line}"


def test_no_program_of_the_runtime_is_a_script_for_a_shell(runtime: Container) -> None:
    for path in (runtime.root / "opt").rglob("*"):
        if path.is_file() and not path.is_symlink() and os.access(path, os.X_OK):
            start = path.read_bytes()[:64]
            assert start[:4] == b"\x7fELF" or start.startswith(b"#!/opt/reconcile/bin/python"), path


def test_every_library_is_found(runtime: Container) -> None:
    # Everything that is imported at some time, loaded now: a library that the base lacks is told here.
    modules = (
        "ssl, hashlib, lzma, psycopg, psycopg_binary._psycopg, pydantic_core, yaml, psutil, networkx, "
        "cryptography.hazmat.bindings._rust, sshsig, httpx, structlog, prometheus_client"
    )
    done = runtime.run("-c", f"import {modules}", entrypoint=["/opt/reconcile/bin/python", "-B"])
    assert (done.returncode, done.stderr) == (0, "")


def test_it_is_compiled(runtime: Container) -> None:
    # A read-only root keeps Python from doing it, and each start would compile anew.
    code = (
        "import sys, reconciler.cli.commands.run, rich.console, asyncio\n"
        "print(*{m.__cached__ for m in sys.modules.values() if getattr(m, '__cached__', None)}, sep='\\n')"
    )
    done = runtime.run("-c", code, entrypoint=["/opt/reconcile/bin/python", "-B"])
    names = done.stdout.split()
    assert len(names) > 100
    for name in names:
        # PEP 552: bit 0 says hash-based, bit 1 says to be checked.
        flags = (runtime.root / name.lstrip("/")).read_bytes()[4:8]
        assert int.from_bytes(flags, "little") == 1, name
