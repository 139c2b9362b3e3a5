"""Nothing is done by accident, by the radio or by the wrong person; what stops something always is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.domain import (
    NOBODY,
    Ask,
    Command,
    Decision,
    HoldLine,
    Override,
    Person,
    PlcLost,
    Query,
    ReleaseLine,
    Role,
    SelectRecipe,
    StoreError,
)
from inspector.voice import (
    DEFAULT_GATE,
    SPOKEN,
    Dialogue,
    Grammar,
    Interpreter,
    Kind,
    Reply,
    Vocabulary,
)

OPERATOR = Person("olga", Role.OPERATOR)
QUALITY = Person("quentin", Role.QUALITY)
LEAD = Person("lena", Role.ENGINEER)


class Line:
    """A desk that remembers what was done."""

    def __init__(self) -> None:
        self.done: list[tuple[Command, str]] = []
        self.asked: list[Command] = []
        self.changeover = False
        self.broken = False
        self.lost = False

    def objection(self, command: Command) -> str:
        if self.lost:
            raise StoreError("the record is away")
        return "a changeover is running" if self.changeover else ""

    def apply(self, command: Command, person: Person) -> None:
        if self.broken:
            raise PlcLost("the PLC is away")
        self.done.append((command, person.name))

    def answer(self, command: Command, language: str) -> str:
        if self.broken:
            raise StoreError("the record is away")
        self.asked.append(command)
        return f"answer {command} {language}"


class Trail:
    def __init__(self) -> None:
        self.entries: list[tuple[Person, str, str, dict[str, object]]] = []
        self.full = False

    def add(self, person: Person, act: str, subject: str = "", detail: str = "") -> None:
        if self.full:
            raise StoreError("disk full")
        self.entries.append((person, act, subject, json.loads(detail)))


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Talk:
    """A dialogue with everything around it in the hand."""

    def __init__(self, grammar: Grammar, language: str = "en") -> None:
        self.line, self.trail, self.clock = Line(), Trail(), Clock()
        self._codes: Iterator[str] = iter(["73", "73", "26", "81", "35", "17", "62", "13"])
        self.dialogue = Dialogue(
            Interpreter(grammar),
            self.line,
            self.trail,
            gate=DEFAULT_GATE,
            language=language,
            clock=self.clock,
            new_code=lambda: next(self._codes),
        )

    def say(self, text: str, person: Person = QUALITY, confidence: float = 1.0) -> Reply:
        return self.dialogue.say(text, person, confidence=confidence)


@pytest.fixture
def talk(grammars: dict[str, Grammar]) -> Talk:
    return Talk(grammars["en"])


def test_a_release_is_read_back_and_waits_for_its_code(talk: Talk) -> None:
    reply = talk.say("accept part 0042")
    assert (reply.kind, reply.text, reply.code) == (Kind.ASKING, "accept part 0042? Say: confirm 7 3.", "73")
    assert talk.line.done == []
    assert talk.say("confirm seven three").kind is Kind.DONE
    assert talk.line.done == [(Override("0042", Decision.ACCEPT, "quentin", "spoken command"), "quentin")]


def test_a_hold_needs_nobody_and_no_code(talk: Talk) -> None:
    assert talk.say("stop", NOBODY).kind is Kind.DONE
    assert talk.line.done == [(HoldLine("nobody", "spoken command"), "nobody")]


@pytest.mark.parametrize("said", ["release the line", "accept part 0042", "scrap part 0042", "select recipe class two"])
def test_the_wrong_person_changes_nothing(talk: Talk, said: str) -> None:
    reply = talk.say(said, NOBODY)
    assert reply.kind is Kind.REFUSED
    assert "not allowed for the role guest" in reply.text
    assert talk.dialogue.waiting_for == ""
    assert talk.line.done == []


def test_only_somebody_who_may_release_can_confirm(talk: Talk) -> None:
    talk.say("release the line", QUALITY)
    assert talk.say("confirm 73", OPERATOR).kind is Kind.REFUSED
    assert talk.line.done == []
    talk.say("confirm 73", LEAD)
    assert talk.line.done == [(ReleaseLine("quentin"), "lena")]


def test_two_wrong_codes_cancel(talk: Talk) -> None:
    talk.say("accept part 0042")
    assert talk.say("confirm 37").kind is Kind.ASKING
    assert "cancelled" in talk.say("confirm 12").text
    assert talk.say("confirm 73").kind is Kind.HINT
    assert talk.line.done == []


def test_a_code_expires(talk: Talk) -> None:
    talk.say("accept part 0042")
    talk.clock.wait(10)
    assert talk.dialogue.waiting_for == ""
    assert "expired" in talk.say("confirm 73").text
    assert talk.line.done == []


def test_a_code_is_fresh_each_time(talk: Talk) -> None:
    assert talk.say("accept part 0042").code == "73"
    assert talk.say("accept part 0042").code == "26"  # 73 came up again and was passed over
    talk.say("confirm 73")
    assert talk.line.done == []


def test_a_code_is_good_once(talk: Talk) -> None:
    talk.say("accept part 0042")
    talk.say("confirm 73")
    talk.say("confirm 73")
    assert len(talk.line.done) == 1


def test_cancel(talk: Talk) -> None:
    talk.say("accept part 0042")
    assert talk.say("cancel").kind is Kind.CANCELLED
    assert talk.say("confirm 73").kind is Kind.HINT
    assert talk.say("cancel").text == "There is nothing to cancel."
    assert talk.line.done == []


def test_one_slot_is_corrected_and_asked_again(talk: Talk) -> None:
    talk.say("accept part 0042")
    reply = talk.say("correction part B1007")
    assert reply.text == "accept part B1007? Say: confirm 2 6."
    talk.say("confirm 26")
    assert talk.line.done[0][0] == Override("B1007", Decision.ACCEPT, "quentin", "spoken command")
    assert talk.say("correction part 0042").text == "There is nothing to correct."


def test_a_correction_cannot_be_made_by_somebody_who_may_not_ask(talk: Talk) -> None:
    talk.say("accept part 0042", QUALITY)
    assert talk.say("correction part B1007", OPERATOR).kind is Kind.REFUSED


def test_repeat(talk: Talk) -> None:
    assert talk.say("repeat").text == "Nothing has been said yet."
    asked = talk.say("accept part 0042")
    assert talk.say("repeat that") == asked
    assert talk.say("say again") == asked


def test_a_stop_overtakes_what_was_asked(talk: Talk) -> None:
    talk.say("release the line")
    talk.say("stop", NOBODY)
    talk.say("confirm 73")
    assert [type(command) for command, _ in talk.line.done] == [HoldLine]


def test_a_question_leaves_an_act_waiting(talk: Talk) -> None:
    talk.say("accept part 0042")
    assert talk.say("why did part 0042 fail").code == "73"
    assert talk.line.asked == [Ask(Query.WHY, "0042")]
    assert talk.say("confirm 73").kind is Kind.DONE


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("what a lovely day", "I did not understand"),
        ("", "I heard nothing"),
        ("accept part", "I did not understand"),
        ("accept part 42", "no part 42"),
        ("accept part 99999999999999", "no part 99999999999999"),
        ("accept part 042", "Several parts end in 042"),
        ("release lot 7", "no lot 7"),
        ("stop talking and listen", "I did not understand"),
        ("confirm 73", "nothing to confirm"),
    ],
)
def test_what_is_not_clear_is_a_no_op_with_a_hint(talk: Talk, said: str, hint: str) -> None:
    reply = talk.say(said, LEAD)
    assert reply.kind is Kind.HINT
    assert hint in reply.text
    assert talk.line.done == []
    assert talk.dialogue.waiting_for == ""


@pytest.mark.parametrize(
    ("said", "believed"), [("accept part 0042", 0.99), ("acknowledge the alarm", 0.9), ("status", 0.75), ("stop", 0.6)]
)
def test_the_riskier_the_surer(talk: Talk, said: str, believed: float) -> None:
    risk = {"accept part 0042": "release", "acknowledge the alarm": "change", "status": "question", "stop": "safe"}[
        said
    ]
    bar = DEFAULT_GATE.bars[risk]  # type: ignore[index]
    assert "not sure" in talk.say(said, QUALITY, confidence=bar - 0.01).text
    assert talk.line.done == []
    assert "not sure" not in talk.say(said, QUALITY, confidence=bar).text


def test_release_asks_for_more_confidence_than_stop() -> None:
    bars = DEFAULT_GATE.bars
    assert bars["safe"] < bars["question"] <= bars["change"] < bars["release"]  # type: ignore[index]


def test_during_a_changeover_nothing_but_a_stop(talk: Talk) -> None:
    talk.line.changeover = True
    assert talk.say("release the line").text == (
        "release the line: not now, a changeover is running. Nothing was done."
    )
    assert talk.say("stop").kind is Kind.DONE


def test_a_changeover_between_asking_and_confirming(talk: Talk) -> None:
    talk.say("release the line")
    talk.line.changeover = True
    assert talk.say("confirm 73").kind is Kind.REFUSED
    assert talk.line.done == []


def test_the_same_command_twice_is_done_once(talk: Talk) -> None:
    assert talk.say("acknowledge the alarm").text == "Done: acknowledge the alarm."
    assert talk.say("acknowledge the alarm").text == "Already done: acknowledge the alarm."
    assert len(talk.line.done) == 1
    talk.clock.wait(6)
    talk.say("acknowledge the alarm")
    assert len(talk.line.done) == 2


def test_a_stop_is_never_called_already_done(talk: Talk) -> None:
    talk.say("stop")
    talk.say("stop")
    assert len(talk.line.done) == 2


def test_what_does_not_work_is_said_and_may_be_tried_again(talk: Talk) -> None:
    talk.line.broken = True
    assert talk.say("stop").text == "hold the line did not work: the PLC is away."
    assert str(talk.trail.entries[-1][3]["effect"]).startswith("failed: the PLC is away")
    assert talk.say("status").text == "status did not work: the record is away."
    talk.line.broken = False
    assert talk.say("stop").kind is Kind.DONE


def test_without_an_audit_nothing_is_released_but_a_stop_still_works(talk: Talk) -> None:
    talk.say("accept part 0042")
    talk.trail.full = True
    assert "cannot be written" in talk.say("confirm 73").text
    assert talk.line.done == []
    assert talk.say("stop").kind is Kind.DONE


def test_every_utterance_is_audited(talk: Talk) -> None:
    talk.say("nonsense", OPERATOR)
    talk.say("accept part 0042", OPERATOR)
    talk.say("accept part 0042", QUALITY)
    talk.say("confirm 11", QUALITY)
    talk.say("confirm 73", QUALITY)
    talk.dialogue.unheard("silent", QUALITY, audio_sha256="ab")
    assert {act for _, act, _, _ in talk.trail.entries} == {SPOKEN}
    assert [
        (person.name, intent, detail["confirmation"], detail["effect"])
        for person, _, intent, detail in talk.trail.entries
    ] == [
        ("olga", "", "none", "nothing: unknown"),
        ("olga", "accept_part", "none", "nothing: forbidden"),
        ("quentin", "accept_part", "asked", "waiting"),
        ("quentin", "confirm", "wrong", "nothing: wrong code"),
        ("quentin", "confirm", "given", "applied"),
        ("quentin", "", "none", "nothing: silent"),
    ]
    assert "0042" in str(talk.trail.entries[4][3]["command"])
    assert talk.trail.entries[5][3]["audio_sha256"] == "ab"


def test_the_conversation_in_chinese(grammars: dict[str, Grammar]) -> None:
    talk = Talk(grammars["zh"], "zh")
    assert talk.say("切换到配方class-2", LEAD).text == "选择配方class-2？请说：确认7 3。"
    assert talk.say("确认七三", LEAD).text == "已完成：选择配方class-2。"
    assert talk.line.done == [(SelectRecipe("class-2", "lena"), "lena")]
    assert "没有听懂" in talk.say("今天天气很好", LEAD).text


def test_codes_drawn_by_the_dialogue_are_far_apart(grammars: dict[str, Grammar]) -> None:
    dialogue = Dialogue(Interpreter(grammars["en"]), Line(), Trail(), gate=DEFAULT_GATE)
    codes = [dialogue.say("release the line", LEAD).code for _ in range(200)]
    assert all(len(set(code)) == 2 and not set(code) & set("049") for code in codes)
    assert all(first != second for first, second in pairwise(codes))


_SAYINGS = st.sampled_from(
    ["accept part 0042", "release the line", "scrap part B1007", "select recipe class 2", "cancel", "repeat", "stop",
     "correction part B1007", "status", "nonsense", "start challenge test", "release lot 12", "confirm 00"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(_SAYINGS, st.sampled_from([NOBODY, OPERATOR, QUALITY, LEAD])), max_size=12))
def test_no_sequence_without_the_right_code_releases_anything(
    grammars: dict[str, Grammar], turns: list[tuple[str, Person]]
) -> None:
    line = Line()
    dialogue = Dialogue(Interpreter(grammars["en"]), line, Trail(), gate=DEFAULT_GATE)
    for text, person in turns:
        dialogue.say(text, person)
    assert {type(command) for command, _ in line.done} <= {HoldLine}


def test_what_was_said_is_in_the_trail(grammars: dict[str, Grammar]) -> None:
    trail = Trail()
    dialogue = Dialogue(Interpreter(grammars["zh"]), Line(), trail, gate=DEFAULT_GATE, language="zh")
    dialogue.say("停机", OPERATOR, confidence=0.75, audio_sha256="cd" * 32)
    dialogue.say("你好", NOBODY)
    (who, _, intent, first), (_, _, _, second) = trail.entries
    assert (who, intent, first["text"], first["language"]) == (OPERATOR, "hold_line", "停机", "zh")
    assert (first["confidence"], first["effect"], first["audio_sha256"]) == (0.75, "applied", "cd" * 32)
    assert second["effect"] == "nothing: unknown"


def test_a_stop_is_done_before_anything_is_written(talk: Talk) -> None:
    done_when_written: list[int] = []
    talk.trail.add = lambda *_: done_when_written.append(len(talk.line.done))  # type: ignore[assignment]
    talk.say("stop")
    talk.say("acknowledge the alarm")
    assert done_when_written == [1, 1]  # the stop after it was done, the other act before


def test_a_record_that_is_away_releases_nothing_and_stops_all_the_same(talk: Talk) -> None:
    talk.say("release the line")
    talk.line.lost = True
    assert "the record is away" in talk.say("confirm 73").text
    assert "the record is away" in talk.say("acknowledge the alarm").text
    assert talk.line.done == []
    assert talk.say("stop").kind is Kind.DONE


def test_new_words_are_learnt_while_an_act_waits(talk: Talk) -> None:
    assert talk.say("accept part 5555").kind is Kind.HINT
    talk.say("accept part 0042")
    talk.dialogue.learn(Interpreter(Grammar.shipped("en", Vocabulary(parts=("5555",)))))
    assert talk.say("confirm 73").kind is Kind.DONE
    assert talk.say("accept part 5555").kind is Kind.ASKING
