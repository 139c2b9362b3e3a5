"""The line's own words: which parts, lots, recipes, zones and defects there are, and how they are spoken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from inspector.voice.graph import Graph, Mark, compile_graph
from inspector.voice.jsgf import Alternatives, Node, Reference, Rule, Sequence, Tagged, Word

__all__ = ["Vocabulary"]

SHORTEST_ENDING = 3
"""Digits of a part's end that may be said instead of all, where only one part ends so."""

_LONGEST_READING = 4
"""Digits of the longest number that is read as a number, not digit by digit."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the slots of the grammar may hold.

    Attributes
    ----------
    parts
        Part ids that can be spoken about; None where the line cannot list them: then every number is one.
    lots
        The same for lots.
    recipes, zones, defects
        Name in the line's configuration -> its spoken forms besides the name itself.
    """

    parts: tuple[str, ...] | None = None
    lots: tuple[str, ...] | None = None
    recipes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    zones: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    defects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("recipes", "zones", "defects"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def rules(self, grammar: Mapping[str, Rule], *, closed: bool) -> Mapping[str, Rule]:
        """Return the rules that the line adds to ``grammar``.

        Parameters
        ----------
        closed
            True where only listed parts and lots may be said (for a recogniser); False where every number may,
            and the parser says later that there is no such part.
        """
        speller = _Speller(grammar)

        def numbers(known: tuple[str, ...] | None) -> Node:
            if closed and known is not None:
                return _tree([(way, name) for name in known for way in speller.ways(name)])
            named = _tree([(way, name) for name in known or () for way in speller.with_letters(name)])
            return Alternatives(((1.0, Reference("number")), *named.choices))

        bodies = {"part_number": numbers(self.parts), "lot_number": numbers(self.lots)}
        for rule, names in (("recipe_name", self.recipes), ("zone_name", self.zones), ("defect_name", self.defects)):
            bodies[rule] = Alternatives(tuple((1.0, Tagged(node, name)) for node, name in speller.names(names)))
        return {name: Rule(name, public=False, body=body) for name, body in bodies.items()}

    def parts_called(self, said: str) -> tuple[str, ...]:
        """Return the parts that ``said`` can mean: an id, all its digits, or at least its last three.

        Leading zeros count: 42 is not 0042. Empty where there is none; more than one is for the speaker to decide.
        """
        return _called(said, self.parts)

    def lots_called(self, said: str) -> tuple[str, ...]:
        """Return the lots that ``said`` can mean."""
        return _called(said, self.lots)


def digits_of(name: str) -> str:
    """Return the digits of a name, zeros included."""
    return "".join(sign for sign in name if sign in "0123456789")


def _called(said: str, known: tuple[str, ...] | None) -> tuple[str, ...]:
    if known is None:
        return (said,) if said else ()
    if said in known:
        return (said,)
    whole = tuple(name for name in known if digits_of(name) == said)
    if whole or len(said) < SHORTEST_ENDING:
        return whole
    return tuple(name for name in known if digits_of(name).endswith(said))


def _tree(ways: Iterable[tuple[tuple[Node, ...], str]]) -> Alternatives:
    """Return one of these ways, tagged with its name; what several begin with is there once."""
    choices: list[tuple[float, Node]] = []
    branches: dict[Node, list[tuple[tuple[Node, ...], str]]] = {}
    for way, name in dict.fromkeys(ways):
        if way:
            branches.setdefault(way[0], []).append((way[1:], name))
        else:
            choices.append((1.0, Tagged(Sequence(()), name)))
    choices += [(1.0, Sequence((first, _tree(rest)))) for first, rest in branches.items()]
    return Alternatives(tuple(choices))


class _Speller:
    """How names are said, from the grammar's own rules of numbers."""

    def __init__(self, grammar: Mapping[str, Rule]) -> None:
        def part(name: str) -> Graph:
            return compile_graph({**grammar, "it": Rule("it", public=True, body=Reference(name))}, ["it"])

        digit, self._reading = part("digit"), part("reading")
        self._digits: dict[str, Node] = {
            value: Alternatives(tuple((1.0, Word(" ".join(words))) for words in _phrases(digit, value)))
            for value in "0123456789"
        }

    def ways(self, name: str) -> Iterator[tuple[Node, ...]]:
        """Yield every way to say an id: with its letters, its digits alone, or the last of them."""
        yield from self.with_letters(name)
        digits = digits_of(name)
        if digits:
            yield self._one_by_one(digits)
        if digits and len(digits) <= _LONGEST_READING:
            for words in _phrases(self._reading, digits):
                yield tuple(Word(word) for word in words)
        for length in range(SHORTEST_ENDING, min(len(digits), _LONGEST_READING + 1)):
            yield self._one_by_one(digits[-length:])

    def with_letters(self, name: str) -> Iterator[tuple[Node, ...]]:
        """Yield the id with its letters, where it has any: together as one word, and one by one."""
        if name.isdigit():
            return
        for apart in (False, True):
            yield tuple(self._runs(name, apart=apart))

    def names(self, names: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[Node, str]]:
        """Yield each spoken form beside the name it stands for."""
        for name, forms in names.items():
            for form in dict.fromkeys((name, *forms)):
                yield Sequence(tuple(self._runs(form, apart=False))), name

    def _runs(self, name: str, *, apart: bool) -> Iterator[Node]:
        for run in re.findall(r"[0-9]+|[^\W\d_]+", name.lower()):
            if run.isdigit():
                yield from self._one_by_one(run)
            elif apart and run.isascii():
                yield from (Word(letter) for letter in run)
            else:
                yield Word(run)

    def _one_by_one(self, digits: str) -> tuple[Node, ...]:
        return tuple(self._digits[digit] for digit in digits)


def _phrases(graph: Graph, value: str) -> list[tuple[str, ...]]:
    """Return every sentence of ``graph`` whose tags make up ``value``."""
    found = []
    todo: list[tuple[int, str, tuple[str, ...]]] = [(0, "", ())]
    while todo:
        state, said, words = todo.pop()
        if state == graph.final and said == value:
            found.append(words)
        for arc in graph.arcs[state]:
            more = said + (arc.value if arc.mark is Mark.TEXT else "")
            if value.startswith(more):
                todo.append((arc.target, more, (*words, arc.word) if arc.word else words))
    return sorted(found)
