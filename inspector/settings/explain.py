"""Pydantic's errors -> findings a person can act on: where, what is wrong, what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from inspector.settings.base import FORMS
from inspector.settings.detectors import DEFAULT_KIND, ONE, SEVERAL
from inspector.settings.document import Document, Path, Place
from inspector.settings.raw import choose_from, is_number
from inspector.settings.reference import expectation, homes, resolved, schema_at

DETECTOR = "detector"  # the one key that takes one entry or several
NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
TRUTH = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
BOUNDS = {
    "greater_than_equal": ("below the lowest value", "ge"),
    "greater_than": ("not above", "gt"),
    "less_than_equal": ("above the highest value", "le"),
    "less_than": ("not below", "lt"),
}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One mistake in one file.

    Attributes
    ----------
    line, column
        Where it stands, counted from 1.
    key
        Path of the key, such as ``recipes.default.rules[2].usl``; empty where the file itself is meant.
    problem
        What is wrong.
    remedy
        What would be right, as a sentence.
    """

    file: str
    line: int
    column: int
    key: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        key = f" {self.key}:" if self.key else ""
        return f"{self.file}:{self.line}:{self.column}:{key} {self.problem}"


@dataclass(frozen=True, slots=True)
class _Mistake:
    """A pydantic error, with its path in the data."""

    path: Path
    kind: str
    given: Any
    ctx: Mapping[str, Any]
    message: str
    data: Any

    @property
    def name(self) -> str:
        return str(self.path[-1]) if self.path else ""

    @property
    def wanted(self) -> str:
        return f"Write {expectation(schema_at(self.path, self.data))}."


Told = tuple[str, str]
"""Problem and remedy."""


def spelled(path: Path) -> str:
    """Return a path as text: ``recipes.default.rules[2].usl``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def explain(error: ValidationError, document: Document, file: str) -> list[Finding]:
    """Return what the errors mean, in the order of the file."""
    mistakes = [_mistake(item, document.data) for item in error.errors(include_url=False)]
    secrets = {mistake.path for mistake in mistakes if mistake.kind == "secret"}
    unknown: dict[Path, Told] = {}
    misspelt: set[Path] = set()
    for mistake in mistakes:
        if mistake.kind == "extra_forbidden" and mistake.path not in secrets:
            unknown[mistake.path], meant = _unknown_key(mistake)
            misspelt.add((*mistake.path[:-1], meant))
    findings = []
    for mistake in mistakes:
        if mistake.kind == "extra_forbidden":
            if mistake.path not in unknown:
                continue
            told = unknown[mistake.path]
        elif mistake.kind == "missing" and mistake.path in misspelt:
            continue  # named already, at the key that was meant to be it
        else:
            told = _tell(mistake)
        place = _place(mistake, document)
        findings.append(Finding(file, place.line, place.column, spelled(mistake.path), *told))
    return sorted(set(findings))


def _mistake(item: ErrorDetails, data: Any) -> _Mistake:
    kind, path = item["type"], _path(item["loc"], data)
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        path = (*path, "kind")
        kind = "missing" if kind == "union_tag_not_found" else kind
    if "[key]" in item["loc"]:
        kind = "bad_key"
    return _Mistake(path, kind, item["input"], item.get("ctx", {}), item["msg"], data)


def _path(loc: Sequence[str | int], data: Any) -> Path:
    """Return the path in the file; pydantic's location also names the chosen ``kind`` of a section."""
    path: list[str | int] = []
    chosen = False
    for part in loc:
        if part == "[key]" or (path[-1:] == [DETECTOR] and part in {ONE, SEVERAL}):
            continue
        left_out = DEFAULT_KIND if DETECTOR in path else None
        if not chosen and path and isinstance(data, Mapping) and data.get("kind", left_out) == part:
            chosen = True
            continue
        chosen = False
        path.append(part)
        data = _value_at(data, (part,))
    return tuple(path)


def _value_at(data: Any, path: Path) -> Any:
    for part in path:
        if isinstance(data, Mapping):
            data = data.get(part)
        else:
            data = data[part] if isinstance(data, list) and isinstance(part, int) and part < len(data) else None
    return data


