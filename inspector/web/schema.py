"""What the HTTP API answers with, version 1."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from inspector.domain import TREND_BLOCK, LiveFeed, RecordedPart, TextCorrection

__all__ = ["CorrectionOut", "Links", "PartOut", "StatusOut"]


class LampOut(BaseModel):
    """One connection of the line."""

    good: bool | None = Field(description="null where it is not known yet")
    since: datetime
    detail: str


class CountsOut(BaseModel):
    """Parts of the current run."""

    passed: int
    review: int
    failed: int
    faults: int = Field(description="parts that could not be inspected")
    total: int
    first_pass_yield: float | None = Field(description="0 … 1; null before the first part")


class WritingOut(BaseModel):
    """Who has written the report texts of this run."""

    engine: str
    written: int = Field(description="texts by the engine itself")
    instead: dict[str, int] = Field(description="texts by the template in its place, by reason")


class StatusOut(BaseModel):
    """The line's latest word of itself."""

    line: str
    ready: bool
    recipe: str
    model: str
    simulated: bool
    lamps: dict[str, LampOut]
    counts: CountsOut
    trend: list[float] = Field(description=f"first-pass yield of every {TREND_BLOCK} parts of this run, oldest first")
    writing: WritingOut | None
    version: int = Field(description="grows with every change of status, counts or parts")

    @classmethod
    def of(cls, feed: LiveFeed) -> StatusOut:
        """Say it in the API's words."""
        # The version first: whatever changes meanwhile has a newer one.
        version, status, counts = feed.version(), feed.status(), feed.counts()
        writing = status.writing
        return cls(
            line=status.line,
            ready=status.ready,
            recipe=status.recipe,
            model=status.model,
            simulated=status.simulated,
            lamps={
                lamp.value: LampOut(good=state.good, since=state.since, detail=state.detail)
                for lamp, state in status.lamps.items()
            },
            counts=CountsOut(
                passed=counts.passed,
                review=counts.review,
                failed=counts.failed,
                faults=counts.faults,
                total=counts.total,
                first_pass_yield=counts.first_pass_yield,
            ),
            trend=list(feed.trend()),
            writing=WritingOut(engine=writing.engine, written=writing.written, instead=dict(writing.instead))
            if writing is not None
            else None,
            version=version,
        )


class ReasonOut(BaseModel):
    """Why the verdict is not PASS."""

    outcome: str
    code: str
    characteristic: str
    value: float | None
    unit: str
    limit: float | None
    margin: float | None = Field(description="distance to the limit, positive inside the specification")
    detection: int | None = Field(description="index into findings")
    zone: str
    label: str
    note: str


class FindingOut(BaseModel):
    """One finding of the detector."""

    label: str
    score: float
    box: tuple[float, float, float, float] = Field(description="x0, y0, x1, y1 in pixels of the image")


class MeasurementOut(BaseModel):
    """One measured characteristic."""

    characteristic: str
    value: float
    unit: str
    uncertainty: float = Field(description="expanded uncertainty, k = 2, in the unit of the value")
    method: str
    detection: int | None = Field(description="index into findings; null for the part itself")
    zone: str


class Links(BaseModel):
    """Where the pictures of a part are; null where no picture is kept."""

    image: str | None
    thumbnail: str | None


class CorrectionOut(BaseModel):
    """What a person wrote in place of a report's text."""

    language: str
    text: str
    by: str
    at: datetime

    @classmethod
    def of(cls, correction: TextCorrection) -> CorrectionOut:
        """Say it in the API's words."""
        return cls(**{name: getattr(correction, name) for name in cls.model_fields})


class PartOut(BaseModel):
    """One inspection of one part."""

    id: UUID
    part_id: str
    station: str
    sequence: int
    at: datetime
    recorded_at: datetime
    outcome: str = Field(description="PASS, REVIEW or FAIL")
    wire: str = Field(description="what the PLC was told: OK, NOK or UNKNOWN")
    fault: str = Field(description="why there was no inspection; NONE otherwise")
    recipe: str
    model: str
    reasons: list[ReasonOut]
    findings: list[FindingOut]
    measurements: list[MeasurementOut]
    texts: dict[str, str] = Field(description="report text by language, as it was written")
    engines: dict[str, str] = Field(description="who wrote the text, by language: a model, or template")
    corrections: dict[str, CorrectionOut] = Field(description="the newest correction of a text, by language")
    disposition: str | None
    total_ms: float = Field(description="trigger to verdict written, milliseconds")
    links: Links

    @classmethod
    def of(cls, part: RecordedPart, links: Links) -> PartOut:
        """Say it in the API's words."""
        report, verdict = part.report, part.report.verdict
        found = report.detections
        return cls(
            id=report.id,
            part_id=report.trigger.part_id,
            station=report.trigger.station,
            sequence=report.trigger.sequence,
            at=report.trigger.at,
            recorded_at=part.recorded_at,
            outcome=verdict.outcome.name,
            wire=verdict.wire.name,
            fault=verdict.fault.name,
            recipe=verdict.recipe,
            model=f"{found.model.name} {found.model.version}".strip() if found else "",
            reasons=[
                ReasonOut(
                    outcome=reason.outcome.name,
                    code=reason.code,
                    characteristic=reason.characteristic,
                    value=reason.value,
                    unit=reason.unit,
                    limit=reason.limit,
                    margin=reason.margin,
                    detection=reason.detection,
                    zone=reason.zone,
                    label=reason.label,
                    note=reason.note,
                )
                for reason in verdict.reasons
            ],
            findings=[
                FindingOut(label=item.label, score=item.score, box=(item.box.x0, item.box.y0, item.box.x1, item.box.y1))
                for item in (found.items if found else ())
            ],
            measurements=[
                MeasurementOut(
                    characteristic=item.characteristic,
                    value=item.value,
                    unit=item.unit,
                    uncertainty=item.uncertainty,
                    method=item.method,
                    detection=item.detection,
                    zone=item.zone,
                )
                for item in report.measurements
            ],
            texts=dict(part.texts),
            engines=dict(part.engines),
            corrections={language: CorrectionOut.of(item) for language, item in part.corrections.items()},
            disposition=part.disposition.decision.name if part.disposition else None,
            total_ms=report.timings.total_ms,
            links=links,
        )
