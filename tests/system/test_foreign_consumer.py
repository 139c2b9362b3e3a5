"""A consumer of another make (npm ``mqtt``), written from docs/mes.md alone, gets every result."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from inspector.mes import MqttLink, OutboxRelay, ResultMessages, Source
from inspector.store import Database, RecordStore, SqlOutbox
from tests.support.brokers import LINE, MES, MOSQUITTO, PASSWORDS, Mosquitto, eventually, running
from tests.support.foreign import FOREIGN, npm_package
from tests.support.reports import failed, passed

SCRIPT = FOREIGN / "consumer.mjs"
MESSAGES = ResultMessages(Source(enterprise="acme", site="north", area="boards", line="line-1", cell="cell-1"))
COUNT = 60


@pytest.fixture(scope="module")
def modules() -> Path:
    return npm_package("mqtt")


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed (Debian: apt install mosquitto)")
def test_a_foreign_consumer_gets_every_result_once_and_in_order(modules: Path, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'record.db'}")
    record, outbox, expected = RecordStore(database), SqlOutbox(database), []
    for number in range(COUNT):
        report = failed(number) if number % 3 == 0 else passed(number, part_id=f"Prüfling-{number}-板")
        record.record(report, pixels=None, texts={}, messages=[MESSAGES.result(report)])
        expected.append((number + 1, str(report.id), report.trigger.part_id))
    topics = MESSAGES.topics
    with running(Mosquitto(tmp_path / "broker")) as broker:
        foreign = subprocess.Popen(
            ["node", str(SCRIPT), str(modules), broker.url, topics.result, topics.ack, MES, PASSWORDS[MES], str(COUNT)],
            stdout=subprocess.PIPE,
            text=True,
        )
        link = MqttLink(broker.url, client_id="line-1", **broker.user(LINE))
        relay = OutboxRelay(outbox, delivery="ack", ack_topic=topics.ack, progress_s=0.5)
        link.attach(relay)
        try:
            assert foreign.stdout is not None
            assert foreign.stdout.readline() == "ready\n"
            relay.start()
            link.start()
            printed = foreign.stdout.read()
            assert foreign.wait(60) == 0
            assert eventually(lambda: outbox.backlog().messages == 0, 60)
        finally:
            foreign.kill()
            foreign.communicate()
            relay.stop()
            link.close()
            database.close()
    heard = [json.loads(line) for line in printed.splitlines()]
    assert [(message["seq"], message["msg_id"], message["serial"]) for message in heard] == expected
