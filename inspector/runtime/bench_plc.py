"""How long the handshake takes: trigger raised to ResultValid seen by the PLC, beside a bare write in the same run."""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from inspector.domain import Outcome, PlcLost, Verdict
from inspector.plc.certificates import TrustList, create, load_pair
from inspector.plc.client import OpcUaHandshake, Updates
from inspector.plc.guarded_server import ServerSecurity
from inspector.plc.handshake import Name, default_nodes
from inspector.plc.link import PlcLink
from inspector.plc.security import ClientSecurity
from inspector.plc.simulation import SimulationPlan
from inspector.runtime import embedded
from inspector.runtime.supervisor import Child, Supervisor

__all__ = ["HandshakeFigures", "measure_handshake"]

BARE_WRITES = 250  # before the parts, and again after them
TIMEOUT_S = 10.0
START_S = 60.0
SLOWEST_CYCLE_S = 1.0
PASS = Verdict(Outcome.PASS, (), "bench")


@dataclass(frozen=True, slots=True)
class HandshakeFigures:
    """One way of being connected; times in milliseconds.

    Attributes
    ----------
    updates, security
        How the line learns of a trigger, and policy and mode of the connection.
    ratio_p50, ratio_p99
        Trigger to ResultValid over a bare write of one register, median over median and p99 over p99: the bare
        writes went to the same PLC over the same way of connecting, before and after the parts.
    mismatches
        Results for another SeqNo, not complete before their flag, or missing.
    """

    updates: str
    security: str
    cycles: int
    p50_ms: float
    p99_ms: float
    bare_write_p50_ms: float
    bare_write_p99_ms: float
    ratio_p50: float
    ratio_p99: float
    mismatches: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def measure_handshake(cycles: int = 1000, *, on_way: Callable[[str], None] = lambda _: None) -> list[HandshakeFigures]:
    """Run ``cycles`` parts each by polling and subscription, open and secured; every verdict is given at once.

    ``on_way`` is told what is measured next. Raises ``PlcLost`` where the simulated PLC does not come to its end.
    """
    figures = []
    with tempfile.TemporaryDirectory(prefix="inspector-bench-") as folder:
        server, client = _secured(Path(folder))
        for way in ((None, None), (server, client)):
            for updates in (Updates.POLLING, Updates.SUBSCRIPTION):
                on_way(f"{updates.value}, {_named(way[1])}")
                figures.append(asyncio.run(_measure(cycles, updates, *way)))
    return figures


def _secured(folder: Path) -> tuple[ServerSecurity, ClientSecurity]:
    plc, line = create(folder, "bench-plc"), create(folder, "bench-line")
    TrustList(folder / "plc-trusts").add(load_pair(*line).certificate_der)
    TrustList(folder / "line-trusts").add(load_pair(*plc).certificate_der)
    return ServerSecurity(*plc, folder / "plc-trusts"), ClientSecurity(*line, folder / "line-trusts")


def _named(security: ClientSecurity | None) -> str:
    return f"{security.policy} {security.mode}" if security else "none"


async def _measure(
    cycles: int, updates: Updates, server: ServerSecurity | None, client: ClientSecurity | None
) -> HandshakeFigures:
    report, theirs = multiprocessing.get_context("spawn").Pipe(duplex=False)
    url = f"opc.tcp://127.0.0.1:{embedded.free_port()}/"
    plan = SimulationPlan(url=url, parts=cycles, security=server)
    with report, theirs, Supervisor() as supervisor:
        supervisor.start(Child("plc", embedded.plc_main, {"plan": plan, "report": theirs}))
        bare = await _bare(url, client)
        source = OpcUaHandshake(url, station="bench", updates=updates, security=client, timeout_s=TIMEOUT_S)
        answering = asyncio.create_task(_answer(source))
        try:
            await source.set_ready(True)
            done = await asyncio.to_thread(_receive, report, START_S + cycles * SLOWEST_CYCLE_S)
        finally:
            await source.close()
            await answering
        bare += await _bare(url, client)
    path, alone = _quantiles(done["samples_ms"]), _quantiles(bare)
    return HandshakeFigures(
        updates=updates.value,
        security=_named(client),
        cycles=cycles,
        p50_ms=path[0],
        p99_ms=path[1],
        bare_write_p50_ms=alone[0],
        bare_write_p99_ms=alone[1],
        ratio_p50=path[0] / alone[0],
        ratio_p99=path[1] / alone[1],
        mismatches=done["mismatches"] + done["protocol_errors"] + cycles - done["ok"],
    )


def _receive(report: Connection, limit_s: float) -> dict[str, Any]:
    if not report.poll(limit_s):
        raise PlcLost(f"the simulated PLC did not finish its parts within {limit_s:.0f} s")
    done: dict[str, Any] = report.recv()
    return done


async def _answer(source: OpcUaHandshake) -> None:
    async for trigger in source.triggers():
        await source.answer(trigger, PASS)


async def _bare(url: str, security: ClientSecurity | None) -> list[float]:
    """Return how long one write of one register to the same server takes while nothing else goes on."""
    link = await PlcLink.open(url, default_nodes(), timeout_s=TIMEOUT_S, security=security)
    took = []
    try:
        for number in range(BARE_WRITES):
            started = time.perf_counter()
            await link.write({Name.DEFECT_CODE: number % 2})
            took.append((time.perf_counter() - started) * 1000)
    finally:
        await link.close(good=True)
    return took


def _quantiles(values: Sequence[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98]
