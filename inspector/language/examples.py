"""Sentences to learn from beside the grammar: JSON lines of a brief, a language, a slotted sentence and its source."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from inspector.domain import ConfigurationError, Outcome
from inspector.language.brief import KNOWN_CODES, MOST_CLAUSES, Brief, ClauseStatus, Count, Degree, Figures, Kind, Rank
from inspector.language.checker import Flaw, check_sentence
from inspector.language.tokens import split_text

__all__ = [
    "CORRECTION",
    "Entry",
    "Example",
    "Examples",
    "Refusal",
    "as_line",
    "flaw_of",
    "read_entries",
    "read_examples",
]

CORRECTION = "correction"
"""Source of what a person wrote in the place of a text."""

_MOST_UNITS = 150
"""The embedded engine gives up a sentence at 160 tokens."""


@dataclass(frozen=True, slots=True)
class Example:
    """One slotted sentence that says what its brief asks for; ``source`` is a teacher's name or ``CORRECTION``."""

    brief: Brief
    language: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A sentence that was asked for and is not kept: only why."""

    reason: str
    source: str


Entry = Example | Refusal


@dataclass(frozen=True, slots=True)
class Examples:
    """What a file has to teach, and how many of its sentences are refused, by reason."""

    accepted: tuple[Example, ...]
    refused: Mapping[str, int]


def flaw_of(example: Example) -> Flaw | None:
    """Return why nothing may be learned from an example; None where it may."""
    if len(split_text(example.text)) > _MOST_UNITS:
        return Flaw.TOO_LONG
    return check_sentence(example.brief, example.text, example.language)


def read_examples(path: Path) -> Examples:
    """Return the examples of a file that the checker accepts, the others counted; raises ``ConfigurationError``."""
    accepted: list[Example] = []
    refused: Counter[str] = Counter()
    for entry in read_entries(path):
        if isinstance(entry, Refusal):
            refused[entry.reason] += 1
        elif flaw := flaw_of(entry):
            refused[flaw.value] += 1
        else:
            accepted.append(entry)
    return Examples(tuple(accepted), dict(refused))


def read_entries(path: Path) -> list[Entry]:
    """Return every line of a file, unchecked; raises ``ConfigurationError`` with the number of a line that is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read as a file of examples: {error}",
            remedy="Give a file that 'inspector language distil' or 'corrections' wrote",
        ) from error
    # Not splitlines: a sentence may hold one of the rarer line ends.
    return [_entry(path, number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]


def as_line(entry: Entry) -> str:
    """Return the entry as it stands in a file, with its line end."""
    written = (
        _RefusalLine(refused=entry.reason, source=entry.source)
        if isinstance(entry, Refusal)
        else _ExampleLine(
            brief=_BriefLine.of(entry.brief), language=entry.language, text=entry.text, source=entry.source
        )
    )
    return json.dumps(written.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False) + "\n"


def _entry(path: Path, number: int, line: str) -> Entry:
    remedy = f"Correct or remove line {number}"
    try:
        read = json.loads(line)
        if isinstance(read, dict) and "refused" in read:
            refusal = _RefusalLine.model_validate(read)
            return Refusal(refusal.refused, refusal.source)
        written = _ExampleLine.model_validate(read)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigurationError(
            f"{path}:{number}: {where + ': ' if where else ''}{first['msg']}", remedy=remedy
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}:{number}: this is no JSON ({error})", remedy=remedy) from error
    return Example(written.brief.brief(), written.language, written.text, written.source)


def _known(code: str) -> str:
    if code not in KNOWN_CODES:
        raise ValueError(f"unknown code, expected one of {', '.join(KNOWN_CODES)}")
    return code


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ClauseLine(_Line):
    code: Annotated[str, AfterValidator(_known)]
    figures: Figures = Figures.NONE
    degree: Degree = Degree.UNKNOWN


class _BriefLine(_Line):
    """A brief without values: they are figures and names, and nothing is learned from those."""

    kind: Kind
    outcome: Literal["pass", "review", "fail"]
    count: Count = Count.NONE
    rank: Rank = Rank.ONLY
    zone: bool = False
    place: bool = False
    size: bool = False
    clauses: tuple[_ClauseLine, ...] = Field(default=(), max_length=MOST_CLAUSES)

    @model_validator(mode="after")
    def _a_report_asks_for_it(self) -> _BriefLine:
        passed = self.outcome == "pass"
        if self.kind is Kind.FINDING:
            possible = bool(self.clauses) and not passed
        elif self.kind is Kind.OPENING:
            possible = self.count is not (Count.MANY if passed else Count.NONE)
        else:
            possible = True
        if not possible or (self.clauses and self.kind is not Kind.FINDING):
            raise ValueError(f"no report asks for such a sentence ({self.kind}, {self.outcome}, count {self.count})")
        return self

    @classmethod
    def of(cls, brief: Brief) -> _BriefLine:
        assert brief.outcome is not None  # noqa: S101 - every brief of a report has one
        return cls(
            kind=brief.kind,
            outcome=brief.outcome.name.lower(),
            count=brief.count,
            rank=brief.rank,
            zone=brief.zone,
            place=brief.place,
            size=brief.size,
            clauses=tuple(
                _ClauseLine(code=each.code, figures=each.figures, degree=each.degree) for each in brief.clauses
            ),
        )

    def brief(self) -> Brief:
        return Brief(
            self.kind,
            Outcome[self.outcome.upper()],
            count=self.count,
            rank=self.rank,
            zone=self.zone,
            place=self.place,
            size=self.size,
            clauses=tuple(ClauseStatus(each.code, each.figures, each.degree) for each in self.clauses),
        )


class _ExampleLine(_Line):
    brief: _BriefLine
    language: Literal["en", "zh"]
    text: str
    source: str = Field(min_length=1)


class _RefusalLine(_Line):
    refused: str = Field(min_length=1)
    source: str = Field(min_length=1)
