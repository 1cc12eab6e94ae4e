"""Project settings: reconcile.yaml, RECONCILE_... variables, flags; the later wins (docs/format.md, 2)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import InvalidInput, UsageError
from reconciler.core.fragment import Document, Names
from reconciler.engine.catalog.scope import Prune, Scope

FILE = "reconcile.yaml"
EMBEDDED = "embedded"
"""The url of a target that is a local server under .reconcile/."""


Roles = Literal["needed", "all"]
"""The roles that a pull with ownership writes: those that the database needs, or every role of the server."""


class RequireSettings(Document):
    """What a plan needs before it may be applied; see docs/approvals.md."""

    signatures: str | None = None
    """A file of allowed signers."""
    codeowners: bool | str = False
    """Whether who consents in a plan must own its file; or where CODEOWNERS is."""


class TargetSettings(Document):
    """One database that the schema is brought to."""

    url: str | None = None
    url_env: str | None = None
    url_file: str | None = None
    approve: dict[str, str] = Field(default_factory=dict)
    pooler: Literal["refuse", "session"] = "refuse"
    require: RequireSettings = Field(default_factory=RequireSettings)


class ManageSettings(Document):
    """What is ours; the rest is never touched."""

    schemas: Names = ()
    ignore: Names = ()
    ownership: bool = False
    roles: Roles = "needed"
    prune: Prune = "ask"


class ControllerSettings(Document):
    """What `reconcile controller` may do by itself."""

    heal: Literal["never", "safe"] = "never"


class Settings(Document):
    """The whole file."""

    # `schema` would shadow a method of the base class.
    schema_path: str = Field(default="schema/", alias="schema")
    plans: str = "plans/"
    targets: dict[str, TargetSettings] = Field(default_factory=dict)
    manage: ManageSettings = Field(default_factory=ManageSettings)
    controller: ControllerSettings = Field(default_factory=ControllerSettings)


@dataclass(frozen=True, slots=True)
class Project:
    """Settings with the folder that relative paths start from."""

    root: Path
    settings: Settings
    is_configured: bool
    """Whether there is a reconcile.yaml."""

    @property
    def schema(self) -> Path:
        """Where the declared state lives."""
        return self.root / os.environ.get("RECONCILE_SCHEMA", self.settings.schema_path)

    @property
    def plans(self) -> Path:
        """Where saved plans live."""
        return self.root / os.environ.get("RECONCILE_PLANS", self.settings.plans)

    def scope(self, ownership: bool, roles: Roles | None = None) -> Scope:
        """What is under management; `roles` is what a flag says."""
        manage = self.settings.manage
        return Scope(
            manage.schemas,
            manage.ignore,
            ownership or manage.ownership,
            manage.prune,
            all_roles=(roles or manage.roles) == "all",
        )

    def target(self, name: str | None) -> tuple[str, TargetSettings]:
        """The named target, or the only one, or `dev`. Raises UsageError for a name that does not exist."""
        targets = self.settings.targets or {"dev": TargetSettings(url=EMBEDDED)}
        chosen = (
            name or os.environ.get("RECONCILE_TARGET") or ("dev" if "dev" in targets else next(iter(targets)))
        )
        if chosen not in targets:
            raise UsageError(
                f"there is no target `{chosen}`", hint=f"reconcile.yaml knows: {', '.join(targets)}"
            )
        return chosen, targets[chosen]


def find_project(start: Path) -> Project:
    """The project whose reconcile.yaml is nearest above `start`; without one, `start` with defaults.

    Raises InvalidInput where the file is wrong.
    """
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return Project(folder, _read(folder / FILE), True)
    return Project(start, Settings(), False)


def _read(path: Path) -> Settings:
    from reconciler.engine.yaml.reader import read_file
    from reconciler.engine.yaml.validation_errors import problems_of

    read = read_file(path)
    if read.problems or read.root is None:
        if read.problems:
            raise InvalidInput.of(read.problems)
        return Settings()
    try:
        return Settings.model_validate(read.root.data)
    except ValidationError as error:
        raise InvalidInput.of(problems_of(error, (), read.root, Settings, "settings")) from None


def url_of(
    target: TargetSettings, name: str, environment: Mapping[str, str], root: Path | None = None
) -> str:
    """The connection string of a target; `embedded` as it stands. Raises UsageError where none is set.

    A file is read anew at each call, so that a password that is rotated is found; a relative path starts from
    `root`.
    """
    if target.url_env:
        if not environment.get(target.url_env, "").strip():
            hint = f"export {target.url_env}, or pass --url"
            how = "empty" if target.url_env in environment else "not set"
            raise UsageError(f"target `{name}` wants its URL in {target.url_env}, which is {how}", hint=hint)
        return environment[target.url_env]
    if target.url_file:
        return _url_in((root or Path()) / target.url_file, f"target `{name}`")
    if target.url is None:
        raise UsageError(f"target `{name}` has no url", hint="set url, url_env or url_file in reconcile.yaml")
    return target.url


def url_in(environment: Mapping[str, str]) -> str | None:
    """What RECONCILE_URL says, or the file that RECONCILE_URL_FILE names. Raises UsageError for the file, and
    for a variable that is there and empty, as CI makes it of a secret that does not exist."""
    url = environment.get("RECONCILE_URL")
    if url is not None and not url.strip():
        raise UsageError("RECONCILE_URL is empty", hint="give it a value, or unset it")
    if url:
        return url
    file = environment.get("RECONCILE_URL_FILE")
    return _url_in(Path(file), "RECONCILE_URL_FILE") if file else None


def _url_in(path: Path, named_by: str) -> str:
    """The URL that a file holds. A secret that is just being written can be empty for a moment: libpq would
    take that for its defaults."""
    try:
        url = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise UsageError(f"{named_by}: {path} is not UTF-8") from None
    except OSError as error:
        raise UsageError(f"{named_by}: cannot read {path}: {error.strerror}") from None
    if not url:
        raise UsageError(f"{named_by}: {path} is empty", hint="a libpq URL or keyword string belongs there")
    return url
