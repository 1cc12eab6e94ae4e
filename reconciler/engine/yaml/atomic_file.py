"""Files that are there whole or as they were: nobody ever sees half of one."""

from __future__ import annotations

import os
from pathlib import Path


def put(path: Path, *contents: bytes, mode: int = 0o600, is_durable: bool = False) -> None:
    """Make the file hold these contents, one after the other, with these permissions.

    Written beside it under a name that begins with a dot, and renamed; durable is what a loss of power right
    after that does not take back. Raises OSError.
    """
    import tempfile

    # Not named after the process: containers that share a folder have the same numbers.
    handle, part = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    try:
        with open(handle, "wb") as stream:
            stream.writelines(contents)
            if is_durable:
                stream.flush()
                os.fsync(stream.fileno())
        os.chmod(part, mode)
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
