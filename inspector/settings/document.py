"""YAML text -> plain data, and the place in the text where each key and each value stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path = tuple[str | int, ...]
MAX_DEPTH = 20
TOO_DEEP = "No key of a line needs that; look for brackets that were not closed."
MAX_ENTRIES = 20_000  # far above any line; aliases of aliases can otherwise grow without bound


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the file; both count from 1."""

    line: int
    column: int


TOP = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that makes the text no YAML of ours."""

    place: Place
    path: Path
    problem: str
    remedy: str
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data with the places of its keys and values; ``readable`` is False where there is no data."""

    data: Any
    readable: bool
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)

    def key_place(self, path: Path) -> Place:
        """Return where this key stands, or the nearest one above it; a list's entry stands at its value."""
        for length in range(len(path), 0, -1):
            place = self.keys.get(path[:length]) or self.values.get(path[:length])
            if place:
                return place
        return TOP

    def value_place(self, path: Path) -> Place:
        """Return where this key's value stands, or the nearest key above it."""
        return self.values.get(path) or self.key_place(path)


def parse(text: str) -> Document:
    """Return the document of a YAML text; whatever is wrong with it is among its flaws."""
    try:
        return _parse(text)
    except MarkedYAMLError as error:
        return _unreadable(_syntax(error, text))
    except RecursionError:
        return _unreadable(Flaw(TOP, (), "something in the file is nested too deeply", TOO_DEEP))
    except (YAMLError, ValueError, TypeError) as error:
        problem = str(error).splitlines()[0] if str(error) else "the file cannot be read as YAML"
        return _unreadable(Flaw(TOP, (), problem, "Write plain YAML: keys, texts, numbers and lists."))


def _parse(text: str) -> Document:
    yaml = YAML(typ="safe", pure=True)
    yaml.constructor.allow_duplicate_keys = True  # they are reported below, all of them
    document = Document(None, readable=True)
    root = yaml.compose(text)
    if root is None:
        return document
    entries = list(islice(_walk(root, (), (), document.flaws), MAX_ENTRIES + 1))
    if len(entries) > MAX_ENTRIES:
        return _unreadable(Flaw(TOP, (), f"the file has more than {MAX_ENTRIES} entries", "Write fewer."))
    fatal = [flaw for flaw in document.flaws if flaw.fatal]
    if fatal:
        return _unreadable(*fatal)
    for path, key, value in entries:
        if key is not None:
            document.keys.setdefault(path, key)
        document.values.setdefault(path, value)
    return replace(document, data=yaml.constructor.construct_document(root))


def _unreadable(*flaws: Flaw) -> Document:
    return Document(None, readable=False, flaws=list(flaws))


def _at(mark: StringMark | None) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else TOP


def _walk(
    node: Node, path: Path, above: tuple[int, ...], flaws: list[Flaw]
) -> Iterator[tuple[Path, Place | None, Place]]:
    if id(node) in above:
        flaws.append(
            Flaw(
                _at(node.start_mark), path, "the value contains itself", "Write it out instead of '*alias'.", fatal=True
            )
        )
        return
    if len(path) > MAX_DEPTH:
        flaws.append(Flaw(_at(node.start_mark), path[:3], "the value is nested too deeply", TOO_DEEP, fatal=True))
        return
    above = (*above, id(node))
    if isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            yield (*path, index), None, _at(item.start_mark)
            yield from _walk(item, (*path, index), above, flaws)
    elif isinstance(node, MappingNode):
        seen: dict[str, Place] = {}
        for key, value in node.value:
            if key.tag.endswith(":merge"):
                for merged in value.value if isinstance(value, SequenceNode) else [value]:
                    yield from _walk(merged, path, above, flaws)
                continue
            name, place = (key.value if isinstance(key, ScalarNode) else "?"), _at(key.start_mark)
            if name in seen:
                flaws.append(
                    Flaw(
                        place,
                        (*path, name),
                        f"the key '{name}' is there twice, first in line {seen[name].line}",
                        "Keep one of the two.",
                    )
                )
                continue
            seen[name] = place
            yield (*path, name), place, _at(value.start_mark)
            yield from _walk(value, (*path, name), above, flaws)


def _syntax(error: MarkedYAMLError, text: str) -> Flaw:
    unclosed = (error.context or "").startswith(("while scanning a quoted", "while parsing a flow"))
    mark = (error.context_mark if unclosed else None) or error.problem_mark or error.context_mark
    place = _at(mark)
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    problem = " ".join(part for part in (error.problem, error.context) if part)
    if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in problem:
        return Flaw(
            Place(place.line, line.index("\t") + 1 if "\t" in line else place.column),
            (),
            "the line is indented with a tab",
            "Indent with spaces; YAML knows no tabs there.",
        )
    if "expected a single document" in problem:
        return Flaw(place, (), "the file holds more than one document", "Write one line per file; remove '---'.")
    if "could not determine a constructor" in problem or "tag" in problem:
        return Flaw(
            place, (), "the value has a tag ('!…')", "Write the plain value; a value that begins with '!' needs quotes."
        )
    if "alias" in problem:
        return Flaw(place, (), problem, "A value that begins with '*' needs quotes.")
    return Flaw(
        place,
        (),
        f"this is not YAML here: {problem}",
        "Look at this line and the one above for a missing ':', a missing blank after it, an open bracket or quote, "
        "or an indentation that differs from its neighbours.",
    )
