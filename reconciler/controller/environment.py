"""What the loop and all targets share."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.controller.pacing import Health
from reconciler.core.dataclass import dataclass
from reconciler.engine.connection.retry import Clock, Stop

if TYPE_CHECKING:
    from reconciler.controller.board import Board
    from reconciler.controller.snapshot import Wanted


class Mode(StrEnum):
    """What the controller does with what it sees."""

    OBSERVE = "observe"
    APPLY = "apply"


class Heal(StrEnum):
    """Which drift is healed."""

    NEVER = "never"
    SAFE = "safe"


@dataclass(frozen=True, slots=True)
class Shared:
    """What all targets share."""

    wanted: Wanted
    mode: Mode
    heal: Heal | None
    """None: as the source's settings say."""
    interval_seconds: float
    board: Board
    health: Health
    clock: Clock
    stop: Stop

    def beat(self) -> None:
        """The loop turns, or what it waits for goes on."""
        self.health.beat()
        self.board.beat()
