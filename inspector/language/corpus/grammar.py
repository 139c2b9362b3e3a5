"""Patterns with alternatives: ``(a|b)`` is one of them, nested at will; slots stay as they are."""

from __future__ import annotations

import random

__all__ = ["expand"]


def expand(pattern: str, rng: random.Random) -> str:
    """Return one of the texts that the pattern stands for; raises ``ValueError`` for a bracket left open."""
    text, end = _sequence(pattern, 0, rng)
    if end != len(pattern):
        raise ValueError(f"a bracket or a bar too many at {end} in {pattern!r}")
    return text


def _sequence(pattern: str, start: int, rng: random.Random) -> tuple[str, int]:
    parts, at = [], start
    while at < len(pattern) and pattern[at] not in "|)":
        if pattern[at] == "(":
            text, at = _choice(pattern, at + 1, rng)
            parts.append(text)
        else:
            parts.append(pattern[at])
            at += 1
    return "".join(parts), at


def _choice(pattern: str, start: int, rng: random.Random) -> tuple[str, int]:
    options, at = [], start
    while True:
        text, at = _sequence(pattern, at, rng)
        options.append(text)
        if at == len(pattern):
            raise ValueError(f"a bracket is left open in {pattern!r}")
        at += 1
        if pattern[at - 1] == ")":
            return rng.choice(options), at
