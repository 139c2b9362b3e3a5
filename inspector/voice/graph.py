"""The sentences of a grammar as a finite-state graph over words: what may be said next, and what it means."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from inspector.domain import SettingsError
from inspector.voice.jsgf import Alternatives, Node, Optional, Reference, Repeat, Rule, Sequence, Tagged, Word

__all__ = ["Arc", "Graph", "Mark", "Meaning", "compile_graph"]

SLOT = "slot_"
"""A rule whose name begins so holds the value of a slot."""


class Mark(Enum):
    """What passing an arc says about the meaning."""

    NOTHING = 0
    INTENT = 1
    OPEN = 2
    CLOSE = 3
    TEXT = 4


@dataclass(frozen=True, slots=True)
class Arc:
    """A step to state ``target``: by speaking ``word``, or silently where it is empty."""

    target: int
    word: str = ""
    mark: Mark = Mark.NOTHING
    value: str = ""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a sentence says: an intent (name of a public rule) and its slots, in the order of their names."""

    intent: str
    slots: tuple[tuple[str, str], ...] = ()

    def slot(self, name: str) -> str:
        """Return a slot's value, empty where it was not said."""
        return dict(self.slots).get(name, "")


_Path = tuple[tuple[Mark, str], ...]


class Graph:
    """States 0 … n-1 with arcs; 0 is the start.

    Parameters
    ----------
    arcs
        Outgoing arcs of each state; no cycle of silent arcs.
    final
        The state in which a sentence is complete.
    """

    def __init__(self, arcs: tuple[tuple[Arc, ...], ...], final: int) -> None:
        self.arcs = arcs
        self.final = final

    def closure(self, states: Iterable[int]) -> frozenset[int]:
        """Return these states and all that silence reaches from them."""
        seen = set(states)
        todo = list(seen)
        while todo:
            for arc in self.arcs[todo.pop()]:
                if not arc.word and arc.target not in seen:
                    seen.add(arc.target)
                    todo.append(arc.target)
        return frozenset(seen)

    @property
    def words(self) -> frozenset[str]:
        """Every word that can be said."""
        return frozenset(arc.word for arcs in self.arcs for arc in arcs if arc.word)

    def meanings(self, words: Iterable[str]) -> frozenset[Meaning]:
        """Return every meaning this sentence has; none where it is outside the grammar."""
        paths = self._silently({(0, ())})
        for word in words:
            paths = self._silently(
                {
                    (arc.target, (*path, (arc.mark, arc.value)) if arc.mark is not Mark.NOTHING else path)
                    for state, path in paths
                    for arc in self.arcs[state]
                    if arc.word == word
                }
            )
        return frozenset(_meaning(path) for state, path in paths if state == self.final)

    def _silently(self, paths: set[tuple[int, _Path]]) -> set[tuple[int, _Path]]:
        todo = list(paths)
        while todo:
            state, path = todo.pop()
            for arc in self.arcs[state]:
                if arc.word:
                    continue
                item = (arc.target, (*path, (arc.mark, arc.value)) if arc.mark is not Mark.NOTHING else path)
                if item not in paths:
                    paths.add(item)
                    todo.append(item)
        return paths

    def sample(self, dice: random.Random, longest: int = 24) -> tuple[str, ...]:
        """Return a sentence at random; every choice of a state is equally likely."""
        while True:
            state, words = 0, list[str]()
            while state != self.final and len(words) <= longest:
                arc = dice.choice(self.arcs[state])
                if arc.word:
                    words.append(arc.word)
                state = arc.target
            if state == self.final and len(words) <= longest:
                return tuple(words)


def _meaning(path: _Path) -> Meaning:
    intent, slots, inside = "", dict[str, str](), ""
    for mark, value in path:
        if mark is Mark.INTENT:
            intent = value
        elif mark is Mark.OPEN:
            inside = value
            slots.setdefault(inside, "")
        elif mark is Mark.CLOSE:
            inside = ""
        elif inside:
            slots[inside] += value
    return Meaning(intent, tuple(sorted(slots.items())))


