"""Plan files as they are read from disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from reconciler.engine.plan.model import Plan


@dataclass(frozen=True, slots=True)
class Saved:
    """A plan file as it was read."""

    path: Path
    text: str
    """Its bytes, decoded: encoded again they are what was signed."""


def read_plan(path: Path) -> tuple[Plan, str]:
    """A plan file as a plan and as text. Raises UsageError and InvalidInput."""
    from reconciler.engine.plan import plan_file

    try:
        # Line ends stay as they are: a signature is over bytes.
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not a plan file: it is not UTF-8") from None
    except OSError as error:
        raise UsageError(f"cannot read the plan {path}: {(error.strerror or str(error)).lower()}") from None
    return plan_file.load(text, str(path)), text
