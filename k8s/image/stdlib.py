"""Compile the standard library of the runtime base: `stdlib.py ROOT LIBRARY TARGET`.

A base that is unpacked from packages holds no bytecode, and with a read-only root every start would compile
what it imports. What is written under TARGET is to be laid over LIBRARY, the folder's path in that base; only
`__pycache__` folders are in it. Compiled from the base's own files, so it needs no check at run time.
"""

from __future__ import annotations

import importlib.util
import os
import py_compile
import sys
from pathlib import Path

NEVER_IMPORTED = frozenset({"ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tkinter", "turtledemo"})


def main() -> None:
    """See the head of the file."""
    library, target = Path(sys.argv[2]), Path(sys.argv[3])
    there = Path(sys.argv[1] + sys.argv[2])
    for source in sorted(there.rglob("*.py")):
        name = source.relative_to(there)
        if NEVER_IMPORTED & set(name.parts):
            continue
        py_compile.compile(
            str(source),
            cfile=importlib.util.cache_from_source(str(target / name)),
            dfile=str(library / name),
            doraise=False,
            quiet=2,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    for path in (target, *target.rglob("*")):
        os.utime(path, (epoch, epoch))


if __name__ == "__main__":
    main()
