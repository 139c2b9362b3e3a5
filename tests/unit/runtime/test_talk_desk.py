"""Office and voice process together, with ears that hear what they are told: who said it, and what comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.domain import (
    Command,
    Conversation,
    HoldLine,
    Person,
    Role,
    Said,
    SaidKind,
    Transcript,
    VoiceDesk,
    VoiceError,
)
from inspector.runtime import talk_desk
from inspector.runtime.ear_wire import vocabulary_from_json, vocabulary_to_json
from inspector.runtime.listening import _Room
from inspector.runtime.talk_desk import LineVoiceDesk
from inspector.voice import (
    DEFAULT_GATE,
    RATE,
    Dialogue,
    EnergyDetector,
    Grammar,
    Interpreter,
    RefusedSpeech,
    Vocabulary,
)

pytest.importorskip("soxr", reason="the extra 'voice' is not installed")

JAN, MEI = Person("jan", Role.OPERATOR), Person("mei", Role.QUALITY)
PHRASES = {"en": "hello inspector"}
SOUND = np.round(3000 * np.sin(np.arange(RATE // 5) / 5)).astype("<i2").tobytes()


class Ears:
    """Hears the next of its sentences at each press, whatever is said."""

    def __init__(self) -> None:
        self.sentences: list[tuple[str, float]] = []
        self.grammars: list[Grammar] = []
        self.breaks = False
        self.hangs = False

    def __call__(self, grammar: Grammar) -> Hearing:
        self.grammars.append(grammar)
        return Hearing(self)


class Hearing:
    def __init__(self, ears: Ears) -> None:
        self._ears, self._fed = ears, False

    def feed(self, pcm: NDArray[np.int16]) -> Transcript | None:
        if self._ears.breaks:
            raise VoiceError("the speech model failed")
        self._fed = True
        return Transcript("what is heard so far", 0.0, final=False)

    def flush(self) -> Transcript | None:
        if not self._fed:
            return None
        self._fed = False
        return Transcript(*self._ears.sentences.pop(0), final=True)

    def close(self) -> None:
        return


class Line:
    def __init__(self) -> None:
        self.done: list[tuple[Command, Person]] = []

    def objection(self, command: Command) -> str:
        return ""

    def apply(self, command: Command, person: Person) -> None:
        self.done.append((command, person))

    def answer(self, command: Command, language: str) -> str:
        return "42 parts"


class Trail:
    def __init__(self) -> None:
        self.entries: list[tuple[str, dict[str, object]]] = []

    def add(self, person: Person, act: str, subject: str = "", detail: str = "") -> None:
        self.entries.append((person.name, json.loads(detail)))


class Beep:
    def speak(self, text: str, language: str) -> bytes:
        return f"RIFF {language}: {text}".encode()


class Plant:
    """Everything around a conversation, in the hand."""

    def __init__(self, folder: Path) -> None:
        self.address, self.ears, self.line, self.trail = str(folder / "ears.sock"), Ears(), Line(), Trail()
        self.parts = ["0042"]
        codes = iter(("73", "26"))
        self.refused = folder / "refused"
        self.desk = LineVoiceDesk(
            self.address,
            vocabulary=lambda language: Vocabulary(parts=tuple(self.parts), lots=()),
            dialogue=lambda interpreter, language: Dialogue(
                interpreter,
                self.line,
                self.trail,
                gate=DEFAULT_GATE,
                language=language,
                new_code=codes.__next__,
            ),
            languages=("en", "zh"),
            code_s=15.0,
            wake_phrases=PHRASES,
            spoken=True,
            keep=True,
        )

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[asyncio.Server]:
        room = _Room(
            {"en": self.ears, "zh": self.ears},
            Beep(),
            RefusedSpeech(self.refused, 1.0),
            PHRASES,
            detector=EnergyDetector,
        )
        server = await asyncio.start_unix_server(room.talk, path=self.address)
        try:
            yield server
        finally:
            server.close()
            room.close()

    @asynccontextmanager
    async def talking(self, language: str = "en") -> AsyncIterator[Conversation]:
        async with self.listening():
            talk = await self.desk.open(language)
            try:
                yield talk
            finally:
                await talk.close()


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return Plant(tmp_path)


async def word(talk: Conversation, kind: SaidKind) -> Said:
    """Return the next word of this kind."""
    while True:
        said = await asyncio.wait_for(talk.said(), 60)
        if said.kind is kind:
            return said


async def press(plant: Plant, talk: Conversation, sentence: str, person: Person, confidence: float = 0.99) -> None:
    plant.ears.sentences.append((sentence, confidence))
    await talk.press(RATE)
    await talk.hear(SOUND)
    await talk.release(person)


def test_the_ports_are_kept(plant: Plant) -> None:
    assert isinstance(plant.desk, VoiceDesk)


async def test_a_stop_is_done_for_whoever_pressed_and_read_back(plant: Plant) -> None:
    async with plant.talking() as talk:
        await press(plant, talk, "stop", JAN)
        assert (await word(talk, SaidKind.PARTIAL)).text == "what is heard so far"
        assert (await word(talk, SaidKind.DONE)).text == "Done: hold the line."
        assert (await word(talk, SaidKind.SPEECH)).speech == b"RIFF en: Done: hold the line."
    assert plant.line.done == [(HoldLine("jan", "spoken command"), JAN)]
    who, detail = plant.trail.entries[0]
    assert (who, detail["effect"]) == ("jan", "applied")
    assert len(str(detail["audio_sha256"])) == 64


async def test_one_asks_another_confirms(plant: Plant) -> None:
    async with plant.talking() as talk:
        await press(plant, talk, "release the line", MEI)
        asked = await word(talk, SaidKind.ASKING)
        assert (asked.code, asked.code_s, asked.heard) == ("73", 15.0, "release the line")
        await press(plant, talk, "confirm seven three", JAN)
        assert "not allowed for the role operator" in (await word(talk, SaidKind.REFUSED)).text
        assert plant.line.done == []
        await talk.type("confirm 73", MEI)
        assert (await word(talk, SaidKind.DONE)).text == "Done: release the line."
    assert plant.line.done[0][1] is MEI


async def test_what_is_not_sure_is_no_command_and_is_kept_where_the_line_keeps_it(plant: Plant) -> None:
    async with plant.talking() as talk:
        await press(plant, talk, "release the line", MEI, confidence=0.2)
        assert "not sure" in (await word(talk, SaidKind.HINT)).text
        await press(plant, talk, "how many parts", MEI)  # what was said before it is dealt with by now
        await word(talk, SaidKind.ANSWER)
    assert plant.line.done == []
    assert len(list(plant.refused.glob("*.wav"))) == 1


async def test_silence_is_said(plant: Plant) -> None:
    async with plant.talking() as talk:
        await talk.press(RATE)
        await talk.hear(bytes(RATE))
        plant.ears.sentences.append(("", 0.0))
        await talk.release(JAN)
        assert "gives no sound" in (await word(talk, SaidKind.HINT)).text


async def test_new_parts_can_be_spoken_about_at_the_next_press(plant: Plant) -> None:
    async with plant.talking() as talk:
        await press(plant, talk, "hold part 0043", JAN)
        assert "no part 0043" in (await word(talk, SaidKind.HINT)).text
        plant.parts.insert(0, "0043")
        await press(plant, talk, "hold part 0043", JAN)
        await word(talk, SaidKind.DONE)
        await press(plant, talk, "how many parts", JAN)
        await word(talk, SaidKind.ANSWER)
    assert [grammar.vocabulary.parts for grammar in plant.ears.grammars] == [("0042",), ("0043", "0042")]


async def test_another_language(plant: Plant) -> None:
    async with plant.talking("zh") as talk:
        await press(plant, talk, "停机", JAN)
        assert (await word(talk, SaidKind.DONE)).text == "已完成：暂停产线。"
    async with plant.talking("ko") as talk:  # nobody listens in Korean: the default
        await press(plant, talk, "stop", JAN)
        assert (await word(talk, SaidKind.DONE)).text == "Done: hold the line."


async def test_where_nobody_listens_that_is_said_and_typing_goes_on(plant: Plant) -> None:
    talk = await plant.desk.open("en")
    await talk.press(RATE)
    await talk.hear(SOUND)
    await talk.release(JAN)
    assert "not there" in (await word(talk, SaidKind.AWAY)).text
    await talk.type("stop", JAN)
    await word(talk, SaidKind.DONE)
    await talk.close()
    assert len(plant.line.done) == 1


async def test_a_voice_that_comes_back_is_found_by_the_next_press(plant: Plant) -> None:
    talk = await plant.desk.open("en")
    await talk.press(RATE)
    await word(talk, SaidKind.AWAY)
    async with plant.listening():
        await press(plant, talk, "stop", JAN)
        await word(talk, SaidKind.DONE)
        await talk.close()


async def test_a_voice_that_hangs_is_given_up(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk_desk, "PATIENCE_S", 0.05)
    over = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_unix_server(deaf, path=plant.address)
    talk = await plant.desk.open("en")
    await press(plant, talk, "release the line", MEI)
    await word(talk, SaidKind.AWAY)
    await talk.close()
    over.set()
    server.close()
    await server.wait_closed()
    assert plant.line.done == []
    assert plant.trail.entries == []


async def test_a_model_that_fails_commands_nothing(plant: Plant) -> None:
    async with plant.talking() as talk:
        plant.ears.breaks = True
        await press(plant, talk, "release the line", MEI)
        await word(talk, SaidKind.AWAY)
    assert plant.line.done == []


async def test_a_press_that_begins_anew_drops_the_one_before(plant: Plant) -> None:
    async with plant.talking() as talk:
        await talk.press(RATE)
        await talk.hear(SOUND)
        await word(talk, SaidKind.PARTIAL)
        plant.ears.sentences.append(("release the line", 0.99))  # heard of the press that nobody ended
        await press(plant, talk, "stop", JAN)
        assert (await word(talk, SaidKind.DONE)).heard == "stop"


# --- an open microphone -----------------------------------------------------------------------------------


async def overheard(plant: Plant, talk: Conversation, sentence: str, confidence: float = 0.99) -> None:
    """Let somebody say a sentence into the open microphone, and then be silent."""
    plant.ears.sentences.append((sentence, confidence))
    for pcm in (bytes(RATE), SOUND * 3, bytes(2 * RATE)):
        await talk.hear(pcm)


def owner(person: Person | None) -> Callable[[], Awaitable[Person | None]]:
    async def whose() -> Person | None:
        return person

    return whose


async def test_with_its_phrase_a_command_is_done_and_without_nothing_is_even_written(plant: Plant) -> None:
    async with plant.talking() as talk:
        await talk.listen(RATE, owner(JAN))
        await overheard(plant, talk, "release the line")
        await overheard(plant, talk, "")
        await overheard(plant, talk, "hello inspector hold the line", confidence=0.1)
        await overheard(plant, talk, "hello inspector stop")
        first = await asyncio.wait_for(talk.said(), 60)
    assert (first.kind, first.heard, first.text) == (SaidKind.DONE, "stop", "Done: hold the line.")
    assert plant.line.done == [(HoldLine("jan", "spoken command"), JAN)]
    assert [(who, detail["text"]) for who, detail in plant.trail.entries] == [("jan", "stop")]
    assert not plant.refused.exists()


async def test_what_releases_still_waits_for_its_code(plant: Plant) -> None:
    async with plant.talking() as talk:
        await talk.listen(RATE, owner(MEI))
        await overheard(plant, talk, "hello inspector release the line")
        assert (await word(talk, SaidKind.ASKING)).code == "73"
        await overheard(plant, talk, "confirm seven three")
        await overheard(plant, talk, "hello inspector confirm seven three")
        assert (await word(talk, SaidKind.DONE)).text == "Done: release the line."
    assert len(plant.line.done) == 1


async def test_where_the_session_has_ended_nobody_commands(plant: Plant) -> None:
    asked = asyncio.Event()

    async def nobody() -> Person | None:
        asked.set()
        return None

    async with plant.talking() as talk:
        await talk.listen(RATE, nobody)
        await overheard(plant, talk, "hello inspector stop")
        await asyncio.wait_for(asked.wait(), 60)
    assert plant.line.done == []
    assert plant.trail.entries == []


async def test_the_key_works_without_the_phrase_and_the_microphone_may_be_left_open_again(plant: Plant) -> None:
    async with plant.talking() as talk:
        await talk.listen(RATE, owner(JAN))
        await talk.hear(bytes(RATE) + SOUND)  # somebody speaks, and is not heard to the end
        await press(plant, talk, "stop", JAN)
        await word(talk, SaidKind.DONE)
        await talk.listen(RATE, owner(JAN))
        await overheard(plant, talk, "hello inspector how many parts")
        assert (await word(talk, SaidKind.ANSWER)).heard == "how many parts"
        await talk.rest()
        await talk.hear(bytes(RATE) + SOUND * 3 + bytes(2 * RATE))
        await press(plant, talk, "status", JAN)
        assert (await word(talk, SaidKind.ANSWER)).heard == "status"


async def test_a_part_made_while_the_microphone_is_open_can_be_spoken_about(plant: Plant) -> None:
    async with plant.talking() as talk:
        await talk.listen(RATE, owner(JAN))
        plant.parts.insert(0, "0043")
        await overheard(plant, talk, "hello inspector how many parts")  # the words are read anew as somebody begins
        await word(talk, SaidKind.ANSWER)
        await overheard(plant, talk, "hello inspector hold part 0043")
        assert (await word(talk, SaidKind.DONE)).text == "Done: hold part 0043."


async def test_without_a_phrase_no_microphone_is_left_open(plant: Plant) -> None:
    async with plant.talking("zh") as talk:
        await talk.listen(RATE, owner(JAN))
        await word(talk, SaidKind.AWAY)


async def test_a_model_that_fails_closes_the_open_microphone(plant: Plant) -> None:
    async with plant.talking() as talk:
        await talk.listen(RATE, owner(MEI))
        plant.ears.breaks = True
        await overheard(plant, talk, "hello inspector release the line")
        await word(talk, SaidKind.AWAY)
    assert plant.line.done == []


@pytest.mark.parametrize("parts", [None, (), ("0042", "B-7")])
def test_the_words_arrive_as_they_were_sent(parts: tuple[str, ...] | None) -> None:
    sent = Vocabulary(parts=parts, lots=None, recipes={"class-2": ("two",)}, defects={"open": ()})
    assert vocabulary_from_json(json.loads(json.dumps(vocabulary_to_json(sent)))) == sent


def test_words_that_are_none_are_refused() -> None:
    with pytest.raises(VoiceError, match="no words of a line"):
        vocabulary_from_json({"parts": 3})


def test_the_dialogue_reads_what_the_office_knows(plant: Plant) -> None:
    words = plant.desk._latest("en")
    assert isinstance(words.interpreter, Interpreter)
    assert plant.desk._latest("en") is words
