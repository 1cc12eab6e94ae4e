"""What a target wants before a plan is applied: a signature, and consent by those who own the plan's file.

The environment wins over reconcile.yaml: whoever runs the command says whom to trust, and a change that goes
through the repository cannot take that back (docs/approvals.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import NotApproved

if TYPE_CHECKING:
    from reconciler.app.approval.code_owners import CodeOwners
    from reconciler.app.plans.plan_files import Saved
    from reconciler.engine.plan.model import Ack, Plan
    from reconciler.engine.plan.signature import Signer
    from reconciler.settings import RequireSettings

__all__ = [
    "ALLOWED_SIGNERS",
    "CODEOWNERS",
    "Approval",
    "Requirement",
    "approval_of",
    "require_approval",
    "signature_path",
    "uncovered_plans",
]

ALLOWED_SIGNERS = "RECONCILE_ALLOWED_SIGNERS"
CODEOWNERS = "RECONCILE_CODEOWNERS"


@dataclass(frozen=True, slots=True)
class Requirement:
    """What must be there. By default nothing."""

    signers: Path | None = None
    """A file of allowed signers: then every plan must be signed by one of them."""
    needs_codeowners: bool = False
    codeowners: Path | None = None
    """Where CODEOWNERS is, where it is in none of its usual places."""
    root: Path = Path()
    """The project's folder."""

    @classmethod
    def of(cls, require: RequireSettings | None, root: Path, environment: Mapping[str, str]) -> Requirement:
        """What settings and environment ask for; without settings, the environment alone."""
        signers = environment.get(ALLOWED_SIGNERS)
        owners = environment.get(CODEOWNERS)
        said = require.codeowners if require is not None else False
        place = owners or (said if isinstance(said, str) else None)
        if not signers and require is not None and require.signatures:
            signers = str(root / require.signatures)
        return cls(
            Path(signers) if signers else None,
            bool(owners) or bool(said),
            (Path(owners) if owners else root / place) if place else None,
            root,
        )


@dataclass(frozen=True, slots=True)
class Approval:
    """What is known of a plan file's signature."""

    signer: Signer | None = None
    refusal: str | None = None
    """Why there is no signer, in words; None where nobody asked for one and nobody signed."""

    def __str__(self) -> str:
        return f"signed by {self.signer}" if self.signer else (self.refusal or "not signed")


def signature_path(plan: Path) -> Path:
    """Where a plan file's signature lies."""
    from reconciler.engine.plan.signature import SUFFIX

    return plan.with_name(plan.name + SUFFIX)


def require_approval(
    plan: Plan, saved: Saved | None, requirement: Requirement, now: datetime | None = None
) -> Signer | None:
    """Who signed the plan, where somebody must. Raises NotApproved, and UsageError for a CODEOWNERS that
    cannot be read. `now` is the time that keys are to be valid at."""
    signer = None
    if requirement.signers is not None:
        if saved is None and plan.is_empty:
            # Nothing will be run, so that there is nothing to approve.
            return None
        if saved is None:
            raise NotApproved(
                "this target takes signed plans only, and a plan that is made on the spot cannot be signed",
                hint="reconcile plan --save, have it reviewed, reconcile sign; then apply it",
            )
        signer = _signer(saved, requirement.signers, now or datetime.now(UTC))
    if requirement.needs_codeowners and plan.acks:
        _require_owners(plan, saved, requirement)
    return signer


def approval_of(saved: Saved, requirement: Requirement, now: datetime | None = None) -> Approval:
    """Who signed a plan file, for people to see. Never raises NotApproved."""
    if requirement.signers is None:
        is_signed = signature_path(saved.path).exists()
        return Approval(refusal="signed; no file of allowed signers says by whom" if is_signed else None)
    try:
        return Approval(_signer(saved, requirement.signers, now or datetime.now(UTC)))
    except NotApproved as error:
        where = f"{error.where}: " if error.where else ""
        return Approval(refusal=f"not approved: {where}{error.message}")


def uncovered_plans(plans: Path, requirement: Requirement) -> str | None:
    """What is wrong with the owners of a target's folder of plans; None where somebody owns it."""
    if not requirement.needs_codeowners:
        return None
    owners = _codeowners(requirement)
    if owners is None:
        return f"there is no CODEOWNERS, so that nobody owns {plans}"
    example = plans.absolute() / "0001_x.plan.yaml"
    if not owners.names_of(example):
        return f"{owners.file}: nobody owns {plans}: add a line such as /{_in(owners, plans)}/ @owner"
    return None


def _signer(saved: Saved, signers: Path, now: datetime) -> Signer:
    from reconciler.engine.plan.signature import AllowedSigners, verified

    signature = signature_path(saved.path)
    try:
        armored = signature.read_bytes()
    except FileNotFoundError:
        hint = f"have it signed: reconcile sign {saved.path}"
        raise NotApproved("the plan is not signed", where=str(saved.path), hint=hint) from None
    except OSError as error:
        raise NotApproved(f"cannot read {signature}: {(error.strerror or str(error)).lower()}") from None
    try:
        allowed = AllowedSigners(signers.read_text(encoding="utf-8"), str(signers))
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error.strerror).lower()
        hint = f"{ALLOWED_SIGNERS}, or require.signatures of the target, names it"
        raise NotApproved(
            f"the file of allowed signers cannot be read: {reason}", where=str(signers), hint=hint
        ) from None
    try:
        return verified(saved.text.encode(), armored, allowed, now)
    except NotApproved as error:
        advice = error.hint.replace("PLAN", str(saved.path)) if error.hint else None
        raise NotApproved(error.message, where=error.where or str(signature), hint=advice) from None


def _require_owners(plan: Plan, saved: Saved | None, requirement: Requirement) -> None:
    """Raise NotApproved where an ack is by somebody who does not own the plan's file."""
    owners = _codeowners(requirement)
    if saved is None or owners is None:
        hint = f"set {CODEOWNERS}, or require.codeowners of the target, to where it is"
        raise NotApproved("consent is to be by code owners, and there is no CODEOWNERS", hint=hint)
    path = saved.path.absolute()
    strangers = [ack for ack in plan.acks if ack.by is None or not owners.is_owner(ack.by, path)]
    if not strangers:
        return
    names = ", ".join(owners.names_of(path)) or "nobody"
    raise NotApproved(
        "\n".join(["consent that is by no owner of the plan's file:", *map(_line, strangers)]),
        where=str(saved.path),
        hint=f"{owners.file} says who may consent: {names}",
    )


def _line(ack: Ack) -> str:
    return f"  step {ack.step}: {ack.code}, by {ack.by or 'nobody (`by:` is missing)'}"


def _codeowners(requirement: Requirement) -> CodeOwners | None:
    from reconciler.app.approval.code_owners import find

    return find(requirement.root.absolute(), requirement.codeowners)


def _in(owners: CodeOwners, folder: Path) -> str:
    here = folder.absolute()
    return here.relative_to(owners.root).as_posix() if here.is_relative_to(owners.root) else folder.name
