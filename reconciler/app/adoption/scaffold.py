"""A new project: settings, folders, an example, and the workflow that plans on each pull request."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from reconciler.app.approval.code_owners import find
from reconciler.app.files import write_text

OWNERS = ".github/CODEOWNERS"
_FILES = {
    "reconcile.yaml": "reconcile.yaml",
    "plans/.gitkeep": None,
    ".gitignore": None,
    ".gitattributes": None,
    ".github/workflows/reconcile.yaml": "workflow.yaml",
    OWNERS: "codeowners",
}
_EXAMPLE = "schema/tables.yaml"
_LINES = {
    ".gitignore": ".reconcile/",
    # The bytes of a plan are what is signed, and what its id is of: git must not change line ends.
    ".gitattributes": "plans/** -text",
}
"""Lines that these files must have; what else stands there stays."""


def scaffold(root: Path, example: bool) -> tuple[str, ...]:
    """Write what is missing below `root`, and return the names of what was written; nothing is overwritten.

    `example` adds a first table, which a schema that was pulled does not need.
    """
    templates = files("reconciler.app.adoption").joinpath("templates")
    written = []
    for name, template in _FILES.items():
        path = root / name
        if name == OWNERS and find(root.resolve()) is not None:
            # There is one in another of its places: a second would hide it.
            continue
        if name in _LINES:
            if _adds_line(path, _LINES[name]):
                written.append(name)
        elif not path.exists():
            write_text(path, templates.joinpath(template).read_text(encoding="utf-8") if template else "")
            written.append(name)
    has_schema = (root / "schema").is_dir() and any((root / "schema").rglob("*.y*ml"))
    if example and not has_schema:
        write_text(root / _EXAMPLE, templates.joinpath("tables.yaml").read_text(encoding="utf-8"))
        written.append(_EXAMPLE)
    return tuple(written)


def _adds_line(path: Path, line: str) -> bool:
    """Append a line to a file of git's; whether it was still missing. In .gitattributes the last counts."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if line in before.splitlines():
        return False
    start = before if not before or before.endswith("\n") else before + "\n"
    write_text(path, f"{start}{line}\n")
    return True
