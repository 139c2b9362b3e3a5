"""A PLC to rehearse against: triggers parts, holds the inspector to the protocol and counts what it did."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from inspector.domain import Decision, WireVerdict
from inspector.plc.handshake import Name, Value
from inspector.plc.heartbeat import Heartbeat
from inspector.plc.link import hush_library
from inspector.plc.remote_registers import RemoteRegisters
from inspector.plc.simulated_registers import SimulatedRegisters
from inspector.plc.simulation import PlcDecision, PlcResult, SimulationPlan, Statistics

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["SimulatedPlc", "rehearse", "serve"]

log = logging.getLogger(__name__)

_ACK_WAIT_S = 5.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_RESULT_DATA = (Name.RES_SEQ_NO, Name.VERDICT)
_STORM = 8
_STORM_PACE_S = 0.002


class PlcMemory(Protocol):
    """Where the program's registers lie; it writes its own and waits for changes of the others."""

    url: str

    def __getitem__(self, name: Name) -> Value:
        """Return what a register holds."""
        ...

    def switch(self, name: str) -> bool:
        """Return whether this fault is asked for."""
        ...

    async def set_switch(self, name: str, on: bool) -> None:
        """Turn a fault on or off."""
        ...

    async def start(self) -> None:
        """Listen or connect."""
        ...

    async def stop(self) -> None:
        """Close every connection."""
        ...

    async def write(self, name: Name, value: Value) -> None:
        """Write one of the PLC's own registers."""
        ...

    async def publish(self) -> None:
        """Tell the counters to whoever watches."""
        ...

    async def until(self, condition: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait until ``condition`` holds; False where it took too long."""
        ...

    def complete_before_flag(self, names: Iterable[Name]) -> bool:
        """Return whether these registers were complete when ResultValid went up."""
        ...


class SimulatedPlc:
    """A PLC program on a real OPC UA server, or as a client of the line's; use it as an async context manager.

    ``registers`` are another memory than OPC UA's; ``on_decision`` is called with what becomes of every trigger.

    It goes on whatever the inspector does: while nobody is there a raised trigger stays up until it is
    answered or ``plan.wait_s`` is over, then the part counts as not good and the next SeqNo follows.
    """

    def __init__(
        self,
        plan: SimulationPlan,
        registers: PlcMemory | None = None,
        *,
        on_decision: Callable[[PlcDecision], None] = lambda _: None,
    ) -> None:
        self.plan = plan
        self._on_decision = on_decision
        self.statistics = Statistics()
        self._registers: PlcMemory
        if registers is not None:
            self._registers = registers
        elif plan.client:
            self._registers = RemoteRegisters(plan.url, plan.client_security, plan.client_user)
        else:
            self._registers = SimulatedRegisters(plan.url, self._statistic_values, plan.security)
        self._heartbeat = Heartbeat(plan.heartbeat_s)
        self._vision_alive = False
        self._waiting: dict[int, float] = {}
        self._given_up: set[int] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def switch(self, name: str, on: bool) -> None:
        """Turn one of ``simulation.SWITCHES`` on or off."""
        await self._registers.set_switch(name, on)

    @property
    def url(self) -> str:
        """Where it listens, the real port included."""
        return self._registers.url

    async def __aenter__(self) -> SimulatedPlc:
        await self._registers.start()
        self._tasks = [asyncio.create_task(self._beat()), asyncio.create_task(self._produce())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self._registers.stop()

    async def done(self) -> None:
        """Wait until every part of the plan was decided on; raises what stopped the program."""
        await asyncio.shield(self._tasks[-1])

    # --- the program --------------------------------------------------------------------------------------

    async def _produce(self) -> None:
        """Raise one part after the other until the plan's number is reached."""
        loop = asyncio.get_running_loop()
        plan, sequence, raised_at = self.plan, self.plan.first_sequence, float("-inf")
        end = None if plan.parts is None else plan.first_sequence + plan.parts
        while end is None or sequence < end:
            await self._pause(raised_at + plan.pace_s)
            await self._until_free()
            raised_at = loop.time()
            await self._raise(sequence)
            sequence += 1
            while self._waiting:
                left = _STORM if end is None else end - sequence
                for _ in range(await self._early(sequence, left)):
                    await self._raise(sequence)
                    self.statistics.overruns += 1
                    sequence += 1
                    await asyncio.sleep(_STORM_PACE_S)
                await self._settle()
        await self._registers.publish()

    async def _until_free(self) -> None:
        """Wait until a trigger may be raised; a result that comes too late is read and acknowledged meanwhile."""
        read = self._registers
        while not self._may_trigger():
            await read.until(lambda: self._may_trigger() or bool(read[Name.RESULT_VALID] or read.switch("Reset")))
            if read.switch("Reset"):
                await self._reset()
            elif read[Name.RESULT_VALID]:
                await self._take_result()

    def _may_trigger(self) -> bool:
        read = self._registers
        busy = read[Name.BUSY] or read[Name.RESULT_VALID] or read[Name.RESULT_ACK]
        held = read.switch("Pause") or read.switch("Reset")
        return bool(read[Name.READY]) and not busy and not held and self._vision_alive

    async def _early(self, sequence: int, left: int) -> int:
        """Return how many triggers are to come now, before the part in work is answered; at most ``left``.

        For a single one it waits until the part before is in work; a storm waits for nothing.
        """
        read = self._registers
        if left and read.switch("Storm"):
            await read.set_switch("Storm", False)
            return min(_STORM, left)
        if not left or len(self._waiting) > 1 or (sequence not in self.plan.overruns and not read.switch("Overrun")):
            return 0
        busy = await read.until(lambda: bool(read[Name.BUSY] and not read[Name.RESULT_VALID]), self.plan.deadline_s)
        if busy:
            await read.set_switch("Overrun", False)
        return int(busy)

    async def _raise(self, sequence: int) -> None:
        """Put the part's data down, then the flag."""
        write = self._registers.write
        await write(Name.TRIGGER, False)
        await write(Name.PART_ID, "" if self._registers.switch("Unnamed") else f"{sequence:06d}")
        await write(Name.SEQ_NO, sequence)
        await write(Name.RECIPE_ID, self.plan.recipe_id)
        self._waiting[sequence] = asyncio.get_running_loop().time()
        self.statistics.triggers += 1
        await write(Name.TRIGGER, True)

    async def _settle(self) -> None:
        """Wait for the next result or for the oldest trigger's time to be over, and decide."""
        read, loop = self._registers, asyncio.get_running_loop()
        oldest = min(self._waiting, key=self._waiting.__getitem__)
        left = self._waiting[oldest] + self.plan.wait_s - loop.time()
        if await read.until(lambda: bool(read[Name.RESULT_VALID] or read.switch("Reset")), max(left, 0.0)):
            if read.switch("Reset"):
                await self._reset()
            else:
                await self._take_result()
            return
        self.statistics.timeouts += 1
        self._give_up(oldest)
        if not self._waiting:
            await self._registers.write(Name.TRIGGER, False)
        log.warning("no result for SeqNo %s within %.3g s", oldest, self.plan.wait_s)

    async def _take_result(self) -> None:
        """Judge the result in the registers, acknowledge it and see it cleared."""
        read, counts = self._registers, self.statistics
        sequence, verdict = int(read[Name.RES_SEQ_NO]), int(read[Name.VERDICT])
        in_order, read_at = read.complete_before_flag(_RESULT_DATA), asyncio.get_running_loop().time()
        if verdict == WireVerdict.UNKNOWN and self.plan.patience_s:
            await read.until(
                lambda: bool(read[Name.DISPOSITION] != Decision.HOLD or not read[Name.RESULT_VALID]),
                self.plan.patience_s,
            )
        raised_at = self._waiting.pop(sequence, None)
        if raised_at is None:
            if sequence in self._given_up:
                counts.late += 1
            else:
                counts.mismatches += 1
                log.warning("a result for SeqNo %s, waiting for %s", sequence, sorted(self._waiting))
                self._give_up_all()
        else:
            self._count(sequence, verdict, raised_at, read_at - raised_at, in_order=in_order)
        if not self._waiting:
            await read.write(Name.TRIGGER, False)
        if read.switch("WithholdAck"):
            await read.until(lambda: not read[Name.RESULT_VALID])
            return
        await read.write(Name.RESULT_ACK, True)
        await read.until(lambda: not read[Name.RESULT_VALID], _ACK_WAIT_S)
        await read.write(Name.RESULT_ACK, False)

    def _count(self, sequence: int, verdict: int, raised_at: float, took_s: float, *, in_order: bool) -> None:
        read, counts = self._registers, self.statistics
        counts.latencies_ms.append(took_s * 1000)
        counts.verdicts += 1
        if verdict == WireVerdict.OK:
            counts.ok += 1
        elif verdict == WireVerdict.NOK:
            counts.nok += 1
        else:
            counts.unknown += 1
        late = took_s > self.plan.deadline_s
        counts.late += late
        if not in_order or verdict not in {WireVerdict.OK, WireVerdict.NOK, WireVerdict.UNKNOWN}:
            counts.protocol_errors += 1
            log.warning("the result of SeqNo %s was not complete before its flag", sequence)
        good = verdict == WireVerdict.OK and in_order and not late
        counts.results.append(
            PlcResult(
                sequence,
                verdict,
                int(read[Name.DEFECT_CODE]),
                int(read[Name.DISPOSITION]),
                int(read[Name.FAULT_CODE]),
                str(read[Name.RESULT_ID]),
                good,
            )
        )
        self._decide(PlcDecision(sequence, verdict, good, raised_at, took_s))

    def _give_up_all(self) -> None:
        """Treat every waiting part as not good: the inspector speaks of another one."""
        for sequence in list(self._waiting):
            self._give_up(sequence)

    def _give_up(self, sequence: int) -> None:
        raised_at = self._waiting.pop(sequence)
        self._given_up.add(sequence)
        waited_s = asyncio.get_running_loop().time() - raised_at
        self._decide(PlcDecision(sequence, int(WireVerdict.NONE), False, raised_at, waited_s))

    def _decide(self, decision: PlcDecision) -> None:
        if decision.good:
            self.statistics.good += 1
            self.statistics.escapes += decision.sequence in self.plan.bad
        else:
            self.statistics.not_good += 1
        self._on_decision(decision)

    async def _reset(self) -> None:
        """Hold Reset for as long as the switch says; what was waiting is not good."""
        read = self._registers
        self._give_up_all()
        await read.write(Name.RESET, True)
        await read.write(Name.TRIGGER, False)
        await read.write(Name.RESULT_ACK, False)
        await read.until(lambda: not read.switch("Reset"))
        await read.write(Name.RESET, False)

    async def _beat(self) -> None:
        """Keep our heartbeat going and watch the inspector's, which may go once the plan is done."""
        read, loop = self._registers, asyncio.get_running_loop()
        self._heartbeat.restart(loop.time())
        stale: Value | None = read[Name.HB_VISION]
        while True:
            now = loop.time()
            count = self._heartbeat.due(now)
            if count is not None and not read.switch("StopHeartbeat"):
                await read.write(Name.HB_PLC, count)
            counter = int(read[Name.HB_VISION])
            alive = counter != stale and self._heartbeat.alive(counter, now)
            if alive:
                stale = None
            elif self._vision_alive and not self._tasks[-1].done():
                self.statistics.heartbeat_losses += 1
                log.warning("the inspector's heartbeat stands still")
            self._vision_alive = alive
            await read.publish()
            await asyncio.sleep(self.plan.heartbeat_s / 4)

    async def _pause(self, until: float) -> None:
        left = until - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)

    def _statistic_values(self) -> dict[str, int]:
        return self.statistics.counts()


