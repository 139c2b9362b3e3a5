"""Puts together what `inspector voice bench` measures: speech, grammar, recogniser."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.domain import SettingsError, VoiceError
from inspector.runtime.speaking import build_recogniser
from inspector.voice import (
    DEFAULT_GATE,
    Endpointer,
    Grammar,
    Listener,
    SileroDetector,
    Vocabulary,
    commanded,
    exported,
    finals,
    held_out_speakers,
    speakers,
)
from inspector.voice.acoustic import AcousticModel
from inspector.voice.babble import HELD_OUT_CHATTER, babble
from inspector.voice.bench import (
    CHATTER,
    Case,
    Recognise,
    chatter,
    commands,
    digit_strings,
    memory_mb,
    overheard,
    recorded_orders,
    run,
    summary,
    sweep,
)

__all__ = ["bench_vocabulary", "measure", "measure_babble", "measure_sweep", "parse_snrs"]

HELD_OUT = 20_261_122
"""Seed of the sentences and part numbers that nothing was chosen by."""

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5)


def parse_snrs(text: str) -> list[float | None]:
    """Return the noise levels of 'clean,20,10'; raises ``SettingsError``."""
    try:
        return [None if item.strip() == "clean" else float(item) for item in text.split(",")]
    except ValueError as error:
        raise SettingsError(f"--snr {text!r} is no list of dB", remedy="Write for example clean,20,10,5,0") from error


def bench_vocabulary(seed: int = 5) -> Vocabulary:
    """Return the words of a line that is always the same: 20 parts of four digits, three lots, four recipes."""
    dice = random.Random(seed)  # noqa: S311 (nothing secret)
    return Vocabulary(
        parts=tuple(f"{dice.randrange(10_000):04d}" for _ in range(20)),
        lots=("L12", "L34", "L57"),
        recipes={"rework-grade": (), "class-2": (), "class-3": (), "default": ()},
        zones={"connector": (), "test-pads": ()},
        defects={
            "pin_hole": ("pin-hole", "pin-holes"),
            "open": ("opens",),
            "short": ("shorts",),
            "mousebite": ("mouse bite", "mouse bites"),
            "spur": ("spurs",),
            "spurious_copper": (),
        },
    )


def measure(
    folder: Path | None,
    grammar_file: Path | None,
    count: int,
    snrs_db: Sequence[float | None],
    *,
    engine: str = "embedded",
    model: str = "",
    held_out: bool = False,
    noises: int = 1,
    wake: str = "",
) -> dict[str, Any]:
    """Return the figures of one source of speech.

    Parameters
    ----------
    held_out
        Voices, sentences and parts that nothing was chosen by.
    noises
        How many different noises of each level every recording is heard in.
    wake
        Heard by an open microphone, where what begins with this phrase is a command; of synthetic speech only.

    Raises ``VoiceError`` where no voice is installed, ``BadAudio``, ``ModelError``, ``SettingsError``.
    """
    cases: Iterable[Case]
    others: dict[str, Iterable[Case]] = {}
    if wake and folder is not None:
        raise SettingsError("recordings have no phrase before them", remedy="Leave the folder out")
    if folder is None:
        voices = held_out_speakers() if held_out else speakers()[1]
        if not voices:
            raise VoiceError("no synthetic voice is installed", remedy="Install espeak-ng and flite")
        grammar = Grammar.shipped("en", bench_vocabulary(HELD_OUT if held_out else 5))
        source = f"synthetic{', held out' if held_out else ''}: {', '.join(voice.name for voice in voices)}"
        seed = HELD_OUT if held_out else 23
        cases = commands(grammar, voices, count, seed, opening=f"{wake}, " if wake else "")
        others["chatter"] = chatter(voices, max(1, count // 2), HELD_OUT_CHATTER if held_out else CHATTER)
        if wake:
            others["without_phrase"] = (replace(case, meaning=None) for case in commands(grammar, voices, count, seed))
    elif (folder / "labels.json").exists():
        grammar, source = _grammar(grammar_file), f"recordings: {folder.name}"
        cases = recorded_orders(folder, count)
    else:
        grammar, cases = digit_strings(folder, count)
        source = f"numbers of four recorded digits: {folder.name}"
    recognise = _recognise(engine, grammar, model, wake)

    def heard(cases: Iterable[Case], *, commands: bool) -> list[dict[str, object]]:
        endpointer = Endpointer(SileroDetector()) if wake else None
        trials = run(cases, grammar, recognise, DEFAULT_GATE, snrs_db, noises=noises, endpointer=endpointer)
        return summary(trials, commands=commands)

    figures: dict[str, Any] = {
        "source": source,
        "engine": engine,
        "wake": wake,
        "commands": heard(cases, commands=True),
    }
    figures |= {name: heard(talk, commands=False) for name, talk in others.items()}
    figures["memory_mb"] = round(memory_mb())
    return figures


def measure_babble(minutes: int, wake: str = "") -> dict[str, Any]:
    """Return what is believed of talk that commands nothing, spoken by the held-out voices; ``wake`` as above."""
    voices = held_out_speakers()
    if not voices:
        raise VoiceError("no synthetic voice is installed", remedy="Install espeak-ng and flite")
    grammar = Grammar.shipped("en", bench_vocabulary())
    figures = overheard(babble(voices, minutes), grammar, _recognise("embedded", grammar, "", wake), DEFAULT_GATE)
    return {
        "source": f"babble: {', '.join(voice.name for voice in voices)}",
        "wake": wake,
        **figures,
        "memory_mb": round(memory_mb()),
    }


def measure_sweep(count: int, snrs_db: Sequence[float | None]) -> dict[str, Any]:
    """Return what the weight of the language model does, at each noise level."""
    _, voices = speakers()
    if not voices:
        raise VoiceError("no synthetic voice is installed", remedy="Install espeak-ng and flite")
    grammar = Grammar.shipped("en", bench_vocabulary())
    model = AcousticModel(exported())
    cases = list(commands(grammar, voices, count))
    return {
        f"sweep at {'clean' if snr_db is None else f'{snr_db:g} dB'}": sweep(cases, grammar, model, WEIGHTS, snr_db)
        for snr_db in snrs_db
    }


def _grammar(file: Path | None) -> Grammar:
    if file is None:
        shipped = resources.files("inspector.voice") / "grammars" / "coffee.jsgf"
        return Grammar(shipped.read_text("utf-8"), name="coffee.jsgf")
    try:
        return Grammar(file.read_text("utf-8"), name=file.name)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {error}") from error


def _recognise(engine: str, grammar: Grammar, model: str, wake: str) -> Recognise:
    """Return who recognises; with a phrase, only what stands behind it is text."""
    if not wake:
        return _ears(engine, grammar, model)
    woken = Grammar.shipped("en", grammar.vocabulary, wake=wake)
    ears = _ears(engine, woken, model)

    def behind_the_phrase(pcm: NDArray[np.int16]) -> tuple[str, float]:
        text, confidence = ears(pcm)
        return commanded(woken, DEFAULT_GATE, text, confidence), confidence

    return behind_the_phrase


def _ears(engine: str, grammar: Grammar, model: str) -> Recognise:
    if engine == "embedded":
        listener = Listener(AcousticModel(exported()), grammar)

        def embedded(pcm: NDArray[np.int16]) -> tuple[str, float]:
            heard = listener.recognise(pcm)
            return heard.text, heard.confidence

        return embedded
    recogniser = build_recogniser(engine, grammar, "en", model=model)

    def streaming(pcm: NDArray[np.int16]) -> tuple[str, float]:
        found = list(finals(recogniser, pcm))
        return (found[0].text, found[0].confidence) if len(found) == 1 else ("", 0.0)

    return streaming
