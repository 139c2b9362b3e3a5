"""Descriptions as tokens: words, Chinese signs and their pairs, sizes, and the line's own names."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

__all__ = ["LABEL", "Reading", "read_words", "size_token"]

LABEL = "@label:"

_SIZE = re.compile(r"(\d+(?:[.,]\d+)?)\s*(mm|毫米|millimet(?:re|er)s?|µm|μm|um|微米)(?![a-z])")
_MICRO = frozenset({"µm", "μm", "um", "微米"})
_RUN = re.compile(r"@mm:-?\d+|[a-z]+|[㐀-鿿]+")
_LEAST_MM, _MOST_MM = 0.02, 50.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a description says: its tokens, and the classes and zones of the line that it names."""

    tokens: tuple[str, ...]
    labels: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()


def read_words(text: str, names: Mapping[str, str], zones: Mapping[str, str] | None = None) -> Reading:
    """Return the reading of a description.

    Parameters
    ----------
    names, zones
        What a class or a zone is called, in any language -> its name in the record: the line's own words need no
        training.
    """
    said, labels = _taken(text.lower(), names)
    said, places = _taken(said, zones or {})
    said = _SIZE.sub(_size, said)
    return Reading((*(f"{LABEL}{label}" for label in sorted(labels)), *_tokens(said)), labels, places)


def size_token(size_mm: float) -> str:
    """Return the token of a size: steps of a fourth of an octave."""
    return f"@mm:{round(4 * math.log2(min(max(size_mm, _LEAST_MM), _MOST_MM)))}"


def _size(match: re.Match[str]) -> str:
    size = float(match[1].replace(",", "."))
    return f" {size_token(size / 1000 if match[2] in _MICRO else size)} "


def _taken(text: str, names: Mapping[str, str]) -> tuple[str, frozenset[str]]:
    """Return the text without these names, and what they stand for; the longest name that fits is meant."""
    meant = set()
    for name in _longest_first(names):
        # Latin names are whole words, in the singular or the plural; Chinese is written without gaps.
        latin = name.isascii()
        pattern = rf"(?<![a-z0-9]){re.escape(name.lower())}(?:e?s)?(?![a-z0-9])" if latin else re.escape(name)
        text, found = re.subn(pattern, " ", text)
        if found:
            meant.add(names[name])
    return text, frozenset(meant)


def _longest_first(names: Iterable[str]) -> list[str]:
    return sorted((name for name in names if name), key=lambda name: (-len(name), name))


def _tokens(text: str) -> Iterator[str]:
    for run in _RUN.findall(text):
        if run[0] < "㐀":
            yield run
            continue
        yield from run
        yield from (run[at : at + 2] for at in range(len(run) - 1))
