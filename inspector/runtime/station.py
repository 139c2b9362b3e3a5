"""The line process: sets the flow up, keeps its lamps and its Ready honest, and ends in order."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from inspector.domain import (
    EVERY_LINE,
    Camera,
    Command,
    CommandSource,
    Disposition,
    FaultCode,
    HoldLine,
    InspectionReport,
    Lamp,
    LampState,
    LineStatus,
    ReleaseLine,
    SelectRecipe,
    StartChallengeTest,
    TriggerOnce,
    TriggerSource,
)
from inspector.runtime.advice_wire import AdviceReceiver
from inspector.runtime.camera_watch import ConditionGuard, SeenCamera
from inspector.runtime.challenge import BY_PLC, Challenge
from inspector.runtime.line import Line, StageHungError
from inspector.runtime.recovery import Surveyed, recover
from inspector.runtime.signals import SignalSender
from inspector.runtime.spool import Spool
from inspector.runtime.status import StatusKeeper
from inspector.runtime.supervisor import Lifeline
from inspector.runtime.trials import TrialRoom
from inspector.runtime.wiring.cameras import build_camera, build_condition_guard
from inspector.runtime.wiring.challenge import build_challenge
from inspector.runtime.wiring.plc import build_trigger_source
from inspector.runtime.wiring.trials import build_trials
from inspector.runtime.wiring.triggers import build_local_triggers
from inspector.runtime.wiring.verdict import (
    build_commands,
    build_detector,
    build_gauge,
    build_judge,
    build_spool,
)
from inspector.settings import GenICamCamera, LineSettings, NoPlc, RealSenseCamera

__all__ = ["Desk", "initial_status", "station_main"]

log = logging.getLogger(__name__)

HUNG = 70
TICK_S = 0.5
LARGEST_BACKLOG = 500  # parts that may wait for the record before the line takes no more


def station_main(
    lifeline: Lifeline, *, settings: LineSettings, data: Path, plc_url: str, nodes: Mapping[str, str]
) -> None:
    """Run the line until told to stop; raises ``ConfigurationError`` where starting again is hopeless."""
    try:
        asyncio.run(_run(lifeline, settings, data, plc_url, dict(nodes)))
    except StageHungError:
        log.exception("the line process ends, so that a fresh one can go on")
        # An ordinary exit would wait for the very thread that hangs.
        os._exit(HUNG)


def initial_status(settings: LineSettings, model: str = "") -> LineStatus:
    """Return what is known of a line that has not spoken yet."""
    now = datetime.now(UTC)
    return LineStatus(
        line=settings.line,
        ready=False,
        recipe=settings.recipe,
        lamps={lamp: LampState(None, now) for lamp in EVERY_LINE},
        model=model,
        simulated=settings.simulated,
    )


async def _run(lifeline: Lifeline, settings: LineSettings, data: Path, plc_url: str, nodes: dict[str, str]) -> None:
    spool = build_spool(settings, data)
    signals = SignalSender(data / settings.line)
    status = StatusKeeper(initial_status(settings), signals.send)
    detector = build_detector(settings, status.lost)
    status.runs(detector.description)
    camera = build_camera(settings)
    source = _triggers(settings, data, camera, plc_url, nodes, status)
    seen = SeenCamera(camera)
    guard = build_condition_guard(settings, data)
    judge = build_judge(settings)
    commands = build_commands(settings, data)

    def inspected(report: InspectionReport) -> None:
        status.runs(detector.description)  # another backend may have taken over
        status.inspected(report)
        if isinstance(source, Publishing):
            source.publish(report)
        if challenge is not None:
            challenge.seen(report)

    line = Line(
        triggers=source,
        camera=seen,
        detector=detector,
        gauge=build_gauge(settings, detector.margins_px),
        judge=judge,
        journal=spool,
        deadline_s=settings.deadline_ms / 1000,
        observer=inspected,
        lot_on_hold=commands.lot_on_hold,
    )
    challenge = build_challenge(settings, data, line, detector.identity.sha256)
    trials = TrialRoom(line, build_trials(settings, data), settings.station)
    desk = Desk(judge.select, status, trials.take, challenge)
    advice = AdviceReceiver(data / settings.line)
    for command in commands.changes():  # a line that was held starts held, and so does a lot
        desk.take(command)
    try:
        detector.warm_up()
        status.lamp(Lamp.MODEL, True)
        status.lamp(Lamp.CAMERA, True)
        lifeline.ready()
        flow = asyncio.create_task(_inspect(line, source, spool))
        obey = asyncio.create_task(desk.obey(commands))
        care = asyncio.create_task(_care(lifeline, source, spool, status, desk, challenge))
        watch = asyncio.create_task(_watch(seen, guard, status, _hottest_c(settings)))
        heed = asyncio.create_task(_heed(advice, source))
        done, pending = await asyncio.wait({flow, obey, care, watch, heed}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()
    finally:
        advice.close()
        await source.close()
        line.close()
        camera.close()
        detector.close()
        signals.close()


def _triggers(  # noqa: PLR0917 - one caller
    settings: LineSettings, data: Path, camera: Camera, url: str, nodes: dict[str, str], status: StatusKeeper
) -> Surveyed:
    """Return the handshake with the PLC, or what triggers a line that has none."""

    def show(state: LampState) -> None:
        status.lamp(Lamp.PLC, state.good, state.detail)

    if isinstance(settings.plc, NoPlc):
        return build_local_triggers(settings, settings.plc, data=data, camera=camera, on_lamp=show)
    return build_trigger_source(settings, url=url, nodes=nodes, on_lamp=show)


@runtime_checkable
class Publishing(Protocol):
    """A trigger source whose other end wants the whole report, not the verdict only."""

    def publish(self, report: InspectionReport) -> None:
        """Take the report of a part that was answered; returns at once."""
        ...


@runtime_checkable
class Amending(Protocol):
    """A trigger source whose other end can be told another disposition while a result still stands there."""

    async def amend(self, sequence: int, at: datetime, disposition: Disposition) -> bool:
        """Tell it, for the trigger with this number, seen at this time; False where that result does not stand."""
        ...


@runtime_checkable
class Challenging(Protocol):
    """A trigger source whose other end may ask for the challenge test, and is told what came of it."""

    def challenge_asked(self) -> int | None:
        """Return the number of the request that waits for its answer, None where none does."""
        ...

    async def tell_challenge(self, request: int, passed: bool | None) -> None:
        """Answer it; None: the line has no samples."""
        ...


class Desk:
    """Where commands change the running line: whether it is held, and its recipe.

    Parameters
    ----------
    try_once
        Takes and inspects one picture for a person; only while the line is held.
    """

    def __init__(
        self,
        select: Callable[[str], None],
        status: StatusKeeper,
        try_once: Callable[[TriggerOnce], Awaitable[None]] | None = None,
        challenge: Challenge | None = None,
    ) -> None:
        self._challenge = challenge
        self._select, self._status, self._try_once = select, status, try_once
        self.held: HoldLine | None = None

    async def obey(self, source: CommandSource) -> None:
        """Take every command of the source, until cancelled."""
        async for command in source.commands():
            if isinstance(command, TriggerOnce) and self._try_once is not None and self.held is not None:
                await self._try_once(command)
            else:
                self.take(command)

    def take(self, command: Command) -> None:
        """Do what it says; what is not for the running line is left alone."""
        match command:
            case HoldLine(by=by, reason=reason):
                self.held = command
                log.warning("held by %s%s", by, f": {reason}" if reason else "")
            case ReleaseLine(by=by):
                self.held = None
                log.warning("released by %s", by)
            case StartChallengeTest(by=by) if self._challenge is not None:
                self._challenge.ask(by)
            case SelectRecipe(recipe=recipe, by=by):
                try:
                    self._select(recipe)
                except ValueError as error:
                    log.warning("%s wants a recipe that this line does not have: %s", by, error)
                    return
                self._status.recipe(recipe)
                log.warning("recipe %s, by %s", recipe, by)


async def challenged(challenge: Challenge | None, source: TriggerSource, status: StatusKeeper) -> None:
    """Run the samples where they are due or the PLC asks, with Ready down; keep a line held that has failed on them."""
    request = source.challenge_asked() if isinstance(source, Challenging) else None
    passed: bool | None = None
    if challenge is not None:
        challenge.recipe = status.active_recipe
        if request is not None and challenge.has_samples:
            challenge.ask(BY_PLC)
        if challenge.due():
            await source.set_ready(False)
            passed = (await challenge.run()).passed
        challenge.keep_held()
    if request is not None and isinstance(source, Challenging):
        await source.tell_challenge(request, passed)


async def _watch(
    camera: SeenCamera, guard: ConditionGuard | None, status: StatusKeeper, hottest_c: float | None
) -> None:
    """Keep the camera's lamp honest between the parts, until cancelled."""
    while True:
        frame = camera.taken()
        if guard is not None and frame is not None:
            await asyncio.to_thread(guard.look, frame)
        status.camera(camera.health(), hottest_c=hottest_c, seen=guard.words if guard is not None else "")
        await asyncio.sleep(TICK_S)


