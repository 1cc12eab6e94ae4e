"""Which saved plan a person means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli import options
from reconciler.core.dataclass import dataclass

if TYPE_CHECKING:
    from reconciler.engine.plan.model import Plan


@dataclass(frozen=True, slots=True)
class Named:
    """A plan file that was found."""

    path: Path
    plan: Plan
    text: str
    target: str


def named_plan(name: str | None, target: str | None) -> Named:
    """The plan file of that path, or the chain's plan of that number or slug; without a name its last.

    No database is asked. Raises UsageError where there is none, InvalidInput for what a file says.
    """
    from reconciler import app, settings
    from reconciler.core.errors import UsageError
    from reconciler.engine.plan.title import as_slug

    project = settings.find_project(Path.cwd())
    if name is not None and Path(name).is_file():
        plan, text = app.read_plan(Path(name))
        return Named(Path(name), plan, text, target or "default")
    chosen, _ = project.target(target)
    folder = options.near(project.plans / chosen)
    chained = app.read_plans(folder)
    # `plan --save --name no-fax` makes the slug no_fax: both are its name.
    wanted = [one for one in chained if name is None or not {name, as_slug(name)}.isdisjoint(_names(one))]
    if not wanted:
        subject = f"no plan `{name}`" if name is not None else "no plan"
        known = ", ".join(f"{one.link.number:04}_{one.link.slug}" for one in chained)
        raise UsageError(
            f"there is {subject} in {folder}",
            hint=f"there are: {known}" if known else "save one: reconcile plan --save",
        )
    return Named(wanted[-1].path, wanted[-1].plan, wanted[-1].text, chosen)


def _names(chained: object) -> set[str]:
    from reconciler.app import ChainedPlan

    assert isinstance(chained, ChainedPlan)
    link = chained.link
    return {str(link.number), f"{link.number:04}", link.slug, f"{link.number:04}_{link.slug}", link.file_name}