def _place(mistake: _Mistake, document: Document) -> Place:
    if mistake.kind == "missing":
        return document.key_place(mistake.path[:-1])
    if mistake.given is None or mistake.kind in {"extra_forbidden", "bad_key", "invalid_key"}:
        return document.key_place(mistake.path)
    return document.value_place(mistake.path)


# --- what each kind of mistake means ----------------------------------------------------------------------


def _tell(mistake: _Mistake) -> Told:
    if "remedy" in mistake.ctx:
        return mistake.message, str(mistake.ctx["remedy"])
    if mistake.kind != "missing" and mistake.given is None:
        return _no_value(mistake)
    teller = _TELLERS.get(mistake.kind)
    if teller:
        return teller(mistake)
    return mistake.message[:1].lower() + mistake.message[1:], mistake.wanted


def _no_value(mistake: _Mistake) -> Told:
    parent = resolved(schema_at(mistake.path[:-1], mistake.data), _value_at(mistake.data, mistake.path[:-1]))
    optional = mistake.name not in parent.get("required", (mistake.name,))
    return f"'{mistake.name}' has no value", mistake.wanted + " Or leave the key out." * optional


def _out_of_bounds(mistake: _Mistake) -> Told:
    words, bound = BOUNDS[mistake.kind]
    return f"{_shown(mistake.given)} is {words}, {mistake.ctx[bound]:.12g}", mistake.wanted


def _not_a_list(mistake: _Mistake) -> Told:
    return f"{_shown(mistake.given)} is not a list", "Write a list: '[a, b]', or one entry per line after '- '."


def _missing(mistake: _Mistake) -> Told:
    schema = schema_at(mistake.path, mistake.data)
    if mistake.name == "kind":
        kinds = resolved(schema_at(mistake.path[:-1], mistake.data)).get("discriminator", {}).get("mapping", {})
        return "the key 'kind' is missing", f"Add 'kind:' with one of: {', '.join(kinds)}."
    if isinstance(mistake.path[-1], int):
        whole = schema_at(mistake.path[:-1], mistake.data)
        return "the list is too short", f"Write {expectation(whole)}. {whole.get('description', '')}"
    meaning = schema.get("description", "")
    return (
        f"the key '{mistake.name}' is missing",
        f"Add '{mistake.name}:' with {expectation(schema)}. {meaning}".strip(),
    )


def _unknown_key(mistake: _Mistake) -> tuple[Told, str]:
    """Return what to say about a key that nobody reads, and the key that was probably meant."""
    here = resolved(schema_at(mistake.path[:-1], mistake.data), _value_at(mistake.data, mistake.path[:-1]))
    known = list(here.get("properties", {}))
    remedy = choose_from(mistake.name, known)
    meant = re.match(r"Did you mean '(.+?)'\?", remedy)
    places = homes(mistake.name)
    if not meant and places:
        remedy = f"'{mistake.name}' belongs to: {', '.join(places)}. Here, use one of: {', '.join(known)}."
    return (f"there is no key '{mistake.name}' here", remedy), meant[1] if meant else ""


def _bad_key(mistake: _Mistake) -> Told:
    form = FORMS.get(str(mistake.ctx.get("pattern")), "a text")
    return f"{_shown(mistake.path[-1])} is not a name", f"Write {form}."


def _no_such_kind(mistake: _Mistake) -> Told:
    kinds = re.findall(r"'([^']+)'", str(mistake.ctx["expected_tags"]))
    given = str(mistake.ctx["tag"])
    return f"there is no kind '{given}' here", choose_from(given, kinds)


def _no_such_choice(mistake: _Mistake) -> Told:
    schema = resolved(schema_at(mistake.path, mistake.data))
    choices = [str(choice) for choice in schema.get("enum", [schema.get("const")])]
    if str(mistake.given) in choices:
        return f"{_shown(mistake.given)} is a text", f"Write {mistake.given} without quotes."
    return f"{_shown(mistake.given)} is not one of the choices", choose_from(str(mistake.given), choices)


