#!/opt/reconcile/bin/python -IS
"""Stands in for initdb in an image without a shell, which initdb needs to start `postgres`.

Unpacks a cluster that initdb made when the image was built. What is different in each cluster is made anew:
the control file and the WAL, and so the system identifier, by pg_resetwal; the superuser's password by
`postgres --single`. Neither needs a shell. See premade.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

HOME = Path(__file__).resolve().parent
PREMADE = HOME.parent / "premade"


def main(arguments: Sequence[str]) -> int:
    """Make a cluster as the flags say. Returns the exit code; what is wrong goes to standard error."""
    given = [word for word in arguments if not word.startswith(("--pgdata=", "--pwfile="))]
    named = dict(word[2:].split("=", 1) for word in arguments if word not in given)
    made = json.loads((PREMADE / "cluster.json").read_text(encoding="utf-8"))
    if given != made["flags"] or "pgdata" not in named:
        expected = " ".join(made["flags"])
        print(f"this initdb knows one way to make a cluster: {expected} --pgdata=FOLDER", file=sys.stderr)
        return 1
    data = Path(named["pgdata"])
    with tarfile.open(PREMADE / "cluster.tar.gz") as packed:
        packed.extractall(data, filter="data")
    for folder in (data, *(path for path in data.rglob("*") if path.is_dir())):
        folder.chmod(0o700)
    (data / "global" / "pg_control").touch(mode=0o600)
    _run([HOME / "pg_resetwal", "--force", *made["resetwal"], data])
    if "pwfile" in named:
        password = Path(named["pwfile"]).read_text(encoding="utf-8").splitlines()[0]
        _run([HOME / "postgres", "--single", "-F", "-D", data, "postgres"], _set_password(password))
    return 0


def _set_password(password: str) -> str:
    quoted = password.replace("'", "''")
    return f"ALTER ROLE postgres PASSWORD '{quoted}';\n"


def _run(command: Sequence[str | Path], statement: str = "") -> None:
    done = subprocess.run(command, input=statement, capture_output=True, text=True, check=False)
    if done.returncode != 0 or "ERROR:" in done.stderr:
        sys.exit(f"{Path(command[0]).name} failed ({done.returncode}): {done.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
