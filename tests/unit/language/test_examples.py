"""Files of examples: what is written is read again, and what is wrong is said with its line."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from inspector.domain import ConfigurationError, Outcome
from inspector.language.brief import Brief, ClauseStatus, Count, Degree, Figures, Kind, Rank
from inspector.language.corpus import random_brief, random_sentence
from inspector.language.examples import CORRECTION, Entry, Example, Refusal, as_line, read_entries, read_examples

ABOVE = Brief(
    Kind.FINDING,
    Outcome.FAIL,
    rank=Rank.FIRST,
    zone=True,
    clauses=(ClauseStatus("above_usl", Figures.ALL, Degree.SLIGHT),),
)
TEXT = "{class} in zone {zone}: {first} {first.value}, {first.distance} over the {first.limit} limit."
GOOD = json.loads(as_line(Example(ABOVE, "en", TEXT, "m")))


def changed(**values: object) -> str:
    return json.dumps({**GOOD, **values})


def changed_brief(**values: object) -> str:
    return changed(brief={**GOOD["brief"], **values})


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    rng = random.Random(5)
    written: list[Entry] = []
    for number in range(400):
        brief, language = random_brief(rng), ("en", "zh")[number % 2]
        written.append(Example(brief, language, random_sentence(brief, language, rng), CORRECTION))
    written.append(Refusal("digit", "a teacher"))
    path = tmp_path / "examples.jsonl"
    path.write_text("".join(map(as_line, written)), encoding="utf-8")
    assert read_entries(path) == written
    found = read_examples(path)
    assert list(found.accepted) == written[:-1]
    assert found.refused == {"digit": 1}


def test_a_line_holds_statuses_and_slots_only() -> None:
    named = Brief(Kind.OPENING, Outcome.FAIL, Count.FEW, values={"part": "PCB-4711", "count": "3"})
    line = as_line(Example(named, "zh", "{part}不合格。", "m"))
    assert "4711" not in line
    assert "不合格" in line, "people read these files"


def test_what_the_checker_refuses_is_counted_by_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "examples.jsonl"
    long = TEXT[:-1] + ", " + ", ".join(f"as {chr(97 + n)}{'x' * m} told" for n in range(20) for m in range(4)) + "."
    texts = [
        TEXT,
        TEXT.replace("{first.value}", "0.4 mm"),
        TEXT.replace("over", "3 over"),
        TEXT.replace("over", "under"),
        TEXT.replace(" in zone {zone}", ""),
        long[:599] + ".",
    ]
    path.write_text("\n\n".join(changed(text=text) for text in texts), encoding="utf-8")
    found = read_examples(path)
    assert [example.text for example in found.accepted] == [TEXT]
    assert found.refused == {"unit": 1, "digit": 1, "wrong claim": 1, "missing slot": 1, "too long": 1}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "valid dictionary"),
        ("{}", "brief: Field required"),
        (changed(language="de"), "language: .*'en' or 'zh'"),
        (changed(text=7), "text: .*string"),
        (changed(source=""), "source: "),
        (changed(note="hello"), "note: Extra inputs"),
        (changed_brief(kind="poem"), "brief.kind: "),
        (changed_brief(outcome="accept"), "brief.outcome: "),
        (changed_brief(clauses=[{"code": "too_ugly"}]), "clauses.0.code: .*unknown code.*above_usl"),
        (changed_brief(clauses=[{"code": "above_usl"}] * 4), "clauses: .*at most 3"),
        (changed_brief(clauses=[]), "no report asks for such a sentence"),
        (changed_brief(outcome="pass"), "no report asks for such a sentence"),
        (changed_brief(kind="closing"), "no report asks for such a sentence"),
        (changed(brief={"kind": "opening", "outcome": "fail"}), "no report asks for such a sentence"),
        (json.dumps({"refused": ""}), "refused: "),
    ],
)
def test_a_line_that_is_none_is_named_with_what_to_do(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "examples.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"examples\.jsonl:2: .*{said}.*Correct or remove line 2"):
        read_examples(path)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        read_examples(tmp_path / "nowhere")
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff")
    with pytest.raises(ConfigurationError, match="picture cannot be read"):
        read_examples(tmp_path / "picture")
