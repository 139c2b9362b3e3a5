"""What telling the MES costs: commits, draining to a consumer that acknowledges, and what the verdict path feels of it.

The verdict path runs as in ``inspector bench``: a real OPC UA server in a process of its own triggers parts. Beside
it runs the real office process on the same record. A block of parts without a backlog, then parts while the backlog
drains, then a block without again: the figures are compared as a ratio of the same minutes on the same machine.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from inspector.domain import (
    Box,
    ConfigurationError,
    Detection,
    Detections,
    InspectionReport,
    Measurement,
    ModelId,
    OutboxMessage,
    Outcome,
    Queue,
    Reason,
    Trigger,
    Verdict,
)
from inspector.mes.consumer import MessageCounter
from inspector.runtime import embedded
from inspector.runtime.backoffice import office_main
from inspector.runtime.bench import TakenFrames, run_block, spread, take_frames
from inspector.runtime.demo import demo_settings
from inspector.runtime.plant import BEHIND_THE_LINE
from inspector.runtime.supervisor import Child, Lifeline, Supervisor
from inspector.runtime.wiring.cameras import build_camera
from inspector.runtime.wiring.mes import Broker, build_composer, build_counter
from inspector.runtime.wiring.record import build_record
from inspector.runtime.wiring.verdict import build_detector
from inspector.settings import LineSettings, MqttMes, TemplateLanguage
from inspector.store import RecordStore, SqlOutbox

__all__ = ["MesFigures", "measure_mes"]

BATCH = 500
BLOCK = 100
BACKGROUND = 19  # broker and consumer stand on other machines in a plant: here they take what is left
DRAINED_WITHIN_S = 1800.0
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


@dataclass(frozen=True, slots=True)
class MesFigures:
    """What was measured; times in milliseconds.

    Attributes
    ----------
    commits_per_s
        Inspections, each with its outbox row in the same transaction, one after the other.
    drained_per_s
        Messages of the backlog per second, from the outbox to a consumer in a process of its own and back by its
        acknowledgement, with nothing else to do.
    drained_beside_the_line_per_s
        The same while the verdict path runs.
    p99_ratio
        p99 of trigger to verdict-in-the-PLC while the backlog drains, over its p99 at rest.
    """

    commits_per_s: float
    drained_per_s: float
    drained_beside_the_line_per_s: float
    p99_ratio: float
    p50_ratio: float
    at_rest_ms: Mapping[str, float]
    draining_ms: Mapping[str, float]
    parts_at_rest: int
    parts_draining: int
    backlog: int
    database: str
    broker: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def measure_mes(
    *, backlog: int = 100_000, commits: int = 5_000, parts: int = 1_000, database: str | None = None
) -> MesFigures:
    """Measure on this machine; raises what starting a line raises.

    Parameters
    ----------
    parts
        How many parts are measured at rest, half of them before and half after the draining; while it drains at
        least as many, with another backlog where the first was gone too soon.
    database
        Address of an empty PostgreSQL database; None: SQLite in a temporary folder.
    """
    with tempfile.TemporaryDirectory(prefix="inspector-bench-") as folder, _broker(Path(folder)) as broker:
        data = Path(folder)
        settings = _settings(data, broker, database)
        opened, record, outboxes = build_record(settings)
        outbox = outboxes[Queue.RESULTS]
        try:
            bench = _Bench(settings, data, broker, record, outbox)
            commits_per_s = bench.commit(commits)
            alone = bench.drain_alone(backlog)
            rest, draining, beside = asyncio.run(bench.beside(backlog, parts))
        finally:
            opened.close()
    quiet, busy = spread(rest), spread(draining)
    return MesFigures(
        commits_per_s=commits_per_s,
        drained_per_s=alone,
        drained_beside_the_line_per_s=beside,
        p99_ratio=busy["p99"] / quiet["p99"],
        p50_ratio=busy["p50"] / quiet["p50"],
        at_rest_ms=quiet,
        draining_ms=busy,
        parts_at_rest=len(rest),
        parts_draining=len(draining),
        backlog=backlog,
        database="SQLite" if database is None else "PostgreSQL",
        broker="Mosquitto" if MOSQUITTO else "embedded",
    )


# --- what stands around it --------------------------------------------------------------------------------


@contextmanager
def _broker(folder: Path) -> Iterator[Broker]:
    """Run a broker: Mosquitto where it is installed, else the embedded one."""
    port = embedded.free_port()
    if MOSQUITTO is None:
        broker = Broker(f"mqtt://127.0.0.1:{port}", "inspector", secrets.token_hex(8), "3.1.1")
        with Supervisor() as supervisor:
            supervisor.start(Child("broker", embedded.broker_main, {"broker": broker}, nice=BACKGROUND))
            yield broker
        return
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n", encoding="utf-8")
    process = subprocess.Popen(  # noqa: S603
        ["nice", f"-n{BACKGROUND}", MOSQUITTO, "-c", str(config)],  # noqa: S607
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Broker(f"mqtt://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait()


def _settings(data: Path, broker: Broker, database: str | None) -> LineSettings:
    settings = demo_settings(data)
    own = settings.connected_mes
    if own is None:
        raise ConfigurationError("the line of the demonstration has no MES")
    mes = MqttMes(kind="mqtt", url=broker.url, identity=own.identity, delivery="ack", send=())
    images = settings.store.images.model_copy(update={"keep": "none"})
    store = settings.store.model_copy(update={"images": images} | ({"url": database} if database else {}))
    # Texts by the template: what a language model costs is another question.
    return settings.model_copy(update={"mes": mes, "store": store, "language": TemplateLanguage(kind="template")})


def consumer_main(lifeline: Lifeline, *, settings: LineSettings, broker: Broker) -> None:
    """Take and acknowledge every result until told to stop, as an MES does that stores in no time."""
    counter: MessageCounter = build_counter(settings, broker)
    counter.start()
    lifeline.ready()
    lifeline.wait_for_stop()
    counter.close()


# --- what is measured -------------------------------------------------------------------------------------


def _report(number: int, station: str) -> InspectionReport:
    """Return an inspection with one defect and its three measurements, like most that are told."""
    found = Detections((Detection("spur", 0.95, Box(100.5, 8, 112, 14)),), ModelId("bare-board", "1", "ab" * 32))
    measured = tuple(
        Measurement(name, value, unit, 0.02, "box", 0)
        for name, value, unit in (("length", 0.24, "mm"), ("width", 0.125, "mm"), ("area", 0.03, "mm2"))
    )
    reason = Reason(Outcome.FAIL, "above_usl", "length", value=0.24, unit="mm", limit=0.2, margin=-0.04, detection=0)
    trigger = Trigger(f"PART-{number:06d}", station, number, datetime.now(UTC))
    return InspectionReport(trigger, Verdict(Outcome.FAIL, (reason,), "default"), found, measured)


def _renamed(message: OutboxMessage, msg_id: str) -> OutboxMessage:
    return replace(message, msg_id=msg_id, body=message.body.replace(message.msg_id, msg_id))


class _Bench:
    """One line with its record, its broker and its backlog."""

    def __init__(
        self, settings: LineSettings, data: Path, broker: Broker, record: RecordStore, outbox: SqlOutbox
    ) -> None:
        self._settings, self._data, self._broker = settings, data, broker
        self._record, self._outbox = record, outbox

    def commit(self, count: int) -> float:
        """Return how many inspections a second are recorded, each with its message."""
        compose = build_composer(self._settings)
        made = [
            (report, compose(report, None, {}, None))
            for report in (_report(number, self._settings.station) for number in range(count))
        ]
        started = time.perf_counter()
        for report, messages in made:
            self._record.record(report, pixels=None, texts={}, messages=messages)
        return count / (time.perf_counter() - started)

    def drain_alone(self, count: int) -> float:
        """Return how many messages a second reach the consumer and are acknowledged."""
        self._fill(count)
        with Supervisor() as supervisor:
            supervisor.start(self._consumer())
            supervisor.start(self._office())
            started = time.perf_counter()
            _wait(lambda: not self._outbox.pending(0, 1))
            return count / (time.perf_counter() - started)

    async def beside(self, backlog: int, parts: int) -> tuple[list[float], list[float], float]:
        """Return the latencies at rest and while the backlog drains, and how many a second drained."""
        camera, detector = build_camera(self._settings), build_detector(self._settings)
        detector.warm_up()
        frames = await asyncio.to_thread(take_frames, camera, range(1, BLOCK + 1), self._settings.station)
        block = partial(run_block, self._settings, self._data, TakenFrames(frames), detector, BLOCK)
        rest: list[float] = []
        draining: list[float] = []
        with Supervisor() as supervisor:
            await asyncio.to_thread(supervisor.start, self._consumer())
            await asyncio.to_thread(supervisor.start, self._office())
            try:
                await block()  # warms everything up
                while len(rest) < parts // 2:
                    rest += await block()
                drained, seconds = 0, 0.0
                while len(draining) < parts:
                    left = waiting = await asyncio.to_thread(self._fill, backlog)
                    started = time.perf_counter()
                    while left > BLOCK:  # so many may be the results of the block itself
                        latest = await block()
                        left = await asyncio.to_thread(self._waiting)
                        if left > BLOCK:  # the last block was partly at rest
                            draining += latest
                    drained, seconds = drained + waiting - left, seconds + time.perf_counter() - started
                    backlog *= 2  # where one block is as long as the draining, none would count
                while len(rest) < parts:
                    rest += await block()
            finally:
                camera.close()
                detector.close()
        return rest, draining, drained / seconds

    def _fill(self, count: int) -> int:
        """Bring the outbox to that many waiting results; return how many still wait then."""
        (message,) = build_composer(self._settings)(_report(1, self._settings.station), None, {}, None)
        missing = count - self._waiting()
        while missing > 0:
            size = min(BATCH, missing)
            self._record.tell([_renamed(message, str(uuid4())) for _ in range(size)])
            missing -= size
        return self._waiting()

    def _waiting(self) -> int:
        return self._outbox.backlog().messages

    def _consumer(self) -> Child:
        arguments = {"settings": self._settings, "broker": self._broker}
        return Child("consumer", consumer_main, arguments, nice=BACKGROUND)

    def _office(self) -> Child:
        arguments = {"settings": self._settings, "data": self._data, "broker": self._broker, "screen": False}
        return Child("office", office_main, arguments, nice=BEHIND_THE_LINE)


def _wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DRAINED_WITHIN_S
    while not done():
        if time.monotonic() > deadline:
            raise ConfigurationError("the backlog does not drain", remedy="Look at the messages above")
        time.sleep(0.02)
