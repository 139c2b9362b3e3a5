"""Triggers without a PLC: nothing double, nothing lost, every difference named; each source against its real peer."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from asyncua import Server, ua
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.capture.feeders import CounterFeeder, LineOfCamera, PeriodicFeeder, SocketFeeder
from inspector.capture.triggers import Feeder, LocalTriggers, TriggerLedger
from inspector.domain import ConfigurationError, FaultCode, LampState, Outcome, PlcLost, Trigger, Verdict
from inspector.mes.mqtt import MqttLink
from inspector.mes.trigger_inbox import TriggerInbox
from inspector.plc.counter import ModbusCounter, OpcUaCounter
from tests.contracts.test_trigger_source_contract import ByHand
from tests.support.brokers import free_port
from tests.support.modbus_plc import ModbusRegisters

pytestmark = pytest.mark.timeout(400)  # the servers of two protocols start cold, on a busy machine

PASS = Verdict(Outcome.PASS, (), "default")


def source(folder: Path, feeder: Feeder | None = None, **changes: object) -> LocalTriggers:
    made = {"station": "cell-1", "numbers": folder / "triggers.json", "recipes": {"fine"}, **changes}
    return LocalTriggers(feeder or ByHand(), **made)  # type: ignore[arg-type]


async def answered(triggers: LocalTriggers, count: int) -> list[Trigger]:
    taken: list[Trigger] = []
    async for trigger in triggers.triggers():
        await triggers.answer(trigger, PASS)
        taken.append(trigger)
        if len(taken) == count:
            break
    return taken


async def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


# --- the ledger -------------------------------------------------------------------------------------------


async def test_numbers_go_on_after_a_restart_and_what_was_answered_is_known(tmp_path: Path) -> None:
    first = source(tmp_path)
    await first.set_ready(True)
    one, two = first.fire(), first.fire(part_id="A-7")
    assert one is not None
    assert two is not None
    assert (one.sequence, one.part_id, two.part_id, two.overrun) == (1, "cell-1-00000001", "A-7", True)
    await first.answer(one, PASS)
    await first.close()  # the second one is left open
    second = source(tmp_path)
    assert (await second.survey()).answered_sequence == 1
    await second.set_ready(True)
    three = second.fire()
    assert three is not None
    assert three.sequence == 3
    await second.close()


async def test_every_signal_is_accounted_for_once(tmp_path: Path) -> None:
    triggers = source(tmp_path)
    assert triggers.fire() is None  # not ready yet
    await triggers.set_ready(True)
    assert triggers.fire(recipe="unknown") is None
    first = triggers.fire(key="part-1")
    assert first is not None
    assert triggers.fire(key="part-1") is None
    second = triggers.fire(missed=2)
    assert second is not None
    await triggers.answer(first, PASS)
    ledger = triggers.ledger
    assert ledger == TriggerLedger(taken=2, refused=2, repeated=1, missed=2, overruns=1, answered=1)
    assert ledger.differences() == [
        "2 came while the line was not ready",
        "1 were sent twice",
        "2 were missed between two looks",
        "1 came while a part was in work",
        "1 wait for their verdict",
    ]
    await triggers.close()


async def test_a_bouncing_signal_is_one(tmp_path: Path) -> None:
    triggers = source(tmp_path, debounce_s=30.0)
    await triggers.set_ready(True)
    assert [triggers.fire() is not None for _ in range(4)] == [True, False, False, False]
    assert triggers.ledger.bounced == 3
    await triggers.close()


async def test_losses_are_shown_on_the_lamp(tmp_path: Path) -> None:
    lamps: list[LampState] = []
    triggers = source(tmp_path, on_lamp=lamps.append)
    triggers.fire()
    assert lamps[-1].detail == "hand; 1 came while the line was not ready"
    await triggers.close()


async def test_numbers_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "triggers.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"triggers\.json"):
        source(tmp_path)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.sampled_from(["fire", "same", "answer", "hold", "go"]), max_size=40))
def test_whatever_happens_each_trigger_gets_one_verdict(acts: list[str], tmp_path: Path) -> None:
    async def play() -> None:
        hand = ByHand()
        triggers = source(tmp_path, hand)
        await triggers.set_ready(True)
        taken: list[Trigger] = []
        signals = 0
        for act in acts:
            if act in {"fire", "same"}:
                signals += 1
                made = triggers.fire(key="same" if act == "same" else "")
                taken += [made] if made else []
            elif act == "answer" and len(hand.told) < len(taken):
                await triggers.answer(taken[len(hand.told)], PASS)
            elif act in {"hold", "go"}:
                await triggers.set_ready(act == "go")
        for trigger in taken[len(hand.told) :]:
            await triggers.answer(trigger, PASS)
        ledger = triggers.ledger
        assert [told.sequence for told, *_ in hand.told] == [trigger.sequence for trigger in taken]
        assert len({trigger.sequence for trigger in taken}) == len(taken)
        assert signals == ledger.taken + ledger.refused + ledger.repeated + ledger.bounced
        assert ledger.open == 0
        await triggers.close()

    asyncio.run(play())


# --- the feeders ------------------------------------------------------------------------------------------


async def test_the_clock_triggers_on_a_grid(tmp_path: Path) -> None:
    triggers = source(tmp_path, PeriodicFeeder(0.01))
    await triggers.set_ready(True)
    taken = await answered(triggers, 5)
    assert [trigger.sequence for trigger in taken] == [1, 2, 3, 4, 5]
    spans = [(later.at - before.at).total_seconds() for before, later in pairwise(taken)]
    assert sum(spans) > 0.03
    await triggers.close()


class Belt:
    """An encoder that the test turns; each look is one of ``counts``, and the last one stays."""

    def __init__(self, *counts: int) -> None:
        self.counts, self.done = list(counts), asyncio.Event()

    async def read(self) -> int:
        if len(self.counts) > 1:
            return self.counts.pop(0)
        self.done.set()
        return self.counts[0]

    async def release(self) -> None:
        return


@pytest.mark.parametrize(
    ("counts", "taken", "missed"),
    [
        ((0, 40, 99, 100, 150), 1, 0),
        ((0, 100, 200, 300), 3, 0),
        ((0, 350), 1, 2),  # three places between two looks
        ((90, 110, 95, 105, 190, 200), 2, 0),  # the belt goes back a little: no place counts twice
        ((2**32 - 50, 2**32 - 1, 20, 60), 1, 0),  # the 32 bits are full; 2**32 is at 96 of 100
        ((500, 500, 500), 0, 0),
    ],
)
async def test_places_on_a_belt(counts: tuple[int, ...], taken: int, missed: int, tmp_path: Path) -> None:
    belt = Belt(*counts)
    triggers = source(
        tmp_path, CounterFeeder(belt.read, belt.release, name="belt", every_counts=100, offset=0, poll_s=0)
    )
    await triggers.set_ready(True)
    await belt.done.wait()
    await asyncio.sleep(0)
    assert (triggers.ledger.taken, triggers.ledger.missed) == (taken, missed)
    await triggers.close()


async def follow_counter(feeder: CounterFeeder, turn: Callable[[int], Awaitable[None]], folder: Path) -> None:
    triggers = source(folder, feeder)
    looked, read = asyncio.Event(), feeder._read

    async def seen() -> int:
        count = await read()
        looked.set()
        return count

    feeder._read = seen  # type: ignore[method-assign]
    await triggers.set_ready(True)
    await looked.wait()
    for place in (1, 2, 3):
        await turn(place * 1000 + 5)
        await eventually(lambda place=place: triggers.ledger.taken + triggers.ledger.missed >= place)
    assert triggers.ledger.taken + triggers.ledger.missed == 3
    assert triggers.ledger.taken
    await triggers.close()


async def test_what_goes_by_while_the_encoder_is_away_is_missed_and_not_made_up_for(tmp_path: Path) -> None:
    counts: list[int | None] = [0, 105, None, 430, 430, 510]
    done = asyncio.Event()

    async def read() -> int:
        if len(counts) == 1:
            done.set()
            return counts[0] or 0
        if (count := counts.pop(0)) is None:
            raise PlcLost("away")
        return count

    async def release() -> None:
        return

    triggers = source(tmp_path, CounterFeeder(read, release, name="belt", every_counts=100, poll_s=0))
    await triggers.set_ready(True)
    await done.wait()
    await eventually(lambda: triggers.ledger.taken == 2)
    assert triggers.ledger.missed == 3  # 200, 300 and 400
    await triggers.close()


async def test_an_encoder_in_an_opcua_server(tmp_path: Path) -> None:
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{free_port()}/")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    space = await server.register_namespace("urn:belt")
    node = await server.nodes.objects.add_variable(
        ua.NodeId("Belt.Count", space), "Count", ua.Variant(5, ua.VariantType.UInt32)
    )
    async with server:
        counter = OpcUaCounter(str(server.endpoint.geturl()), f"ns={space};s=Belt.Count")
        feeder = CounterFeeder(counter.read, counter.close, name="belt", every_counts=1000, poll_s=0.005)
        await follow_counter(feeder, lambda count: node.write_value(ua.Variant(count, ua.VariantType.UInt32)), tmp_path)
        with pytest.raises(PlcLost, match=r"Belt\.Gone"):
            await OpcUaCounter(str(server.endpoint.geturl()), f"ns={space};s=Belt.Gone").read()
    with pytest.raises(PlcLost):
        await counter.read()


async def test_an_encoder_in_modbus_registers(tmp_path: Path) -> None:
    port = free_port()
    plc = ModbusRegisters(port)
    await plc.start()
    counter = ModbusCounter("127.0.0.1", 50, port=port)

    async def turn(count: int) -> None:
        plc._memory[50:52] = [count >> 16, count & 0xFFFF]

    await turn(70_000)
    assert await counter.read() == 70_000
    await turn(5)
    feeder = CounterFeeder(counter.read, counter.close, name="belt", every_counts=1000, poll_s=0.005)
    await follow_counter(feeder, turn, tmp_path)
    await plc.stop()
    with pytest.raises(PlcLost):
        await counter.read()


async def test_a_lost_encoder_is_said_once_and_found_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    states: list[bool] = []
    here = False

    async def read() -> int:
        states.append(here)
        if not here:
            raise PlcLost("the belt's PLC is away")
        return 0

    async def release() -> None:
        return

    triggers = source(tmp_path, CounterFeeder(read, release, name="belt", every_counts=10, poll_s=0.01))
    await triggers.set_ready(True)
    await eventually(lambda: len(states) > 1)
    here = True
    await eventually(lambda: any(states))
    await triggers.close()
    assert [record.message for record in caplog.records if "away" in record.message] == ["the belt's PLC is away"]


async def test_programs_trigger_over_a_socket_and_hear_the_verdict(tmp_path: Path) -> None:
    feeder = SocketFeeder("127.0.0.1", 0)
    triggers = source(tmp_path, feeder)
    await triggers.set_ready(True)
    await eventually(lambda: feeder.port)
    work = asyncio.create_task(answered(triggers, 2))
    reader, writer = await asyncio.open_connection("127.0.0.1", feeder.port)

    async def ask(line: str) -> dict[str, object]:
        writer.write(line.encode() + b"\n")
        await writer.drain()
        heard: dict[str, object] = json.loads(await reader.readline())
        return heard

    assert await ask('{"part_id": "A-1", "key": "k1", "recipe": "fine"}') == {
        "sequence": 1,
        "part_id": "A-1",
        "verdict": "OK",
        "outcome": "PASS",
        "fault": "NONE",
        "reasons": [],
    }
    assert "not taken" in str((await ask('{"key": "k1"}'))["error"])
    assert "not understood" in str((await ask("shoot"))["error"])
    assert "not understood" in str((await ask('{"party": 1}'))["error"])
    assert (await ask(""))["sequence"] == 2
    assert [trigger.part_id for trigger in await work] == ["A-1", "cell-1-00000002"]
    writer.close()
    await triggers.close()


async def test_a_client_that_is_gone_costs_nobody_a_verdict(tmp_path: Path) -> None:
    feeder = SocketFeeder("127.0.0.1", 0)
    triggers = source(tmp_path, feeder)
    await triggers.set_ready(True)
    await eventually(lambda: feeder.port)
    _, writer = await asyncio.open_connection("127.0.0.1", feeder.port)
    writer.write(b"{}\n")
    await writer.drain()
    trigger = await anext(triggers.triggers())
    writer.close()
    await writer.wait_closed()
    await triggers.answer(trigger, Verdict.unknown(FaultCode.DEADLINE, "late"))
    assert triggers.ledger.answered == 1
    await triggers.close()


class Flash:
    """A camera whose line the test pulls."""

    def __init__(self) -> None:
        self.frames = 0
        self.looks = 0

    def waiting(self) -> int:
        self.looks += 1
        return self.frames

    def discard(self) -> int:
        dropped, self.frames = self.frames, 0
        return dropped


async def test_the_cameras_own_line_triggers_once_for_each_frame(tmp_path: Path) -> None:
    flash = Flash()
    flash.frames = 2  # of before the start
    triggers = source(tmp_path, LineOfCamera(flash, look_every_s=0))
    await triggers.set_ready(True)
    await eventually(lambda: flash.frames == 0)
    for number in (1, 2):
        flash.frames += 1
        trigger = await anext(triggers.triggers())
        assert trigger.sequence == number
        flash.frames -= 1  # the line takes it
        await triggers.answer(trigger, PASS)
    flash.frames = 3  # nobody can tell which is whose
    await anext(triggers.triggers())
    assert (triggers.ledger.taken, triggers.ledger.missed) == (3, 2)
    await triggers.set_ready(False)
    await triggers.close()


@pytest.mark.skipif(shutil.which("mosquitto", path="/usr/sbin:/usr/bin") is None, reason="apt install mosquitto")
async def test_messages_trigger_once_and_their_verdict_is_published(tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "broker.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    command = ["/usr/sbin/mosquitto", "-c", str(config)]
    broker = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - before anything runs
    url = f"mqtt://127.0.0.1:{port}"
    verdicts: list[dict[str, object]] = []

    class Station:
        """Who triggers and hears the verdicts."""

        ready = False

        def connected(self, connection: object) -> None:
            connection.subscribe("line/verdicts")  # type: ignore[attr-defined]

        def subscribed(self, connection: object, refusal: str, topic: str) -> None:
            self.ready = True

        def lost(self) -> None:
            pass

        def delivered(self, connection: object, number: int, refusal: str) -> None:
            pass

        def received(self, connection: object, topic: str, payload: bytes, envelope: object) -> None:
            verdicts.append(json.loads(payload))

    station, inbox_ready = Station(), asyncio.Event()
    sender = MqttLink(url, client_id="station")
    sender.attach(station)
    inbox = TriggerInbox(lambda: MqttLink(url, client_id="line"), topic="line/trigger", verdict_topic="line/verdicts")
    loop, granted = asyncio.get_running_loop(), inbox.subscribed

    def subscribed(connection: object, refusal: str, topic: str) -> None:
        granted(connection, refusal, topic)  # type: ignore[arg-type]
        loop.call_soon_threadsafe(inbox_ready.set)

    inbox.subscribed = subscribed  # type: ignore[method-assign,assignment]
    triggers = source(tmp_path, inbox)
    try:
        await triggers.set_ready(True)
        sender.start()
        await inbox_ready.wait()
        await eventually(lambda: station.ready)
        for payload in (b'{"part_id": "A-1", "key": "1"}', b'{"part_id": "A-1", "key": "1"}', b"nonsense", b""):
            sender.publish("line/trigger", payload)
        taken = await answered(triggers, 2)
        assert [trigger.part_id for trigger in taken] == ["A-1", "cell-1-00000002"]
        await eventually(lambda: len(verdicts) == 2)
        assert [(found["sequence"], found["verdict"]) for found in verdicts] == [(1, "OK"), (2, "OK")]
        assert triggers.ledger.repeated == 1
    finally:
        await triggers.close()
        sender.close()
        broker.terminate()
        with suppress(subprocess.TimeoutExpired):
            broker.wait(10)
