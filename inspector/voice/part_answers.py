"""Answers about one part, out of its record alone: what was found, measured and judged, and where."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from inspector.domain import (
    FaultCode,
    InspectionReport,
    Measurement,
    Outcome,
    PartAnswer,
    PartQuery,
    PartQuestion,
    Reason,
    RecordedPart,
    distance_text,
    exact_text,
    measured_text,
    place_text,
    unit_text,
)

__all__ = ["NEAR_MM", "PartAnswers", "told_text"]

NEAR_MM = 1.0
"""A finding is near a zone up to this distance from its edge, in mm."""

_SHOWN = 5

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "fault": "This part was not inspected, so the record cannot say.",
        "yes": "Yes, {count}: {found}.",
        "no": "No {what} was found{where}. {rest}",
        "nothing": "Nothing was found on this part.",
        "others": "Found were: {found}.",
        "count": "{count}: {found}.",
        "none": "None{where}. {rest}",
        "largest": "The largest is {found}.",
        "only": "There is one: {found}.",
        "unmeasured": "No size of it was measured.",
        "passed": "This part passed: nothing was beyond its limits.",
        "corrected": "{text} A person has corrected this text; the trail says who.",
        "limits": "{found}.",
        "no_limits": "No value of it is beyond or too close to a limit; the record keeps no other distances.",
        "over": "{name}: {characteristic} {value}, {distance} beyond the limit of {limit}",
        "inside": "{name}: {characteristic} {value}, {distance} inside the limit of {limit}",
        "at": "at x {x}, y {y} mm",
        "in": "in zone {zone}",
        "long": "length {value}",
        "nearest": "The nearest {what} is {distance} mm away from zone {zone}.",
        "near": " in or near zone {zone}",
        "more": "{number} more",
        "unplaced": "The place of {number} of them was not measured.",
        "anything": "finding",
        "gap": " ",
        "join": ", ",
        "list": "; ",
    },
    "zh": {
        "fault": "该件未检测，记录无法回答。",
        "yes": "有，{count}处：{found}。",
        "no": "{where}未发现{what}。{rest}",
        "nothing": "该件未发现缺陷。",
        "others": "已发现：{found}。",
        "count": "{count}处：{found}。",
        "none": "{where}没有。{rest}",
        "largest": "最大的是{found}。",
        "only": "只有一处：{found}。",
        "unmeasured": "没有测得其尺寸。",
        "passed": "该件合格：没有超出限值。",
        "corrected": "{text}此文字经人工更正，更正人见审计记录。",
        "limits": "{found}。",
        "no_limits": "没有超出或过于接近限值的数值；记录中没有其他距离。",
        "over": "{name}：{characteristic}{value}，超出限值{limit} {distance}",
        "inside": "{name}：{characteristic}{value}，距限值{limit}还有{distance}",
        "at": "位于 x {x}，y {y} mm",
        "in": "区域{zone}内",
        "long": "长度{value}",
        "nearest": "最近的{what}距区域{zone} {distance} mm。",
        "near": "区域{zone}内及附近",
        "more": "另有{number}处",
        "unplaced": "其中{number}处没有测得位置。",
        "anything": "缺陷",
        "gap": "",
        "join": "，",
        "list": "；",
    },
}


@dataclass(frozen=True, slots=True)
class _Found:
    """One finding with what the record has of it; places in mm."""

    number: int
    label: str
    zone: str
    length: Measurement | None
    place: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class _Case:
    """One question on its way: the part, everything found on it, and what of that is meant."""

    report: InspectionReport
    question: PartQuestion
    everything: list[_Found]
    meant: list[_Found]
    language: str


def told_text(part: RecordedPart, language: str) -> str:
    """Return the report's text, in another language where there is none in this; empty where there is none at all.

    Where a person has corrected it, it is the newest correction, and says that it is one.
    """
    written = language if part.texts.get(language) else next(iter(part.texts), "")
    first, corrected = part.texts.get(written, ""), part.corrections.get(written)
    if corrected is None or corrected.text == first:  # the first text, written again, takes a correction back
        return first
    return _TEXTS[language]["corrected"].format(text=corrected.text)


class PartAnswers:
    """Answers questions about a part, typed or spoken; every figure is one of the record.

    Parameters
    ----------
    name
        Returns what a term is called in a language.
    zones
        Name of a zone -> left, top, right, bottom in mm, as the line has it now.
    """

    def __init__(self, name: Callable[[str, str], str], zones: Mapping[str, tuple[float, float, float, float]]) -> None:
        self._name, self._zones = name, zones

    def answer(self, part: RecordedPart, question: PartQuestion, language: str) -> PartAnswer:
        """Return the answer in ``en`` or ``zh``."""
        texts, report = _TEXTS[language], part.report
        if question.query is PartQuery.WHY:
            told = told_text(part, language)
            blamed = {reason.detection for reason in report.verdict.reasons if reason.detection is not None}
            return PartAnswer(told or texts["passed"], tuple(sorted(blamed)), question)
        if report.verdict.fault is not FaultCode.NONE:
            return PartAnswer(texts["fault"], (), question)
        everything = _findings(report)
        meant = [item for item in everything if self._meant(item, question)]
        tell = {
            PartQuery.IS_THERE: self._there,
            PartQuery.WHERE: self._there,
            PartQuery.HOW_MANY: self._count,
            PartQuery.LARGEST: self._largest,
            PartQuery.LIMIT: self._limits,
        }[question.query]
        text, told_of = tell(_Case(report, question, everything, meant, language))
        return PartAnswer(text, tuple(item.number for item in told_of), question)

    # --- one method for each query: (text, the findings it is about) ---------------------------------------

    def _there(self, case: _Case) -> tuple[str, list[_Found]]:
        texts = _TEXTS[case.language]
        if not case.meant:
            return self._missing("no", case), case.everything
        key = "yes" if case.question.query is PartQuery.IS_THERE else "count"
        return texts[key].format(count=len(case.meant), found=self._listed(case.meant, case.language)), case.meant

    def _count(self, case: _Case) -> tuple[str, list[_Found]]:
        if not case.meant:
            return self._missing("none", case), case.everything
        return _TEXTS[case.language]["count"].format(
            count=len(case.meant), found=self._listed(case.meant, case.language)
        ), case.meant

    def _largest(self, case: _Case) -> tuple[str, list[_Found]]:
        texts = _TEXTS[case.language]
        if not case.meant:
            return self._missing("no", case), case.everything
        sized = [item for item in case.meant if item.length is not None]
        if not sized:
            return texts["unmeasured"], case.meant
        largest = max(sized, key=lambda item: item.length.value if item.length else 0.0)
        key = "only" if len(case.meant) == 1 else "largest"
        return texts[key].format(found=self._told(largest, case.language)), [largest]

    def _limits(self, case: _Case) -> tuple[str, list[_Found]]:
        texts = _TEXTS[case.language]
        known = {item.number: item for item in case.meant}
        narrowed = bool(case.question.label or case.question.zone)
        if narrowed and not case.meant:
            return self._missing("no", case), case.everything
        reasons = [
            reason
            for reason in case.report.verdict.reasons
            if None not in (reason.margin, reason.limit, reason.value)
            and (reason.detection in known or (reason.detection is None and not narrowed))
        ]
        if not reasons:
            return texts["passed" if case.report.verdict.outcome is Outcome.PASS else "no_limits"], []
        said = [self._limit(case.report, reason, known, case.language) for reason in reasons[:_SHOWN]]
        blamed = [known[reason.detection] for reason in reasons[:_SHOWN] if reason.detection is not None]
        return texts["limits"].format(found=texts["list"].join(said)), list(dict.fromkeys(blamed))

    # --- words --------------------------------------------------------------------------------------------

    def _missing(self, key: str, case: _Case) -> str:
        """Say that there is none of what was asked for, and what there is instead."""
        language, label, zone = case.language, case.question.label, case.question.zone
        texts = _TEXTS[language]
        what = self._name(label, language) if label else texts["anything"]
        where = texts["near"].format(zone=self._name(zone, language)) if zone else ""
        rest = texts["nothing"]
        if case.everything:
            rest = texts["others"].format(found=self._listed(case.everything, language))
        alike = [item for item in case.everything if not label or item.label == label]
        distances = [far for item in alike if (far := self._distance(item, zone)) is not None]
        if distances:
            nearest = texts["nearest"].format(
                what=what, distance=place_text(min(distances)), zone=self._name(zone, language)
            )
            rest = f"{nearest}{texts['gap']}{rest}"
        unplaced = sum(item.place is None for item in alike) if zone else 0
        if unplaced:
            rest = f"{rest}{texts['gap']}{texts['unplaced'].format(number=unplaced)}"
        return texts[key].format(what=what, where=where, rest=rest).strip()

    def _listed(self, found: list[_Found], language: str) -> str:
        texts = _TEXTS[language]
        told = [self._told(item, language) for item in found[:_SHOWN]]
        if len(found) > _SHOWN:
            told.append(texts["more"].format(number=len(found) - _SHOWN))
        return texts["list"].join(told)

    def _told(self, item: _Found, language: str) -> str:
        texts = _TEXTS[language]
        said = [self._name(item.label, language)]
        if item.zone:
            said.append(texts["in"].format(zone=self._name(item.zone, language)))
        if item.place is not None:
            x, y = map(place_text, item.place)
            said.append(texts["at"].format(x=x, y=y))
        if item.length is not None:
            said.append(texts["long"].format(value=_figure(item.length)))
        return texts["join"].join(said)

    def _limit(self, report: InspectionReport, reason: Reason, known: Mapping[int, _Found], language: str) -> str:
        measured = next(
            (
                item
                for item in report.measurements
                if (item.detection, item.characteristic) == (reason.detection, reason.characteristic)
            ),
            None,
        )
        value, limit, margin = reason.value or 0.0, reason.limit or 0.0, reason.margin or 0.0
        uncertainty, unit = (measured.uncertainty if measured else None), unit_text(reason.unit)
        label = known[reason.detection].label if reason.detection is not None else reason.label or reason.characteristic
        return _TEXTS[language]["inside" if margin >= 0 else "over"].format(
            name=self._name(label, language),
            characteristic=self._name(reason.characteristic, language),
            value=_figure(measured) if measured else f"{measured_text(value)[0]} {unit}".rstrip(),
            distance=f"{distance_text(margin, uncertainty)} {unit}".rstrip(),
            limit=f"{exact_text(limit)} {unit}".rstrip(),
        )

    # --- what is meant ------------------------------------------------------------------------------------

    def _meant(self, item: _Found, question: PartQuestion) -> bool:
        if question.label and item.label != question.label:
            return False
        if not question.zone or item.zone == question.zone:
            return True
        distance = self._distance(item, question.zone)
        return distance is not None and distance <= NEAR_MM

    def _distance(self, item: _Found, zone: str) -> float | None:
        """Return how far the finding's centre is outside the zone, in mm; None where the record cannot say."""
        if item.place is None or zone not in self._zones:
            return None
        (x, y), (left, top, right, bottom) = item.place, self._zones[zone]
        return math.hypot(max(left - x, 0, x - right), max(top - y, 0, y - bottom))


def _findings(report: InspectionReport) -> list[_Found]:
    items = report.detections.items if report.detections else ()
    measured: dict[tuple[int | None, str], Measurement] = {}
    zones: dict[int | None, str] = {}
    for item in report.measurements:
        measured[item.detection, item.characteristic] = item
        zones[item.detection] = zones.get(item.detection) or item.zone
    found = []
    for number, detection in enumerate(items):
        x, y = measured.get((number, "position_x")), measured.get((number, "position_y"))
        place = (x.value, y.value) if x is not None and y is not None else None
        length = measured.get((number, "length"))
        found.append(_Found(number, detection.label, zones.get(number, ""), length, place))
    return found


def _figure(item: Measurement) -> str:
    value, spread = measured_text(item.value, item.uncertainty)
    return f"{value} ± {spread} {unit_text(item.unit)}" if spread else f"{value} {unit_text(item.unit)}"
