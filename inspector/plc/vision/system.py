"""What the vision system does: jobs, recipes and states, following the real line; no OPC UA in here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from uuid import uuid4

from inspector.domain import FaultCode, InspectionReport, Stage, Trigger
from inspector.plc.translation import result_id
from inspector.plc.vision.machine import IllegalTransitionError, Machine, Mode, State, Step
from inspector.plc.vision.notices import Entered, Job, Message, Notice, Prepared, ResultMade
from inspector.plc.vision.results import Result, ResultState, ResultStore

__all__ = ["STATION_FAULTS", "Refusal", "Refused", "Start", "VisionSystem"]

log = logging.getLogger(__name__)

STATION_FAULTS = frozenset({FaultCode.CAMERA_LOST, FaultCode.DETECTOR, FaultCode.STORAGE, FaultCode.CRASH})
"""Faults that the next part would meet too; others concern one part only."""

_STATES = {
    FaultCode.NONE: ResultState.COMPLETED,
    FaultCode.PLC_LOST: ResultState.ABORTED,
    FaultCode.OVERRUN: ResultState.ABORTED,
}


class Start(StrEnum):
    """How the system goes to work."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class Refusal(StrEnum):
    """Why a well-formed call is refused although the state allows it."""

    UNKNOWN_RECIPE = "no such recipe"
    NOT_PREPARED = "the recipe is not prepared"
    UNKNOWN_PRODUCT = "products are not known here"
    PARAMETERS = "recipes take no parameters here"
    UNKNOWN_CONFIGURATION = "no such configuration"
    UNKNOWN_RESULT = "no such result"
    UNKNOWN_HANDLE = "no such handle"
    SIMULATION = "the camera decides whether pictures are simulated"


