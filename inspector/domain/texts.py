"""What is written about a part, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ReportText", "Writing", "kept_texts", "texts_and_engines"]

_ENGINE = ":engine"


@dataclass(frozen=True, slots=True)
class ReportText:
    """The text of one report in one language.

    Attributes
    ----------
    engine
        Who wrote it: name and version of a model, or ``template``.
    instead
        Why the template wrote it and not the line's engine; empty where it was meant to.
    """

    text: str
    engine: str
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Writing:
    """Who has written the texts of this run.

    Attributes
    ----------
    engine, written
        The line's engine, and how many texts are its own.
    instead
        How many are the template's in its place, by reason.
    """

    engine: str
    written: int = 0
    instead: Mapping[str, int] = field(default_factory=dict)


def kept_texts(texts: Mapping[str, ReportText]) -> dict[str, str]:
    """Return the one mapping that the record keeps: language -> text, and ``LANGUAGE:engine`` -> who wrote it."""
    kept = {language: text.text for language, text in texts.items()}
    return kept | {f"{language}{_ENGINE}": text.engine for language, text in texts.items()}


def texts_and_engines(kept: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return language -> text and language -> engine of what ``kept_texts`` made; records of before have no engines."""
    texts = {key: text for key, text in kept.items() if not key.endswith(_ENGINE)}
    return texts, {key.removesuffix(_ENGINE): engine for key, engine in kept.items() if key.endswith(_ENGINE)}
