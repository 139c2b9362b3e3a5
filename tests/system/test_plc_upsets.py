"""A PLC that comes back with another certificate, and clocks that jump: on real processes."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client

from inspector.domain import LampState, PlcLost
from inspector.plc.certificates import TrustList, create, thumbprint
from inspector.plc.client import OpcUaHandshake
from inspector.plc.guarded_server import ServerSecurity
from inspector.plc.security import ClientSecurity
from inspector.plc.simulation import PlcDecision, SimulationPlan
from tests.support.plc_peers import FAIL, PASS, Peer, Way, run_line, run_plc
from tests.system.test_plc_faults import HEARTBEAT_S, PlcProcesses, answer, free_url

pytestmark = pytest.mark.timeout(170)

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
PARTS = 45
LONG_BEFORE = timedelta(days=100)


@pytest.fixture
def plcs() -> Iterator[PlcProcesses]:
    processes = PlcProcesses()
    yield processes
    processes.close()


class Clock:
    """The wall clock of the processes that are started inside ``worn``; it jumps while they run."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.jump(timedelta())

    def jump(self, off: timedelta) -> None:
        """Let it be off by this much from now on."""
        self._file.write_text(f"{off.total_seconds():+.0f}")

    def worn(self) -> ExitStack:
        stack = ExitStack()
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("LD_PRELOAD", str(LIBRARIES[0]))
        patch.setenv("FAKETIME_TIMESTAMP_FILE", str(self._file))
        patch.setenv("FAKETIME_NO_CACHE", "1")
        # As with every clock that is set: the monotonic one goes on.
        for name in ("DONT_FAKE_MONOTONIC", "FAKETIME_DONT_FAKE_MONOTONIC", "NO_FAKE_STAT"):
            patch.setenv(name, "1")
        return stack


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    if not LIBRARIES:
        pytest.skip("libfaketime is not installed (Debian: apt install libfaketime)")
    return Clock(tmp_path)


class Shop:
    """The certificates of a line and of two PLCs; the line trusts the first one."""

    def __init__(self, folder: Path) -> None:
        before = datetime.now(UTC) - LONG_BEFORE
        self.line = create(folder, "line", not_before=before)
        self.plcs = [create(folder, name, not_before=before) for name in ("plc", "swapped")]
        self.trusted = TrustList(folder / "line-trusts")
        self.trusted.add(self.plcs[0][0].read_bytes())
        self._plc_trusts = TrustList(folder / "plc-trusts")
        self._plc_trusts.add(self.line[0].read_bytes())
        self.client = ClientSecurity(*self.line, self.trusted.folder)

    def server(self, number: int) -> ServerSecurity:
        return ServerSecurity(*self.plcs[number], self._plc_trusts.folder)


@asynccontextmanager
async def line(url: str, security: ClientSecurity | None) -> AsyncIterator[tuple[OpcUaHandshake, list[LampState]]]:
    lamps: list[LampState] = []
    source = OpcUaHandshake(
        url,
        station="cell-1",
        heartbeat_ms=HEARTBEAT_S * 1000,
        max_retry_s=0.2,
        security=security,
        on_lamp=lamps.append,
    )
    try:
        yield source, lamps
    finally:
        await source.close()


async def until(lamps: list[LampState], text: str) -> None:
    async with asyncio.timeout(60):
        while not (lamps and text in lamps[-1].detail):  # noqa: ASYNC110 - watched like an operator does
            await asyncio.sleep(0.01)


async def test_a_plc_that_comes_back_with_another_certificate_waits_for_trust(
    plcs: PlcProcesses, tmp_path: Path
) -> None:
    shop = Shop(tmp_path)
    plc = await plcs.start(security=shop.server(0))
    url = plc.plan.url
    async with line(url, shop.client) as (source, lamps):
        await source.set_ready(True)
        triggers = source.triggers()
        old = await anext(triggers)
        plc.kill()
        again = await plcs.start(url=url, parts=1, security=shop.server(1))
        await until(lamps, thumbprint(shop.plcs[1][0].read_bytes()))
        assert lamps[-1].good is False
        assert "not trusted" in lamps[-1].detail
        with pytest.raises(PlcLost):
            await source.answer(old, PASS)
        shop.trusted.add(shop.plcs[1][0].read_bytes())
        new = await anext(triggers)
        with pytest.raises(PlcLost):
            await source.answer(old, PASS)
        await source.answer(new, FAIL)
        await again.report("done")
    counts = await again.stop()
    assert (counts["ok"], counts["nok"], counts["good"]) == (0, 1, 0), "nothing of before was replayed"


@pytest.mark.parametrize("secured", [False, True])
async def test_the_plcs_clock_jumps_and_no_part_is_hurt(
    plcs: PlcProcesses, clock: Clock, tmp_path: Path, secured: bool
) -> None:
    shop = Shop(tmp_path)
    with clock.worn():
        plc = await plcs.start(parts=PARTS, security=shop.server(0) if secured else None)
    async with line(plc.plan.url, shop.client if secured else None) as (source, lamps):
        await source.set_ready(True)
        for days in (0, 3, -3):
            clock.jump(timedelta(days=days))
            if not secured:
                assert abs(await _off(plc.plan.url) - timedelta(days=days)) < timedelta(hours=1), "it did jump"
            await answer(source, PARTS // 3)
        await plc.report("done")
    counts = await plc.stop()
    assert (counts["triggers"], counts["good"]) == (PARTS, PARTS)
    assert [lamp.good for lamp in lamps] == [True], "nobody noticed"


async def _off(url: str) -> timedelta:
    """Return how far the server's clock is from ours."""
    async with Client(url, timeout=20) as client:
        node = client.get_node("i=2258")
        first = await node.read_value()
        while (now := await node.read_value()) == first:  # noqa: ASYNC110 - written once a second
            await asyncio.sleep(0.05)
    return now.replace(tzinfo=UTC) - datetime.now(UTC)


async def test_the_lines_clock_jumps_and_no_part_is_hurt(clock: Clock) -> None:
    url, decisions, heard = free_url(), [], asyncio.Event()

    def decided(said: Any) -> None:
        if isinstance(said, tuple):
            decision: PlcDecision = said[0]
            decisions.append(decision)
            heard.set()

    # Life 2: the even parts are bad.
    plan = SimulationPlan(url=url, heartbeat_s=HEARTBEAT_S, deadline_s=10, wait_s=20, recipe_id=2)
    plc = Peer(run_plc, plan, Way.POLLING, hear=decided)
    with clock.worn():
        working = Peer(run_line, url, Way.POLLING, 1, 0.0, hear=lambda _: None, method="spawn")
    years = set()
    try:
        for number, days in enumerate((0, 400, -400), start=1):
            clock.jump(timedelta(days=days))
            wanted = PARTS * number // 3
            async with asyncio.timeout(60):
                while len(decisions) < wanted:
                    heard.clear()
                    await heard.wait()
            async with Client(url, timeout=20) as client:
                text = await client.get_node("ns=2;s=Handshake.ResultId").read_value()
            years.add(text.split("-")[-1][:4])
    finally:
        await working.end(signal.SIGKILL)
        await plc.end(signal.SIGTERM)
    assert len(years) == 3, "it did jump"
    by_sequence = sorted((each.sequence, each.good) for each in decisions[:PARTS])
    assert by_sequence == [(number, number % 2 == 1) for number in itertools.islice(itertools.count(1), PARTS)]
