"""The benchmark counts what it says it counts, and the language model is one."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from inspector.domain import BadAudio, SettingsError
from inspector.runtime.hearing_bench import bench_vocabulary, measure, parse_snrs
from inspector.voice import (
    DEFAULT_GATE,
    RATE,
    Evidence,
    Gate,
    Grammar,
    Interpreter,
    Meaning,
    Risk,
    factory_noise,
    mixed,
)
from inspector.voice.bench import Case, Trial, digit_strings, recorded_orders, run, summary
from inspector.voice.evidence import CLEAR_DB, LOUD_DB, SURE, agreement, least_in_noise, word_errors
from inspector.voice.language_model import TrigramModel
from inspector.voice.tokens import END, Tokeniser


def trial(right: bool, accepted: tuple[str, ...], correct: bool, snr_db: float | None = None) -> Trial:
    return Trial("x", snr_db, right, accepted, correct, cpu_s=0.2, speech_s=2.0)


def test_figures_of_commands_and_chatter() -> None:
    trials = [
        trial(True, ("stop",), True),
        trial(True, (), False),
        trial(False, ("accept_part",), False),
        trial(False, (), False),
        trial(True, ("stop",), True, 10.0),
    ]
    clean, noisy = summary(trials, commands=True)
    assert (clean["recordings"], clean["right"], clean["accuracy"], clean["wrong"], clean["risky"]) == (
        4,
        0.5,
        0.25,
        0.25,
        1,
    )
    assert (noisy["snr_db"], noisy["accuracy"], noisy["real_time_factor"]) == (10.0, 1.0, 0.1)
    assert "accuracy" not in summary(trials, commands=False)[0]


@pytest.fixture
def tone() -> np.ndarray:
    time = np.arange(RATE) / RATE
    return np.round(8000 * np.sin(2 * np.pi * 300 * time)).astype(np.int16)


@pytest.mark.parametrize(("said", "correct", "accepted"), [
    (("stop", 1.0), True, ("hold_line",)),
    (("release the line", 1.0), False, ("release_line",)),
    (("stop", 0.0), False, ()),
    (("nonsense", 1.0), False, ()),
])  # fmt: skip
def test_a_recording_is_right_only_if_it_is_all_that_was_heard(
    monkeypatch: pytest.MonkeyPatch, tone: np.ndarray, said: tuple[str, float], correct: bool, accepted: tuple[str]
) -> None:
    from inspector.voice import EnergyDetector, bench

    monkeypatch.setattr(bench, "SileroDetector", lambda: EnergyDetector())
    grammar = Grammar.shipped("en", bench_vocabulary())
    case = Case("tone", tone, Meaning("hold_line"))
    (done,) = run([case], grammar, lambda pcm: said, DEFAULT_GATE, [None])
    assert (done.correct, done.accepted) == (correct, accepted)


def test_every_recording_is_heard_in_each_noise_and_once_without(
    monkeypatch: pytest.MonkeyPatch, tone: np.ndarray
) -> None:
    from inspector.voice import EnergyDetector, bench

    monkeypatch.setattr(bench, "SileroDetector", lambda: EnergyDetector())
    heard: list[bytes] = []

    def recognise(pcm: np.ndarray) -> tuple[str, float]:
        heard.append(pcm.tobytes())
        return "stop", 1.0

    case, grammar = Case("tone", tone, Meaning("hold_line")), Grammar.shipped("en", bench_vocabulary())
    trials = run([case], grammar, recognise, DEFAULT_GATE, [None, 20.0], noises=3)
    assert [trial.snr_db for trial in trials] == [None, 20.0, 20.0, 20.0]
    assert len(set(heard)) == 4


def test_recordings_have_no_phrase_before_them(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no phrase"):
        measure(tmp_path, None, 1, [None], wake="hello inspector")


def test_noise_has_the_power_that_was_asked_for(tone: np.ndarray) -> None:
    noise = factory_noise(10 * RATE, 3)
    assert (noise**2).mean() == pytest.approx(1.0)
    for snr_db in (20.0, 0.0):
        both = mixed(tone, snr_db, 3, around_s=1.0).astype(float)
        level = 10 * np.log10((both[:RATE] ** 2).mean() / 32768**2)
        assert level == pytest.approx(-24 - snr_db, abs=3)
    assert np.array_equal(mixed(tone, 10.0, 5), mixed(tone, 10.0, 5))
    assert not np.array_equal(mixed(tone, 10.0, 5), mixed(tone, 10.0, 6))


def test_snr_lists() -> None:
    assert parse_snrs("clean,20, 0") == [None, 20.0, 0.0]
    with pytest.raises(SettingsError, match="loud"):
        parse_snrs("clean,loud")


def test_recorded_digits_become_numbers(shared_data: Path) -> None:
    pytest.importorskip("soundfile", reason="the extra 'voice' is not installed")
    grammar, cases = digit_strings(shared_data / "fsdd" / "recordings", 3)
    for case in cases:
        speaker, number = case.name.split()
        assert speaker in {"george", "jackson", "lucas", "nicolas", "theo", "yweweler"}
        assert grammar.meanings(" ".join(number)) == {case.meaning}
        assert RATE < case.pcm.size < 6 * RATE


def test_every_recorded_order_is_in_the_coffee_grammar(shared_data: Path) -> None:
    """Said in the one way the labels allow, each order means what its label says."""
    from inspector.runtime.hearing_bench import _grammar

    coffee = _grammar(None)
    labels = json.loads((shared_data / "voice_commands_dev" / "labels.json").read_text("utf-8"))
    for label in labels.values():
        slots = {name: value.strip() for name, value in label["slots"].items()}
        kinds = " ".join(slots[name] for name in ("size", "roast", "numberOfShots") if name in slots)
        added = " and ".join(slots[name] for name in ("milkAmount", "sugarAmount") if name in slots)
        text = f"can i have a {kinds} {slots['coffeeDrink']}" + (f" with {added}" if added else "")
        assert coffee.meanings(text) == {Meaning("orderDrink", tuple(sorted(slots.items())))}


@pytest.mark.parametrize("body", ["{}x", '{"a": 1}', "[]"])
def test_labels_of_another_form_are_refused(tmp_path: Path, body: str) -> None:
    (tmp_path / "labels.json").write_text(body)
    with pytest.raises(BadAudio, match=r"labels\.json"):
        list(recorded_orders(tmp_path))


# --- evidence ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [("a b c", "a b c", 0), ("a b c", "a c", 1), ("a c", "a b c", 1), ("a b", "b a", 2), ("", "a b", 2), ("a", "", 1)],
)
def test_word_errors(said: str, heard: str, errors: int) -> None:
    assert word_errors(said.split(), heard.split()) == errors


def test_agreement() -> None:
    assert agreement(["a", "b"], ["a", "b"]) == 1.0
    assert agreement(["a", "b"], ["a", "c"]) == 0.5
    assert agreement([], ["a"]) == 0.0


def evidence(**values: float) -> Evidence:
    return Evidence(
        **{"ratio": -0.1, "fit": -0.5, "margin": 5.0, "agreement": 1.0, "pieces": 6, "snr_db": 20.0} | values
    )  # type: ignore[arg-type]


def test_better_evidence_is_never_less_believed() -> None:
    sure = DEFAULT_GATE.probability(evidence())
    assert DEFAULT_GATE.probability(evidence(ratio=-3.0, fit=-3.5, agreement=0.0)) < 0.1
    assert sure > 0.9
    for worse in ({"ratio": -1.0}, {"fit": -1.5}, {"margin": 0.0}, {"agreement": 0.5}):
        assert DEFAULT_GATE.probability(evidence(**worse)) <= sure


def test_the_louder_the_noise_the_surer_it_has_to_be() -> None:
    levels = [30.0, CLEAR_DB, 11.0, 9.0, LOUD_DB, 2.0]
    least = [least_in_noise(snr_db) for snr_db in levels]
    assert least == sorted(least)
    assert (least[1], least[-2], least[-1]) == (0.0, SURE, SURE)


def test_in_noise_as_loud_as_speech_only_what_is_nearly_sure_counts() -> None:
    doubtful = {"margin": 1.0, "ratio": -0.5, "agreement": 0.7}
    quiet, loud = (DEFAULT_GATE.probability(evidence(snr_db=db, **doubtful)) for db in (CLEAR_DB, LOUD_DB))
    assert DEFAULT_GATE.bars[Risk.RELEASE] < quiet < SURE, "a case that tells nothing"
    assert loud == 0.0
    assert DEFAULT_GATE.probability(evidence(snr_db=LOUD_DB)) > SURE
    assert DEFAULT_GATE.trusting(0.5).probability(evidence(snr_db=0.0, **doubtful)) == 0.0


def test_a_gate_has_a_weight_for_every_feature() -> None:
    with pytest.raises(ValueError, match="7 weights"):
        Gate((1.0, 2.0), dict.fromkeys(Risk, 0.5))


# --- language model ---------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def tokeniser() -> Tokeniser:
    spec = importlib.util.find_spec("moonshine_cpp")
    if spec is None or spec.origin is None:
        pytest.skip("the extra 'voice' is not installed: moonshine_cpp")
    return Tokeniser(Path(spec.origin).parent / "models" / "base-en" / "tokenizer.bin")


@pytest.mark.parametrize("text", ["Accept part 0042.", "Why did part one two fail?", "Grüße, 零件", "a"])
def test_pieces_are_put_together_again(tokeniser: Tokeniser, text: str) -> None:
    assert tokeniser.decode((*tokeniser.encode(text), END)) == text


def test_the_language_model_knows_what_follows(tokeniser: Tokeniser, grammars: dict[str, Grammar]) -> None:
    model = TrigramModel(grammars["en"].closed, tokeniser, size=32_768, sentences=500)
    start = model.log_probabilities(())
    assert np.exp(start.astype(float)).sum() == pytest.approx(1.0, abs=1e-4)
    (accept,), (banana, *_) = tokeniser.encode("Accept"), tokeniser.encode("Banana")
    assert start[accept] > start[banana] + 3
    after = model.log_probabilities((accept,))
    assert int(after.argmax()) in {tokeniser.encode("part")[0], tokeniser.encode("the")[0]}


def test_the_bench_line_has_every_intent_but_nothing_ambiguous() -> None:
    grammar = Grammar.shipped("en", bench_vocabulary())
    interpreter = Interpreter(grammar)
    assert isinstance(interpreter.understand(f"accept part {bench_vocabulary().parts[0]}"), Meaning)  # type: ignore[index]
