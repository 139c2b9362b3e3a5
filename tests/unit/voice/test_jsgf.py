"""JSGF is read as the W3C note defines it."""

from __future__ import annotations

import pytest

from inspector.domain import SettingsError
from inspector.voice import Grammar, Meaning


def said(body: str, text: str) -> set[Meaning]:
    return set(Grammar(f"#JSGF V1.0;\ngrammar it;\n{body}").meanings(text))


@pytest.mark.parametrize(
    ("body", "yes", "no"),
    [
        ("public <a> = (x | y) z | w;", ["x z", "y z", "w"], ["x w", "z", "x"]),
        ("public <a> = [x] y;", ["x y", "y"], ["x"]),
        ("public <a> = x+ y*;", ["x", "x x", "x y y"], ["y", ""]),
        ("public <a> = /3/ x | /1/ y;", ["x", "y"], ["3"]),
        ("public <a> = <b> c; <b> = x;", ["x c"], ["b c"]),
        ("public <a> = x <NULL> y;", ["x y"], ["x"]),
        ('public <a> = "x y" z;', ["x y z"], ["x z"]),
        ("// public <b> = n;\npublic <a> /* no */ = x; ", ["x"], ["n", "no"]),
    ],
)
def test_sentences(body: str, yes: list[str], no: list[str]) -> None:
    assert [text for text in yes if not said(body, text)] == []
    assert [text for text in no if said(body, text)] == []


def test_tags_make_slots() -> None:
    body = "public <go> = to <slot_place>; <slot_place> = [the] (red {R} | blue {B}) door {1};"
    assert said(body, "to the red door") == {Meaning("go", (("place", "R1"),))}


def test_two_meanings_are_both_told() -> None:
    assert said("public <a> = x; public <b> = x;", "x") == {Meaning("a"), Meaning("b")}


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("grammar a;", "begins with"),
        ("#JSGF V1.0;\ngrammar a;\npublic <a> = x", "ends where"),
        ("#JSGF V1.0;\ngrammar a;\npublic <a> = (x;", r"it:3: '\)' should stand"),
        ("#JSGF V1.0;\ngrammar a;\npublic <a> = ;", "words should stand"),
        ("#JSGF V1.0;\ngrammar a;\npublic <a> = <b>;", "<b>, which is not there"),
        ("#JSGF V1.0;\ngrammar a;\npublic <a> = x <a>;", "contains itself"),
        ("#JSGF V1.0;\ngrammar a;\npublic <a> = [x]*;", "may be silent"),
        ("#JSGF V1.0;\ngrammar a;\n<a> = x;\n<a> = y;", "it:4: rule <a> is there twice"),
        ("#JSGF V1.0;\ngrammar a;\npublic <a> = {t} x;", "should stand"),
        ("#JSGF V1.0;\ngrammar a;\npublic <a> = x }", "cannot stand"),
        ("#JSGF V1.0;\ngrammar a;\npublic <a> = /x/ y;", "stand"),
    ],
)
def test_mistakes_are_named_with_their_line(source: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Grammar(source, name="it")
