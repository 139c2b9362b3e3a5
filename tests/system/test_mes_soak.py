"""Everything between the record and the MES is killed, again and again: nothing is lost, doubled or out of order."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import selectors
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from inspector.domain import MesError
from inspector.mes import MessageCounter, MqttLink, OutboxRelay, ResultMessages, Source
from inspector.mes.kept import KeptMessages
from inspector.store import Database, RecordStore, SqlOutbox
from tests.support.brokers import LINE, MES, MOSQUITTO, Mosquitto, eventually, running
from tests.support.reports import failed, passed

MESSAGES = ResultMessages(Source(enterprise="acme", site="north", area="boards", line="line-1", cell="cell-1"))
TOPICS = MESSAGES.topics
ENOUGH_S = 900.0


class Wire:
    """A TCP proxy before the broker, whose cable can be pulled."""

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self._gate = socket.create_server(("127.0.0.1", 0))
        self.port = self._gate.getsockname()[1]
        self._pulled, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def pull(self) -> None:
        self._pulled.set()

    def plug(self) -> None:
        self._pulled.clear()

    def close(self) -> None:
        self._ended.set()
        self._thread.join(10)
        self._gate.close()

    def _run(self) -> None:  # noqa: C901
        pairs: dict[socket.socket, socket.socket] = {}
        with selectors.DefaultSelector() as selector:
            selector.register(self._gate, selectors.EVENT_READ)

            def drop(end: socket.socket) -> None:
                for one in {end, pairs.pop(end, end)}:
                    pairs.pop(one, None)
                    selector.unregister(one)
                    one.close()

            while not self._ended.is_set():
                for key, _ in selector.select(0.05):
                    end = key.fileobj
                    assert isinstance(end, socket.socket)
                    if end is self._gate:
                        ours, _ = self._gate.accept()
                        try:
                            theirs = socket.create_connection(self._to, 1)
                        except OSError:
                            ours.close()
                            continue
                        pairs[ours], pairs[theirs] = theirs, ours
                        selector.register(ours, selectors.EVENT_READ)
                        selector.register(theirs, selectors.EVENT_READ)
                    elif end in pairs:
                        try:
                            data = end.recv(65_536)
                            pairs[end].sendall(data)
                        except OSError:
                            data = b""
                        if not data:
                            drop(end)
                if self._pulled.is_set():
                    for end in list(pairs):
                        if end in pairs:
                            drop(end)
            for end in list(pairs):
                if end in pairs:
                    drop(end)


def relay_until_killed(url: str, port: int, user: dict[str, str]) -> None:
    link = MqttLink(f"mqtt://127.0.0.1:{port}", client_id="line-1", **user)  # type: ignore[arg-type]
    relay = OutboxRelay(SqlOutbox(Database(url)), delivery="ack", ack_topic=TOPICS.ack, window=32, progress_s=0.5)
    link.attach(relay)
    relay.start()
    link.start()
    threading.Event().wait()


class Mes:
    """A consumer that stores and acknowledges, and crashes: before it commits, after it, and with its process."""

    def __init__(self, port: int, user: dict[str, str], file: Path, chance: random.Random) -> None:
        self._port, self._user, self._file, self._chance = port, user, file, chance
        self.crashes = 0
        self._start()

    def _start(self) -> None:
        self._kept = KeptMessages(self._file)
        self.counter = MessageCounter(
            f"mqtt://127.0.0.1:{self._port}",
            TOPICS.result,
            client_id="mes",
            ack_topic=TOPICS.ack,
            already=self._kept.already,
            on_result=self._commit,
            **self._user,  # type: ignore[arg-type]
        )
        self.counter.link.start()

    def _commit(self, message: dict[str, Any]) -> None:
        dice = self._chance.random()
        if dice < 0.002:
            self.crashes += 1
            raise MesError("crashed before the commit")
        self._kept.keep(message)
        if dice > 0.998:
            self.crashes += 1
            raise MesError("crashed after the commit, before the acknowledgement")

    def restart(self) -> None:
        self.close()
        self._start()

    def close(self) -> None:
        self.counter.link.close()
        self._kept.close()

    def count(self) -> int:
        return len(self._kept)

    def stored(self) -> list[dict[str, Any]]:
        text = self._file.read_bytes()
        return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'record.db'}"
    return str(request.getfixturevalue("postgres").empty())


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed (Debian: apt install mosquitto)")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("results", "kills"), [(400, 8), pytest.param(10_000, 200, marks=pytest.mark.soak)], ids=["short", "full"]
)
def test_whatever_is_killed_every_result_arrives_once_and_in_order(  # noqa: PLR0915
    url: str, results: int, kills: int, tmp_path: Path, stack: ExitStack
) -> None:
    chance = random.Random(20_260_301)
    broker = stack.enter_context(running(Mosquitto(tmp_path / "broker")))
    assert isinstance(broker, Mosquitto)
    wire = Wire(broker.port)
    stack.callback(wire.close)
    database = Database(url)
    stack.callback(database.close)
    record = RecordStore(database)
    expected: list[str] = []

    def inspect(count: int) -> None:
        for _ in range(count):
            number = len(expected)
            report = failed(number) if number % 10 == 0 else passed(number)
            record.record(report, pixels=None, texts={}, messages=[MESSAGES.result(report)])
            expected.append(str(report.id))

    mes = Mes(broker.port, broker.user(MES), tmp_path / "mes.jsonl", chance)
    stack.callback(mes.close)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.system.test_mes_soak"])

    def relay() -> Any:
        process = context.Process(target=relay_until_killed, args=(url, wire.port, broker.user(LINE)), daemon=True)
        process.start()
        return process

    def kill(process: Any) -> None:
        os.kill(process.pid, signal.SIGKILL)
        process.join(60)

    for number in range(kills):
        inspect(results // kills)
        process = relay()
        # Anywhere between its start, a few messages later, and a moment after the last.
        further = mes.count() + chance.randrange(2 * results // kills)
        eventually(lambda: mes.count() >= further, chance.uniform(0.2, 3.0))  # noqa: B023
        threading.Event().wait(chance.uniform(0.0, 0.02))
        match number % 8:
            case 2:
                wire.pull()
                threading.Event().wait(chance.uniform(0.0, 0.3))
                wire.plug()
            case 4:
                broker.kill()
                broker.start()
            case 6:
                mes.restart()
            case 7:  # with the consumer away
                mes.close()
                broker.kill()
                broker.start()
                mes.restart()
        kill(process)
    inspect(results - len(expected))
    process = relay()
    stack.callback(kill, process)
    assert eventually(lambda: mes.count() >= results, ENOUGH_S)
    stored = mes.stored()
    assert [message["msg_id"] for message in stored] == expected
    assert [message["seq"] for message in stored] == list(range(1, results + 1))
    assert eventually(lambda: SqlOutbox(database).backlog().messages == 0, 60)
