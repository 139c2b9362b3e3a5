"""Wires the voice: a line's settings and record become its grammar, its answers and its recogniser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from inspector.domain import Command, HoldLot, LotReader, Person, Recogniser, SettingsError, Terms, VoiceError
from inspector.language import DEFAULT_GLOSSARY
from inspector.runtime.control import Control
from inspector.runtime.wiring.parts import build_part_answers, names_of_defect
from inspector.runtime.wiring.voice import vosk_model
from inspector.settings import LineSettings, data_folder
from inspector.store import Database, RecordStore
from inspector.voice import (
    DEFAULT_GATE,
    Answers,
    Dialogue,
    EmbeddedRecogniser,
    Grammar,
    Interpreter,
    Listener,
    Trail,
    Vocabulary,
    VoskRecogniser,
)
from inspector.voice.whisper import WhisperModel

__all__ = [
    "ReadingDesk",
    "build_dialogue",
    "build_grammar",
    "build_recogniser",
    "build_vocabulary",
    "known_lots",
    "opened_record",
    "vosk_model",
]

ENGLISH_ONLY = frozenset({"embedded", "whisper"})
KNOWN_PARTS = 200
"""So many of the newest parts can be spoken about."""
KNOWN_LOTS = 20
"""So many of the newest lots can be spoken about, besides the held ones and that of the current order."""


class LotKeeper(Protocol):
    """Who knows which lots are made and held."""

    def lot(self) -> str:
        """Return the lot that is made now, empty where it is not known."""
        ...

    def held_lots(self) -> Sequence[HoldLot]:
        """Return which lots are held."""
        ...


def known_lots(keeper: LotKeeper, record: LotReader) -> Sequence[str]:
    """Return the lots that can be spoken about; a held one whatever its age, for it has to be released."""
    return [keeper.lot(), *(held.lot for held in keeper.held_lots()), *record.lots(KNOWN_LOTS)]


def build_vocabulary(
    settings: LineSettings | None,
    language: str,
    parts: Sequence[str] | None,
    terms: Terms = DEFAULT_GLOSSARY,
    *,
    lots: Sequence[str] = (),
) -> Vocabulary:
    """Return the words of a line; without one, the shipped defect names and any number.

    Parameters
    ----------
    parts
        Ids of the parts that can be spoken about, newest first; None: any number.
    terms
        What things are called on this line.
    lots
        Those that can be spoken about, newest first; without a line: any number.
    """
    known = None if parts is None else tuple(dict.fromkeys(part for part in parts if part))[:KNOWN_PARTS]
    if settings is None:
        return Vocabulary(parts=known, defects=_defects(DEFAULT_GLOSSARY, terms, language))
    defects = sorted({rule.defect for recipe in settings.recipes.values() for rule in recipe.rules})
    return Vocabulary(
        parts=known,
        lots=tuple(dict.fromkeys(lot for lot in lots if lot)),
        recipes=dict.fromkeys(settings.recipes, ()),
        zones={zone.name: _spoken(terms, zone.name, language) for zone in settings.all_zones},
        defects=_defects(defects, terms, language),
    )


def build_grammar(settings: LineSettings | None, language: str, record: RecordStore | None) -> Grammar:
    """Return the grammar of a line with the parts and lots of its record; raises ``SettingsError``, ``StoreError``."""
    if settings is not None and language not in settings.languages:
        known = ", ".join(settings.languages)
        raise SettingsError(f"{settings.line} speaks {known}, not {language}", remedy="Add it to 'languages'")
    parts = None
    if settings is not None:
        parts = [] if record is None else [part.report.trigger.part_id for part in record.latest(KNOWN_PARTS)]
    lots = [] if settings is None or record is None else known_lots(_control(settings), record)
    return Grammar.shipped(language, build_vocabulary(settings, language, parts, lots=lots))


def build_recogniser(engine: str, grammar: Grammar, language: str, *, model: str = "") -> Recogniser:
    """Return the recogniser ``embedded``, ``vosk`` or ``whisper``.

    Parameters
    ----------
    model
        For Vosk: name of a pulled model or path of an unpacked one; default: the pulled one of the language. For
        Whisper: the model's folder.

    Raises
    ------
    ModelError
        Where its package or its model is not there.
    SettingsError
        Where there is no such engine, or it does not know the language.
    """
    if engine in ENGLISH_ONLY and language != "en":
        raise SettingsError(
            f"the {engine} recogniser hears English only, not {language}",
            remedy="Use --engine vosk with a model of the language",
        )
    if engine == "embedded":
        return EmbeddedRecogniser.load(grammar)
    if engine == "whisper":
        return EmbeddedRecogniser(Listener(WhisperModel(Path(model)), grammar))
    if engine != "vosk":
        raise SettingsError(f"there is no recogniser {engine!r}", remedy="Choose embedded, vosk or whisper")
    return VoskRecogniser(vosk_model(model, language), grammar)


def build_dialogue(grammar: Grammar, language: str, desk: ReadingDesk, trail: Trail) -> Dialogue:
    """Return a conversation over this grammar."""
    return Dialogue(Interpreter(grammar), desk, trail, gate=DEFAULT_GATE, language=language)


@contextmanager
def opened_record(settings: LineSettings | None) -> Iterator[RecordStore | None]:
    """Yield the record of a line for reading, None where it has none yet; closed afterwards."""
    url = "" if settings is None or settings.store.url is None else settings.store.url
    if not url or (url.startswith("sqlite:") and not Path(url.removeprefix("sqlite:///")).exists()):
        yield None
        return
    with closing(Database(url)) as database:
        yield RecordStore(database)


class ReadingDesk:
    """Answers questions from a record and does nothing else: for recordings and typed questions.

    Parameters
    ----------
    record
        None where there is none.
    settings
        The line's, None where none is named; its zones can be asked about.
    why_not
        What is said to a command that would change something.
    """

    def __init__(self, record: RecordStore | None, settings: LineSettings | None, *, why_not: str) -> None:
        parts = build_part_answers(settings.all_zones if settings is not None else (), DEFAULT_GLOSSARY)
        held = _control(settings).held_lots if settings is not None else tuple
        self._answers = None if record is None else Answers(record, parts, record, held_lots=held)
        self._why_not = why_not

    def objection(self, command: Command) -> str:
        """Return why nothing is changed here."""
        return self._why_not

    def apply(self, command: Command, person: Person) -> None:
        """Refuse: raises ``VoiceError``."""
        raise VoiceError(self._why_not)

    def answer(self, command: Command, language: str) -> str:
        """Return the answer to a question; raises ``VoiceError`` where there is no record, ``StoreError``."""
        if self._answers is None:
            raise VoiceError("there is no record to answer from", remedy="Name the YAML of a line that has run")
        return self._answers.answer(command, language)


def _control(settings: LineSettings) -> Control:
    return Control(data_folder() / settings.line)


def _defects(defects: Iterable[str], terms: Terms, language: str) -> dict[str, tuple[str, ...]]:
    return {
        defect: tuple(
            said for name in (defect, *_spoken(terms, defect, language)) for said in names_of_defect(name, language)
        )
        for defect in defects
    }


def _spoken(terms: Terms, term: str, language: str) -> tuple[str, ...]:
    name = terms.get(term, {}).get(language)
    return () if name is None else (name,)
