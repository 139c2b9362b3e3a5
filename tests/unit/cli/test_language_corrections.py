"""`inspector language corrections`: what people wrote in place of a line's reports, ready to learn from."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inspector.cli.main import app
from inspector.domain import ConfigurationError, Person, ReportText, Role, kept_texts
from inspector.language.examples import CORRECTION, read_examples
from inspector.runtime.wiring.record import build_record
from inspector.settings import load_line
from inspector.store import SqlCorrections
from tests.support.shifts import NIGHT, inspection

LINE = Path(__file__).resolve().parents[3] / "line_configs" / "virtual-board.yaml"
MEI = Person("mei", Role.QUALITY)
RIGHT = (
    "Part “P-00001” fails because of a defect. "
    "A ragged spur: its length of 0.400 ± 0.020 mm is over the 0.35 mm limit. The line removes it."
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The record of a spur whose text was corrected twice in English and once, wrongly, in Chinese."""
    folder = tmp_path / "var"
    settings = load_line(LINE, data=folder)
    database, record, _ = build_record(settings)
    with closing(database):
        report = inspection(1, NIGHT + timedelta(minutes=1), label="spur", length=0.4)
        texts = kept_texts({"en": ReportText("A spur.", "template"), "zh": ReportText("毛刺。", "template")})
        record.record(report, pixels=None, texts=texts, messages=[])
        kept = SqlCorrections(database, line=settings.line, station=settings.station)
        for language, text in (("en", "Wrong."), ("zh", "约 0.4 毫米。"), ("en", RIGHT)):
            assert kept.add(MEI, report.id, language, text) is not None
    return folder


def run(data: Path, out: Path) -> str:
    done = CliRunner().invoke(
        app, ["language", "corrections", "--line", str(LINE), "--data", str(data), "--out", str(out)]
    )
    if done.exception is not None:
        raise done.exception
    return done.output


def test_the_latest_corrections_become_examples_and_the_others_are_counted(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "corrections.jsonl"
    said = run(data, out)
    assert "2 corrected texts" in said
    assert "3 examples, 1 refused" in said
    assert "1 not as many sentences as the report has" in said
    found = read_examples(out)
    assert [example.text for example in found.accepted] == [
        "{part} fails because of a defect.",
        "A ragged {class}: its {first} of {first.value} is over the {first.limit} limit.",
        "The line removes it.",
    ]
    assert {example.source for example in found.accepted} == {CORRECTION}
    before = out.read_bytes()
    assert run(data, out) == said
    assert out.read_bytes() == before


def test_a_file_of_a_teacher_is_not_written_over(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "examples.jsonl"
    out.write_text('{"refused": "digit", "source": "large"}\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match="sentences of a teacher"):
        run(data, out)
    assert "large" in out.read_text(encoding="utf-8")
