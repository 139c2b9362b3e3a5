"""`inspector search`, `glossary` and `ask --part` as their users run them, over a record of their own."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from inspector.cli.main import app
from inspector.domain import LanguageError, VoiceError
from inspector.runtime.wiring.record import build_record
from inspector.runtime.wiring.words import build_words
from inspector.settings import load_line
from tests.support.shifts import NIGHT, inspection

LINE = Path(__file__).resolve().parents[3] / "line_configs" / "virtual-board.yaml"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of a line with a spur of 0.4 mm, an open of 0.36 mm and a good part; its pictures are read."""
    folder = tmp_path_factory.mktemp("var")
    settings = load_line(LINE, data=folder)
    database, record, _ = build_record(settings)
    with closing(database):
        for number, (label, length) in enumerate((("spur", 0.4), ("open", 0.36), ("", 0.0)), start=1):
            made = inspection(number, NIGHT + timedelta(minutes=number), label=label, length=length)
            pixels = np.full((96, 96), 40, np.uint8)
            texts = {"en": f"Part {number} was told."}
            record.record(made, pixels=pixels, texts=texts, messages=[])
        words = build_words(settings, database)
        assert words.reader is not None
        while words.reader.read_some():
            pass
        words.close()
    return folder


@pytest.fixture
def here(data: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("INSPECTOR_DATA", str(data))
    return ["--line", str(LINE)]


def run(*arguments: str, exits: int = 0) -> str:
    done = CliRunner().invoke(app, arguments)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == exits, done.output
    return done.output


def test_defects_are_found_by_words(here: list[str]) -> None:
    found = json.loads(run("search", "a spur, anywhere", *here, "--json"))
    assert (found["understood"], found["searched"]) == (True, 2)
    assert {row["label"] for row in found["rows"]} == {"spur", "open"}
    assert found["rows"][0]["page"].startswith("/part/")
    assert "the likest of 2 findings" in run("search", "左上角的毛刺", *here)
    assert "None of these words is known" in run("search", "qwertz", *here, exits=1)


def test_a_part_is_asked_about_by_its_number(here: list[str]) -> None:
    said = json.loads(run("ask", "how many spurs?", "--part", "1", *here, "--json"))
    assert (said["part"], said["intent"], said["findings"]) == ("P-00001", "how_many", [0])
    assert said["reply"] == "1: spur, length 0.400 ± 0.020 mm."
    assert run("ask", "why was it rejected", "--part", "P-00002", *here) == "Part 2 was told.\n"
    assert "No 毛刺" not in run("ask", "有毛刺吗", "--part", "3", "--language", "zh", *here)
    assert "This can be asked" in run("ask", "sing a song", "--part", "1", *here, exits=1)
    with pytest.raises(VoiceError, match="no inspection of part 99"):
        run("ask", "how many", "--part", "99", *here)


def test_a_name_is_changed_and_everything_that_is_asked_knows_it(here: list[str]) -> None:
    assert "None of these words is known" in run("search", "zipfel", *here, exits=1)
    assert "spur is called 'zipfel' in en" in run("glossary", "set", "spur", "en", "zipfel", *here)
    terms = json.loads(run("glossary", "list", "--json", *here))["terms"]
    assert terms["spur"] == {"en": "zipfel", "zh": "毛刺"}
    assert run("ask", "is there a zipfel", "--part", "1", *here) == "Yes, 1: zipfel, length 0.400 ± 0.020 mm.\n"
    assert json.loads(run("search", "zipfel", *here, "--json"))["understood"] is True
    with pytest.raises(LanguageError, match="is what spur is called"):
        run("glossary", "set", "open", "en", "Zipfel", *here)
    assert "has its own name back" in run("glossary", "set", "spur", "en", "", *here)
    changes = json.loads(run("glossary", "history", "--json", *here))["changes"]
    assert [(item["term"], item["name"]) for item in changes] == [("spur", ""), ("spur", "zipfel")]
    assert changes[0]["who"].startswith("shell:")
    assert "change_term\tspur\ten: zipfel" in run("audit", "show", *here)