class Refused(Exception):
    """A call that is answered with an error number of ours."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(slots=True)
class _Open:
    """A trigger that the line has, and the job that it belongs to."""

    trigger: Trigger
    job: Job


@dataclass(slots=True)
class _Trouble:
    text: str = ""
    by_line: bool = False
    active: bool = False
    confirmed: bool = True


@dataclass(slots=True)
class VisionSystem:
    """The vision system of one line; what is to be told to clients collects in ``notices``.

    Parameters
    ----------
    station
        Name of the station in the triggers.
    recipes
        Names of the recipes that the line runs.
    default_recipe
        The one that is prepared from the beginning.
    start
        Whether the system goes to work as soon as the line is ready, or waits for SelectModeAutomatic.
    results
        How many results are kept.
    simulated
        Whether the pictures are.
    content
        Makes the result's content of a report.
    """

    station: str
    recipes: Sequence[str]
    default_recipe: str
    content: Callable[[InspectionReport], str]
    start: Start = Start.AUTOMATIC
    results: int = 500
    simulated: bool = False
    machine: Machine = field(default_factory=Machine)
    notices: list[Notice] = field(default_factory=list)
    prepared: dict[str, None] = field(default_factory=dict)
    arrivals: list[Trigger] = field(default_factory=list)
    due: str = ""
    store: ResultStore = field(init=False)
    _open: list[_Open] = field(default_factory=list)
    _job: Job | None = None
    _started: bool = False
    _line_ready: bool = False
    _halted_by_line: bool = False
    _work_again: bool = False
    _trouble: _Trouble = field(default_factory=_Trouble)
    _count: int = 0

    def __post_init__(self) -> None:
        self.store = ResultStore(self.results)
        self.prepared[self.default_recipe] = None

    # --- the line -----------------------------------------------------------------------------------------

    @property
    def takes_parts(self) -> bool:
        """Whether the state lets the PLC's handshake be ready, as far as the line is."""
        if self.machine.state is State.ERROR:
            return not self._trouble.by_line
        return self.machine.mode is Mode.READY or (self._job is not None and not self._job.own)

    def line(self, ready: bool, fault: int) -> None:
        """Follow what the line says of itself; may be told the same again and again."""
        self._line_ready = ready
        state = self.machine.state
        if ready:
            self._line_is_ready(state)
        elif fault and state in {State.PREOPERATIONAL, State.OPERATIONAL}:
            self._fail(f"the line reports fault {fault}", by_line=True)
        elif not fault and state is not State.HALTED:
            self._halted_by_line = True
            self._work_again = state is not State.PREOPERATIONAL or self._starts_by_itself
            self._leave(self.machine.go(State.HALTED), "the line takes no parts")

    def _line_is_ready(self, state: State) -> None:
        if state is State.ERROR and self._trouble.by_line:
            self._recover()
        if state is State.HALTED and self._halted_by_line:
            self._halted_by_line = False
            self._enter(self.machine.go(State.PREOPERATIONAL), "the line takes parts again")
            if self._work_again:
                self._work()
        elif state is State.PREOPERATIONAL and self._starts_by_itself:
            self._work()

    @property
    def _starts_by_itself(self) -> bool:
        return not self._started and self.start is Start.AUTOMATIC

    def shut_down(self) -> None:
        """Halt, because the line ends."""
        if self.machine.state is not State.HALTED:
            self._halted_by_line = True
            self._leave(self.machine.go(State.HALTED), "the line ends")

    def _work(self) -> None:
        self._started = True
        self._enter(self.machine.start(), "ready to work")
        self._ready_where_prepared()

    def _ready_where_prepared(self) -> None:
        if self.prepared:
            self._enter(self.machine.go(Mode.READY), "a recipe is prepared")

    # --- parts --------------------------------------------------------------------------------------------

    def part_arrived(self, trigger: Trigger) -> None:
        """Note a part that the PLC triggered by the handshake."""
        job = Job(str(uuid4()), own=False)
        self._open.append(_Open(trigger, job))
        if self.machine.mode is Mode.READY:
            self._job = job
            self._enter(self.machine.go(Mode.SINGLE_EXECUTION), "the PLC triggered a part", job.id)

    def owns(self, trigger: Trigger) -> bool:
        """Return whether a method started the inspection of this trigger, and nobody gave it up since."""
        return any(each.job.own and each.trigger == trigger for each in self._open)

    def finished(self, report: InspectionReport) -> None:
        """Make the result of a report, and go on by it."""
        found = next((each for each in self._open if _same(each.trigger, report.trigger)), None)
        if found is None:
            return
        self._open.remove(found)
        fault = report.verdict.fault
        self._made(found, report, _STATES.get(fault, ResultState.FAILED))
        if fault in STATION_FAULTS:
            if self.machine.state is State.OPERATIONAL:
                self._fail(f"inspection failed: {_why(report)}", by_line=False)
            return
        if self.machine.state is State.ERROR and not self._trouble.by_line and fault is FaultCode.NONE:
            self._recover()
        if found.job is self._job:
            self._next()

    def _next(self) -> None:
        """Go on with a continuous job, or end the job that had its inspection."""
        job = self._job
        if job is None:
            return
        if job.continuous and not job.stopping:
            self.due = job.id
            return
        self._job = None
        if job.stopping:
            self._enter(self.machine.call("Stop"), "stopped", job.id)
        else:
            self._enter(self.machine.go(Mode.READY), "the job is over", job.id)

    def go_on(self, job: str) -> None:
        """Begin the next inspection of a continuous job that is ``due``, unless it is over by now."""
        if self._job is not None and self._job.id == job and not self._under_way(self._job):
            self._trigger(self._job)

    def _under_way(self, job: Job) -> bool:
        return any(each.job is job for each in self._open)

    def _trigger(self, job: Job) -> None:
        self._count += 1
        # A number that no PLC counts to, so that the record tells both apart.
        sequence = 2**31 + self._count % 2**31
        trigger = Trigger(job.part, self.station, sequence, datetime.now(UTC), recipe=job.recipe)
        self._open.append(_Open(trigger, job))
        self.arrivals.append(trigger)

    def _made(self, found: _Open, report: InspectionReport | None, state: ResultState) -> None:
        trigger, job, done = found.trigger, found.job, datetime.now(UTC)
        inspected = report is not None and Stage.JUDGE in report.timings.stages
        result = Result(
            id=result_id(trigger),
            state=state,
            job=job.id,
            recipe=(report.verdict.recipe if report is not None else "") or trigger.recipe or self.default_recipe,
            started=trigger.at,
            created=done,
            content=self.content(report) if report is not None else "",
            part=report.trigger.part_id if report is not None else trigger.part_id,
            meas=job.meas,
            product=job.product,
            simulated=self.simulated,
            processing_ms=report.timings.total_ms if report is not None and inspected else None,
        )
        self.store.add(result)
        self.notices.append(ResultMade(result))

    # --- methods ------------------------------------------------------------------------------------------

    def start_job(self, *, part: str, meas: str, recipe: str, product: str, continuous: bool) -> str:
        """Start a job and return its id; raises ``IllegalTransitionError`` or ``Refused``."""
        method = "StartContinuous" if continuous else "StartSingleJob"
        if not self.machine.allows(method) or not self._line_ready:
            raise IllegalTransitionError(f"{method} in {self.machine.mode or self.machine.state}")
        if product:
            raise Refused(Refusal.UNKNOWN_PRODUCT)
        if recipe and recipe not in self.recipes:
            raise Refused(Refusal.UNKNOWN_RECIPE)
        chosen = recipe or next(reversed(self.prepared))
        if chosen not in self.prepared:
            raise Refused(Refusal.NOT_PREPARED)
        self._job = job = Job(str(uuid4()), True, part, meas, product, chosen, continuous)
        self._enter(self.machine.call(method), "started by a client", job.id)
        self._trigger(job)
        return job.id

    def stop(self) -> None:
        """End the job after the inspection under way; raises ``IllegalTransitionError``."""
        if not self.machine.allows("Stop") or self._job is None:
            raise IllegalTransitionError(f"Stop in {self.machine.mode or self.machine.state}")
        self._job.stopping = True
        if not self._under_way(self._job):
            self._next()

    def abort(self) -> None:
        """End the job now; its inspection gets a result that says so. Raises ``IllegalTransitionError``."""
        job = self._job
        steps = self.machine.call("Abort")
        self._give_up()
        self._job = None
        self._enter(steps, "aborted by a client", job.id if job else "")

    def halt(self, text: str) -> None:
        """Stop working; raises ``IllegalTransitionError``."""
        steps = self.machine.call("Halt")
        self._halted_by_line = False
        self._give_up()
        self._leave(steps, text or "halted by a client")

    def reset(self, text: str) -> None:
        """Begin again without a prepared recipe; may be called in every state."""
        self._started = True
        self.prepared.clear()
        if self.machine.state is State.PREOPERATIONAL:
            return
        steps = self.machine.call("Reset")
        self._halted_by_line = False
        self._give_up()
        self._leave(steps, text or "reset by a client")

    def select_automatic(self) -> None:
        """Go to work; raises ``IllegalTransitionError``."""
        if not self._line_ready:
            raise IllegalTransitionError("the line is not ready")
        self._enter(self.machine.call("SelectModeAutomatic"), "selected by a client")
        self._started = True

    def prepare(self, recipe: str) -> None:
        """Make a recipe ready for jobs and the one of jobs that name none; raises as ``start_job``."""
        if self.machine.mode not in {Mode.INITIALIZED, Mode.READY}:
            raise IllegalTransitionError(f"PrepareRecipe in {self.machine.mode or self.machine.state}")
        if recipe not in self.recipes:
            raise Refused(Refusal.UNKNOWN_RECIPE)
        self.prepared.pop(recipe, None)
        self.prepared[recipe] = None
        self.notices.append(Prepared(recipe))
        if self.machine.mode is Mode.INITIALIZED:
            self._enter(self.machine.call("PrepareRecipe"), f"recipe {recipe} is prepared")

    def unprepare(self, recipe: str) -> None:
        """Take a recipe's readiness back; raises as ``start_job``."""
        if self.machine.mode not in {Mode.INITIALIZED, Mode.READY}:
            raise IllegalTransitionError(f"UnprepareRecipe in {self.machine.mode or self.machine.state}")
        if recipe not in self.recipes:
            raise Refused(Refusal.UNKNOWN_RECIPE)
        if recipe not in self.prepared:
            raise Refused(Refusal.NOT_PREPARED)
        del self.prepared[recipe]
        if not self.prepared and self.machine.mode is Mode.READY:
            self._enter(self.machine.call("UnprepareRecipe"), "no recipe is prepared")

    def confirm_all(self, comment: str) -> None:
        """Confirm the condition that waits for it."""
        if not self._trouble.confirmed:
            trouble = self._trouble
            trouble.confirmed = True
            self.notices.append(Message("Station", trouble.text, trouble.active, confirmed=True, comment=comment))

    def call_failed(self, text: str) -> None:
        """Tell every client that a call of one of them failed (OPC 40100-1, 11.5)."""
        self.notices.append(Message("MethodCall", text, active=False, confirmed=True, passing=True))

    # --- steps --------------------------------------------------------------------------------------------

    def _enter(self, steps: tuple[Step, ...], text: str, job: str = "") -> None:
        self.notices.extend(Entered(step, job, text) for step in steps)

    def _leave(self, steps: tuple[Step, ...], text: str) -> None:
        """Enter an outer state; a job that was running is over, its inspection may still come to its result."""
        job, self._job = self._job, None
        if steps[0].source == State.ERROR:
            self._resolve(text)
        self._enter(steps, text, job.id if job else "")

    def _give_up(self) -> None:
        """Give up the inspections that methods started."""
        for each in [each for each in self._open if each.job.own]:
            self._open.remove(each)
            self._made(each, None, ResultState.ABORTED)
        self.arrivals.clear()

    def _fail(self, text: str, *, by_line: bool) -> None:
        self._trouble = _Trouble(text, by_line, active=True, confirmed=False)
        self.notices.append(Message("Station", text, active=True))
        self._leave(self.machine.go(State.ERROR), text)

    def _recover(self) -> None:
        self._resolve("the cause is gone")
        self._enter(self.machine.resume(Mode.READY if self.prepared else Mode.INITIALIZED), "the cause is gone")

    def _resolve(self, text: str) -> None:
        if self._trouble.active:
            self._trouble.active = False
            self.notices.append(Message("Station", text, active=False, confirmed=self._trouble.confirmed))


def _same(one: Trigger, other: Trigger) -> bool:
    """Return whether both are the same trigger; a report's may carry a part id that was read off the part."""
    return (one.sequence, one.at, one.station) == (other.sequence, other.at, other.station)


def _why(report: InspectionReport) -> str:
    return next((reason.note for reason in report.verdict.reasons if reason.note), report.verdict.fault.name)
