"""Everything between the record and the MES is killed, cut and filled up: nothing is lost, doubled or out of order."""

from __future__ import annotations

import json
import logging
import multiprocessing
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from inspector.domain import BrokerLost, StoreError
from inspector.mes import MqttLink
from inspector.store import Database, RecordStore, SqlOutbox
from tests.support.brokers import LINE, MES, MOSQUITTO, Mosquitto, eventually, running
from tests.support.mes_ends import MESSAGES, Kept, consume_until_killed, relay_until_killed
from tests.support.network import Wire
from tests.support.postgres import Postgres
from tests.support.reports import failed, passed
from tests.support.small_disk import SmallDisk, mounted

logger = logging.getLogger(__name__)

TOPICS = MESSAGES.topics
ENOUGH_S = 900.0
DISK_MB = 256
SOON, PATIENCE_S = 0.4, 10.0
context = multiprocessing.get_context("forkserver")


class Plant:
    """A record that is written all the time, its relay, the broker and the MES, each in a process of its own."""

    def __init__(self, url: str, disk: SmallDisk, server: Postgres | None, folder: Path, stack: ExitStack) -> None:
        self.disk, self.server, self._url, self._stack = disk, server, url, stack
        self._chance = random.Random(20_260_301)
        self.broker = stack.enter_context(running(Mosquitto(folder / "broker")))
        assert isinstance(self.broker, Mosquitto)
        self.line_cable, self.mes_cable = Wire(self.broker.port), Wire(self.broker.port)
        stack.callback(self.line_cable.close)
        stack.callback(self.mes_cable.close)
        self.database = Database(url, busy_timeout_s=30)
        stack.callback(self.database.close)
        self.outbox = SqlOutbox(self.database)
        self._record = RecordStore(self.database)
        self.expected: list[str] = []
        self.refused = 0  # how often the record did not take an inspection
        self.kept = Kept(disk.folder / "mes.jsonl")
        self._diary = folder / "deaths"
        self._away, self._ended = threading.Event(), threading.Event()
        self._consumer = self._start_consumer()
        self._nurse = threading.Thread(target=self._care, daemon=True)
        self._nurse.start()
        stack.callback(self._end)
        self._ghost = MqttLink(self.broker.url, client_id="ghost", **self.broker.user(LINE))
        self._ghost.start()
        stack.callback(self._ghost.close)

    # --- the ends ---------------------------------------------------------------------------------------

    def inspect(self, count: int) -> None:
        """Record that many parts, each again and again until the record has taken it."""
        for _ in range(count):
            number = len(self.expected)
            report = failed(number) if number % 10 == 0 else passed(number)
            while not self._ended.is_set():
                try:
                    self._record.record(report, pixels=None, texts={}, messages=[MESSAGES.result(report)])
                    break
                except StoreError:
                    self.refused += 1
                    self._ended.wait(0.02)
            self.expected.append(str(report.id))

    def relay(self) -> Any:
        process = context.Process(
            target=relay_until_killed, args=(self._url, self.line_cable.port, self.broker.user(LINE)), daemon=True
        )
        process.start()
        self._stack.callback(kill, process)
        return process

    def _start_consumer(self) -> Any:
        arguments = (self.mes_cable.port, self.broker.user(MES), self.disk.folder / "mes.jsonl", self._diary)
        process = context.Process(
            target=consume_until_killed, args=(*arguments, self._chance.randrange(2**32)), daemon=True
        )
        process.start()
        return process

    def _care(self) -> None:
        while not self._ended.is_set():
            self._consumer.join(0.02)
            if not self._consumer.is_alive() and not self._away.is_set():
                self._consumer = self._start_consumer()

    def _end(self) -> None:
        self._ended.set()
        self._nurse.join()
        kill(self._consumer)

    def deaths(self) -> Counter[str]:
        return Counter(self._diary.read_text(encoding="utf-8").split() if self._diary.exists() else [])

    # --- what goes wrong --------------------------------------------------------------------------------

    def faults(self) -> dict[str, Callable[[], None]]:
        faults = {
            "relay alone": lambda: None,
            "network cut": self.cut,
            "network silent": self.swallow,
            "broker, consumer there": self.kill_broker,
            "broker, consumer away": self.kill_broker_while_the_consumer_is_away,
            "consumer": lambda: kill(self._consumer),
            "duplicates": self.repeat,
            "disk full": self.fill,
        }
        return faults | ({"database server": self.kill_server} if self.server is not None else {})

    def cut(self) -> None:
        cables = self._chance.choice([(self.line_cable,), (self.mes_cable,), (self.line_cable, self.mes_cable)])
        for cable in cables:
            cable.pull()
        self._pause(0.3)
        for cable in cables:
            cable.plug()

    def swallow(self) -> None:
        cable = self._chance.choice([self.line_cable, self.mes_cable])
        cable.swallow()
        self._pause(0.5)
        cable.plug()

    def kill_broker(self) -> None:
        self.broker.kill()
        self._pause(0.2)
        self.broker.start()

    def kill_broker_while_the_consumer_is_away(self) -> None:
        self._away.set()
        kill(self._consumer)
        self._pause(0.3)  # the broker takes for the consumer what it will forget
        self.kill_broker()
        self._away.clear()

    def repeat(self) -> None:
        """Say again what was said before, results and acknowledgements, and what is not due yet."""
        heard = self.kept.messages()
        copies = [heard[-1:], self._chance.sample(heard, min(10, len(heard))), heard[-5:]]
        ahead = self.outbox.pending(0, 20)[-1:]
        with suppress(BrokerLost):
            for message in (message for some in copies for message in some):
                self._ghost.publish(TOPICS.result, json.dumps(message).encode())
            for message in ahead:
                early = json.loads(message.body) | {"seq": message.seq, "oldest_seq": 1}
                self._ghost.publish(TOPICS.result, json.dumps(early).encode())

    def fill(self) -> None:
        self.disk.fill()
        self._pause(0.5)
        self.disk.free()

    def kill_server(self) -> None:
        assert self.server is not None
        self.server.stop()
        self.server.start()

    def let_some_through(self, most: int) -> None:
        """Wait for a random moment: soon, whatever is going on, or when the consumer has got some more messages."""
        if self._chance.random() < SOON:
            self._pause(0.6)
            return
        further = self.kept.count() + self._chance.randrange(most)
        eventually(lambda: self.kept.count() >= further, PATIENCE_S)

    def _pause(self, most_s: float) -> None:
        self._ended.wait(self._chance.uniform(0.0, most_s))


