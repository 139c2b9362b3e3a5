"""The messages beside the results: dispositions, overrides, faults, report texts and shift reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid5

from pydantic import AwareDatetime, Field

from inspector.domain import Disposition, InspectionReport, OutboxMessage, Override, Queue
from inspector.mes.topics import Message, Source, Topics

__all__ = ["DispositionEvent", "EventMessages", "FaultEvent", "OverrideEvent", "ReportText", "ShiftReport"]

Wire = Literal["OK", "NOK", "UNKNOWN"]


class _Event(Message):
    msg_id: str = Field(description="the same for every copy: drop what you have already")
    ts: AwareDatetime = Field(description="when it happened, UTC")
    source: Source
    simulated: bool = Field(description="true where camera or PLC is simulated")


class _OfPart(_Event):
    inspection: str = Field(description="msg_id of the inspection's result")
    serial: str


class DispositionEvent(_OfPart):
    """What happens to a part; a later one replaces an earlier one."""

    schema_: Literal["disposition/1"] = Field(default="disposition/1", alias="schema")
    decision: str
    reason_code: str
    text: str
    decided_by: str


class OverrideEvent(_OfPart):
    """A person decided against the verdict; the verdict stays on record."""

    schema_: Literal["override/1"] = Field(default="override/1", alias="schema")
    result: Wire = Field(description="the verdict that was overridden")
    decision: str
    by: str
    reason: str


class FaultEvent(_OfPart):
    """A part could not be inspected."""

    schema_: Literal["fault/1"] = Field(default="fault/1", alias="schema")
    code: str
    number: int = Field(description="the FaultCode register of the PLC")
    note: str


class ReportText(_OfPart):
    """What the report says in words, by language."""

    schema_: Literal["report-text/1"] = Field(default="report-text/1", alias="schema")
    result: Wire
    texts: dict[str, str]


class ShiftReport(_Event):
    """The quality report of one shift; ``body`` is that of the report's own JSON."""

    schema_: Literal["shift-report/1"] = Field(default="shift-report/1", alias="schema")
    shift: str
    begins: AwareDatetime
    ends: AwareDatetime
    body: dict[str, Any]


def _now() -> datetime:
    return datetime.now(UTC)


class EventMessages:
    """Makes the messages; what belongs to one report has the same ``msg_id`` however often it is made."""

    def __init__(self, source: Source, *, simulated: bool = False, clock: Callable[[], datetime] = _now) -> None:
        self.topics = Topics(source)
        self._clock = clock
        self._always: dict[str, Any] = {"source": source, "simulated": simulated}

    def disposition(self, report: InspectionReport, disposition: Disposition) -> OutboxMessage:
        """Return the message of a decision about a part."""
        event = DispositionEvent(
            **self._of(report, f"disposition {disposition.decision.name} {disposition.decided_by}", again=True),
            decision=disposition.decision.name,
            reason_code=disposition.reason_code,
            text=disposition.text,
            decided_by=disposition.decided_by,
        )
        return _message(self.topics.disposition, event)

    def override(self, report: InspectionReport, override: Override) -> OutboxMessage:
        """Return the message of a person's decision against a verdict."""
        event = OverrideEvent(
            **self._of(report, f"override {override.decision.name} {override.by}", again=True),
            result=report.verdict.wire.name,
            decision=override.decision.name,
            by=override.by,
            reason=override.reason,
        )
        return _message(self.topics.override, event)

    def fault(self, report: InspectionReport) -> OutboxMessage:
        """Return the message of a part that could not be inspected."""
        fault = report.verdict.fault
        event = FaultEvent(
            **self._of(report, "fault"),
            code=fault.name,
            number=int(fault),
            note=next((reason.note for reason in report.verdict.reasons if reason.note), ""),
        )
        return _message(self.topics.fault, event)

    def text(self, report: InspectionReport, texts: Mapping[str, str]) -> OutboxMessage:
        """Return the message with the report in words."""
        event = ReportText(**self._of(report, "text"), result=report.verdict.wire.name, texts=dict(texts))
        return _message(self.topics.text, event)

    def shift(self, name: str, begins: datetime, ends: datetime, body: Mapping[str, Any]) -> OutboxMessage:
        """Return the message of a shift report; the same shift always gives the same ``msg_id``."""
        source: Source = self._always["source"]
        own = uuid5(UUID(int=0), f"{self.topics.base} {name} {begins.astimezone(UTC).isoformat()}")
        event = ShiftReport(
            msg_id=str(own), ts=self._clock(), shift=name, begins=begins, ends=ends, body=dict(body),
            source=source, simulated=self._always["simulated"],
        )  # fmt: skip
        return _message(self.topics.shift, event)

    def _of(self, report: InspectionReport, what: str, *, again: bool = False) -> dict[str, Any]:
        """Return what every event of a part has; one that may happen ``again`` is another one at another time."""
        at = self._clock()
        return {
            "msg_id": str(uuid5(report.id, f"{what} {at.isoformat()}" if again else what)),
            "ts": at,
            "inspection": str(report.id),
            "serial": report.trigger.part_id,
            **self._always,
        }


def _message(topic: str, event: _Event) -> OutboxMessage:
    return OutboxMessage(event.msg_id, topic, event.model_dump_json(by_alias=True), queue=Queue.EVENTS)
