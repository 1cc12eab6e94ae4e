"""Labels of a request, and which of them this program may remove.

A comment records in a hidden last line the labels that were added with it. Only these are removed later; a
label that a person added stays.
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
"""GitHub's limit in characters. GitLab allows 255."""
_MEMORY = re.compile(r"^<!-- reconcile:labels (?P<labels>\S*) -->$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Relabelling:
    """Labels to add and to remove."""

    add: tuple[str, ...]
    remove: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.add or self.remove)


def read_labels(path: Path) -> tuple[str, ...]:
    """Return the `labels` of a plan's JSON, or of a bare JSON list, without duplicates.

    Raises UsageError if the file cannot be read; InvalidInput if it does not contain valid labels.
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
        raise InvalidInput(f"--labels-from: {path} contains no list of labels", hint=hint)
    if wrong := [label for label in found if not _is_label(label)]:
        hint = f"a label is printable, contains no comma and has at most {LONGEST_LABEL} characters"
        raise InvalidInput(f"--labels-from: {path}: {wrong[0][:80]!r} is not a label", hint=hint)
    return tuple(dict.fromkeys(found))


def with_memory(body: str, labels: Sequence[str]) -> str:
    """Return the comment with a hidden line that records its labels."""
    encoded = ",".join(in_comment(label) for label in labels)
    return f"{body.rstrip()}\n\n<!-- reconcile:labels {encoded} -->\n"


def remembered(body: str) -> tuple[str, ...]:
    """Return the labels that a comment records."""
    lines = _MEMORY.findall(body.replace("\r\n", "\n"))
    return tuple(unquote(label) for label in lines[-1].split(",") if label) if lines else ()


def _is_label(label: str) -> bool:
    return bool(label.strip()) and len(label) <= LONGEST_LABEL and label.isprintable() and "," not in label
