"""Consent: which harm a person has allowed, and what is still to be allowed before a plan may run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Blocked, NotApproved, UsageError
from reconciler.core.ident import ObjectId
from reconciler.core.statement import Hazard, HazardCode
from reconciler.engine.plan.model import Plan, Step

_SHELL_SAFE = re.compile(r"[\w.:/-]+\Z")


@dataclass(frozen=True, slots=True)
class Consent:
    """What `--allow` says. Nothing is allowed by default."""

    everything: bool = False
    codes: frozenset[HazardCode] = frozenset()
    objects: frozenset[tuple[HazardCode, str]] = frozenset()
    """A code with an object: its id (`column:app.users.email`) or its dotted name (`app.users.email`)."""

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Consent:
        """Read `all`, `CODE` and `CODE:object`. Raises UsageError for a code that does not exist."""
        everything = False
        codes: set[HazardCode] = set()
        objects: set[tuple[HazardCode, str]] = set()
        for text in texts:
            word, colon, name = text.strip().partition(":")
            if word == "all" and not colon:
                everything = True
            elif colon and name:
                objects.add((_code(word, text), name))
            else:
                codes.add(_code(word, text))
        return cls(everything, frozenset(codes), frozenset(objects))

    def allows(self, hazard: Hazard) -> bool:
        """Whether this hazard may be run into."""
        if self.everything or hazard.code in self.codes:
            return True
        return any((hazard.code, name) in self.objects for name in _names(hazard.object))


def missing_consent(
    plan: Plan, consent: Consent, done: frozenset[int] = frozenset()
) -> tuple[tuple[Step, Hazard], ...]:
    """The blocking hazards, but for those of steps already done, that neither acks nor `consent` allow."""
    return tuple(
        (step, hazard)
        for step, hazard in plan.blocking
        if step.number not in done and not consent.allows(hazard)
    )


def flags(missing: Iterable[tuple[Step, Hazard]]) -> tuple[str, ...]:
    """The narrowest flags that allow these hazards, quoted for a shell."""
    return tuple(dict.fromkeys(flag(hazard) for _, hazard in missing))


def flag(hazard: Hazard) -> str:
    """The narrowest flag that allows a hazard, quoted for a shell."""
    text = f"{hazard.code}:{hazard.object}"
    return f"--allow {text if _SHELL_SAFE.match(text) else shlex.quote(text)}"


def require_consent(plan: Plan, consent: Consent, done: frozenset[int] = frozenset()) -> None:
    """Raise Blocked where a hazard that needs consent has none; the error names the flags to pass."""
    missing = missing_consent(plan, consent, done)
    if not missing:
        return
    count = "1 hazard needs" if len(missing) == 1 else f"{len(missing)} hazards need"
    lines = [f"  step {step.number}: {hazard.code}: {hazard.message}" for step, hazard in missing]
    raise Blocked(
        "\n".join([f"{count} consent; nothing was run:", *lines]),
        hint="to go on, pass " + " ".join(flags(missing)),
    )


def _code(word: str, text: str) -> HazardCode:
    try:
        return HazardCode(word.strip().lower().replace("-", "_"))
    except ValueError:
        known = ", ".join(code.value for code in HazardCode)
        raise UsageError(
            f"--allow {text}: there is no hazard {word!r}", hint=f"all, or one of: {known}"
        ) from None


def _names(id: ObjectId) -> tuple[str, ...]:
    encoded = str(id)
    return (encoded, encoded.partition(":")[2], ".".join(id.path))


def used(by: str, where: str | None = None) -> NotApproved:
    """The refusal of a signed plan that was carried out before, by `by`."""
    return NotApproved(
        f"a signed plan is carried out once, and this one was before: by {by}",
        where=where,
        hint="to do it once more, plan again and have the new plan signed: reconcile plan --save",
    )
