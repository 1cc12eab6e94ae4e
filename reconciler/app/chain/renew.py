"""A plan of the chain that a person has changed by hand, with a reason: proved, and given its new id."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.planning.comparison import observer
from reconciler.app.plans.plan_files import read_plan
from reconciler.app.states.offline_state import ground
from reconciler.app.states.state_name import InChain
from reconciler.core.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from reconciler.app.planning.comparison import Request


def renew(folder: Path, number: int, request: Request) -> str:
    """Carry the edited plan out on a scratch database in the state that it starts from, with made-up rows;
    where it leads to the state that it promises, CHAIN gets its new id. What was shown, in a sentence.

    Raises UsageError where there is no such plan, InvalidInput where the file gives no reason, NotConverged
    where it leads elsewhere.
    """
    from reconciler.engine.chain.chain_file import changing

    with changing(folder):
        return _renewed(folder, number, request)


def _renewed(folder: Path, number: int, request: Request) -> str:
    from reconciler.engine.chain import chain, snapshot
    from reconciler.engine.chain.chain_file import text_of
    from reconciler.engine.prove.proof import prove

    links = chain.read_chain(folder)
    link = next((link for link in links if link.number == number), None)
    if link is None:
        raise UsageError(f"{folder} has no plan {number:04}")
    plan, _ = read_plan(folder / link.file_name)
    if plan.edited is None:
        raise InvalidInput(
            f"{folder / link.file_name} does not say why it was changed",
            hint="on a line of its own, such as below `ownership:`: `edited: the reason`",
        )
    with tempfile.TemporaryDirectory(prefix="reconcile-") as made:
        # The chain as it is before this plan: with it, it is broken until the id fits.
        before = [one for one in chain.read_history(folder) if (one.squashed_into or one.number) < number]
        names = [one.file_name for one in before if one.squashed_into is None]
        for name in (*names, snapshot.BASELINE):
            if (folder / name).exists():
                shutil.copy(folder / name, made)
        (Path(made) / chain.CHAIN).write_text(text_of(before), encoding="utf-8")
        with ground(InChain(Path(made)), request, major=plan.server_major) as start:
            sentence = prove(plan, start.connection, observer(plan)).sentence()
    chain.renew(folder, number)
    return sentence