async def _heed(advice: AdviceReceiver, source: TriggerSource) -> None:
    """Pass the office's later decisions on to the PLC where it still shows the part, until cancelled."""
    async for word in advice.words():
        told = isinstance(source, Amending) and await source.amend(word.sequence, word.at, word.disposition)
        log.info(
            "SeqNo %s: %s, %s", word.sequence, word.disposition.decision.name,
            "told" if told else "not told, the PLC has the result already",
        )  # fmt: skip


def _hottest_c(settings: LineSettings) -> float | None:
    cameras = [line.camera for line in settings.views.values() or [settings]]
    limits = [camera.max_temperature_c for camera in cameras if isinstance(camera, GenICamCamera | RealSenseCamera)]
    return min((limit for limit in limits if limit is not None), default=None)


async def _inspect(line: Line, source: Surveyed, spool: Spool) -> None:
    await recover(spool.unfinished(), source, spool)
    await line.run()


async def _care(  # noqa: PLR0917 - one caller
    lifeline: Lifeline,
    source: TriggerSource,
    spool: Spool,
    status: StatusKeeper,
    desk: Desk,
    challenge: Challenge | None,
) -> None:
    """Raise Ready while there is room for the record and nobody holds the line, and say so, until told to stop."""
    while not lifeline.stopping():
        room = spool.room() and spool.backlog() < LARGEST_BACKLOG
        await challenged(challenge, source, status)
        ready = room and desk.held is None and (challenge is None or not challenge.blocked)
        await source.set_ready(ready, fault=FaultCode.NONE if room else FaultCode.STORAGE)
        status.ready(ready)
        status.repeat()
        await asyncio.sleep(TICK_S)
