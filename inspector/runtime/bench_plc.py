"""How long the handshake takes: trigger raised to ResultValid seen by the PLC, beside a bare write in the same run."""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from inspector.domain import Outcome, Verdict
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

BARE_WRITES = 200
BARE_TIMEOUT_S = 10.0
PASS = Verdict(Outcome.PASS, (), "bench")


@dataclass(frozen=True, slots=True)
class HandshakeFigures:
    """One way of being connected; times in milliseconds.

    Attributes
    ----------
    ratio_p50, ratio_p99
        Trigger to ResultValid over the median bare write of the same run.
    mismatches
        Results for another SeqNo, or not complete before their flag.
    """

    updates: str
    security: str
    cycles: int
    p50_ms: float
    p99_ms: float
    bare_write_p50_ms: float
    ratio_p50: float
    ratio_p99: float
    mismatches: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def measure_handshake(cycles: int = 1000) -> list[HandshakeFigures]:
    """Run ``cycles`` parts each by polling and subscription, open and secured; verdicts are given at once."""
    figures = []
    with tempfile.TemporaryDirectory(prefix="inspector-bench-") as folder:
        server, client = _secured(Path(folder))
        for secured in (False, True):
            for updates in (Updates.POLLING, Updates.SUBSCRIPTION):
                found = _measure(cycles, updates, server if secured else None, client if secured else None)
                figures.append(asyncio.run(found))
    return figures


def _secured(folder: Path) -> tuple[ServerSecurity, ClientSecurity]:
    plc, line = create(folder, "bench-plc"), create(folder, "bench-line")
    TrustList(folder / "plc-trusts").add(load_pair(*line).certificate_der)
    TrustList(folder / "line-trusts").add(load_pair(*plc).certificate_der)
    return ServerSecurity(*plc, folder / "plc-trusts"), ClientSecurity(*line, folder / "line-trusts")


async def _measure(
    cycles: int, updates: Updates, server: ServerSecurity | None, client: ClientSecurity | None
) -> HandshakeFigures:
    report, theirs = multiprocessing.get_context("spawn").Pipe(duplex=False)
    url = f"opc.tcp://127.0.0.1:{embedded.free_port()}/"
    plan = SimulationPlan(url=url, parts=cycles, security=server)
    with Supervisor() as supervisor:
        supervisor.start(Child("plc", embedded.plc_main, {"plan": plan, "report": theirs}))
        bare = await _bare(url, client)
        source = OpcUaHandshake(url, station="bench", updates=updates, security=client)
        answering = asyncio.create_task(_answer(source))
        try:
            await source.set_ready(True)
            done = await asyncio.to_thread(report.recv)
        finally:
            await source.close()
            await answering
    p50, p99 = _quantiles(done["samples_ms"])
    return HandshakeFigures(
        updates=updates.value,
        security=f"{client.policy} {client.mode}" if client else "none",
        cycles=len(done["samples_ms"]),
        p50_ms=p50,
        p99_ms=p99,
        bare_write_p50_ms=bare,
        ratio_p50=p50 / bare,
        ratio_p99=p99 / bare,
        mismatches=done["mismatches"] + done["protocol_errors"],
    )


async def _answer(source: OpcUaHandshake) -> None:
    async for trigger in source.triggers():
        await source.answer(trigger, PASS)


async def _bare(url: str, security: ClientSecurity | None) -> float:
    """Return the median time of one write to the same server, before the parts begin."""
    link = await PlcLink.open(url, default_nodes(), timeout_s=BARE_TIMEOUT_S, security=security)
    took = []
    for number in range(BARE_WRITES):
        started = time.perf_counter()
        await link.write({Name.DEFECT_CODE: number % 2})
        took.append((time.perf_counter() - started) * 1000)
    await link.close(good=True)
    return statistics.median(took)


def _quantiles(values: Sequence[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98]