def compile_graph(rules: Mapping[str, Rule], intents: Iterable[str] = ()) -> Graph:
    """Return the graph of all public rules, or of those named ``intents``.

    Raises
    ------
    SettingsError
        Where a rule names one that is not there, or itself, or repeats what may be silent.
    """
    wanted = frozenset(intents)
    builder = _Builder(rules)
    start, final = builder.state(), builder.state()
    for rule in rules.values():
        if rule.public and (not wanted or rule.name in wanted):
            inside = builder.arc(start, mark=Mark.INTENT, value=rule.name)
            builder.arc(builder.add(inside, Reference(rule.name), ()), target=final)
    return Graph(_alive(builder.arcs, final), final)


def _alive(arcs: list[list[Arc]], final: int) -> tuple[tuple[Arc, ...], ...]:
    """Return the arcs without those from which no sentence can be completed (a slot the line has no values for)."""
    before: list[list[int]] = [[] for _ in arcs]
    for source, leaving in enumerate(arcs):
        for arc in leaving:
            before[arc.target].append(source)
    alive, todo = {final}, [final]
    while todo:
        for source in before[todo.pop()]:
            if source not in alive:
                alive.add(source)
                todo.append(source)
    return tuple(tuple(arc for arc in leaving if arc.target in alive) for leaving in arcs)


class _Builder:
    """Thompson's construction: each part of a rule becomes states between its entry and its exit."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._rules = rules
        self.arcs: list[list[Arc]] = []

    def state(self) -> int:
        self.arcs.append([])
        return len(self.arcs) - 1

    def arc(
        self, source: int, *, target: int | None = None, word: str = "", mark: Mark = Mark.NOTHING, value: str = ""
    ) -> int:
        goal = self.state() if target is None else target
        self.arcs[source].append(Arc(goal, word, mark, value))
        return goal

    def add(self, entry: int, node: Node, above: tuple[str, ...]) -> int:
        """Add what ``node`` says after state ``entry``; return the state after it."""
        match node:
            case Word(text):
                for word in split_words(text):
                    entry = self.arc(entry, word=word)
                return entry
            case Sequence(parts):
                for part in parts:
                    entry = self.add(entry, part, above)
                return entry
            case Tagged(part, tag):
                return self.arc(self.add(entry, part, above), mark=Mark.TEXT, value=tag)
            case Reference(name):
                return self._refer(entry, name, above)
            case Alternatives() | Optional() | Repeat():
                return self._fork(entry, node, above)

    def _fork(self, entry: int, node: Alternatives | Optional | Repeat, above: tuple[str, ...]) -> int:
        if isinstance(node, Alternatives) and len(node.choices) == 1:
            return self.add(entry, node.choices[0][1], above)
        leaving = self.state()
        match node:
            case Alternatives(choices):
                for _, choice in choices:
                    if isinstance(choice, Word) and len(words := split_words(choice.text)) == 1:
                        self.arc(entry, target=leaving, word=words[0])  # part numbers are made of such forks
                    else:
                        self.arc(self.add(self.arc(entry), choice, above), target=leaving)
            case Optional(part):
                self.arc(self.add(self.arc(entry), part, above), target=leaving)
                self.arc(entry, target=leaving)
            case Repeat(part, least):
                loop = self.arc(entry)
                after = self.add(loop, part, above)
                if after in Graph(tuple(map(tuple, self.arcs)), 0).closure([loop]):
                    raise SettingsError(f"rule <{above[-1]}> repeats something that may be silent")
                self.arc(after, target=loop)
                self.arc(after, target=leaving)
                if least == 0:
                    self.arc(entry, target=leaving)
        return leaving

    def _refer(self, entry: int, name: str, above: tuple[str, ...]) -> int:
        rule = self._rules.get(name)
        if rule is None:
            place = f"rule <{above[-1]}>" if above else "the grammar"
            raise SettingsError(f"{place} names <{name}>, which is not there")
        if name in above:
            raise SettingsError(f"rule <{name}> contains itself", remedy="Write the repetition with + or *")
        if not name.startswith(SLOT):
            return self.add(entry, rule.body, (*above, name))
        entry = self.arc(entry, mark=Mark.OPEN, value=name.removeprefix(SLOT))
        return self.arc(self.add(entry, rule.body, (*above, name)), mark=Mark.CLOSE, value=name.removeprefix(SLOT))


@lru_cache(4096)
def split_words(text: str) -> tuple[str, ...]:
    """Return the words of a text as the graph counts them: Chinese signs one by one, others lower-case as written."""
    spaced = "".join(f" {sign} " if "\u3400" <= sign <= "\u9fff" else sign for sign in text.lower())
    return tuple(spaced.split())
