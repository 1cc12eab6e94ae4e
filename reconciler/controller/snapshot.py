"""What a settled source says: the project, and for each target where it is and which plans it has."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import UsageError
from reconciler.engine.connection.session import Pooler

if TYPE_CHECKING:
    from reconciler.app import ChainedPlan, Policy, Request, Requirement
    from reconciler.controller.settling import Copy
    from reconciler.engine.catalog.scope import Scope
    from reconciler.settings import Project, TargetSettings

WITHOUT_A_NAME = "default"
"""The target of a URL that no settings name, as for every command."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says about what is watched."""

    source: Path
    targets: tuple[str, ...] = ()
    """None: the target that every command takes by itself."""
    ownership: bool = False
    scratch_url: str | None = None


@dataclass(frozen=True, slots=True)
class Aim:
    """One target, as a settled source describes it."""

    name: str
    settings: TargetSettings
    schema: Path
    chain: tuple[ChainedPlan, ...]
    policy: Policy
    scope: Scope
    requirement: Requirement
    root: Path
    """The private copy of the source."""

    def told(self, text: str) -> str:
        """A message with places relative to the source."""
        return text.replace(f"{self.root}/", "")

    @property
    def pooler(self) -> Pooler:
        """What is done where a pooler is in the way."""
        return self.settings.pooler


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A settled source that was read without a fault."""

    copy: Copy
    project: Project
    aims: Mapping[str, Aim]


def snapshot_of(copy: Copy, wanted: Wanted) -> Snapshot:
    """Read settings, schema and plans. Raises InvalidInput with every problem of a file, and UsageError for a
    target that is not there."""
    from reconciler import settings
    from reconciler.app import check

    project = settings.find_project(copy.root)
    if project.root != copy.root:
        project = settings.Project(copy.root, settings.Settings(), False)
    schema = _inside(copy.root, Path(project.settings.schema_path), "schema")
    if not schema.exists():
        raise UsageError(f"there is no schema folder {project.settings.schema_path} in the source")
    check(schema)
    aims = {name: _aim(name, project, wanted, schema) for name in _names(project, wanted)}
    return Snapshot(copy, project, aims)


def url_of(aim: Aim, wanted: Wanted) -> str:
    """Where the target is, from the environment and from files as they are now. Raises UsageError,
    EmbeddedUnavailable."""
    from reconciler import settings

    given = None if wanted.targets else settings.url_in(os.environ)
    url = given or settings.url_of(aim.settings, aim.name, os.environ, wanted.source)
    if url == settings.EMBEDDED:
        from reconciler.app import embedded_url

        return embedded_url(wanted.source)
    return url


def request_of(aim: Aim, snapshot: Snapshot, wanted: Wanted, url: str) -> Request:
    """The comparison of a target with what its source declares."""
    from reconciler.app import Request

    scratch = wanted.scratch_url or os.environ.get("RECONCILE_SCRATCH_URL")
    return Request(url, aim.schema, aim.scope, scratch, snapshot.copy.root)


def _names(project: Project, wanted: Wanted) -> Sequence[str]:
    from reconciler.settings import url_in

    if wanted.targets:
        return tuple(dict.fromkeys(wanted.targets))
    if url_in(os.environ):
        return (WITHOUT_A_NAME,)
    return (project.target(None)[0],)


def _inside(root: Path, path: Path, what: str) -> Path:
    """A folder of the private copy: what lies elsewhere has not settled, and is anybody's."""
    if not (root / path).resolve().is_relative_to(root.resolve()):
        raise UsageError(f"the {what} folder {path} lies outside of the source")
    return root / path


def _aim(name: str, project: Project, wanted: Wanted, schema: Path) -> Aim:
    from reconciler.app import Policy, Requirement, read_plans
    from reconciler.settings import TargetSettings

    is_unnamed = name == WITHOUT_A_NAME and not wanted.targets
    target = TargetSettings() if is_unnamed else project.target(name)[1]
    chain = read_plans(_inside(project.root, Path(project.settings.plans, name), "plans"))
    policy = Policy.parse(target.approve, name)
    requirement = Requirement.of(target.require, project.root, os.environ)
    scope = project.scope(wanted.ownership)
    return Aim(name, target, schema, chain, policy, scope, requirement, project.root)
