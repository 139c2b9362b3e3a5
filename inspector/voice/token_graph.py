"""The word graph spelled in word pieces: which pieces may come next, as the model itself would write the sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from inspector.voice.graph import Graph
from inspector.voice.tokens import Pieces

__all__ = ["TokenGraph"]

# What is left to spell of a word, the graph's state after it, and whether the word is written as a digit.
_Item = tuple[tuple[int, ...], int, bool]


class TokenGraph:
    """A deterministic automaton over pieces, made state by state as decoding gets there; state 0 is the start.

    A word may be written in lower case, with a capital, with a comma before it, or as a digit, since the model that is
    held to the grammar writes all of these; a sentence may end with a full stop, a question or an exclamation mark.

    Parameters
    ----------
    digits
        Spoken word -> digit that may be written for it.
    """

    def __init__(self, graph: Graph, tokeniser: Pieces, digits: Mapping[str, str]) -> None:
        self._graph = graph
        self._digits = digits
        self._tokeniser = tokeniser
        self._spelled: dict[tuple[str, bool, bool], tuple[tuple[tuple[int, ...], bool], ...]] = {}
        self.end = tokeniser.end
        """The piece that ends a sentence."""
        self._ends = tuple(
            (*(tokeniser.encode(sign, blank=False) if sign else ()), self.end) for sign in ("", ".", "?", "!")
        )
        self._numbers: dict[frozenset[_Item], int] = {}
        self._items: list[frozenset[_Item]] = []
        self._next: list[dict[int, int] | None] = []
        self._after: dict[tuple[int, bool], frozenset[_Item]] = {}
        self._state(frozenset(self._open([0], first=True, digit=False)))

    def following(self, state: int) -> Mapping[int, int]:
        """Return piece -> state for every piece that may follow; after the end of the sentence there is none."""
        known = self._next[state]
        if known is None:
            found: dict[int, set[_Item]] = {}
            for spelling, target, digit in self._items[state]:
                rest = found.setdefault(spelling[0], set())
                if len(spelling) > 1:
                    rest.add((spelling[1:], target, digit))
                elif spelling[0] != self.end:
                    rest |= self._opened(target, digit)
            known = {token: self._state(frozenset(items)) for token, items in found.items()}
            self._next[state] = known
        return known

    def _state(self, items: frozenset[_Item]) -> int:
        number = self._numbers.setdefault(items, len(self._items))
        if number == len(self._items):
            self._items.append(items)
            self._next.append(None)
        return number

    def _opened(self, target: int, digit: bool) -> frozenset[_Item]:
        known = self._after.get((target, digit))
        if known is None:
            known = self._after[target, digit] = frozenset(self._open([target], first=False, digit=digit))
        return known

    def _open(self, states: Iterable[int], *, first: bool, digit: bool) -> Iterator[_Item]:
        for state in self._graph.closure(states):
            if state == self._graph.final:
                yield from ((spelling, state, False) for spelling in self._ends)
            for arc in self._graph.arcs[state]:
                if arc.word:
                    for spelling, as_digit in self._spellings(arc.word, first, digit):
                        yield spelling, arc.target, as_digit

    def _spellings(self, word: str, first: bool, digit: bool) -> tuple[tuple[tuple[int, ...], bool], ...]:
        known = self._spelled.get((word, first, digit))
        if known is None:
            known = self._spelled[word, first, digit] = tuple(dict.fromkeys(self._spell(word, first, digit)))
        return known

    def _spell(self, word: str, first: bool, digit: bool) -> Iterator[tuple[tuple[int, ...], bool]]:
        encode = self._tokeniser.encode
        comma = () if first else encode(",", blank=False)
        written = [word, word.capitalize()] if first else [word]
        if len(word) <= 2:  # noqa: PLR2004 (an abbreviation such as "b" or "vb")
            written.append(word.upper())
        for form in written:
            yield encode(form), False
            if comma:
                yield (*comma, *encode(form)), False
        sign = self._digits.get(word)
        if sign is not None:
            yield encode(sign), True
            if comma:
                yield (*comma, *encode(sign)), True
            if digit:
                yield encode(sign, blank=False), True
