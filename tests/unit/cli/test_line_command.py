"""`inspector line`: what a shell on the box may do to a running line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inspector.cli.line import app
from inspector.domain import ConfigurationError, HoldLine, ReleaseLine
from inspector.runtime.control import Control, ControlFollower
from inspector.runtime.people import people_of
from inspector.settings import check_line, load_line

SHIPPED_LINE = Path(__file__).resolve().parents[3] / "line_configs" / "virtual-board.yaml"


def run(tmp_path: Path, *arguments: str) -> str:
    result = CliRunner().invoke(app, [arguments[0], str(SHIPPED_LINE), "--data", str(tmp_path), *arguments[1:]])
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / load_line(SHIPPED_LINE, data=tmp_path).line


def test_a_line_that_the_mes_held_is_released_here(tmp_path: Path, folder: Path) -> None:
    Control(folder).apply(HoldLine("MES", "recall"))
    follower = ControlFollower(folder)
    assert follower.changes() == [HoldLine("MES", "recall")]
    assert run(tmp_path, "state") == "held by MES: recall"
    assert run(tmp_path, "release") == "released; it was held by MES: recall"
    (change,) = follower.changes()
    assert isinstance(change, ReleaseLine)
    assert run(tmp_path, "state") == "not held"
    assert run(tmp_path, "release") == "the line is not held"
    with people_of(load_line(SHIPPED_LINE, data=tmp_path)) as (_, trail):
        (entry,) = trail.latest(5)
    assert (entry.act, entry.detail, entry.who) == ("release_line", "held by MES: recall", change.by)


def test_a_line_is_held_with_its_reason(tmp_path: Path, folder: Path) -> None:
    assert run(tmp_path, "hold", "--reason", "solder paste").startswith("held by ")
    assert ControlFollower(folder).changes()[0].reason == "solder paste"  # type: ignore[union-attr]
    assert json.loads(run(tmp_path, "state", "--json"))["held"]["reason"] == "solder paste"


def test_a_lot_is_held_and_released_without_the_line(tmp_path: Path, folder: Path) -> None:
    assert run(tmp_path, "release", "--lot", "L-9") == "lot L-9 is not held"
    Control(folder).apply(HoldLine("MES", "recall"))
    assert run(tmp_path, "hold", "--lot", "L-9", "--reason", "solder paste").startswith("lot L-9 is held by ")
    assert json.loads(run(tmp_path, "state", "--json"))["held_lots"]["L-9"]["reason"] == "solder paste"
    assert "lot L-9 is held by " in run(tmp_path, "state")
    assert run(tmp_path, "release", "--lot", "L-9").startswith("lot L-9 is released")
    assert Control(folder).held_lots() == []
    assert Control(folder).held() == HoldLine("MES", "recall")
    with people_of(load_line(SHIPPED_LINE, data=tmp_path)) as (_, trail):
        entries = [(entry.act, entry.subject) for entry in reversed(trail.latest(5))]
    assert entries == [("hold_lot", f"{folder.name}/L-9"), ("release_lot", f"{folder.name}/L-9")]


@pytest.mark.parametrize("command", ["hold", "release"])
def test_an_empty_lot_is_not_the_line(tmp_path: Path, folder: Path, command: str) -> None:
    Control(folder).apply(HoldLine("MES", "recall"))
    refused = CliRunner().invoke(app, [command, str(SHIPPED_LINE), "--data", str(tmp_path), "--lot", ""])
    assert refused.exit_code == 2
    assert Control(folder).held() == HoldLine("MES", "recall")


@pytest.mark.parametrize("like", ["gige-camera", "virtual-board"])
def test_a_line_of_ones_own_begins_with_a_shipped_one(like: str, tmp_path: Path) -> None:
    file = tmp_path / "mine" / "line.yaml"
    made = CliRunner().invoke(app, ["new", str(file), "--like", like])
    assert made.exit_code == 0, made.output
    assert check_line(file) == [], "with the pictures that it names"
    again = CliRunner().invoke(app, ["new", str(file), "--like", like])
    assert isinstance(again.exception, ConfigurationError)
    assert "there already" in str(again.exception)
    # A second line beside it shares the pictures.
    assert CliRunner().invoke(app, ["new", str(file.with_name("other.yaml")), "--like", like]).exit_code == 0


def test_there_is_no_line_like_that(tmp_path: Path) -> None:
    refused = CliRunner().invoke(app, ["new", str(tmp_path / "line.yaml"), "--like", "gige"])
    assert isinstance(refused.exception, ConfigurationError)
    assert "gige-camera" in str(refused.exception)
    assert not (tmp_path / "line.yaml").exists()