def kill(process: Any) -> None:
    process.kill()
    process.join(60)


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    folder = Path(tempfile.mkdtemp(prefix="disk-"))  # the database's own user has to find its way there
    folder.chmod(0o755)
    with mounted(folder / "disk", DISK_MB) as disk:
        yield disk
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgres"])
def plant(request: pytest.FixtureRequest, disk: SmallDisk, tmp_path: Path) -> Iterator[Plant]:
    server: Postgres | None = None
    url = f"sqlite:///{disk.folder / 'record.db'}"
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        url = server.empty(disk.folder / "tables")
    context.set_forkserver_preload(["tests.support.mes_ends"])
    with ExitStack() as stack:
        yield Plant(url, disk, server, tmp_path, stack)


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed (Debian: apt install mosquitto)")
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a killed server's connections
@pytest.mark.parametrize(
    ("results", "kills"), [(300, 9), pytest.param(10_000, 200, marks=pytest.mark.soak)], ids=["short", "full"]
)
def test_whatever_is_killed_every_result_arrives_once_and_in_order(plant: Plant, results: int, kills: int) -> None:
    chance = random.Random(7)
    began, happened = time.monotonic(), Counter[str]()
    deck: list[str] = []
    for number in range(kills):
        due = results * (number + 1) // kills - len(plant.expected)
        writer = threading.Thread(target=plant.inspect, args=(due,))
        writer.start()
        process = plant.relay()
        deck = deck or chance.sample(list(plant.faults()), len(plant.faults()))
        fault = deck.pop()
        # Anywhere between the start of the relay, some messages later, and a moment after the last.
        plant.let_some_through(results // kills)
        plant.faults()[fault]()
        happened[fault] += 1
        plant.let_some_through(results // kills)
        kill(process)
        writer.join()
        logger.info("kill %d: %s, %d of %d at the consumer", number + 1, fault, plant.kept.count(), results)
    process = plant.relay()
    assert eventually(lambda: plant.kept.count() >= results, ENOUGH_S)
    assert eventually(lambda: plant.outbox.backlog().messages == 0, 60)
    stored = plant.kept.messages()
    assert [message["msg_id"] for message in stored] == plant.expected
    assert [message["seq"] for message in stored] == list(range(1, results + 1))
    deaths = plant.deaths()
    if results >= 10_000:
        assert deaths["before"] > 5
        assert deaths["after"] > 5
        assert plant.refused > 0
    logger.info(
        "%d results, %d relay kills, %s, consumer died %s, record refused %d times: all there, %.0f s",
        results, kills, dict(happened), dict(deaths), plant.refused, time.monotonic() - began,
    )  # fmt: skip
