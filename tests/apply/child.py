"""A run in a process of its own that ends itself by a signal.

python -m tests.apply.child URL SIGNAL EVENT STEP
"""

from __future__ import annotations

import os
import signal
import sys

from reconciler.core.errors import ReconcileError
from reconciler.engine.execute import progress
from reconciler.engine.execute.apply import ApplyOptions, apply
from tests.apply.shop import at, observe, shop_plan


def main(url: str, signal_name: str, event: str, number: str) -> int:
    """Apply the plan, sending this process the signal when the event about the step comes."""

    def end() -> None:
        os.kill(os.getpid(), signal.Signals[signal_name])

    options = ApplyOptions(wait_lock_seconds=60)
    try:
        apply(shop_plan(), url, observe, options, at(getattr(progress, event), int(number), end))
    except ReconcileError as error:
        print(error.message)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
