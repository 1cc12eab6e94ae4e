"""Labels on a request, and which of them are ours to take off again.

A comment remembers in a hidden last line the labels that it came with. Only those are ever taken off: a label
that a person put there stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import InvalidInput, UsageError
from reconciler.report.escape import in_comment

LONGEST_LABEL = 50
"""GitHub's limit; GitLab takes 255."""
_MEMORY = re.compile(r"^<!-- reconcile:labels (?P<labels>\S*) -->$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Relabelling:
    """Labels to put on and to take off."""

    add: tuple[str, ...]
    remove: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.add or self.remove)


def read_labels(path: Path) -> tuple[str, ...]:
    """The `labels` of a plan's JSON, or a bare JSON list of them, each once.

    Raises UsageError where there is no such file, InvalidInput where it holds no labels.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--labels-from: cannot read {path}: {error.strerror}") from None
    except ValueError:
        hint = "write it with: reconcile plan --format json"
        raise InvalidInput(f"--labels-from: {path} is not JSON", hint=hint) from None
    found = data.get("labels") if isinstance(data, dict) else data
    if not isinstance(found, list) or not all(isinstance(label, str) for label in found):
        hint = 'expected {"labels": ["schema/safe"]}, as reconcile plan --format json writes it'
        raise InvalidInput(f"--labels-from: {path} holds no labels", hint=hint)
    if wrong := [label for label in found if not _is_label(label)]:
        hint = f"a label is printable, has no comma and at most {LONGEST_LABEL} characters"
        raise InvalidInput(f"--labels-from: {path}: {wrong[0][:80]!r} is no label", hint=hint)
    return tuple(dict.fromkeys(found))


def with_memory(body: str, labels: Sequence[str]) -> str:
    """The comment with the line that remembers its labels."""
    encoded = ",".join(in_comment(label) for label in labels)
    return f"{body.rstrip()}\n\n<!-- reconcile:labels {encoded} -->\n"


def remembered(body: str) -> tuple[str, ...]:
    """The labels that a comment came with."""
    lines = _MEMORY.findall(body.replace("\r\n", "\n"))
    return tuple(unquote(label) for label in lines[-1].split(",") if label) if lines else ()


def _is_label(label: str) -> bool:
    return bool(label.strip()) and len(label) <= LONGEST_LABEL and label.isprintable() and "," not in label
