"""Somebody who breaks PLC, line and the cable between them, and the books of what was decided meanwhile."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inspector.domain import WireVerdict
from inspector.plc.simulation import PlcDecision, SimulationPlan
from tests.support.plc_peers import DEADLINE_S, HEARTBEAT_S, WAIT_S, Peer, Way, Wire, is_bad, run_line, run_plc

log = logging.getLogger(__name__)

STUCK_S = 120.0


@dataclass
class Books:
    """What PLC and line said, and what of it must not be."""

    decided: dict[tuple[int, int], PlcDecision] = field(default_factory=dict)
    given: set[tuple[int, int, int]] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    mismatches: dict[int, int] = field(default_factory=dict)
    protocol_errors: dict[int, int] = field(default_factory=dict)
    injected: Counter[str] = field(default_factory=Counter)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _telling: set[asyncio.Task[None]] = field(default_factory=set)

    def line_says(self, said: Any) -> None:
        if isinstance(said, tuple):
            self.given.add(said)
        elif said != "ready":
            self.complaints.append(said)

    def plc_says(self, life: int, said: Any) -> None:
        if isinstance(said, tuple):
            decision, self.mismatches[life], self.protocol_errors[life] = said
            if (life, decision.sequence) in self.decided:
                self.complaints.append(f"part {decision.sequence} of life {life} was decided on twice")
            self.decided[life, decision.sequence] = decision
            task = asyncio.get_running_loop().create_task(self._tell())
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def reach(self, decisions: int) -> None:
        """Wait until so many parts were decided on."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.decided) >= decisions)

    def wrong(self) -> list[str]:
        """Return every verdict that the PLC took although it was another part's, untrue or never given."""
        found = []
        for (life, sequence), decision in self.decided.items():
            bad, verdict = is_bad(life, sequence), decision.verdict
            untrue = (verdict == WireVerdict.OK and bad) or (verdict == WireVerdict.NOK and not bad)
            foreign = verdict in {WireVerdict.OK, WireVerdict.NOK} and (life, sequence, verdict) not in self.given
            accepted_else = decision.good and verdict != WireVerdict.OK
            if untrue or foreign or accepted_else:
                found.append(f"life {life}: {decision}")
        return found

    def late(self) -> list[str]:
        """Return every part that the PLC let through after its deadline."""
        return [
            f"life {life}: {decision}"
            for (life, _), decision in self.decided.items()
            if decision.good and decision.waited_s > DEADLINE_S
        ]

    def summary(self) -> Mapping[str, Any]:
        kinds = Counter(WireVerdict(decision.verdict).name for decision in self.decided.values())
        ended_late = sum(decision.verdict == WireVerdict.OK and not decision.good for decision in self.decided.values())
        return {
            "decisions": len(self.decided),
            "good": sum(decision.good for decision in self.decided.values()),
            "good_but_refused_as_late": ended_late,
            "by_verdict": dict(kinds),
            "mismatches": sum(self.mismatches.values()),
            "protocol_errors": sum(self.protocol_errors.values()),
            "wrong": len(self.wrong()),
            "late": len(self.late()),
            "complaints": self.complaints,
            "injected": dict(self.injected),
        }


# --- the plant and who breaks it --------------------------------------------------------------------------


