"""What a line tells the MES, as its YAML has it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inspector.domain import ConfigurationError, Decision, Disposition, LampState, OutboxMessage, Queue
from inspector.mes.messages import Duty
from inspector.runtime.demo import shipped_lines
from inspector.runtime.wiring.mes import build_composer, build_disposer, build_shift_message
from inspector.runtime.wiring.sparkplug import WorstLamp, sparkplug_name
from inspector.settings import LineSettings, Rule, load_line
from inspector.settings.links import Sparkplug
from tests.support.reports import START, failed, faulted

ACCEPT = Disposition(Decision.ACCEPT, "false_alarm", "a hair", "mei")


@pytest.fixture
def settings(tmp_path: Path) -> LineSettings:
    return load_line(shipped_lines() / "virtual-board.yaml", data=tmp_path)


def with_mes(settings: LineSettings, **changes: Any) -> LineSettings:
    assert settings.connected_mes is not None
    return settings.model_copy(update={"mes": settings.connected_mes.model_copy(update=changes)})


def body(message: OutboxMessage) -> dict[str, Any]:
    return dict(json.loads(message.body))


def test_a_result_names_who_was_there_and_the_shift(settings: LineSettings) -> None:
    compose = build_composer(settings, duty=lambda at: Duty("jan", f"{at.date()}/A"))
    (result, *_) = compose(failed(), None, {}, None)
    assert (body(result)["operator"], body(result)["shift"]) == ("jan", "2026-03-01/A")
    (nobody, *_) = build_composer(settings)(failed(), None, {}, None)
    assert (body(nobody)["operator"], body(nobody)["shift"]) == (None, None)


def test_limits_are_those_of_the_recipe_that_judged(settings: LineSettings) -> None:
    base = settings.active_recipe
    recipes = {
        name: base.model_copy(
            update={"id": number, "rules": (Rule(defect="spur", characteristic="length", usl=usl),), "unlisted": "fail"}
        )
        for name, number, usl in (("tight", 1, 0.35), ("loose", 2, 9.0))
    }
    compose = build_composer(settings.model_copy(update={"recipes": recipes, "recipe": "tight"}))
    report = failed()

    def limits(recipe: str) -> set[float | None]:
        verdict = replace(report.verdict, recipe=recipe, reasons=report.verdict.reasons[:1])
        measured = body(compose(replace(report, verdict=verdict), None, {}, None)[0])["measurements"]
        return {entry["upper"] for entry in measured} - {None}

    assert [limits("tight"), limits("loose"), limits("of an older description")] == [{0.35}, {9.0}, set()]


def test_what_a_person_decides_is_a_disposition_and_an_override(settings: LineSettings) -> None:
    disposition, override = build_disposer(settings)(faulted(), ACCEPT)
    assert (disposition.queue, override.queue) == (Queue.EVENTS, Queue.EVENTS)
    assert override.topic.endswith("/event/override")
    said = body(override)
    assert (said["result"], said["decision"], said["by"]) == ("UNKNOWN", "ACCEPT", "mei")
    assert said["reason"] == "false_alarm: a hair"
    assert build_disposer(with_mes(settings, send=()))(faulted(), ACCEPT) == []


def test_a_shift_is_told_where_the_line_sends_it(settings: LineSettings) -> None:
    message = build_shift_message(settings)
    assert message is not None
    assert message("2026-03-01/A", START, START, {"counts": 1}).topic.endswith("/report/shift")
    assert build_shift_message(with_mes(settings, send=("fault",))) is None


def test_a_sparkplug_line_keeps_each_inspection_for_its_host_too(settings: LineSettings) -> None:
    node = with_mes(settings, sparkplug=Sparkplug())
    *_, device = build_composer(node)(failed(), None, {}, None)
    assert device.queue is Queue.SPARKPLUG
    assert device.topic == f"spBv1.0/north-virtual-board/DDATA/{settings.station}/camera"
    assert body(device)["values"]["Inspection/Result"] == "NOK"
    assert all(message.queue is not Queue.SPARKPLUG for message in build_composer(settings)(failed(), None, {}, None))
    assert sparkplug_name(settings) is None


def test_a_node_whose_name_is_no_topic_level_is_refused(settings: LineSettings) -> None:
    named = with_mes(settings, sparkplug=Sparkplug().model_copy(update={"device": "a/b"}))
    with pytest.raises(ConfigurationError, match=r"mes\.sparkplug\.device 'a/b'.*without"):
        sparkplug_name(named)


def test_the_lamp_shows_the_connection_that_is_in_trouble() -> None:
    shown: list[LampState] = []
    lamp = WorstLamp(shown.append)
    messages, sparkplug = lamp.of("messages"), lamp.of("sparkplug")
    for tell, good in ((messages, True), (sparkplug, False), (messages, True), (sparkplug, None), (sparkplug, True)):
        tell(LampState(good, START))
    assert [state.good for state in shown] == [True, False, False, None, True]
