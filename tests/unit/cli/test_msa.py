"""A study from plan to report through the commands."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inspector.cli.msa import app
from inspector.domain import ConfigurationError
from tests.unit.gauging.aiag import LINEARITY, STUDY

run = CliRunner().invoke


def written(path: Path, head: str, rows: list[str]) -> str:
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def study(tmp_path: Path) -> str:
    return written(tmp_path / "s.csv", "part,appraiser,value", [f"{r.part},{r.appraiser},{r.value}" for r in STUDY])


def test_a_plan_lists_every_reading_once_in_an_order_of_chance() -> None:
    text = run(app, ["plan", "--parts", "5", "--appraisers", "Ann, Bo", "--trials", "2"]).stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len({(row["trial"], row["appraiser"], row["part"]) for row in rows}) == len(rows) == 20
    assert [row["part"] for row in rows[:5]] != ["1", "2", "3", "4", "5"]
    assert {row["value"] for row in rows} == {""}


def test_a_study_is_told_as_table_json_and_page(study: str, tmp_path: Path) -> None:
    table = run(app, ["grr", study, "--html", str(tmp_path / "r.html")])
    assert table.exit_code == 0
    assert "may be acceptable" in table.stdout
    body = json.loads(run(app, ["grr", study, "--json"]).stdout)
    assert body["percent_of_total"] == pytest.approx(27.9, abs=0.05)
    assert "<svg" in (tmp_path / "r.html").read_text()
    assert run(app, ["grr", study, "--tolerance", "1"]).exit_code == 1


def test_semicolons_and_decimal_commas_are_understood(tmp_path: Path) -> None:
    rows = [f"{r.part};{r.appraiser};{str(r.value).replace('.', ',')}" for r in STUDY]
    body = json.loads(run(app, ["grr", written(tmp_path / "s.csv", "Part;Appraiser;Value", rows), "--json"]).stdout)
    assert body["categories"] == 4


def test_the_other_analyses_answer_in_json(tmp_path: Path) -> None:
    rows = [f"{reference},{value}" for reference, values in LINEARITY.items() for value in values]
    linear = run(app, ["linearity", written(tmp_path / "l.csv", "reference,value", rows), "--json"])
    assert linear.exit_code == 1
    assert json.loads(linear.stdout)["slope"] == pytest.approx(-0.1317, abs=1e-4)
    steady = written(
        tmp_path / "t.csv", "subgroup,value", [f"{d},{10 + (k + d) % 3}" for d in range(9) for k in range(3)]
    )
    assert json.loads(run(app, ["stability", steady, "--json"]).stdout)["stable"] is True
    exact = written(tmp_path / "b.csv", "value", ["6.0", "6.1", "5.9"])
    assert json.loads(run(app, ["bias", exact, "--reference", "6", "--json"]).stdout)["acceptable"] is True
    same = written(tmp_path / "c.csv", "value", ["6.0", "6.0"])
    assert json.loads(run(app, ["bias", same, "--reference", "5", "--json"]).stdout)["t"] is None
    said = ["1,A,ok,ok", "2,A,nok,nok", "1,B,OK,ok", "2,B,fail,nok"]
    verdicts = written(tmp_path / "v.csv", "part,appraiser,rating,reference", said)
    body = json.loads(run(app, ["attribute", verdicts, "--json"]).stdout)
    assert body["between"] == {"A and B": 1.0}


@pytest.mark.parametrize(
    ("head", "rows", "says"),
    [
        ("part,value", ["1,2"], "no column appraiser"),
        ("part,appraiser,value", [], "no readings"),
        ("part,appraiser,value", ["1,A,2", "1,A,two"], "s.csv:3: value is no number: two"),
        ("part,appraiser,value", ["1,A,nan"], "s.csv:2: value is no number"),
        ("part,appraiser,value", ["1,A,2", "1,,3"], "s.csv:3: appraiser is empty"),
        ("part,appraiser,value", ["1,A,2", "1,B,3"], "2 parts"),
    ],
)
def test_a_faulty_file_is_named_with_its_line(head: str, rows: list[str], says: str, tmp_path: Path) -> None:
    result = run(app, ["grr", written(tmp_path / "s.csv", head, rows)])
    assert isinstance(result.exception, ConfigurationError)
    assert says in str(result.exception)


def test_a_missing_or_binary_file_and_an_unknown_verdict_are_refused(tmp_path: Path) -> None:
    missing = run(app, ["grr", str(tmp_path / "none.csv")])
    assert "cannot be read" in str(missing.exception)
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in str(run(app, ["grr", str(tmp_path / "b.csv")]).exception)
    verdicts = written(tmp_path / "v.csv", "part,appraiser,rating,reference", ["1,A,maybe,ok"])
    assert "rating is no verdict: maybe" in str(run(app, ["attribute", verdicts]).exception)
