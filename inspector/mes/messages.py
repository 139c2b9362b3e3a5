"""The messages of the line as the MES reads them: topics, models and their JSON Schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import AwareDatetime, Field

from inspector.domain import (
    Disposition,
    FaultCode,
    InspectionReport,
    Measurement,
    OutboxMessage,
    Outcome,
    Picture,
    Reason,
    SpecLimits,
)
from inspector.mes.orders import Order
from inspector.mes.topics import Message, Source, Topics

__all__ = [
    "RESULT_SCHEMA",
    "Duty",
    "LimitsOf",
    "Result",
    "ResultMessages",
    "ResultOnTheWire",
    "State",
    "Versioned",
    "result_schema",
]

RESULT_SCHEMA: Final = "inspection-result/1"
STATE_SCHEMA: Final = "state/1"

LimitsOf = Callable[[str, str, Measurement], SpecLimits | None]
"""(recipe, defect label, measurement) -> the limits it was held against, None where there are none."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Who was at the line, and in which shift; None where nobody logged in, or the line has no calendar."""

    operator: str | None = None
    shift: str | None = None


Checked = Literal["OK", "NOK", "UNKNOWN"]


class Versioned(Message):
    """A recipe, model or calibration: which one, and the hash of its content."""

    id: str
    version: str | None = None
    hash: str | None = Field(default=None, description="SHA-256, hexadecimal")


class MeasurementEntry(Message):
    """One characteristic of one defect or of the part."""

    name: str = Field(description="characteristic: length, width, area, position_x …")
    value: float
    uncertainty: float = Field(description="expanded, k = 2, same unit as value")
    unit: str = Field(description="UCUM code")
    nominal: float | None = None
    lower: float | None = Field(default=None, description="lower specification limit; null: none, or not known")
    upper: float | None = Field(default=None, description="upper specification limit; null: none, or not known")
    result: Checked | None = Field(default=None, description="null: not held against a limit")
    defect: int | None = Field(default=None, description="index into defects; null: the part itself")
    zone: str | None = None
    method: str


class DefectEntry(Message):
    """One finding."""

    code: str | None = Field(default=None, description="the plant's own defect code")
    class_: str = Field(alias="class")
    score: float = Field(ge=0, le=1)
    view: str | None = Field(default=None, description="which camera saw it, at a station with several")
    bbox: tuple[float, float, float, float] = Field(description="x0, y0, x1, y1 in pixels of the picture")
    image_ref: str | None = Field(default=None, description="the picture in the line's archive")
    sha256: str | None = Field(default=None, description="of that file")


class ReasonEntry(Message):
    """Why the result is not OK."""

    code: str
    result: Checked
    characteristic: str
    value: float | None = None
    unit: str | None = None
    limit: float | None = None
    margin: float | None = None
    defect: int | None = None
    zone: str | None = None
    note: str | None = None


class DispositionEntry(Message):
    """What happens to the part."""

    decision: str
    reason_code: str
    text: str
    decided_by: str


class Result(Message):
    """One inspection, as kept in the outbox."""

    schema_: Literal["inspection-result/1"] = Field(default=RESULT_SCHEMA, alias="schema")
    msg_id: str = Field(description="the same for every copy: drop what you have already")
    ts: AwareDatetime = Field(description="when the part was triggered, UTC")
    source: Source
    station: str
    plc_sequence: int = Field(description="the PLC's number of the trigger")
    workorder: str | None = None
    product: str | None = None
    lot: str | None = None
    serial: str = Field(description="the part's identity as the PLC or the code reader names it")
    operation: str | None = None
    recipe: Versioned
    model: Versioned | None = Field(description="null: the part was not inspected")
    calibration: Versioned | None = None
    result: Checked
    fault: str | None = Field(default=None, description="why the part could not be inspected")
    reasons: list[ReasonEntry]
    disposition: DispositionEntry | None = None
    measurements: list[MeasurementEntry]
    defects: list[DefectEntry]
    operator: str | None = Field(default=None, description="who was logged in at the line; null: nobody")
    shift: str | None = Field(default=None, description="of the line's calendar: day/name; null: none")
    cycle_ms: float = Field(description="from trigger to verdict")
    simulated: bool = Field(description="true where camera or PLC is simulated: not a real part")


class ResultOnTheWire(Result):
    """One inspection, as published: the relay adds its place in the order."""

    seq: int = Field(description="grows by one from message to message of this line")
    oldest_seq: int = Field(description="the oldest message the line still keeps for sending again")


class State(Message):
    """Whether the line is connected; retained, and the Last Will."""

    schema_: Literal["state/1"] = Field(default=STATE_SCHEMA, alias="schema")
    source: Source
    online: bool
    since: AwareDatetime | None = None
    simulated: bool = False


def result_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the published result."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | ResultOnTheWire.model_json_schema()