def serve(plan: SimulationPlan, report: Connection | None = None, *, linger: bool = True) -> dict[str, Any]:
    """Run a simulated PLC until its plan is done, or until SIGTERM or SIGINT; return its statistics.

    Made for ``multiprocessing`` with the spawn method. ``report`` gets, as dictionaries with the key
    ``event``: ``ready`` with the ``url``; ``done`` with the ``statistics`` when the last part was decided
    on; ``stopped`` with the ``statistics``; or ``failed`` with the ``error`` that also is raised.

    Parameters
    ----------
    linger
        Whether to go on serving after the last part, until a signal comes.

    Raises
    ------
    PlcError
        The address cannot be listened on.
    """
    hush_library()
    tell: Callable[[dict[str, Any]], None] = report.send if report is not None else lambda _: None

    def watch(event: str, plc: SimulatedPlc) -> None:
        tell({"event": event, "url": plc.url} if event == "ready" else _statistics(event, plc))

    try:
        return asyncio.run(rehearse(plan, watch, linger=linger))
    except Exception as error:
        tell({"event": "failed", "error": error})
        raise


async def rehearse(
    plan: SimulationPlan, watch: Callable[[str, SimulatedPlc], None], *, linger: bool = False
) -> dict[str, Any]:
    """Run a simulated PLC in this loop, as ``serve`` does; ``watch`` is called with each event and the PLC."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stopped.set)
    stopping = asyncio.create_task(stopped.wait())
    try:
        async with SimulatedPlc(plan) as plc:
            watch("ready", plc)
            finished = asyncio.create_task(plc.done())
            await asyncio.wait({finished, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if finished.done():
                finished.result()
                watch("done", plc)
                if linger:
                    await stopping
            finished.cancel()
        watch("stopped", plc)
    finally:
        stopping.cancel()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
    return plc.statistics.as_dict()


def _statistics(event: str, plc: SimulatedPlc) -> dict[str, Any]:
    return {"event": event, "statistics": plc.statistics.as_dict()}
