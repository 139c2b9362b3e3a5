"""`inspector check` and `inspector schema` as a person and a script see them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from inspector.cli.check import check, schema
from inspector.settings import line_schema, reference_markdown

LINES = Path(__file__).resolve().parents[3] / "line_configs"
GOOD = LINES / "virtual-board.yaml"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "bad.yaml"
    text = GOOD.read_text(encoding="utf-8")
    file.write_text(
        text.replace("recipe: default", "recipe: defualt").replace("port: 8080", "port: no"), encoding="utf-8"
    )
    return file


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(check)
    app.command()(schema)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_valid_files_get_a_line_each_and_exit_code_0() -> None:
    files = sorted(LINES.glob("*.yaml"))
    result = run("check", *files)
    assert result.exit_code == 0
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [["ok", str(file)] for file in files]


def test_mistakes_are_printed_with_place_key_and_remedy_and_exit_code_1(bad: Path) -> None:
    result = run("check", bad, GOOD)
    assert result.exit_code == 1
    number = bad.read_text(encoding="utf-8").splitlines().index("recipe: defualt") + 1
    assert f"{bad}:{number}:9  recipe  there is no recipe 'defualt'" in result.stdout
    assert "    Did you mean 'default'?" in result.stdout
    assert f"ok  {GOOD}" in result.stdout
    assert "2 mistakes in 1 file" in result.stdout


def test_markup_in_a_file_is_printed_as_it_is(bad: Path) -> None:
    bad.write_text(bad.read_text(encoding="utf-8").replace("defualt", "'[red]x'"), encoding="utf-8")
    assert "'[red]x'" in run("check", bad).stdout


def test_json_is_one_object(bad: Path) -> None:
    result = run("check", "--json", bad, GOOD)
    assert result.exit_code == 1
    body = json.loads(result.stdout)
    assert body["mistakes"] == 2
    assert [file["ok"] for file in body["files"]] == [False, True]
    first = body["files"][0]["findings"][0]
    assert (first["key"], first["column"]) == ("recipe", 9)
    assert set(first) == {"file", "line", "column", "key", "problem", "remedy"}


def test_a_file_that_is_not_there_is_a_mistake_too(tmp_path: Path) -> None:
    result = run("check", tmp_path / "nowhere.yaml")
    assert result.exit_code == 1
    assert "no such file" in result.stdout


def test_schema_prints_the_json_schema() -> None:
    assert json.loads(run("schema").stdout) == line_schema()


def test_schema_prints_the_reference() -> None:
    assert run("schema", "--markdown").stdout == reference_markdown()


@pytest.mark.parametrize("command", ["check", "schema"])
def test_help_has_examples(command: str) -> None:
    assert f"inspector {command}" in run(command, "--help").stdout
