"""How well commands are recognised: by noise level, with rejection, on synthetic and on real speech."""

from __future__ import annotations

import json
import random
import re
import resource
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.domain import BadAudio, VoiceError
from inspector.voice.acoustic import AcousticModel
from inspector.voice.audio import RATE, read_audio
from inspector.voice.decoding import decode_freely
from inspector.voice.embedded import Listener
from inspector.voice.endpoint import Endpointer, SileroDetector
from inspector.voice.evidence import Gate, Risk, risk_of, word_errors
from inspector.voice.graph import Meaning
from inspector.voice.interpreter import Grammar, Interpreter
from inspector.voice.language_model import TrigramModel
from inspector.voice.speech import Speaker, mixed

__all__ = [
    "CHATTER",
    "Case",
    "Trial",
    "chatter",
    "commands",
    "digit_strings",
    "memory_mb",
    "overheard",
    "recorded_orders",
    "run",
    "summary",
    "sweep",
]

CHATTER = (
    "we need more solder paste for the morning shift", "the truck arrives at half past three",
    "can somebody call maintenance", "the weather is nice today", "line three is waiting for material",
    "this part looks fine to me", "turn up the radio I like this song", "accepting applications until friday",
    "hold on a second I am coming", "stop talking and listen to me", "release notes are on the server",
    "where is the screwdriver", "ninety nine bottles of beer", "we accept credit cards",
    "no", "hey", "of course", "good job", "wait", "over there", "look at this", "not yet", "tops", "how are you",
    "line up", "hold my coffee", "release me", "next please", "more", "it is four forty two",
)  # fmt: skip
"""What people say who command nothing; some of it begins as a command does."""

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One recording and what it means, None where it is no command."""

    name: str
    pcm: NDArray[np.int16]
    meaning: Meaning | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """One recording at one noise level: what came of it, in the order of its utterances."""

    case: str
    snr_db: float | None
    right: bool
    """Every slot right, before rejection."""
    accepted: tuple[str, ...]
    """Intents that were believed."""
    correct: bool
    """Right, and believed."""
    cpu_s: float
    speech_s: float
    heard: tuple[str, ...] = field(default=())


Recognise = Callable[[NDArray[np.int16]], tuple[str, float]]
"""One utterance -> text of the grammar and confidence."""


def commands(
    grammar: Grammar, voices: Sequence[Speaker], count: int, seed: int = 23, *, opening: str = ""
) -> Iterator[Case]:
    """Yield spoken sentences of the grammar, ``opening`` before each, every intent in turn, every voice in turn."""
    dice, interpreter = random.Random(seed), Interpreter(grammar)  # noqa: S311 (nothing secret)
    intents = sorted({arc.value for arc in grammar.closed.arcs[0]})
    drawn: dict[str, list[str]] = {intent: [] for intent in intents}
    while any(len(texts) * len(intents) < count for texts in drawn.values()):
        text = " ".join(grammar.closed.sample(dice))
        meaning = interpreter.understand(text)
        if isinstance(meaning, Meaning):
            drawn[meaning.intent].append(text)
    for index in range(count):
        text = drawn[intents[index % len(intents)]][index // len(intents)]
        voice = voices[index % len(voices)]
        meaning = interpreter.understand(text)
        assert isinstance(meaning, Meaning)  # noqa: S101 (drawn so)
        yield Case(f"{voice.name} {text}", voice.say(f"{opening}{text}"), meaning, text)


def chatter(voices: Sequence[Speaker], count: int, texts: Sequence[str] = CHATTER) -> Iterator[Case]:
    """Yield speech that commands nothing."""
    for index in range(count):
        text, voice = texts[index % len(texts)], voices[index % len(voices)]
        yield Case(f"{voice.name} ~{text}", voice.say(text), None)


def recorded_orders(folder: Path, count: int | None = None) -> Iterator[Case]:
    """Yield real recordings: ``clips/NAME.flac`` or ``.wav`` beside ``labels.json`` (NAME -> intent and slots).

    Raises ``BadAudio`` where the folder has another form.
    """
    try:
        labels = json.loads((folder / "labels.json").read_text("utf-8"))
        rows = [(name, label["intent"], label["slots"]) for name, label in labels.items()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadAudio(f"{folder} has no labels.json with intents and slots: {error}") from error
    for name, intent, slots in rows[:count]:
        file = next((path for path in (folder / "clips").glob(f"{name}.*")), folder / "clips" / f"{name}.flac")
        values = tuple(sorted((slot, value.strip()) for slot, value in slots.items()))
        yield Case(name, read_audio(file), Meaning(intent, values))


def digit_strings(folder: Path, count: int, length: int = 4, seed: int = 9) -> tuple[Grammar, Iterator[Case]]:
    """Return a grammar of numbers of ``length`` digits, and such numbers put together from single recorded digits.

    ``folder`` holds files named DIGIT_SPEAKER_INDEX.wav; all digits of a number are of one speaker.
    """
    rule = " ".join(["<digit>"] * length)
    words = " | ".join(f"{word} {{{digit}}}" for digit, word in enumerate(_DIGITS))
    grammar = Grammar(
        f"#JSGF V1.0 UTF-8 en;\ngrammar digits;\npublic <number> = <slot_part>;\n"
        f"<slot_part> = {rule};\n<digit> = {words};\n",
        name="digits",
    )
    return grammar, _numbers(folder, count, length, random.Random(seed))  # noqa: S311 (nothing secret)


def _numbers(folder: Path, count: int, length: int, dice: random.Random) -> Iterator[Case]:
    files: dict[str, dict[str, list[Path]]] = {}
    for path in sorted(folder.glob("*.wav")):
        match = re.fullmatch(r"([0-9])_([^_]+)_[0-9]+", path.stem)
        if match:
            files.setdefault(match[2], {}).setdefault(match[1], []).append(path)
    if not files:
        raise BadAudio(f"{folder} has no recordings named DIGIT_SPEAKER_INDEX.wav")
    for _ in range(count):
        speaker = dice.choice(sorted(files))
        digits = [dice.choice(sorted(files[speaker])) for _ in range(length)]
        pause = np.zeros(RATE // 10, np.int16)
        parts = [part for digit in digits for part in (read_audio(dice.choice(files[speaker][digit])), pause)]
        number = "".join(digits)
        yield Case(f"{speaker} {number}", np.concatenate(parts), Meaning("number", (("part", number),)))


def run(
    cases: Iterable[Case],
    grammar: Grammar,
    recognise: Recognise,
    gate: Gate,
    snrs_db: Sequence[float | None],
    *,
    noises: int = 1,
    endpointer: Endpointer | None = None,
) -> list[Trial]:
    """Recognise every case at every noise level.

    Parameters
    ----------
    noises
        In so many different noises of each level; without noise there is one.
    endpointer
        Where an utterance ends; default: as with a key that is held, a pause does not end it.
    """
    interpreter, trials = Interpreter(grammar), []
    endpointer = endpointer or Endpointer.by_hand(SileroDetector())
    for index, case in enumerate(cases):
        for snr_db, noise in _levels(snrs_db, noises):
            pcm = mixed(case.pcm, snr_db, seed=noise + index * 7 + zlib.crc32(str(snr_db).encode()) % 1000)
            utterances = endpointer.feed(pcm)
            last = endpointer.finish()
            if last is not None:
                utterances.append(last)
            began = time.process_time()
            texts = [recognise(utterance.pcm) for utterance in utterances]
            cpu_s = time.process_time() - began
            understood = [(interpreter.understand(text), confidence) for text, confidence in texts]
            believed = [
                meaning
                for meaning, confidence in understood
                if isinstance(meaning, Meaning) and gate.believes(confidence, meaning.intent)
            ]
            wanted = [case.meaning]
            trials.append(
                Trial(
                    case=case.name,
                    snr_db=snr_db,
                    right=[meaning for meaning, _ in understood] == wanted,
                    accepted=tuple(meaning.intent for meaning in believed),
                    correct=believed == wanted,
                    cpu_s=cpu_s,
                    speech_s=case.pcm.size / RATE,
                    heard=tuple(text for text, _ in texts),
                )
            )
    if not trials:
        raise VoiceError("there is nothing to measure")
    return trials


def _levels(snrs_db: Sequence[float | None], noises: int) -> Iterator[tuple[float | None, int]]:
    """Yield each level with the number that each of its noises begins with."""
    for snr_db in snrs_db:
        for noise in range(1 if snr_db is None else noises):
            yield snr_db, 100_000 * noise


def overheard(
    minutes: Iterable[NDArray[np.int16]], grammar: Grammar, recognise: Recognise, gate: Gate
) -> dict[str, object]:
    """Listen to whole minutes in which nobody commands anything; return what was believed all the same, by risk."""
    interpreter, endpointer = Interpreter(grammar), Endpointer(SileroDetector())
    believed: dict[str, int] = {risk.value: 0 for risk in Risk}
    intents: dict[str, int] = {}
    heard, samples = 0, 0
    began = time.process_time()
    for pcm in minutes:
        samples += pcm.size
        utterances = [*endpointer.feed(pcm), endpointer.finish()]
        for utterance in (item for item in utterances if item is not None):
            heard += 1
            text, confidence = recognise(utterance.pcm)
            meaning = interpreter.understand(text)
            if isinstance(meaning, Meaning) and gate.believes(confidence, meaning.intent):
                believed[risk_of(meaning.intent).value] += 1
                intents[meaning.intent] = intents.get(meaning.intent, 0) + 1
    return {
        "minutes": round(samples / RATE / 60, 1),
        "utterances": heard,
        "believed": believed,
        "intents": intents,
        "cpu_s": round(time.process_time() - began, 1),
    }


def summary(trials: Sequence[Trial], *, commands: bool) -> list[dict[str, object]]:
    """Return the figures of each noise level.

    For commands: ``right`` before and ``accuracy`` after rejection, ``wrong`` accepted; for chatter: ``wrong``, and
    ``risky``, how many of those would have released something. Shares are of the recordings, 0 … 1; processor time is
    that of the recognition alone, per recording.
    """
    rows: list[dict[str, object]] = []
    for snr_db in dict.fromkeys(trial.snr_db for trial in trials):
        level = [trial for trial in trials if trial.snr_db == snr_db]
        wrong = [trial for trial in level if trial.accepted and not trial.correct]
        cpu_s = [trial.cpu_s for trial in level]
        row: dict[str, object] = {"snr_db": snr_db, "recordings": len(level)}
        if commands:
            row |= {
                "right": round(sum(trial.right for trial in level) / len(level), 4),
                "accuracy": round(sum(trial.correct for trial in level) / len(level), 4),
            }
        row |= {
            "wrong": round(len(wrong) / len(level), 4),
            "risky": sum(any(risk_of(intent) is Risk.RELEASE for intent in trial.accepted) for trial in wrong),
            "cpu_s_p50": round(float(np.percentile(cpu_s, 50)), 3),
            "cpu_s_p95": round(float(np.percentile(cpu_s, 95)), 3),
            "real_time_factor": round(sum(cpu_s) / sum(trial.speech_s for trial in level), 3),
        }
        rows.append(row)
    return rows


def sweep(
    cases: Sequence[Case],
    grammar: Grammar,
    model: AcousticModel,
    weights: Sequence[float],
    snr_db: float | None,
) -> list[dict[str, float]]:
    """Return what joint decoding brings: score = (1 - w) * acoustic + w * language model, per piece, for each w.

    ``free_word_errors`` and ``free_right`` are of decoding without the graph, where the language model, learnt from the
    grammar's sentences, is all that is known of it; ``graph_right`` is of decoding held to the graph.
    """
    interpreter, rows = Interpreter(grammar), []
    language_model = TrigramModel(grammar.closed, model.tokeniser, size=model.size)
    sounds = [mixed(case.pcm, snr_db, seed=index, around_s=0.2) for index, case in enumerate(cases)]
    for weight in weights:
        listener = Listener(model, grammar, language_model=language_model, weight=weight)
        errors = words = free_right = graph_right = 0
        for case, pcm in zip(cases, sounds, strict=True):
            free = model.tokeniser.decode(decode_freely(model.hear(pcm), language_model, weight=weight).tokens)
            spoken, said = grammar.words(free), grammar.words(case.text)
            errors += word_errors(said, spoken)
            words += len(said)
            free_right += interpreter.understand(free) == case.meaning
            graph_right += interpreter.understand(listener.recognise(pcm).text) == case.meaning
        rows.append(
            {
                "w": weight,
                "free_word_errors": round(errors / max(1, words), 4),
                "free_right": round(free_right / len(cases), 4),
                "graph_right": round(graph_right / len(cases), 4),
            }
        )
    return rows


def memory_mb() -> float:
    """Return the most memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
