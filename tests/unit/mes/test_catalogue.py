"""The published schemas and the AsyncAPI document: current, sound, and true of real messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from inspector.domain import Decision, Disposition, OutboxMessage, Override, Queue
from inspector.mes import EventMessages, ResultMessages, Source
from inspector.mes.catalogue import CATALOGUE, asyncapi, schema
from tests.support.reports import failed, faulted, passed

NOW = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
SOURCE = Source(enterprise="acme", site="north", area="boards", line="line-1", cell="cell-1")
DOCS = Path(__file__).resolve().parents[3] / "docs"
EVENTS = EventMessages(SOURCE, clock=lambda: NOW)
SCRAP = Disposition(Decision.SCRAP, "above_usl", "too long", "rules")
ACCEPT = Override("PART-00001", Decision.ACCEPT, "operator 7", "scratch on the lens")
SENT = {
    "inspection-result": ResultMessages(SOURCE).result(failed(), disposition=SCRAP),
    "disposition": EVENTS.disposition(failed(), SCRAP),
    "override": EVENTS.override(failed(), ACCEPT),
    "fault": EVENTS.fault(faulted()),
    "report-text": EVENTS.text(passed(), {"en": "Passed.", "zh": "合格"}),
    "shift-report": EVENTS.shift("early", NOW, NOW + timedelta(hours=8), {"parts": 812}),
}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for child in value.values():
            yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_every_schema_is_sound(entry: Any) -> None:
    Draft202012Validator.check_schema(schema(entry.name))


@pytest.mark.parametrize("name", SENT)
def test_what_is_sent_is_what_the_schema_says(name: str) -> None:
    message: OutboxMessage = SENT[name]
    (entry,) = (entry for entry in CATALOGUE if entry.name == name)
    body = json.loads(message.body)
    valid = Draft202012Validator(schema(name))
    valid.validate(body | {"seq": 1, "oldest_seq": 1})
    assert not valid.is_valid(body)  # without its number it is not on the wire
    assert not valid.is_valid(body | {"seq": 1, "oldest_seq": 1, "extra": 1})
    levels = {f"{{{level}}}": value for level, value in SOURCE.model_dump().items()}
    topic = "/".join(levels.get(level, level) for level in entry.topic.split("/"))
    assert message.topic == topic
    assert message.queue is (Queue.RESULTS if name == "inspection-result" else Queue.EVENTS)


def test_the_same_event_of_the_same_report_has_the_same_id_and_others_have_others() -> None:
    report = failed()
    once, again = EVENTS.text(report, {}), EVENTS.text(report, {})
    assert once.msg_id == again.msg_id
    later = EventMessages(SOURCE, clock=lambda: NOW + timedelta(minutes=1))
    first, second = EVENTS.disposition(report, SCRAP), later.disposition(report, SCRAP)
    assert first.msg_id != second.msg_id  # held, accepted and held again by the same person: three decisions
    ids = {once.msg_id, first.msg_id, EVENTS.override(report, ACCEPT).msg_id, str(report.id)}
    assert len(ids) == 4


def test_the_document_names_every_message_and_all_its_references_hold() -> None:
    document = asyncapi()
    assert document["channels"].keys() == document["operations"].keys() == {entry.name for entry in CATALOGUE}
    for name in document["channels"]:
        assert document["channels"][name]["address"].startswith("v1/{enterprise}/{site}/")
    for reference in {found for found in references(document) if not found.startswith("#/$defs/")}:
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_the_published_document_is_the_generated_one() -> None:
    shown = json.loads((DOCS / "asyncapi.json").read_text(encoding="utf-8"))
    assert shown == asyncapi(), "run: inspector mes asyncapi > docs/asyncapi.json"