class Plant:
    """PLC, cable and line; each can be broken and comes back, the line by one of these ways."""

    def __init__(self, books: Books, *, ways: Sequence[Way], seed: int, slow_share: float) -> None:
        self.books, self._ways, self._slow_share = books, ways, slow_share
        self.dice = random.Random(seed)
        self.life = 0
        with socket.create_server(("127.0.0.1", 0)) as found:
            port = found.getsockname()[1]
        # Whoever is the server listens at the port itself, the other one comes through the cable.
        self._server_url = f"opc.tcp://127.0.0.1:{port}/"
        self.wire = Wire(port)

    async def __aenter__(self) -> Plant:
        self._wire_url = await self.wire.start()
        if self._ways[0] is Way.SERVER:
            self._start_line()
        await self._start_plc()
        if self._ways[0] is not Way.SERVER:
            self._start_line()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.wire.mend()
        await self.plc.end(signal.SIGTERM)
        await self.line.end(signal.SIGKILL)
        await self.wire.close()

    async def _start_plc(self) -> None:
        self.life = life = self.life + 1
        way = self._ways[0]
        plan = SimulationPlan(
            url=self._wire_url if way is Way.SERVER else self._server_url,
            deadline_s=DEADLINE_S,
            wait_s=WAIT_S,
            heartbeat_s=HEARTBEAT_S,
            recipe_id=life,
            client=way is Way.SERVER,
        )
        ready = asyncio.Event()

        def hear(said: Any) -> None:
            ready.set()
            self.books.plc_says(life, said)

        self.plc = Peer(run_plc, plan, way, hear=hear)
        async with asyncio.timeout(STUCK_S):
            await ready.wait()

    def _start_line(self) -> None:
        way, seed = self.dice.choice(self._ways), self.dice.randrange(2**31)
        url = self._server_url if way is Way.SERVER else self._wire_url
        self.line = Peer(run_line, url, way, seed, self._slow_share, hear=self.books.line_says)

    # --- faults -------------------------------------------------------------------------------------------

    async def freeze(self, lasting_s: float) -> None:
        self.plc.send(signal.SIGSTOP)
        await asyncio.sleep(lasting_s)
        self.plc.send(signal.SIGCONT)

    async def kill_plc(self, lasting_s: float) -> None:
        await self.plc.end(signal.SIGKILL)
        await self._start_plc()

    async def stop_plc(self, lasting_s: float) -> None:
        await self.plc.end(signal.SIGTERM)
        await asyncio.sleep(lasting_s)
        await self._start_plc()

    async def kill_line(self, lasting_s: float) -> None:
        await self.line.end(signal.SIGKILL)
        self._start_line()

    async def cut(self, lasting_s: float) -> None:
        self.wire.cut()

    async def slow(self, lasting_s: float) -> None:
        self.wire.delay_s = self.dice.uniform(0.005, 0.15)
        await asyncio.sleep(lasting_s)
        self.wire.mend()

    async def swallow(self, lasting_s: float) -> None:
        self.wire.swallow()
        await asyncio.sleep(lasting_s)
        self.wire.mend()

    def switch(self, name: str, *, once: bool = False) -> Callable[[float], Awaitable[None]]:
        """Return the fault that this switch of the simulated PLC is."""

        async def turn(lasting_s: float) -> None:
            self.plc.order(name, True)
            if not once:
                await asyncio.sleep(lasting_s)
                self.plc.order(name, False)

        return turn


async def break_things(
    plant: Plant, faults: Mapping[str, Callable[[float], Awaitable[None]]], calm: int, longest_s: float
) -> None:
    """Inject one of these faults after another, in another order every time, each after ``calm`` parts or so."""
    books = plant.books
    while True:
        for name in plant.dice.sample(sorted(faults), len(faults)):
            await books.reach(len(books.decided) + plant.dice.randint(1, 2 * calm))
            log.info("%s after %d decisions", name, len(books.decided))
            await faults[name](plant.dice.uniform(0.05, longest_s))
            books.injected[name] += 1


async def rehearse(
    decisions: int,
    *,
    seed: int,
    calm: int,
    ways: Sequence[Way],
    slow_share: float = 0.005,
    longest_s: float = 1.5,
) -> Books:
    """Run parts until so many were decided on, breaking PLC, cable and line all the while; return the books.

    Raises ``TimeoutError`` where nothing is decided on for minutes: then somebody has not come back.
    """
    books = Books()
    async with Plant(books, ways=ways, seed=seed, slow_share=slow_share) as plant:
        in_the_plc = {
            "PLC frozen": plant.freeze,
            "PLC killed": plant.kill_plc,
            "PLC stopped": plant.stop_plc,
            "heartbeat stopped": plant.switch("StopHeartbeat"),
            "never acknowledged": plant.switch("WithholdAck"),
            "reset": plant.switch("Reset"),
            "trigger too early": plant.switch("Overrun", once=True),
            "trigger storm": plant.switch("Storm", once=True),
            "no part id": plant.switch("Unnamed"),
        }
        elsewhere = {
            "connection cut": plant.cut,
            "connection slow": plant.slow,
            "connection swallows": plant.swallow,
            "line killed": plant.kill_line,
        }
        breaking = [
            asyncio.create_task(break_things(plant, faults, calm, longest_s)) for faults in (in_the_plc, elsewhere)
        ]
        try:
            while (so_far := len(books.decided)) < decisions:
                async with asyncio.timeout(STUCK_S):
                    await books.reach(so_far + 1)
                for task in breaking:
                    if task.done():
                        task.result()
        finally:
            for task in breaking:
                task.cancel()
            await asyncio.gather(*breaking, return_exceptions=True)
    return books
