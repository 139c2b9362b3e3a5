"""A line that runs is kept, lost and put together again: no part or message that was kept is missing or doubled."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inspector.domain import Counts, Person, Role, StoreError
from inspector.mes import MessageCounter
from inspector.runtime.backup import back_up, restore
from inspector.runtime.plant import Plant
from inspector.runtime.vault import Manifest
from inspector.settings import load_line
from tests.support.brokers import LINE, MES, MOSQUITTO, PASSWORDS, Mosquitto, eventually, running

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed (Debian: apt install mosquitto)"),
]

ADMIN = Person("shell:root", Role.ADMIN)
SHIPPED = Path(__file__).parents[2] / "line_configs"
PARTS, KEPT_AFTER, AGAIN = 12, 4, 6
TOPIC = "v1/acme/north/boards/virtual-board/cell-1/inspection"


def quiet(_what: str, _done: int, _of: int) -> None:
    """No bar in a test."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    made = Mosquitto(tmp_path / "broker")
    with running(made):
        yield made


@pytest.fixture
def yaml(tmp_path: Path, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BACKUP_TEST_PASSWORD", PASSWORDS[LINE])
    file = tmp_path / "etc" / "line.yaml"
    (file.parent / "golden").mkdir(parents=True)
    shutil.copy(SHIPPED / "golden" / "virtual-board.png", file.parent / "golden")
    text = (SHIPPED / "virtual-board.yaml").read_text(encoding="utf-8")
    login = f"  username: {LINE}\n  password_env: BACKUP_TEST_PASSWORD\n"
    for old, new in {
        "mes:\n  kind: embedded\n": f"mes:\n  kind: mqtt\n  url: {broker.url}\n{login}  delivery: ack\n",
        "  kind: embedded # who": "  kind: template # who",
        "  deadline_ms: 300 #": "#",
        "deadline_ms: 500": "deadline_ms: 30000",
        "  timeout_s: 2\n": "  timeout_s: 2\n  cycle_ms: 150\n",
    }.items():
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    return file


def test_a_running_line_is_kept_lost_and_goes_on(tmp_path: Path, yaml: Path, broker: Mosquitto) -> None:
    data, folder = tmp_path / "data", tmp_path / "backup"
    stored: list[dict[str, Any]] = []
    consumer = MessageCounter(
        broker.url, f"{TOPIC}/result", ack_topic=f"{TOPIC}/ack", client_id="mes", on_result=stored.append,
        **broker.user(MES),
    )  # fmt: skip
    consumer.start()
    made: list[Manifest] = []
    try:
        with Plant(load_line(yaml, data=data), data=data, parts=PARTS, screen=False) as plant:

            def keep(counts: Counts) -> None:
                if counts.total >= KEPT_AFTER and not made:
                    made.append(back_up(yaml, data, folder, quiet))
                    with pytest.raises(StoreError, match="its line runs"):
                        restore(folder, yaml, data, quiet, by=ADMIN)

            plant.run(lambda: False, on_look=keep)
        assert eventually(lambda: len(stored) == PARTS, 120)
        kept = made[0].record
        assert kept is not None
        assert KEPT_AFTER <= kept.parts <= PARTS

        shutil.rmtree(data)
        shutil.rmtree(yaml.parent)
        restore(folder, yaml, data, quiet, by=ADMIN)
        with Plant(load_line(yaml, data=data), data=data, parts=AGAIN, screen=False) as plant:
            summary = plant.run(lambda: False)
        # What was in the journal when it was kept is recorded now, and is no news to the MES.
        waited = sum(kept.path.endswith(".answered") for kept in made[0].files)
        assert AGAIN <= summary.records <= AGAIN + waited
        assert eventually(lambda: len(stored) == PARTS + AGAIN, 120)
    finally:
        consumer.close()
    numbers = [message["seq"] for message in stored]
    assert numbers == sorted(set(numbers))
    assert len({message["msg_id"] for message in stored}) == PARTS + AGAIN
    assert numbers[:PARTS] == list(range(1, PARTS + 1))
    assert numbers[PARTS:] == list(range(numbers[PARTS], numbers[PARTS] + AGAIN))
