"""One target's pass: claim the seat, look, and where that is asked for act, then look again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from reconciler.controller.acting import Hands, Work
from reconciler.controller.environment import Heal, Mode, Shared
from reconciler.controller.healing import why_not
from reconciler.controller.observing import Observation, assessed, mark, observe
from reconciler.controller.pacing import Backoff
from reconciler.controller.seat import Seat
from reconciler.controller.snapshot import Aim, Snapshot, request_of, url_of
from reconciler.controller.state import Finding, State, Trouble
from reconciler.core.errors import ConnectionFailed, InvalidInput, NotApproved, ReconcileError, Terminated
from reconciler.core.redaction import brief, code_of

if TYPE_CHECKING:
    from reconciler.engine.execute.apply import Verdict

LONGEST_LOOK_SECONDS = 60.0
"""How long a database that went away is left alone at most: it should be found again soon."""
LONGEST_ACT_SECONDS = 600.0
"""How long a plan that failed waits at most; anything that changes lets it be tried at once."""
HEALING = "healing"
"""What a plan that heals drift is called where plans are named by their file."""


class Target:
    """One database that is watched."""

    def __init__(self, name: str, shared: Shared) -> None:
        self.name, self._shared = name, shared
        self._seat = Seat()
        first = shared.interval_seconds
        self._looking = Backoff(first, shared.clock, max(first, LONGEST_LOOK_SECONDS))
        self._acting = Backoff(first, shared.clock, max(first, LONGEST_ACT_SECONDS))
        self._digest = ""
        self._known: tuple[str, Observation] | None = None
        """What was found last, under the mark of the database that it was found on."""
        self._refused: tuple[Trouble, State] | None = None
        """Why acting was in vain."""
        self._refused_on: Observation | None = None
        """What was found right after that."""
        self.is_reachable = True

    def pass_over(self, snapshot: Snapshot, may_act: bool) -> None:
        """One pass. Raises Terminated alone: what else goes wrong is told on the board, and tried again."""
        if snapshot.copy.digest != self._digest:
            self._digest, self._known, self._refused = snapshot.copy.digest, None, None
            self._looking.reset()
            self._acting.reset()
        if not self._looking.is_due:
            return
        board = self._shared.board
        board.attempt(self.name)
        try:
            self._look_and_act(snapshot.aims[self.name], snapshot, may_act)
        except Terminated:
            raise
        except Exception as error:
            self._went_wrong(_as_ours(error), snapshot)
        else:
            self.is_reachable = True
            self._looking.reset()
            board.retrying(self.name, self._acting.failures, self._acting.seconds_left)

    def close(self) -> None:
        """Let another instance work."""
        self._seat.give_up()

    def _look_and_act(self, aim: Aim, snapshot: Snapshot, may_act: bool) -> None:
        board, revision = self._shared.board, snapshot.copy.revision
        url = url_of(aim, self._shared.wanted)
        is_active = self._seat.claim(url, aim.pooler)
        holder = self._seat.taken_by
        board.seat(self.name, is_active, str(holder) if holder else None)
        if not is_active:
            self._known, self._refused = None, None
            board.found(self.name, Finding(State.STANDBY), revision)
            return
        observation = self._look(aim, snapshot, url)
        works, notes = self._works(observation, snapshot)
        finding = self._finding(observation, aim, notes)
        board.found(self.name, finding, revision)
        if may_act and works and self._acting.is_due:
            self._act(works, aim, url)
            observation = self._look(aim, snapshot, url)
            _, notes = self._works(observation, snapshot)
            board.found(self.name, self._finding(observation, aim, notes), revision)

    def _look(self, aim: Aim, snapshot: Snapshot, url: str) -> Observation:
        """What the database says; what was found the last time where nothing has changed since."""
        now = mark(self._seat.connection)
        if now is not None and self._known is not None and self._known[0] == now:
            found = self._known[1]
        else:
            clock = self._shared.clock
            start = clock.now()
            found = observe(aim, request_of(aim, snapshot, self._shared.wanted, url))
            self._shared.board.metrics.planned(self.name, clock.now() - start)
            self._known = (now, found) if now is not None else None
        self._hope_again(found)
        return found

    def _hope_again(self, found: Observation) -> None:
        """Let what was in vain be tried again at once, where something else is found than after that. The
        database's mark would say too much: with every role that comes or goes on the server it is another."""
        if self._refused is None:
            return
        if self._refused_on is None:
            self._refused_on = found
        elif self._refused_on != found:
            self._refused = None
            self._acting.reset()

    def _finding(self, observation: Observation, aim: Aim, notes: Iterable[str]) -> Finding:
        finding = assessed(observation, aim)
        finding = dataclasses.replace(finding, notes=(*finding.notes, *notes))
        if self._refused is None or finding.state is State.IN_SYNC:
            return finding
        trouble, state = self._refused
        return dataclasses.replace(finding, state=state, trouble=trouble)

    def _works(self, observation: Observation, snapshot: Snapshot) -> tuple[list[Work], list[str]]:
        """What may be carried out, and why not where it may not."""
        if self._shared.mode is not Mode.APPLY:
            return [], []
        pending = observation.pending
        if pending or observation.status.place is None:
            return [Work(one.plan, one.path.name, one.saved) for one in pending], []
        heal = self._shared.heal or Heal(snapshot.project.settings.controller.heal)
        if heal is Heal.NEVER or not observation.drift or observation.wanted.is_empty:
            return [], []
        reason = why_not(observation.wanted, observation.status.left, observation.drift)
        if reason is not None:
            return [], [f"not healed: {reason}"]
        return [Work(observation.wanted, HEALING)], []

    def _act(self, works: list[Work], aim: Aim, url: str) -> None:
        """Carry out plan by plan, up to the first that fails. Raises Terminated."""
        shared = self._shared
        log = shared.board.log.bind(target=self.name)
        hands = Hands(aim, url, self._seat, self._goes_on, log, shared.stop, shared.clock)
        try:
            hands.require_approvals(works)
        except NotApproved as refusal:
            self._ended(works[0], code_of(refusal), hands, {"message": aim.told(brief(refusal))})
            self._refuse(refusal, aim)
            return
        for work in works:
            shared.stop.check()
            if not self._seat.answers():
                raise ConnectionFailed("the controller's lock on the database was lost")
            log.info("applying", plan=work.name, steps=len(work.plan.steps))
            try:
                verdict = hands.carry_out(work)
            except Exception as raised:
                error = _as_ours(raised)
                told = {"message": aim.told(brief(error)), "hint": error.hint}
                self._ended(work, code_of(error), hands, told)
                if isinstance(error, Terminated):
                    raise error from None
                self._refuse(error, aim)
                return
            self._ended(work, _result(work, verdict), hands, {"ran": list(verdict.ran)})
        self._refused = None
        self._acting.reset()

    def _goes_on(self) -> None:
        self._shared.beat()
        self._shared.board.write()

    def _ended(self, work: Work, result: str, hands: Hands, facts: dict[str, Any]) -> None:
        waited = {"lock_wait_seconds": round(hands.lock_wait_seconds, 3)}
        self._shared.board.applied(self.name, work.name, result, facts | waited)

    def _refuse(self, error: ReconcileError, aim: Aim) -> None:
        self._acting.failed()
        self._shared.board.metrics.failed(self.name, code_of(error))
        if not self._seat.answers():
            raise error
        hint = aim.told(error.hint) if error.hint else None
        trouble = Trouble(code_of(error), aim.told(brief(error)), hint)
        self._refused, self._refused_on = (trouble, _state_after(error)), None

    def _went_wrong(self, error: ReconcileError, snapshot: Snapshot) -> None:
        board = self._shared.board
        self.is_reachable = not isinstance(error, ConnectionFailed)
        if isinstance(error, ConnectionFailed) or not self._seat.answers():
            self._seat.give_up()
            board.seat(self.name, False)
        self._known = None
        self._looking.failed()
        code = code_of(error)
        board.metrics.failed(self.name, code)
        board.retrying(self.name, self._looking.failures, self._looking.seconds_left)
        text = brief(error).replace(f"{snapshot.copy.root}/", "")
        state = State.INVALID if isinstance(error, InvalidInput) else State.ERROR
        before = board.finding(self.name)
        finding = dataclasses.replace(before, state=state, trouble=Trouble(code, text, error.hint))
        board.found(self.name, finding, snapshot.copy.revision)


def _result(work: Work, verdict: Verdict) -> str:
    if verdict.was_applied:
        return "already_applied"
    if work.name == HEALING:
        return "healed"
    return "resumed" if verdict.resumed_after else "applied"


def _state_after(error: ReconcileError) -> State:
    """What a target is in after an apply that ended so, going by the contract of exit codes."""
    match error.exit_code:
        case 3 | 4 | 5 | 65:
            return State.BLOCKED
        case 6:
            return State.PENDING
        case _:
            return State.ERROR


def _as_ours(error: Exception) -> ReconcileError:
    import psycopg

    from reconciler.engine.connection.session import server_error

    if isinstance(error, ReconcileError):
        return error
    if isinstance(error, psycopg.Error):
        return server_error(error)
    # Its words can quote anything; its class and the place in our code cannot.
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" in {trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}" if trace is not None else ""
    return ReconcileError(
        f"unexpected {type(error).__name__}{place}", hint="this is a defect: please report it"
    )
