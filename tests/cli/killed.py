"""A `reconcile` that is killed after its first transaction.

python -m tests.cli.killed commit|checkpoint COMMAND...: right after the commit, or when the journal also
knows what it left.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from reconciler.cli import main
from reconciler.engine.execute import apply, journal


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed(after: str, arguments: list[str]) -> int:
    """Run the command, and die on the way."""
    where, name = (apply, "execute_group") if after == "commit" else (journal, "save_checkpoint")
    whole = getattr(where, name)

    def last(*given: Any) -> None:
        whole(*given)
        _die()

    setattr(where, name, last)
    return main(arguments)


if __name__ == "__main__":
    sys.exit(killed(sys.argv[1], sys.argv[2:]))
