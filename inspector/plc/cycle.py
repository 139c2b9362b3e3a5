"""The handshake as a state machine without input or output: what was read goes in, what to write comes out."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from inspector.domain import FaultCode, Trigger, WireVerdict
from inspector.plc.challenge_request import ChallengeRequest
from inspector.plc.handshake import FromInspector, FromPlc, Name, Value

__all__ = ["Cycle", "PeerState", "Phase", "Ticket"]

log = logging.getLogger(__name__)

_MOST_WAITING = 32


class Phase(Enum):
    """Where the handshake stands."""

    LOST = "nobody to talk to"
    IDLE = "waiting for a trigger"
    BUSY = "a trigger was taken and waits for its verdict"
    AWAIT_ACK = "the result stands in the registers"
    CLEARING = "the result was taken back; the PLC still has ResultAck up"
    RESET = "the PLC holds Reset"


@dataclass(frozen=True, slots=True)
class PeerState:
    """What the PLC's registers said when the line came up.

    Attributes
    ----------
    pending
        A trigger that is still raised, was taken by a line that is gone, and has no result. It is not
        yielded by ``triggers``; whoever asked has to ``answer`` it (UNKNOWN, ``FaultCode.CRASH``).
    answered_sequence
        SeqNo of the last result that was written, None where there was none.
    result_valid
        Whether that result still stood, waiting for its acknowledgement.
    """

    pending: Trigger | None
    answered_sequence: int | None
    result_valid: bool


@dataclass(slots=True, eq=False)
class Ticket:
    """One taken trigger until it is answered; ``turn`` is set when it may be, or when ``lost`` says why not."""

    trigger: Trigger
    turn: asyncio.Event = field(default_factory=asyncio.Event)
    lost: str = ""


class Cycle:
    """One trigger after another: take it, wait for its verdict, see it acknowledged, clear.

    A trigger is new when its SeqNo differs from the last one taken. Where the drop of Trigger in between
    was not seen, the registers must read the same twice, so that no half-written pair is taken. A new SeqNo
    before the part in work is answered and acknowledged is an overrun.

    Parameters
    ----------
    make_trigger
        Makes the trigger of what was read; the flag says that it is an overrun.
    ack_timeout_s
        How long a result waits for ResultAck before it is taken back.
    recipes, default_recipe
        Ids that the line runs, and the one that 0 stands for; without any, every id goes.
    acknowledges
        Whether the PLC has ResultAck; otherwise the drop of Trigger says that the result was read.
    """

    def __init__(
        self,
        make_trigger: Callable[[FromPlc, bool], Trigger],
        ack_timeout_s: float,
        *,
        recipes: frozenset[int] = frozenset(),
        default_recipe: int = 0,
        acknowledges: bool = True,
    ) -> None:
        self._make = make_trigger
        self._ack_timeout_s = ack_timeout_s
        self._recipes = recipes
        self._default_recipe = self._recipe = default_recipe
        self._acknowledges = acknowledges
        self._plc: FromPlc | None = None
        self._last: int | None = None
        self._abandoned: set[int] = set()
        self._unacknowledged: int | None = None
        self._deadline = 0.0
        self._own_fault = FaultCode.NONE
        self._waiting: deque[Ticket] = deque()
        self._flooded = False
        self._found_raised = False
        self._synced = False
        self.challenge = ChallengeRequest()
        self.current: Ticket | None = None
        self.phase = Phase.LOST
        self.wanted = False
        self.line_fault = 0

    # --- what to write ------------------------------------------------------------------------------------

    def outputs(self) -> dict[Name, Value]:
        """Return what our registers should hold; the result's own registers are the answer's business."""
        plc, phase = self._plc, self.phase
        clear = plc is not None and not (plc.trigger or plc.result_ack or plc.reset)
        busy = phase in {Phase.BUSY, Phase.AWAIT_ACK}
        blocked = phase is Phase.IDLE and plc is not None and not self._runs(plc.recipe_id)
        fault = int(self._own_fault or self.line_fault or (FaultCode.RECIPE if blocked else 0))
        values: dict[Name, Value] = {
            Name.READY: self.wanted and clear and phase is Phase.IDLE and not blocked,
            Name.TRIGGER_ACK: busy,
            Name.BUSY: busy,
            Name.RESULT_VALID: phase is Phase.AWAIT_ACK,
            Name.FAULT: fault != 0,
            Name.RECIPE_ACTIVE: self._recipe,
            Name.CHALLENGE_STATE: int(self.challenge.state),
        }
        if phase is not Phase.AWAIT_ACK:
            values[Name.FAULT_CODE] = fault
        if phase is Phase.BUSY:
            values[Name.VERDICT] = int(WireVerdict.NONE)
        return values

    # --- what was read ------------------------------------------------------------------------------------

    def observe(self, plc: FromPlc, now: float) -> Ticket | None:
        """Go on with what was read at ``now`` (monotonic seconds); return a trigger that was taken."""
        before, self._plc = self._plc, plc
        self.challenge.observe(plc.start_challenge)
        if self._found_raised and not plc.trigger and self.phase is not Phase.BUSY:
            # Its program may have started anew since, and count from the same number again.
            self._found_raised, self._last = False, None
        if plc.reset:
            if self.phase is not Phase.RESET:
                log.warning("the PLC resets the handshake")
                self._drop("the PLC reset the handshake before it was answered")
                self.phase = Phase.RESET
            self._last = plc.sequence if plc.trigger else None
            return None
        if self.phase is Phase.RESET:
            self.phase = Phase.CLEARING
        if self.phase is Phase.AWAIT_ACK:
            self._await_acknowledgement(plc, now)
        if self.phase is Phase.CLEARING and not plc.result_ack:
            self._next()
        if self.phase is Phase.IDLE:
            self._select(plc)
            return self._idle(plc, before)
        if self.phase in {Phase.BUSY, Phase.AWAIT_ACK} and self._is_new(plc, before):
            return self._overrun(plc)
        return None

    def is_unsettled(self, plc: FromPlc) -> bool:
        """Return whether this reading shows a new trigger that has to be read once more to be believed."""
        return plc.trigger and not plc.result_ack and not plc.reset and plc.sequence != self._last

    def answered(self, now: float) -> None:
        """Note that the current trigger's result stands in the registers, ResultValid included."""
        assert self.current is not None  # noqa: S101 - the caller holds the current ticket
        self._unacknowledged = self.current.trigger.sequence
        self.current = None
        self.phase = Phase.AWAIT_ACK
        self._deadline = now + self._ack_timeout_s

    def abandon(self, reason: str, *, withdraw: bool) -> None:
        """Give everything up because the PLC is away.

        ``withdraw`` says that our registers can still be written, so that an unacknowledged result is
        taken back; otherwise it stands until the PLC is seen again.
        """
        open_now = ([self.current] if self.current else []) + list(self._waiting)
        self._abandoned |= {ticket.trigger.sequence for ticket in open_now}
        if withdraw or self.phase is not Phase.AWAIT_ACK:
            self._unacknowledged = None
        self._drop(reason)
        self.challenge.forget()
        self._own_fault = FaultCode.PLC_LOST
        self.phase = Phase.LOST

    def resync(self, plc: FromPlc, mine: FromInspector, now: float) -> Ticket | None:
        """Start from what the registers hold; return a raised trigger that nobody is going to answer.

        The first time, a trigger with TriggerAck and no result was taken by a line that is gone. Later, it
        is one of this line whose verdict was given up. A result that was completely written stands.
        """
        first, self._synced = not self._synced, True
        seq, raised = plc.sequence, plc.trigger
        stands = mine.result_valid and raised and mine.answered_sequence == seq
        orphan = mine.trigger_ack and not mine.result_valid if first else seq in self._abandoned
        if not first and mine.result_valid and mine.answered_sequence in self._abandoned:
            log.warning(
                "the result of SeqNo %s had reached the PLC although its write was not confirmed;"
                " the record says UNKNOWN",
                mine.answered_sequence,
            )
        mine_to_resume = first or seq == self._unacknowledged
        self._plc, self._own_fault = plc, FaultCode.NONE
        self._abandoned.clear()
        self._found_raised = raised
        if stands and mine_to_resume:
            self._last = self._unacknowledged = seq
            self.phase = Phase.AWAIT_ACK
            self._deadline = now + self._ack_timeout_s
            return None
        if raised and orphan and not plc.result_ack:
            self.phase = Phase.BUSY
            self.current = self._take(plc, overrun=False)
            self.current.turn.set()
            return self.current
        if not raised:
            # Whatever comes next is new, even where the PLC was restarted and counts from the same number again.
            self._last = None
        elif first:
            self._last = mine.answered_sequence
        self.phase = Phase.CLEARING
        return None

    # --- recipe -------------------------------------------------------------------------------------------

    def _runs(self, recipe: int) -> bool:
        return recipe == 0 or not self._recipes or recipe in self._recipes

    def _select(self, plc: FromPlc) -> None:
        """Follow the PLC's RecipeId while idle; one that the line does not run leaves the old one standing."""
        if self._runs(plc.recipe_id):
            self._recipe = plc.recipe_id or self._default_recipe

    # --- steps --------------------------------------------------------------------------------------------

    def _await_acknowledgement(self, plc: FromPlc, now: float) -> None:
        read = plc.result_ack or (not self._acknowledges and not plc.trigger)
        if not read and now < self._deadline:
            return
        if not read:
            log.warning("the PLC did not acknowledge the result of SeqNo %s; taken back", self._last)
            self._own_fault = FaultCode.PLC_ACK
        self._unacknowledged = None
        self.phase = Phase.CLEARING

    def _next(self) -> None:
        if self._waiting:
            self.current = self._waiting.popleft()
            self.current.turn.set()
            self.phase = Phase.BUSY
        else:
            self.phase = Phase.IDLE

    def _idle(self, plc: FromPlc, before: FromPlc | None) -> Ticket | None:
        if self._is_new(plc, before):
            self._own_fault = FaultCode.NONE
            self.current = self._take(plc, overrun=False)
            self.current.turn.set()
            self.phase = Phase.BUSY
            return self.current
        if not plc.trigger and not plc.result_ack:
            self._own_fault = FaultCode.NONE
        elif plc.trigger and before is not None and not before.trigger and plc.sequence == self._last:
            log.warning("trigger ignored: its SeqNo %s is that of the trigger before", plc.sequence)
        return None

    def _is_new(self, plc: FromPlc, before: FromPlc | None) -> bool:
        if not plc.trigger or plc.result_ack or plc.sequence == self._last or before is None:
            return False
        rose = not before.trigger
        steady = (before.sequence, before.part_id, before.recipe_id) == (plc.sequence, plc.part_id, plc.recipe_id)
        return rose or steady

    def _overrun(self, plc: FromPlc) -> Ticket | None:
        """Queue a trigger that came too early; a PLC that triggers without end must not fill the memory."""
        if len(self._waiting) >= _MOST_WAITING:
            if not self._flooded:
                log.warning("triggers are ignored from SeqNo %s on: %d wait already", plc.sequence, _MOST_WAITING)
            self._flooded, self._last = True, plc.sequence
            return None
        self._flooded = False
        ticket = self._take(plc, overrun=True)
        self._waiting.append(ticket)
        return ticket

    def _take(self, plc: FromPlc, *, overrun: bool) -> Ticket:
        self._last = plc.sequence
        return Ticket(self._make(plc, overrun))

    def _drop(self, reason: str) -> None:
        for ticket in ([self.current] if self.current else []) + list(self._waiting):
            ticket.lost = reason
            ticket.turn.set()
        self.current = None
        self._waiting.clear()
