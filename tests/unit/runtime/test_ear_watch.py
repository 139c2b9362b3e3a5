"""The lamp of the voice: good while somebody listens, and since when nobody does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inspector.runtime.ear_watch import EarWatch
from inspector.runtime.listening import _Room


class Voice:
    """The voice process's door, in this process; its room can be empty, furnished or gone."""

    def __init__(self, address: str) -> None:
        self.address, self.room = address, _Room()
        self._loop = asyncio.new_event_loop()
        self._open, self._stop = threading.Event(), asyncio.Event()
        self._talks: set[asyncio.StreamWriter] = set()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks.add(writer)
        await self.room.talk(reader, writer)

    async def _serve(self) -> None:
        server = await asyncio.start_unix_server(self._talk, path=self.address)
        self._open.set()
        await self._stop.wait()
        server.close()
        for talk in self._talks:
            talk.close()
        await asyncio.sleep(0)
        self.room.close()

    @contextmanager
    def there(self) -> Iterator[None]:
        thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        thread.start()
        assert self._open.wait(60)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._stop.set)
            thread.join()
            self._loop.run_until_complete(asyncio.wait(asyncio.all_tasks(self._loop)) if asyncio.all_tasks(self._loop)
                                          else asyncio.sleep(0))  # fmt: skip
            self._loop.close()
            Path(self.address).unlink()


@contextmanager
def watching(address: str, **options: float) -> Iterator[EarWatch]:
    watch = EarWatch(address, **options)
    watch.start()
    try:
        yield watch
    finally:
        watch.close()


def until(seen: Callable[[], bool]) -> None:
    limit = threading.Event()
    for _ in range(1200):
        if seen():
            return
        limit.wait(0.05)
    pytest.fail("not within a minute")


def test_the_lamp_is_good_once_somebody_listens_and_bad_when_nobody_answers(tmp_path: Path) -> None:
    address = str(tmp_path / "ears.sock")
    with watching(address) as watch:
        assert watch.lamp().good is None  # it is started last: nobody misses it yet
        voice = Voice(address)
        with voice.there():
            until(lambda: "loaded" in watch.lamp().detail)
            assert watch.lamp().good is None
            voice.room.ears = {"en": lambda grammar: pytest.fail("nobody was asked to listen")}
            until(lambda: watch.lamp().good is True)
            good = watch.lamp()
            assert good.detail == ""
        until(lambda: watch.lamp().good is False)
        bad = watch.lamp()
        assert bad.since > good.since
        assert "does not answer" in bad.detail
        again = Voice(address)
        again.room.ears = voice.room.ears
        with again.there():
            until(lambda: watch.lamp().good is True)


def test_a_voice_that_never_comes_is_missed_after_a_while(tmp_path: Path) -> None:
    with watching(str(tmp_path / "nobody.sock"), start_s=0.0) as watch:
        until(lambda: watch.lamp().good is False)


def test_a_voice_that_hangs_is_as_good_as_none(tmp_path: Path) -> None:
    address = str(tmp_path / "ears.sock")
    voice = Voice(address)

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    voice.room.talk = hang
    with voice.there(), watching(address, start_s=0.0, patience_s=0.2) as watch:
        until(lambda: watch.lamp().good is False)