def _not_a_number(mistake: _Mistake) -> Told:
    given = mistake.given
    problem = f"{_shown(given)} is not a number"
    if isinstance(given, float):
        whole = f"Write {given:.0f} instead of {given}. " if given.is_integer() else ""
        return f"{given} is not a whole number", f"{whole}{mistake.wanted}"
    if isinstance(given, str):
        found = NUMBER.match(given.strip())
        rest = given.strip()[found.end() :].strip() if found else ""
        number = found[0].replace(",", ".") if found else ""
        if found and rest and re.fullmatch(r"[A-Za-zµ°%/²^0-9]+", rest):
            return problem, f"Write {number} instead of '{given}'; the unit is fixed by the key. {mistake.wanted}"
        if found and not rest and "," in given:
            return problem, f"Write {number} instead of '{given}'; the decimal sign is a point. {mistake.wanted}"
        if found and not rest:
            return problem, f"Write {number} without quotes. {mistake.wanted}"
    return problem, mistake.wanted


def _not_a_truth(mistake: _Mistake) -> Told:
    meant = TRUTH.get(str(mistake.given).lower()) or {"true": "true", "false": "false"}.get(str(mistake.given).lower())
    problem = f"{_shown(mistake.given)} is neither true nor false"
    return problem, f"Write {meant} instead of {_shown(mistake.given)}." if meant else "Write true or false."


def _not_a_text(mistake: _Mistake) -> Told:
    given = mistake.given
    if isinstance(given, (bool, int, float, date)):
        spelling = str(given).lower() if isinstance(given, bool) else str(given)
        return f"{_shown(given)} is not a text", f"Put it in quotes: '{spelling}'."
    return f"{_shown(given)} is not a text", mistake.wanted


def _wrong_form(mistake: _Mistake) -> Told:
    return f"{_shown(mistake.given)} has the wrong form", f"Write {FORMS[str(mistake.ctx['pattern'])]}."


def _too_short(mistake: _Mistake) -> Told:
    return f"'{mistake.name}' is empty", "Write at least one entry." if not isinstance(
        mistake.given, str
    ) else mistake.wanted


def _too_long(mistake: _Mistake) -> Told:
    limit = mistake.ctx.get("max_length")
    what = "characters" if isinstance(mistake.given, str) else "entries"
    return f"'{mistake.name}' has more than {limit} {what}", f"Write at most {limit} {what}."


def _not_finite(mistake: _Mistake) -> Told:
    return f"{mistake.given} is not a finite number", mistake.wanted


def _key_not_text(mistake: _Mistake) -> Told:
    return f"the key {_shown(mistake.path[-1])} is not a text", "Put the key in quotes, or remove it."


def _not_a_table(mistake: _Mistake) -> Told:
    if not mistake.path:
        what = "a list" if isinstance(mistake.given, list) else "a single value"
        return f"the file holds {what}, not the keys of a line", "Begin with 'version: 1', then 'line:', 'station:' …"
    known = resolved(schema_at(mistake.path, mistake.data)).get("properties", {})
    keys = f": {', '.join(known)}" if known else ""
    return f"{_shown(mistake.given)} stands where keys are expected", f"Write keys below it, indented{keys}."


def _shown(given: Any) -> str:
    if isinstance(given, str):
        return f"'{given if len(given) <= 40 else given[:37] + '…'}'"  # noqa: PLR2004
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, Mapping):
        return "a group of keys"
    if isinstance(given, (list, tuple)):
        return "a list"
    if isinstance(given, (int, float)):
        return f"{given:.12g}" if is_number(given) else "this number"
    return "an empty value" if given is None else str(given)


_TELLERS: dict[str, Callable[[_Mistake], Told]] = {
    **dict.fromkeys(BOUNDS, _out_of_bounds),
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type", "mapping_type"), _not_a_table),
    **dict.fromkeys(("tuple_type", "list_type"), _not_a_list),
    "missing": _missing,
    "bad_key": _bad_key,
    "union_tag_invalid": _no_such_kind,
    "literal_error": _no_such_choice,
    "float_type": _not_a_number,
    "int_type": _not_a_number,
    "int_from_float": _not_a_number,
    "bool_type": _not_a_truth,
    "string_type": _not_a_text,
    "path_type": _not_a_text,
    "string_pattern_mismatch": _wrong_form,
    "string_too_short": _too_short,
    "too_short": _too_short,
    "string_too_long": _too_long,
    "too_long": _too_long,
    "finite_number": _not_finite,
    "invalid_key": _key_not_text,
}
