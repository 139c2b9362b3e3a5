"""A connection that breaks again and again leaves nothing behind, on either side of it."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import psutil
import pytest
from asyncua import Client, ua

from inspector.plc.client import OpcUaHandshake, Updates
from inspector.plc.modbus import ModbusHandshake
from inspector.plc.server import OpcUaServerHandshake
from inspector.plc.simulated_plc import SimulatedPlc
from inspector.plc.simulation import PlcResult, SimulationPlan
from inspector.plc.source import Handshake
from tests.support.modbus_plc import ModbusRegisters
from tests.support.plc_peers import Wire
from tests.system.test_plc_faults import PlcProcess, free_url

pytestmark = pytest.mark.timeout(170)

WARM_UP, ROUNDS = 5, 25
OURS = {"asyncua", "pymodbus", "inspector", "_asyncio", "socket"}
CONNECTIONS_ALLOWED = 32
SESSIONS_KEPT = 48
VANISHED = SESSIONS_KEPT + WARM_UP + ROUNDS


@pytest.fixture(autouse=True)
def _no_log() -> Iterator[None]:
    """Log nothing: pytest keeps every record, and with it whatever the record is about."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class Held:
    """What this process holds: threads, open files and sockets, tasks, and objects of the libraries and ours by type.

    Timers that were cancelled stay in the event loop until they are due, so objects of Python's own come and go.
    """

    def __init__(self) -> None:
        gc.collect()
        self.threads = threading.active_count()
        self.files = psutil.Process().num_fds()
        self.tasks = len(asyncio.all_tasks())
        # What the simulated PLC writes down of its parts is meant to grow.
        kinds = (type(each) for each in gc.get_objects() if type(each) is not PlcResult)
        self.objects = Counter(kind.__qualname__ for kind in kinds if str(kind.__module__).partition(".")[0] in OURS)

    def grown_since(self, before: Held) -> dict[str, int]:
        """Return the types of which there are more by about one a round; a few may be on their way."""
        return {name: more for name, more in (self.objects - before.objects).items() if more > (ROUNDS - WARM_UP) / 2}


async def connected(source: Handshake, wanted: bool) -> None:
    async with asyncio.timeout(60):
        while source.connected is not wanted:  # noqa: ASYNC110 - the lamp is watched like an operator does
            await asyncio.sleep(0.005)


async def clients_are_gone() -> None:
    """Wait for what the library's clients leave running for up to a second after their end."""
    async with asyncio.timeout(60):
        while any("_publish_loop" in str(task.get_coro()) for task in asyncio.all_tasks()):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def break_often(source: Handshake, cut: Callable[[], None]) -> tuple[Held, Held]:
    """Cut a working connection so many times; return what is held after the first few and at the end."""
    held = []
    for number in range(ROUNDS):
        await connected(source, True)
        if number in {WARM_UP, ROUNDS - 1}:
            held.append(Held())
        cut()
        await connected(source, False)
    return held[0], held[1]


def check(early: Held, late: Held) -> None:
    assert late.threads <= early.threads, "threads"
    assert late.files <= early.files + 1, "files and sockets; one may be on its way"
    assert late.tasks <= early.tasks + 2, "tasks; two may be on their way"
    assert not late.grown_since(early), "objects"


async def test_our_client_leaks_nothing_over_many_reconnects() -> None:
    plc = PlcProcess()
    await plc.report("ready")
    wire = Wire(urlsplit(plc.plan.url).port or 0)
    source = OpcUaHandshake(
        await wire.start(), station="cell-1", heartbeat_ms=200, max_retry_s=0.1, updates=Updates.SUBSCRIPTION
    )
    try:
        await source.set_ready(True)
        check(*await break_often(source, wire.cut))
    finally:
        await source.close()
        await wire.close()
        plc.close()


async def test_our_modbus_client_leaks_nothing_over_many_reconnects() -> None:
    port = urlsplit(free_url()).port or 0
    wire = Wire(port)
    async with SimulatedPlc(SimulationPlan(heartbeat_s=0.2), ModbusRegisters(port)):
        place = urlsplit(await wire.start())
        source = ModbusHandshake("127.0.0.1", port=place.port or 0, station="cell-1", heartbeat_ms=200, max_retry_s=0.1)
        try:
            await source.set_ready(True)
            check(*await break_often(source, wire.cut))
        finally:
            await source.close()
            await wire.close()


async def test_our_server_leaks_nothing_to_clients_that_vanish() -> None:
    """A session outlives its connection, so that a client can come back to it; only so many of them do."""
    source = OpcUaServerHandshake("opc.tcp://127.0.0.1:0/", station="cell-1", heartbeat_ms=200)
    try:
        url = await source.listening()
        held = []
        for number in range(VANISHED):
            client = Client(url, timeout=20)
            await client.connect()
            subscription = await client.create_subscription(50, Deaf())
            await subscription.subscribe_data_change(client.get_node("ns=2;s=Handshake.Ready"))
            client.disconnect_socket()
            await client.close_session()
            await alone(source)
            if number in {SESSIONS_KEPT + WARM_UP, VANISHED - 1}:
                await clients_are_gone()
                held.append(Held())
        check(*held)
        async with SimulatedPlc(SimulationPlan(url=url, parts=2, heartbeat_s=0.2, client=True)):
            await source.set_ready(True)
            assert (await anext(source.triggers())).sequence == 1, "a PLC finds its place"
    finally:
        await source.close()


async def test_as_many_clients_as_may_connect_keep_their_sessions() -> None:
    source = OpcUaServerHandshake("opc.tcp://127.0.0.1:0/", station="cell-1", heartbeat_ms=200)
    clients: list[Client] = []
    try:
        url = await source.listening()
        for _ in range(CONNECTIONS_ALLOWED):
            clients.append(Client(url, timeout=20))
            await clients[-1].connect()
        for client in clients:
            assert await client.get_node("ns=2;s=Handshake.Ready").read_value() is False
        one_more = Client(url, timeout=20)
        with pytest.raises((OSError, ua.UaError, TimeoutError)):
            await one_more.connect()
        one_more.disconnect_socket()
    finally:
        for client in clients:
            await client.disconnect()
        await source.close()


class Deaf:
    def datachange_notification(self, node: object, value: object, data: object) -> None:
        pass


async def alone(source: OpcUaServerHandshake) -> None:
    """Wait until the server has noticed that nobody is there."""
    server = source._registers._server
    assert server is not None
    assert server.bserver is not None
    async with asyncio.timeout(60):
        while server.bserver.clients:  # noqa: ASYNC110 - the library tells nobody
            await asyncio.sleep(0.005)
    # It forgets ended tasks every ten seconds by itself.
    await server.bserver._close_tasks()
