"""Both ends of the way to the MES as processes of their own, made to be killed."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
from pathlib import Path
from typing import Any

from inspector.domain import StoreError
from inspector.mes import MessageCounter, MqttLink, OutboxRelay, ResultMessages, Source
from inspector.mes.kept import KeptMessages
from inspector.store import Database, SqlOutbox

__all__ = ["MESSAGES", "Kept", "consume_until_killed", "relay_until_killed"]

MESSAGES = ResultMessages(Source(enterprise="acme", site="north", area="boards", line="line-1", cell="cell-1"))
STUMBLES = 0.002  # of the messages: the consumer dies before it commits, and as often after


def relay_until_killed(url: str, port: int, user: dict[str, str]) -> None:
    link = MqttLink(f"mqtt://127.0.0.1:{port}", client_id="line-1", **user)  # type: ignore[arg-type]
    relay = OutboxRelay(
        SqlOutbox(Database(url)), delivery="ack", ack_topic=MESSAGES.topics.ack, window=32, progress_s=0.5
    )
    link.attach(relay)
    relay.start()
    link.start()
    threading.Event().wait()


def consume_until_killed(port: int, user: dict[str, str], file: Path, diary: Path, seed: int) -> None:
    """Store and acknowledge; die now and then with kill -9, before a commit or between it and its acknowledgement."""
    chance = random.Random(seed)
    try:
        kept = KeptMessages(file)
    except StoreError:  # the disk is full: somebody starts us again
        return

    def die(when: str) -> None:
        with diary.open("a", encoding="utf-8") as deaths:
            deaths.write(f"{when}\n")
        os.kill(os.getpid(), signal.SIGKILL)

    def commit(message: dict[str, Any]) -> None:
        dice = chance.random()
        if dice < STUMBLES:
            die("before")
        kept.keep(message)
        if dice > 1 - STUMBLES:
            die("after")

    counter = MessageCounter(
        f"mqtt://127.0.0.1:{port}",
        MESSAGES.topics.result,
        client_id="mes",
        ack_topic=MESSAGES.topics.ack,
        already=kept.already,
        on_result=commit,
        **user,  # type: ignore[arg-type]
    )
    counter.link.start()
    threading.Event().wait()


class Kept:
    """What a consumer has stored, followed from outside; a line that is not whole does not count."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._whole, self._lines = 0, 0

    def count(self) -> int:
        if self._file.exists():
            with self._file.open("rb") as stored:
                stored.seek(self._whole)
                new = stored.read()
            self._whole += new.rfind(b"\n") + 1
            self._lines += new.count(b"\n")
        return self._lines

    def messages(self) -> list[dict[str, Any]]:
        if not self._file.exists():
            return []
        text = self._file.read_bytes()
        return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]
