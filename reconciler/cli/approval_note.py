"""What commands that change nothing say of a plan's approval."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.app import Approval, Requirement, Saved


def approval(saved: Saved, target: str) -> Approval | None:
    """Who signed a plan file; None where nobody did and nobody has to."""
    from reconciler import app

    requirement = requirement_of(target)
    is_signed = app.signature_path(saved.path).exists()
    return app.approval_of(saved, requirement) if is_signed or requirement.signers else None


def requirement_of(target: str) -> Requirement:
    """What a target wants; of one that reconcile.yaml does not know, what the environment says."""
    from reconciler import app
    from reconciler.settings import find_project

    project = find_project(Path.cwd())
    known = project.settings.targets.get(target)
    return app.Requirement.of(known.require if known else None, project.root, os.environ)


def unowned() -> Iterator[str]:
    """What is wrong with the owners of plans, for each target that wants them; nothing is connected to."""
    from reconciler import app
    from reconciler.cli.options import near
    from reconciler.settings import find_project

    project = find_project(Path.cwd())
    for name in project.settings.targets:
        if found := app.uncovered_plans(near(project.plans / name), requirement_of(name)):
            yield f"{name}: {found}"
