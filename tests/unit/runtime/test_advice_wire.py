"""The office's later decisions reach the line, and what the line cannot use does it no harm."""

from __future__ import annotations

import asyncio
import socket
from datetime import datetime
from pathlib import Path

import pytest

from inspector.domain import Decision, Disposition
from inspector.runtime.advice_wire import LONGEST_TEXT, AdviceReceiver, AdviceSender
from inspector.runtime.signals import socket_path
from inspector.runtime.station import _heed
from tests.unit.runtime.fakes import trigger

STOP = Disposition(Decision.STOP_LINE, "policy", "open on 3 of the latest 5 parts", "advisor")


async def test_a_decision_arrives_with_the_trigger_it_is_about(tmp_path: Path) -> None:
    receiver, sender = AdviceReceiver(tmp_path), AdviceSender(tmp_path)
    try:
        sender.send(trigger(7), STOP)
        word = await anext(receiver.words())
        assert (word.sequence, word.at, word.disposition) == (7, trigger(7).at, STOP)
    finally:
        sender.close()
        receiver.close()


async def test_what_cannot_be_read_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    receiver, sender = AdviceReceiver(tmp_path), AdviceSender(tmp_path)
    raw = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        for text in (b"", b"{", b"[]", b'{"sequence": "x", "decision": "EXPLODE"}', b"\xff"):
            raw.sendto(text, socket_path(tmp_path, "advice"))
        sender.send(trigger(1), Disposition(Decision.SCRAP, "policy", "x" * 10_000, "advisor"))
        word = await anext(receiver.words())
        assert (word.disposition.decision, len(word.disposition.text)) == (Decision.SCRAP, LONGEST_TEXT)
        assert caplog.text.count("cannot be read") == 5
    finally:
        raw.close()
        sender.close()
        receiver.close()


def test_a_sender_nobody_listens_to_goes_on(tmp_path: Path) -> None:
    sender = AdviceSender(tmp_path)
    for _ in range(500):
        sender.send(trigger(1), STOP)
    sender.close()


async def test_the_line_passes_it_to_a_plc_that_can_be_told_and_to_no_other(tmp_path: Path) -> None:
    told: asyncio.Queue[tuple[int, Decision]] = asyncio.Queue()

    class Source:
        async def amend(self, sequence: int, at: datetime, disposition: Disposition) -> bool:
            told.put_nowait((sequence, disposition.decision))
            return True

    for source, expected in ((Source(), [(7, Decision.STOP_LINE)]), (object(), [])):
        receiver, sender = AdviceReceiver(tmp_path), AdviceSender(tmp_path)
        task = asyncio.create_task(_heed(receiver, source))  # type: ignore[arg-type]
        sender.send(trigger(7), STOP)
        if expected:
            assert [await asyncio.wait_for(told.get(), 60)] == expected
        else:
            await asyncio.sleep(0)
            assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        sender.close()
        receiver.close()
