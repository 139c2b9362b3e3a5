"""Twenty sentences read aloud: which they are, and what they say about how far to trust a voice."""

from __future__ import annotations

import pytest

from inspector.voice import DEFAULT_GATE, Grammar, Meaning, Read, Vocabulary, read_aloud, sentences_to_read, trust_from
from inspector.voice.evidence import Risk

STATUS, STOP, RELEASE = Meaning("status"), Meaning("hold_line"), Meaning("release_line")
ASKED = DEFAULT_GATE.bars[Risk.QUESTION]


@pytest.fixture(scope="module")
def grammar() -> Grammar:
    return Grammar.shipped("en", Vocabulary(parts=("0042", "0043"), lots=(), defects={"spur": ()}))


def read(wanted: Meaning, confidence: float, heard: Meaning | None = None) -> Read:
    return Read("", wanted, wanted if heard is None else heard, confidence)


def test_the_sentences_are_twenty_of_different_intents_and_always_the_same(grammar: Grammar) -> None:
    found = list(sentences_to_read(grammar))
    assert found == list(sentences_to_read(grammar))
    assert len(found) == 20
    assert len({sentence for sentence, _ in found}) == 20
    assert len({meaning.intent for _, meaning in found}) >= 15
    assert all(len(grammar.meanings(sentence, grammar.closed)) == 1 for sentence, _ in found)


def test_reading_aloud_is_right_where_the_meaning_is(grammar: Grammar) -> None:
    sentences = [("stop", STOP), ("status", STATUS), ("how is the line", STATUS)]
    said = {"stop": ("stop the line", 0.9), "status": ("what a day", 0.8), "how is the line": ("stop", 0.7)}
    reads = read_aloud(sentences, grammar, lambda number, sentence: said[sentence])
    assert [(item.right, item.heard, item.confidence) for item in reads] == [
        (True, STOP, 0.9),
        (False, None, 0.8),
        (False, STOP, 0.7),
    ]


def test_a_voice_that_is_believed_already_needs_no_trust() -> None:
    assert trust_from([read(STATUS, 0.9)] * 20, DEFAULT_GATE) == 0.0
    assert trust_from([], DEFAULT_GATE) == 0.0


def test_a_voice_that_is_doubted_gets_as_much_as_it_needs_and_not_more() -> None:
    reads = [*[read(STATUS, 0.9)] * 10, read(STATUS, ASKED - 0.07)]
    assert trust_from(reads, DEFAULT_GATE) == 0.07
    assert DEFAULT_GATE.trusting(0.07).believes(ASKED - 0.07, "status")
    # One in twenty may stay in doubt.
    assert trust_from([*[read(STATUS, 0.9)] * 19, read(STATUS, 0.05)], DEFAULT_GATE) == 0.0
    assert trust_from([read(STATUS, 0.01)] * 20, DEFAULT_GATE) == 0.2


def test_a_mistake_is_never_believed_afterwards() -> None:
    doubted = [read(STATUS, ASKED - 0.15)] * 10
    mistake = read(STOP, ASKED - 0.05, STATUS)
    trust = trust_from([*doubted, mistake], DEFAULT_GATE)
    assert trust == pytest.approx(0.03)
    assert not DEFAULT_GATE.trusting(trust).believes(ASKED - 0.05, "status")
    believed = read(STOP, ASKED + 0.1, STATUS)
    stricter = trust_from([*doubted, believed], DEFAULT_GATE)
    assert not DEFAULT_GATE.trusting(stricter).believes(ASKED + 0.1, "status")


def test_what_releases_is_never_believed_more() -> None:
    bar = DEFAULT_GATE.bars[Risk.RELEASE]
    assert trust_from([read(RELEASE, bar - 0.1)] * 20, DEFAULT_GATE) == 0.0
    assert DEFAULT_GATE.trusting(0.2).bars[Risk.RELEASE] == bar
    assert DEFAULT_GATE.trusting(-0.2).bars[Risk.RELEASE] == pytest.approx(bar + 0.2)
    assert all(0 < bar < 1 for trust in (-0.3, 0.2) for bar in DEFAULT_GATE.trusting(trust).bars.values())
