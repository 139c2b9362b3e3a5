"""The result message: what it says of a part, and its topics."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from inspector.domain import ConfigurationError, Decision, Disposition, Measurement, Picture, SpecLimits
from inspector.mes import Order, ResultMessages, Source, Topics, Versioned, result_schema
from inspector.mes.messages import ResultOnTheWire
from tests.support.reports import failed, faulted, held, passed

SOURCE = Source(enterprise="acme", site="north", area="boards", line="line-1", cell="cell-1")
BASE = "v1/acme/north/boards/line-1/cell-1"


def body(messages: ResultMessages, report: Any, **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(messages.result(report, **more).body)
    return plain


def test_the_topics_follow_the_plant_from_enterprise_to_cell() -> None:
    topics = Topics(SOURCE)
    assert (topics.result, topics.ack, topics.state) == (
        f"{BASE}/inspection/result",
        f"{BASE}/inspection/ack",
        f"{BASE}/state",
    )


@pytest.mark.parametrize("name", ["", "a/b", "+", "a#", "$SYS", "a\0"])
def test_a_name_that_would_break_the_topic_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"mes\.identity\.cell"):
        Topics(SOURCE.model_copy(update={"cell": name}))


@pytest.mark.parametrize(
    ("report", "result", "fault"),
    [(passed(), "OK", None), (failed(), "NOK", None), (held(), "UNKNOWN", None), (faulted(), "UNKNOWN", "CAMERA_LOST")],
    ids=["passed", "failed", "held", "faulted"],
)
def test_the_result_is_the_verdict_on_the_wire(report: Any, result: str, fault: str | None) -> None:
    said = body(ResultMessages(SOURCE), report)
    assert (said["result"], said["fault"]) == (result, fault)
    assert (said["model"] is None) == (fault is not None)


def test_the_same_report_gives_the_same_message() -> None:
    report = failed()
    messages = ResultMessages(SOURCE)
    assert messages.result(report) == messages.result(report)
    assert messages.result(report).msg_id == str(report.id)


def test_a_failed_part_says_what_was_found_measured_and_decided() -> None:
    messages = ResultMessages(
        SOURCE,
        operation="aoi",
        simulated=True,
        recipes={"default": Versioned(id="default", version="4", hash="cd" * 32)},
        calibration=Versioned(id="plate-7"),
        defect_codes={"open": "E-101"},
    )
    said = body(
        messages,
        failed(7),
        disposition=Disposition(Decision.REWORK, "above_usl", "cut it", "rules"),
        picture=Picture("2026-03-01/x.png", "cd" * 32),
        order=Order(workorder="4711", product="board-a", lot="L-9"),
    )
    assert said["schema"] == "inspection-result/1"
    assert said["serial"] == "PART-00007"
    assert said["ts"] == "2026-03-01T06:00:07Z"
    assert said["recipe"] == {"id": "default", "version": "4", "hash": "cd" * 32}
    assert said["model"] == {"id": "bare-board", "version": "3", "hash": "ab" * 32}
    assert said["disposition"]["decision"] == "REWORK"
    assert said["simulated"] is True
    assert [(entry["code"], entry["class"], entry["image_ref"], entry["sha256"]) for entry in said["defects"]] == [
        ("E-101", "open", "2026-03-01/x.png", "cd" * 32),
        (None, "spur", "2026-03-01/x.png", "cd" * 32),
    ]
    assert (said["workorder"], said["product"], said["lot"]) == ("4711", "board-a", "L-9")
    assert said["defects"][1]["bbox"] == [100.5, 8.0, 112.0, 14.0]


def test_a_part_that_waits_for_its_lot_says_so_and_has_no_decision_of_its_own() -> None:
    waiting = replace(passed(7), verdict=passed(7).verdict.withheld("L-8"))
    said = body(ResultMessages(SOURCE), waiting, order=Order(workorder="4711", lot="L-9"))
    assert (said["result"], said["fault"], said["lot"], said["disposition"]) == ("UNKNOWN", None, "L-8", None)
    assert [(reason["code"], reason["note"]) for reason in said["reasons"]] == [("lot_held", "L-8")]


def test_limits_come_from_the_reason_where_nobody_else_knows_them() -> None:
    entries = body(ResultMessages(SOURCE), failed())["measurements"]
    length_of_open, length_of_spur = (entry for entry in entries if entry["name"] == "length")
    assert (length_of_spur["upper"], length_of_spur["result"], length_of_spur["zone"]) == (0.2, "NOK", "connector")
    assert (length_of_open["upper"], length_of_open["lower"], length_of_open["result"]) == (None, None, None)
    assert {entry["unit"] for entry in entries} == {"mm", "mm2"}


def test_limits_come_from_the_recipe_where_it_is_asked() -> None:
    def limits(recipe: str, label: str, measurement: Measurement) -> SpecLimits | None:
        asked = (recipe, label, measurement.characteristic)
        return SpecLimits(0.0, 0.3, 0.1) if asked == ("default", "open", "length") else None

    entry = body(ResultMessages(SOURCE, limits=limits), failed())["measurements"][0]
    assert (entry["lower"], entry["nominal"], entry["upper"], entry["result"]) == (0.0, 0.1, 0.3, "OK")


@pytest.mark.parametrize("report", [passed(), failed(), held(), faulted()], ids=["passed", "failed", "held", "faulted"])
def test_what_is_published_is_what_the_schema_says(report: Any) -> None:
    published = body(ResultMessages(SOURCE), report) | {"seq": 4, "oldest_seq": 2}
    again = ResultOnTheWire.model_validate_json(json.dumps(published))
    assert json.loads(again.model_dump_json(by_alias=True)) == published
    assert set(published) == set(result_schema()["properties"])
    with pytest.raises(ValidationError):
        ResultOnTheWire.model_validate(published | {"extra": 1})


def test_the_schema_in_the_documentation_is_the_one_that_is_spoken() -> None:
    shown = Path(__file__).resolve().parents[3] / "docs" / "inspection-result.schema.json"
    assert json.loads(shown.read_text(encoding="utf-8")) == result_schema()