class ResultMessages:
    """Makes the result message of each report; everything that is the same for all of them is given once.

    Parameters
    ----------
    recipes, calibration
        Identity and hash of what was used; a recipe that is not listed is sent by name alone.
    limits
        Looks up the specification limits of a measurement; where it is None or says None, a limit that the
        verdict itself names is sent, else null.
    defect_codes
        The plant's own code of each defect class.
    """

    def __init__(
        self,
        source: Source,
        *,
        operation: str = "",
        simulated: bool = False,
        recipes: dict[str, Versioned] | None = None,
        calibration: Versioned | None = None,
        limits: LimitsOf | None = None,
        defect_codes: dict[str, str] | None = None,
    ) -> None:
        self.topics = Topics(source)
        self.source = source
        self._operation = operation
        self._simulated = simulated
        self._recipes = recipes or {}
        self._calibration = calibration
        self._limits = limits
        self._codes = defect_codes or {}

    def result(
        self,
        report: InspectionReport,
        *,
        disposition: Disposition | None = None,
        picture: Picture | None = None,
        order: Order | None = None,
        duty: Duty | None = None,
    ) -> OutboxMessage:
        """Return the outbox message of this report; the same report always gives the same ``msg_id``."""
        return self.message(self.model(report, disposition=disposition, picture=picture, order=order, duty=duty))

    def message(self, result: Result) -> OutboxMessage:
        """Return the outbox message of this result."""
        return OutboxMessage(result.msg_id, self.topics.result, result.model_dump_json(by_alias=True))

    def model(
        self,
        report: InspectionReport,
        *,
        disposition: Disposition | None = None,
        picture: Picture | None = None,
        order: Order | None = None,
        duty: Duty | None = None,
    ) -> Result:
        """Return the result as a model."""
        trigger, verdict, detections = report.trigger, report.verdict, report.detections
        model = detections.model if detections is not None else None
        return Result(
            msg_id=str(report.id),
            ts=trigger.at,
            source=self.source,
            station=trigger.station,
            plc_sequence=trigger.sequence,
            workorder=order.workorder if order else None,
            product=order.product if order else None,
            lot=verdict.held_lot or (order.lot if order else None),
            serial=trigger.part_id,
            operation=self._operation or None,
            recipe=self._recipes.get(verdict.recipe, Versioned(id=verdict.recipe)),
            model=Versioned(id=model.name, version=model.version, hash=model.sha256) if model else None,
            calibration=self._calibration,
            result=verdict.wire.name,
            fault=verdict.fault.name if verdict.fault is not FaultCode.NONE else None,
            reasons=[_reason(reason) for reason in verdict.reasons],
            disposition=_disposition(disposition),
            measurements=[self._measurement(report, item) for item in report.measurements],
            defects=[
                DefectEntry(
                    code=self._codes.get(item.label),
                    class_=item.label,
                    score=item.score,
                    view=item.view or None,
                    bbox=(item.box.x0, item.box.y0, item.box.x1, item.box.y1),
                    image_ref=picture.name if picture else None,
                    sha256=picture.sha256 if picture else None,
                )
                for item in (detections.items if detections is not None else ())
            ],
            operator=duty.operator if duty else None,
            shift=duty.shift if duty else None,
            cycle_ms=report.timings.total_ms,
            simulated=self._simulated,
        )

    def _measurement(self, report: InspectionReport, item: Measurement) -> MeasurementEntry:
        label = ""
        if item.detection is not None and report.detections is not None:
            label = report.detections.items[item.detection].label
        limits = self._limits(report.verdict.recipe, label, item) if self._limits is not None else None
        reasons = [
            reason
            for reason in report.verdict.reasons
            if (reason.characteristic, reason.detection) == (item.characteristic, item.detection)
        ]
        if limits is None:
            limits = _limits_named(reasons)
        checked: Checked | None = "OK" if limits is not None else None
        if reasons:
            checked = _checked(max(reason.outcome for reason in reasons))
        return MeasurementEntry(
            name=item.characteristic,
            value=item.value,
            uncertainty=item.uncertainty,
            unit=item.unit,
            nominal=limits.nominal if limits else None,
            lower=limits.lower if limits else None,
            upper=limits.upper if limits else None,
            result=checked,
            defect=item.detection,
            zone=item.zone or None,
            method=item.method,
        )

    def state(self, online: bool, since: datetime | None = None) -> bytes:
        """Return the retained state message."""
        state = State(source=self.source, online=online, since=since, simulated=self._simulated)
        return state.model_dump_json(by_alias=True).encode()


def _limits_named(reasons: list[Reason]) -> SpecLimits | None:
    """Return the limits that a verdict's reasons name, None where they name none."""
    lower = [reason.limit for reason in reasons if reason.code.endswith("lsl") and reason.limit is not None]
    upper = [reason.limit for reason in reasons if reason.code.endswith("usl") and reason.limit is not None]
    if not lower and not upper:
        return None
    return SpecLimits(lower=max(lower, default=None), upper=min(upper, default=None))


def _checked(outcome: Outcome) -> Checked:
    names: dict[Outcome, Checked] = {Outcome.PASS: "OK", Outcome.REVIEW: "UNKNOWN", Outcome.FAIL: "NOK"}
    return names[outcome]


def _reason(reason: Reason) -> ReasonEntry:
    return ReasonEntry(
        code=reason.code,
        result=_checked(reason.outcome),
        characteristic=reason.characteristic,
        value=reason.value,
        unit=reason.unit or None,
        limit=reason.limit,
        margin=reason.margin,
        defect=reason.detection,
        zone=reason.zone or None,
        note=reason.note or None,
    )


def _disposition(disposition: Disposition | None) -> DispositionEntry | None:
    if disposition is None:
        return None
    return DispositionEntry(
        decision=disposition.decision.name,
        reason_code=disposition.reason_code,
        text=disposition.text,
        decided_by=disposition.decided_by,
    )
