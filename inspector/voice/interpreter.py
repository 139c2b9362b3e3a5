"""Text -> meaning -> typed Command, by the line's own grammar; what is not clear is refused, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from importlib import resources

from inspector.domain import SettingsError
from inspector.voice.graph import SLOT, Graph, Mark, Meaning, compile_graph, split_words
from inspector.voice.jsgf import Optional, Reference, Rule, Sequence, Tagged, Word, read_jsgf
from inspector.voice.vocabulary import Vocabulary

__all__ = ["DIALOGUE", "Grammar", "Interpreter", "Refused", "Unclear"]

DIALOGUE = frozenset({"confirm", "cancel", "repeat", "correct"})
"""Intents that steer the conversation instead of the line."""

LANGUAGES = ("en", "zh")
WAKE = "wake"
"""The slot of a sentence that begins with the phrase it is meant by."""


class Unclear(StrEnum):
    """Why a sentence came to nothing."""

    NOTHING_SAID = "nothing_said"
    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"
    NO_SUCH_PART = "no_such_part"
    SEVERAL_PARTS = "several_parts"
    NO_SUCH_LOT = "no_such_lot"
    SEVERAL_LOTS = "several_lots"


@dataclass(frozen=True, slots=True)
class Refused:
    """A sentence that does nothing; ``detail`` is the word that is in the way, where there is one."""

    why: Unclear
    detail: str = ""


class Grammar:
    """The sentences of one language, filled with a line's words.

    Parameters
    ----------
    source
        JSGF text; ``Grammar.shipped`` reads the product's own.
    name
        Of the source, for errors.
    words
        JSGF text whose rules that are not public stand behind those of ``source``: how numbers are said.
    wake
        A phrase that may open every sentence, so that sentences with it and without it compete; the meaning of one with
        it has the slot ``WAKE``.
    """

    def __init__(
        self,
        source: str,
        vocabulary: Vocabulary | None = None,
        *,
        name: str = "grammar",
        words: str = "",
        wake: str = "",
    ) -> None:
        behind = read_jsgf(words, f"{name}: words") if words else {}
        rules = {key: rule for key, rule in behind.items() if not rule.public} | dict(read_jsgf(source, name))
        self.wake = wake
        """The phrase that may open a sentence, empty where none may."""
        if wake:
            rules = _after(wake, rules)
        self.digits = _digits(rules)
        """Every word for a digit -> the digit."""
        self._digit_words = {digit: word for word, digit in reversed(self.digits.items())}
        self.vocabulary = vocabulary or Vocabulary()
        self._rules, self._fill = rules, vocabulary is not None
        self.open = self._compiled(closed=False)
        """Every sentence of the language, with any number: what typed text is read by."""

    @cached_property
    def closed(self) -> Graph:
        """Sentences about what the line knows: what a recogniser listens for; made when one first does."""
        return self._compiled(closed=True)

    def _compiled(self, *, closed: bool) -> Graph:
        own = self.vocabulary.rules(self._rules, closed=closed) if self._fill else {}
        return compile_graph({**self._rules, **own})

    @classmethod
    def shipped(cls, language: str, vocabulary: Vocabulary, *, wake: str = "") -> Grammar:
        """Return the product's grammar of commands in ``en`` or ``zh``; raises ``SettingsError`` for any other."""
        return cls(_shipped(language), vocabulary, name=f"{language}.jsgf", wake=wake)

    @classmethod
    def about_part(cls, language: str, vocabulary: Vocabulary) -> Grammar:
        """Return the product's grammar of questions about one part; raises ``SettingsError`` as ``shipped`` does."""
        name = f"part_{language}.jsgf"
        return cls(_shipped(language, name), vocabulary, name=name, words=_shipped(language))

    def words(self, text: str) -> tuple[str, ...]:
        """Return the words of a text as the graph knows them: no signs, digits as the words that are said for them."""
        cleaned = re.sub(r"(?<=\d),(?=\d{3})", "", text)
        words: list[str] = []
        for run in re.findall(r"[0-9]|[^\W\d_]+(?:['’][^\W\d_]+)*", cleaned):
            words.extend([self._digit_words.get(run, run)] if run.isdigit() else split_words(run.replace("’", "'")))
        return tuple(words)

    def meanings(self, text: str, graph: Graph | None = None) -> frozenset[Meaning]:
        """Return every meaning of a text."""
        return (graph or self.open).meanings(self.words(text))


def _after(wake: str, rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """Return the rules with ``wake`` as what may open every sentence."""
    slot = SLOT + WAKE
    opened = {
        name: Rule(name, public=True, body=Sequence((Optional(Reference(slot)), rule.body)))
        for name, rule in rules.items()
        if rule.public
    }
    return {**rules, **opened, slot: Rule(slot, public=False, body=Tagged(Word(wake), WAKE))}


def _shipped(language: str, name: str = "") -> str:
    if language not in LANGUAGES:
        raise SettingsError(
            f"there is no grammar of spoken commands in {language!r}",
            remedy=f"Choose one of {', '.join(LANGUAGES)}",
        )
    return (resources.files("inspector.voice") / "grammars" / (name or f"{language}.jsgf")).read_text("utf-8")


def _digits(rules: Mapping[str, Rule]) -> dict[str, str]:
    """Return every word of the rule <digit> -> its digit, in the order of the source."""
    found: dict[str, str] = {}
    if "digit" in rules:
        graph = compile_graph({**rules, "it": Rule("it", public=True, body=rules["digit"].body)}, ["it"])
        todo: list[tuple[int, str, str]] = [(0, "", "")]
        while todo:
            state, word, value = todo.pop()
            if state == graph.final:
                found.setdefault(word, value)
            todo.extend(
                (arc.target, word + arc.word, value + (arc.value if arc.mark is Mark.TEXT else ""))
                for arc in reversed(graph.arcs[state])
            )
    return found


class Interpreter:
    """Reads sentences for one line in one language."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar

    def understand(self, text: str) -> Meaning | Refused:
        """Return the one meaning of a text with its parts and lots resolved to ids, or why there is none."""
        if not self._grammar.words(text):
            return Refused(Unclear.NOTHING_SAID)
        meanings = self._grammar.meanings(text)
        if not meanings:
            return Refused(Unclear.UNKNOWN)
        outcomes = {self._resolved(meaning) for meaning in meanings}
        clear = {outcome for outcome in outcomes if isinstance(outcome, Meaning)}
        if len(clear) == 1 and len(meanings) == 1:
            return clear.pop()
        if len(outcomes) == 1:
            return outcomes.pop()
        return Refused(Unclear.AMBIGUOUS)

    def _resolved(self, meaning: Meaning) -> Meaning | Refused:
        slots = []
        for name, said in meaning.slots:
            if name in {"part", "other"}:
                found = self._grammar.vocabulary.parts_called(said)
                none, several = Unclear.NO_SUCH_PART, Unclear.SEVERAL_PARTS
            elif name == "lot":
                found = self._grammar.vocabulary.lots_called(said)
                none, several = Unclear.NO_SUCH_LOT, Unclear.SEVERAL_LOTS
            else:
                found, none, several = (said,), Unclear.UNKNOWN, Unclear.AMBIGUOUS
            if len(found) != 1:
                return Refused(several if found else none, said)
            slots.append((name, found[0]))
        return Meaning(meaning.intent, tuple(slots))
