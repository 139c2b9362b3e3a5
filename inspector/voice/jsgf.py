"""Reads JSGF, the grammar form that recognisers share, into a small tree.

JSpeech Grammar Format, W3C note of 5 June 2000: rules, references, alternatives with weights, sequences, groups,
optional parts, ``*`` and ``+``, tags, both kinds of comment. Not read: imports and recursion, which no sentence of a
line needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from inspector.domain import SettingsError

__all__ = ["Alternatives", "Node", "Optional", "Reference", "Repeat", "Rule", "Sequence", "Tagged", "Word", "read_jsgf"]


@dataclass(frozen=True, slots=True)
class Word:
    """One word to be spoken."""

    text: str


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of a rule."""

    name: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """One part after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of several, each with a weight."""

    choices: tuple[tuple[float, Node], ...]


@dataclass(frozen=True, slots=True)
class Optional:
    """Spoken or left out."""

    part: Node


@dataclass(frozen=True, slots=True)
class Repeat:
    """Spoken ``least`` times (0 or 1) or more."""

    part: Node
    least: int


@dataclass(frozen=True, slots=True)
class Tagged:
    """A part that stands for ``tag``, said after its own words."""

    part: Node
    tag: str


Node = Word | Reference | Sequence | Alternatives | Optional | Repeat | Tagged


@dataclass(frozen=True, slots=True)
class Rule:
    """A named part; a public one may be spoken by itself."""

    name: str
    public: bool
    body: Node


_TOKENS = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|/\*.*?\*/)
      | (?P<rule><[^<>\s]+>)
      | (?P<weight>/[0-9.eE+-]+/)
      | (?P<tag>\{(?:[^{}\\]|\\.)*\})
      | (?P<quoted>"(?:[^"\\]|\\.)*")
      | (?P<sign>[=|()\[\]*+;])
      | (?P<word>[^\s=|()\[\]{}<>*+;/"]+)""",
    re.VERBOSE | re.DOTALL,
)
_CLOSING = {"(": ")", "[": "]"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def read_jsgf(text: str, name: str) -> Mapping[str, Rule]:
    """Return the rules of a grammar by name.

    Parameters
    ----------
    text
        The whole source, beginning with its ``#JSGF`` line.
    name
        What to call it in an error, a file name as a rule.

    Raises
    ------
    SettingsError
        Where the source is not JSGF, a rule is there twice, or names one that is not there; with the line.
    """
    header, _, body = text.partition("\n")
    if not header.lstrip("\ufeff").startswith("#JSGF"):
        raise SettingsError(f"{name}:1: a grammar begins with '#JSGF V1.0 UTF-8 en;', not {header[:30]!r}")
    reader = _Reader(list(_scan("\n" + body, name)), name)
    rules: dict[str, Rule] = {}
    for line, rule in reader.rules():
        if rule.name in rules:
            raise SettingsError(f"{name}:{line}: rule <{rule.name}> is there twice")
        rules[rule.name] = rule
    return rules


def _scan(text: str, name: str) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(text):
        match = _TOKENS.match(text, at)
        if match is None:
            raise SettingsError(f"{name}:{line}: {text[at : at + 10]!r} cannot stand here")
        kind = str(match.lastgroup)
        if kind != "blank":
            yield _Token(kind, match.group(), line)
        line += match.group().count("\n")
        at = match.end()


class _Reader:
    """Recursive descent; from loosest to tightest: alternatives, sequence, item with its signs and tags."""

    def __init__(self, tokens: list[_Token], name: str) -> None:
        self._tokens = tokens
        self._name = name
        self._at = 0

    def rules(self) -> Iterator[tuple[int, Rule]]:
        if self._is("word", "grammar"):
            while not self._is("sign", ";"):
                self._next("';' after the grammar's name")
            self._next()
        while self._at < len(self._tokens):
            line = self._tokens[self._at].line
            public = self._is("word", "public")
            if public:
                self._next()
            head = self._next("a rule such as <name>")
            if head.kind != "rule":
                raise self._error(head, "a rule such as <name>")
            self._expect("=")
            body = self._alternatives()
            self._expect(";")
            yield line, Rule(head.text[1:-1], public, body)

    def _alternatives(self) -> Node:
        choices = [self._choice()]
        while self._is("sign", "|"):
            self._next()
            choices.append(self._choice())
        return choices[0][1] if len(choices) == 1 else Alternatives(tuple(choices))

    def _choice(self) -> tuple[float, Node]:
        weight = 1.0
        if self._at < len(self._tokens) and self._tokens[self._at].kind == "weight":
            token = self._next()
            try:
                weight = float(token.text[1:-1])
            except ValueError as error:
                raise self._error(token, "a weight such as /0.5/") from error
        parts: list[Node] = []
        while self._at < len(self._tokens) and (
            self._tokens[self._at].kind != "sign" or self._tokens[self._at].text in _CLOSING
        ):
            parts.append(self._item())
        if not parts:
            raise self._error(self._next("words"), "words")
        return weight, parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _item(self) -> Node:
        node = self._primary()
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if token.kind == "tag":
                node = Tagged(node, token.text[1:-1].replace("\\", ""))
            elif token.kind == "sign" and token.text in "*+":
                node = Repeat(node, 0 if token.text == "*" else 1)
            else:
                break
            self._at += 1
        return node

    def _primary(self) -> Node:
        token = self._next()
        if token.kind == "rule":
            name = token.text[1:-1]
            return Sequence(()) if name == "NULL" else Reference(name)
        if token.kind == "sign" and token.text in _CLOSING:
            inside = self._alternatives()
            self._expect(_CLOSING[token.text])
            return Optional(inside) if token.text == "[" else inside
        if token.kind == "word":
            return Word(token.text)
        if token.kind == "quoted":
            return Word(token.text[1:-1])
        raise self._error(token, "a word, a rule or a group")

    def _is(self, kind: str, text: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at] == _Token(
            kind, text, self._tokens[self._at].line
        )

    def _next(self, wanted: str = "more") -> _Token:
        if self._at == len(self._tokens):
            raise SettingsError(f"{self._name}: the grammar ends where {wanted} should follow")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, sign: str) -> None:
        token = self._next(f"'{sign}'")
        if (token.kind, token.text) != ("sign", sign):
            raise self._error(token, f"'{sign}'")

    def _error(self, token: _Token, wanted: str) -> SettingsError:
        return SettingsError(f"{self._name}:{token.line}: {wanted} should stand where {token.text!r} stands")
