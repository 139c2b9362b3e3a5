"""`inspector users`, `inspector audit` and `inspector report` as their users run them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inspector.cli.main import app
from inspector.domain import AccountError, ConfigurationError

ROOT = Path(__file__).resolve().parents[3]
LINE = str(ROOT / "line_configs" / "virtual-board.yaml")


@pytest.fixture
def here(tmp_path: Path) -> list[str]:
    return ["--line", LINE, "--data", str(tmp_path)]


def run(*arguments: str, given: str = "", exits: int = 0) -> str:
    done = CliRunner().invoke(app, arguments, input=given)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == exits, done.output
    return done.output


def test_a_user_is_added_listed_and_shut_out(here: list[str]) -> None:
    assert "inspector users add" in run("users", "list", *here)
    run("users", "add", "mei", "--role", "quality", "--password-stdin", *here, given="correct horse\n")
    run("users", "add", "jan", "--password-stdin", *here, given="482913\n")
    run("users", "disable", "jan", *here)
    listed = json.loads(run("users", "list", "--json", *here))
    assert listed == {
        "users": [
            {"name": "jan", "role": "operator", "disabled": True},
            {"name": "mei", "role": "quality", "disabled": False},
        ]
    }
    assert "change_user\tjan\tdisabled" in run("audit", "show", *here)


@pytest.mark.parametrize(
    ("arguments", "given", "says"),
    [
        (["users", "add", "mei", "--role", "boss", "--password-stdin"], "correct horse\n", "no role 'boss'"),
        (["users", "add", "mei", "--role", "quality", "--password-stdin"], "short\n", "too short"),
        (["users", "password", "eve", "--password-stdin"], "correct horse\n", "no user 'eve'"),
    ],
)
def test_a_mistake_is_named(here: list[str], arguments: list[str], given: str, says: str) -> None:
    with pytest.raises(AccountError, match=says):
        run(*arguments, *here, given=given)


def test_a_tampered_row_is_found_and_named(here: list[str], tmp_path: Path) -> None:
    for name in ("mei", "jan", "eve"):
        run("users", "add", name, "--role", "quality", "--password-stdin", *here, given="correct horse\n")
    held = json.loads(run("audit", "verify", "--json", *here))
    assert (held["holds"], held["entries"]) == (True, 3)
    with sqlite3.connect(tmp_path / "virtual-board" / "record.db") as database:
        database.execute("DROP TRIGGER audit_no_update")
        database.execute("UPDATE audit SET subject = 'someone' WHERE number = 2")
    database.close()
    told = json.loads(run("audit", "verify", "--json", *here, exits=1))
    assert told["flaw"]["number"] == 2
    assert "someone" in told["flaw"]["problem"]


def test_a_report_is_written(here: list[str], tmp_path: Path) -> None:
    told = json.loads(run("report", "shift", "--shift", "2026-11-22/B", "--no-pdf", "--json", *here))
    assert told["shift"] == "2026-11-22/B"
    assert told["parts"] == 0
    assert set(told["files"]) == {"en", "zh"}
    assert sorted(file.name for file in (tmp_path / "virtual-board" / "reports").iterdir()) == [
        "2026-11-22-B.en.html",
        "2026-11-22-B.json",
        "2026-11-22-B.zh.html",
    ]


@pytest.mark.parametrize(("shift", "says"), [("2026-11-22/X", "no shift 'X'"), ("yesterday", "not a shift")])
def test_a_shift_that_is_none_is_named(here: list[str], shift: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        run("report", "shift", "--shift", shift, *here)


def test_a_line_without_a_calendar_is_told_so(tmp_path: Path) -> None:
    text = Path(LINE).read_text("utf-8")
    line = tmp_path / "line.yaml"
    line.write_text(text[: text.index("# Without a calendar")], "utf-8")
    with pytest.raises(ConfigurationError, match="no shift calendar"):
        run("report", "shift", "--line", str(line), "--data", str(tmp_path))
