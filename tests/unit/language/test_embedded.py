"""The model that is shipped: what its card says, what it writes, and how it refuses."""

from __future__ import annotations

import random
import shutil
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.domain import LanguageError, ModelError
from inspector.language.author import TEMPLATE, ReportAuthor
from inspector.language.brief import briefs_of
from inspector.language.card import load_writer
from inspector.language.corpus import random_brief, random_sentence
from inspector.language.embedded import EmbeddedEngine
from inspector.language.engine import Request
from inspector.language.measure import measure_engine, number_faults
from inspector.language.records import UNSEEN_NAMES, random_report
from inspector.language.tokens import PREFIX, Vocabulary, split_text, status_tokens

SHIPPED = Path(__file__).parents[3] / "models" / "report-writer"
LATER_S = 60.0


@pytest.fixture(scope="module")
def engine() -> EmbeddedEngine:
    return EmbeddedEngine(load_writer(SHIPPED))


def requests(seed: int) -> list[Request]:
    return [Request(brief, "en") for brief in briefs_of(random_report(random.Random(seed))) or ()]


def write(engine: EmbeddedEngine, asked: list[Request], *, seed: int = 1, attempt: int = 0) -> list[str]:
    return engine.write(asked, until=time.monotonic() + LATER_S, seed=seed, attempt=attempt)


def test_it_needs_no_torch_and_no_transformers(engine: EmbeddedEngine) -> None:
    assert write(engine, requests(1))
    assert not {"torch", "transformers"} & set(sys.modules)


def test_the_same_report_is_told_the_same_way_and_another_seed_another_way(engine: EmbeddedEngine) -> None:
    asked = [item for seed in range(6) for item in requests(seed)]
    assert write(engine, asked) == write(engine, asked)
    assert write(engine, asked) != write(engine, asked, seed=2)
    assert write(engine, asked, attempt=1) == write(engine, asked, seed=2, attempt=1), (
        "the second attempt draws nothing"
    )


def test_sentences_do_not_depend_on_their_neighbours(engine: EmbeddedEngine) -> None:
    asked = [item for seed in range(4) for item in requests(seed)]
    alone = [write(engine, [item], attempt=1)[0] for item in asked]
    assert write(engine, asked, attempt=1) == alone


def test_records_with_unseen_names_are_told_without_a_wrong_number(engine: EmbeddedEngine) -> None:
    author = ReportAuthor(EmbeddedEngine(load_writer(SHIPPED)), deadline_s=LATER_S)
    rng, by_template = random.Random(41), 0
    for number in range(60):
        report = random_report(rng, UNSEEN_NAMES, number=number)
        for text in author.compose(report, ("en", "zh")).values():
            by_template += text.engine == TEMPLATE
            assert number_faults(report, text.text, UNSEEN_NAMES) == 0, text.text
    author.close()
    assert by_template <= 4


def test_the_figures_say_what_was_measured() -> None:
    figures = measure_engine(EmbeddedEngine(load_writer(SHIPPED)), seen=16, unseen=4)
    assert (figures.records, figures.seen.texts, figures.unseen.texts) == (20, 32, 8)
    assert figures.number_faults == 0
    assert figures.seen.first_draft_pass >= 0.8
    assert figures.as_dict()["variety"].keys() == {"engine en", "engine zh", "template en", "template zh"}


def test_a_number_that_is_not_the_records_is_a_fault() -> None:
    report = next(item for item in map(random_report, map(random.Random, range(50))) if item.measurements)
    (text,) = (each.text for each in ReportAuthor().compose(report, ("en",)).values())
    assert number_faults(report, text) == 0
    assert number_faults(report, f"{text} It is 77.123 mm long.") == 1


def test_without_time_it_says_so(engine: EmbeddedEngine) -> None:
    with pytest.raises(LanguageError, match="in time"):
        engine.write(requests(1), until=time.monotonic() - 1, seed=1, attempt=0)
    assert engine.write([], until=0, seed=1, attempt=0) == []


def test_it_gives_way_before_every_token_and_stops_where_that_took_too_long() -> None:
    asked: list[float] = []
    polite = EmbeddedEngine(load_writer(SHIPPED), give_way=asked.append)
    until = time.monotonic() + LATER_S
    (sentence,) = polite.write(requests(1)[:1], until=until, seed=1, attempt=0)
    assert len(asked) >= len(sentence.split())
    assert set(asked) == {until}

    def until_the_end(until: float) -> None:
        while time.monotonic() <= until:
            pass

    kept = EmbeddedEngine(load_writer(SHIPPED), give_way=until_the_end)
    with pytest.raises(LanguageError, match="not ready in time"):
        kept.write(requests(1), until=time.monotonic() + 0.01, seed=1, attempt=0)


def test_the_files_are_those_of_the_card(tmp_path: Path) -> None:
    model = load_writer(SHIPPED)
    assert model.id.sha256 == model.card.sha256
    assert model.weights.stat().st_size < 30 << 20
    assert model.card.licence == "Apache-2.0"
    for name in (model.card.weights, model.card.tokens, "card.yaml"):
        copy = tmp_path / name
        shutil.copytree(SHIPPED, copy)
        with (copy / name).open("a") as stream:
            stream.write("altered: true\n")
        with pytest.raises(ModelError, match=name):
            load_writer(copy)
    with pytest.raises(ModelError, match="cannot be read"):
        load_writer(tmp_path / "nowhere")


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["en", "zh"]))
def test_every_sentence_of_the_grammar_has_its_tokens(seed: int, language: str) -> None:
    rng = random.Random(seed)
    vocabulary = Vocabulary(load_writer(SHIPPED).tokens())
    brief = random_brief(rng)
    text = random_sentence(brief, language, rng)
    assert "".join(split_text(text)) == text
    assert len(vocabulary.encode(status_tokens(brief, language))) == PREFIX
    assert vocabulary.text([*vocabulary.encode(split_text(text)), vocabulary.end]) == text


def test_a_token_that_is_unknown_is_named() -> None:
    with pytest.raises(LanguageError, match="'<kind poem>'"):
        Vocabulary(["<pad>", "<end>"]).number("<kind poem>")
