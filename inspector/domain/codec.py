"""The report as JSON text and back: the format of the journal, of the store and of the API."""

from __future__ import annotations

import base64
import json
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from inspector.domain.record import InspectionReport, Stage, Timings
from inspector.domain.types import (
    Box,
    Detection,
    Detections,
    FaultCode,
    Measurement,
    ModelId,
    Outcome,
    Reason,
    Trigger,
    Verdict,
)

__all__ = ["report_from_json", "report_to_json"]

FORMAT = 1


def report_to_json(report: InspectionReport) -> str:
    """Return the report as compact JSON text; masks are packed bits in base64."""
    verdict = report.verdict
    body = {
        "format": FORMAT,
        "id": str(report.id),
        "trigger": {**_plain(report.trigger), "at": report.trigger.at.isoformat()},
        "verdict": {
            "outcome": verdict.outcome.name,
            "fault": verdict.fault.name,
            "recipe": verdict.recipe,
            "reasons": [{**_plain(reason), "outcome": reason.outcome.name} for reason in verdict.reasons],
        },
        "detections": _detections_to_plain(report.detections),
        "measurements": [_plain(measurement) for measurement in report.measurements],
        "timings": {
            "total_ms": report.timings.total_ms,
            "stages": {stage.value: ms for stage, ms in report.timings.stages.items()},
        },
    }
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def report_from_json(text: str | bytes) -> InspectionReport:
    """Return the report of ``report_to_json``; raises ``ValueError`` where the text is not one."""
    try:
        body = json.loads(text)
        if body["format"] != FORMAT:
            raise ValueError(f"report format {body['format']} is not {FORMAT}")
        trigger, verdict, timings = body["trigger"], body["verdict"], body["timings"]
        return InspectionReport(
            id=UUID(body["id"]),
            trigger=Trigger(**{**trigger, "at": datetime.fromisoformat(trigger["at"])}),
            verdict=Verdict(
                outcome=Outcome[verdict["outcome"]],
                fault=FaultCode[verdict["fault"]],
                recipe=verdict["recipe"],
                reasons=tuple(
                    Reason(**{**reason, "outcome": Outcome[reason["outcome"]]}) for reason in verdict["reasons"]
                ),
            ),
            detections=_detections_from_plain(body["detections"]),
            measurements=tuple(Measurement(**measurement) for measurement in body["measurements"]),
            timings=Timings({Stage(name): ms for name, ms in timings["stages"].items()}, timings["total_ms"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an inspection report: {error!r}") from error


def _plain(value: Any) -> dict[str, Any]:
    return {item.name: getattr(value, item.name) for item in fields(value)}


def _detections_to_plain(detections: Detections | None) -> dict[str, Any] | None:
    if detections is None:
        return None
    return {
        "model": _plain(detections.model),
        "part_id": detections.part_id,
        "items": [
            {
                "label": item.label,
                "score": item.score,
                "box": _plain(item.box),
                "mask": _mask_to_plain(item.mask),
                "view": item.view,
            }
            for item in detections.items
        ],
    }


def _detections_from_plain(plain: dict[str, Any] | None) -> Detections | None:
    if plain is None:
        return None
    return Detections(
        model=ModelId(**plain["model"]),
        part_id=plain.get("part_id", ""),
        items=tuple(
            Detection(
                item["label"], item["score"], Box(**item["box"]), _mask_from_plain(item["mask"]), item.get("view", "")
            )
            for item in plain["items"]
        ),
    )


def _mask_to_plain(mask: NDArray[np.bool_] | None) -> dict[str, Any] | None:
    if mask is None:
        return None
    return {"shape": mask.shape, "bits": base64.b64encode(np.packbits(mask).tobytes()).decode("ascii")}


def _mask_from_plain(plain: dict[str, Any] | None) -> NDArray[np.bool_] | None:
    if plain is None:
        return None
    height, width = plain["shape"]
    bits = np.frombuffer(base64.b64decode(plain["bits"]), np.uint8)
    return np.unpackbits(bits, count=height * width).reshape(height, width).astype(np.bool_)
