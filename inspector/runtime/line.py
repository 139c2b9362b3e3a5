"""The flow: every trigger gets exactly one verdict, inside its deadline, whatever happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from inspector.domain import (
    BadFrame,
    Camera,
    CaptureError,
    DetectionError,
    Detector,
    FaultCode,
    Frame,
    Gauge,
    GaugingError,
    InspectionReport,
    InspectorError,
    Judge,
    PlcError,
    ReportSink,
    Stage,
    StoreError,
    Timings,
    Trigger,
    TriggerSource,
    Verdict,
)

__all__ = ["Inspection", "Line", "StageHungError"]


class StageHungError(RuntimeError):
    """A stage never came back: only a new process can go on."""


class Inspection:
    """What became of one trigger so far; filled in by the stages, read at any moment."""

    def __init__(self, trigger: Trigger) -> None:
        self.report = InspectionReport(trigger, Verdict.unknown(FaultCode.CRASH, "the inspection did not finish"))
        self.frame: Frame | None = None
        self._stages: dict[Stage, float] = {}
        self._started = self._lap = time.perf_counter()

    def finished(self, stage: Stage, **changes: object) -> None:
        """Note what a stage produced and how long it took."""
        now = time.perf_counter()
        self._stages[stage] = (now - self._lap) * 1000
        self._lap = now
        timings = Timings(self._stages, (now - self._started) * 1000)
        self.report = replace(self.report, timings=timings, **changes)  # type: ignore[arg-type]

    def copy(self) -> Inspection:
        """Return another inspection of the same trigger, with the same clock."""
        twin = Inspection(self.report.trigger)
        twin.report, twin._started, twin._lap = self.report, self._started, self._lap
        return twin

    def identified(self, part_id: str) -> None:
        """Give the part the identity that was read off it, where the PLC named none."""
        trigger = self.report.trigger
        if part_id and not trigger.part_id:
            self.report = replace(self.report, trigger=replace(trigger, part_id=part_id))

    def withheld(self, lot: str) -> None:
        """Let the part wait for its lot, which is held, where it would pass."""
        self.report = replace(self.report, verdict=self.report.verdict.withheld(lot))

    def faulted(self, fault: FaultCode, note: str) -> None:
        """Turn the verdict so far into UNKNOWN."""
        self.report = replace(self.report, verdict=self.report.verdict.faulted(fault, note))

    def failed(self, fault: FaultCode, note: str) -> None:
        """Give the verdict of a part that was not inspected to the end."""
        recipe = self.report.trigger.recipe
        self.report = replace(self.report, verdict=Verdict.unknown(fault, note, recipe=recipe))


class Line:
    """One station: trigger -> grab -> detect -> measure -> judge -> PLC.

    Parameters
    ----------
    deadline_s
        Time from trigger to verdict; what is not judged by then is UNKNOWN.
    patience_s
        How long a stage may stay busy with one part; a trigger that finds it busy longer makes the line give
        up with ``StageHungError``, and it has to be started afresh.
    observer
        Called with every finished report, after the PLC was told.
    lot_on_hold
        Returns the lot that is made now where it is held, else nothing; asked for every part, it answers at once.
    """

    def __init__(
        self,
        *,
        triggers: TriggerSource,
        camera: Camera,
        detector: Detector,
        gauge: Gauge,
        judge: Judge,
        journal: ReportSink,
        deadline_s: float,
        patience_s: float = 10.0,
        observer: Callable[[InspectionReport], None] | None = None,
        lot_on_hold: Callable[[], str] = lambda: "",
    ) -> None:
        self._triggers, self._journal, self._observer = triggers, journal, observer
        self._lot_on_hold = lot_on_hold
        self._camera, self._detector, self._gauge, self._judge = camera, detector, gauge, judge
        self._deadline_s, self._patience_s = deadline_s, patience_s
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stages")
        self._running: Future[None] | None = None
        self._running_since = 0.0
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Answer triggers until the source ends; an unexpected exception is raised after its trigger was answered."""
        async for trigger in self._triggers.triggers():
            await self.inspect(trigger)

    async def inspect(self, trigger: Trigger) -> InspectionReport:
        """Give one trigger its verdict and hand its report over."""
        inspection = Inspection(trigger)
        crash: Exception | None = None
        try:
            self._journal.opened(inspection.report)
            async with self._turn:
                inspection = await self._judged_in_time(inspection)
            if lot := self._lot_on_hold():
                inspection.withheld(lot)
            self._journal.judged(inspection.report)
            inspection.finished(Stage.JOURNAL)
        except StoreError as error:
            inspection.failed(FaultCode.STORAGE, str(error))
        except Exception as error:  # noqa: BLE001 - the waiting part gets its UNKNOWN first, then it is raised
            crash = error
            inspection.failed(FaultCode.CRASH, f"{type(error).__name__}: {error}")
        try:
            await self._triggers.answer(trigger, inspection.report.verdict)
        except PlcError as error:
            inspection.faulted(FaultCode.PLC_LOST, str(error))
        inspection.finished(Stage.ANSWER)
        self._journal.answered(inspection.report, inspection.frame)
        if self._observer is not None:
            self._observer(inspection.report)
        if crash is not None:
            raise crash
        return inspection.report

    async def prove(self, frame: Frame) -> InspectionReport:
        """Inspect a kept picture with the very detector, gauge and judge of the line; nobody is told.

        No part waits for it, so it may take as long as a stage may be busy.
        """
        return (await self._in_turn(Inspection(frame.trigger), kept=frame)).report

    async def trial(self, trigger: Trigger) -> Inspection:
        """Inspect once for a person who sets the line up: the PLC is not told, and nothing is recorded."""
        return await self._in_turn(Inspection(trigger))

    async def _in_turn(self, inspection: Inspection, *, kept: Frame | None = None) -> Inspection:
        """Judge it once the part that is in work is through."""
        async with self._turn:
            if self._running is not None and not self._running.done():
                await asyncio.wait([asyncio.wrap_future(self._running)], timeout=self._patience_s)
            return await self._judged_in_time(inspection, kept=kept)

    def close(self) -> None:
        """Let the worker go; a stage that hangs is left behind for the process to end."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def _judged_in_time(self, inspection: Inspection, *, kept: Frame | None = None) -> Inspection:
        if inspection.report.trigger.overrun:
            inspection.failed(FaultCode.OVERRUN, "the part came while the one before it was being inspected")
            return inspection
        if self._running is not None and not self._running.done():
            self._give_up_if_hung()
            inspection.failed(FaultCode.DEADLINE, "a stage is still busy with an earlier part")
            return inspection
        # The stages fill a copy: what comes too late must not change what was answered.
        attempt = inspection.copy()
        self._running_since = time.monotonic()
        self._running = self._worker.submit(self._stages, attempt, kept)
        allowed_s = self._deadline_s if kept is None else self._patience_s
        done, _ = await asyncio.wait([asyncio.wrap_future(self._running)], timeout=allowed_s)
        if not done:
            inspection.failed(FaultCode.DEADLINE, f"no verdict within {allowed_s * 1000:.0f} ms")
            return inspection
        done.pop().result()
        return attempt

    def _stages(self, inspection: Inspection, kept: Frame | None = None) -> None:
        trigger = inspection.report.trigger
        try:
            frame = inspection.frame = kept if kept is not None else self._camera.grab(trigger)
            inspection.finished(Stage.GRAB)
            detections = self._detector.detect(frame)
            inspection.finished(Stage.DETECT, detections=detections)
            inspection.identified(detections.part_id)
            measurements = self._gauge.measure(frame, detections)
            inspection.finished(Stage.MEASURE, measurements=measurements)
            verdict = self._judge.judge(trigger, detections, measurements)
            inspection.finished(Stage.JUDGE, verdict=verdict)
        except InspectorError as error:
            inspection.failed(_fault_of(error), str(error))

    def _give_up_if_hung(self) -> None:
        busy_s = time.monotonic() - self._running_since
        if busy_s > self._patience_s:
            raise StageHungError(f"a stage has been busy with one part for {busy_s:.1f} s")


def _fault_of(error: InspectorError) -> FaultCode:
    match error:
        case BadFrame():
            return FaultCode.BAD_FRAME
        case CaptureError():
            return FaultCode.CAMERA_LOST
        case DetectionError():
            return FaultCode.DETECTOR
        case GaugingError():
            return FaultCode.GAUGE
        case _:
            return FaultCode.JUDGE
