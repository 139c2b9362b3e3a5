"""Answers to questions, out of the record and the line's own word; every number is one of theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from inspector.domain import (
    Ask,
    AskLot,
    AskPart,
    Command,
    Counts,
    HoldLot,
    LineStatus,
    LotReader,
    Outcome,
    Query,
    RecordedPart,
    RecordReader,
    VoiceError,
    hold_of,
)
from inspector.voice.part_answers import PartAnswers, told_text

__all__ = ["Answers"]

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "no_parts": "Nothing has been inspected yet.",
        "counts": "{total} parts: {passed} passed, {review} to review, {failed} failed, {faults} not inspected.",
        "yield": "First-pass yield {percent} % of {total} parts.",
        "no_defect": "None of the last {number} parts had a defect.",
        "no_part": "There is no inspection of part {part} in the record.",
        "no_bad_part": "None of the last {number} parts was rejected.",
        "compare": "{first} {second}",
        "compare_needs": "Say which two parts: compare part … with part ….",
        "ready": "{line} is ready, recipe {recipe}.",
        "not_ready": "{line} is not ready, recipe {recipe}.",
        "bad_lamp": "{lamp}: {detail}.",
        "no_status": "The line does not answer.",
        "no_orders": "Nothing has been ordered.",
        "order": "To be made: {order}.",
        "passed": "Part {part} passed.",
        "about": "Part {part}. {answer}",
        "lot": "Lot {lot}: {failed} of {total} parts rejected, {review} to review, {faults} not inspected.",
        "no_lot": "There is no part of lot {lot} in the record.",
        "lot_held": "{counted} It is held by {by}.",
        "lot_free": "{counted} It is not held.",
        "held_lots": "Held lots: {lots}.",
    },
    "zh": {
        "no_parts": "还没有检测过零件。",
        "counts": "共{total}件：合格{passed}，待复检{review}，不合格{failed}，未检测{faults}。",
        "yield": "直通率{percent}%，共{total}件。",
        "no_defect": "最近{number}件没有缺陷。",
        "no_part": "记录中没有零件{part}的检测。",
        "no_bad_part": "最近{number}件没有不合格。",
        "compare": "{first}{second}",
        "compare_needs": "请说出两个零件：比较零件……和零件……。",
        "ready": "{line}就绪，配方{recipe}。",
        "not_ready": "{line}未就绪，配方{recipe}。",
        "bad_lamp": "{lamp}：{detail}。",
        "no_status": "产线没有应答。",
        "no_orders": "没有收到订单。",
        "order": "待生产：{order}。",
        "passed": "零件{part}合格。",
        "about": "零件{part}。{answer}",
        "lot": "批次{lot}：{total}件中不合格{failed}，待复检{review}，未检测{faults}。",
        "no_lot": "记录中没有批次{lot}的零件。",
        "lot_held": "{counted}该批次已扣留，扣留人：{by}。",
        "lot_free": "{counted}该批次未扣留。",
        "held_lots": "已扣留批次：{lots}。",
    },
}
_LOOK_BACK = 200
"""How many parts are searched for the last defect."""


class Answers:
    """Answers the questions of the grammar.

    Parameters
    ----------
    record
        Counts, parts and their report texts.
    parts
        Answers what is asked about the findings of one part.
    lots
        Counts of a lot.
    status
        The line's latest word of itself, None where it cannot be had.
    order
        What is to be made now, in the MES's words, empty where nothing was ordered.
    held_lots
        Returns the lots that are held.
    """

    def __init__(
        self,
        record: RecordReader,
        parts: PartAnswers,
        lots: LotReader,
        status: Callable[[], LineStatus | None] = lambda: None,
        order: Callable[[], str] = lambda: "",
        *,
        held_lots: Callable[[], Sequence[HoldLot]] = tuple,
    ) -> None:
        self._record, self._parts, self._lots = record, parts, lots
        self._status, self._order, self._held_lots = status, order, held_lots

    def answer(self, command: Command, language: str) -> str:
        """Return the answer to a question; raises ``VoiceError`` for any other command, ``StoreError``."""
        texts = _TEXTS[language]
        if isinstance(command, Ask):
            return self._about_parts(command, texts, language)
        if isinstance(command, AskPart):
            return self._about_findings(command, texts, language)
        if isinstance(command, AskLot):
            return self._about_lot(command.lot, texts)
        if not isinstance(command, Query):
            raise VoiceError(f"{command!r} is not a question")
        answers: Mapping[Query, Callable[[], str]] = {
            Query.STATUS: lambda: self._line(texts),
            Query.COUNTS: lambda: _counted(self._record.counts(), texts),
            Query.YIELD: lambda: _yield(self._record.counts(), texts),
            Query.LAST_DEFECT: lambda: self._last(texts, language, "no_defect", _has_defect),
            Query.WHY: lambda: self._last(texts, language, "no_bad_part", _not_passed),
            Query.COMPARE: lambda: texts["compare_needs"],
            Query.NEXT_ORDER: lambda: self._ordered(texts),
        }
        return answers[command]()

    def _line(self, texts: Mapping[str, str]) -> str:
        status = self._status()
        if status is None:
            return texts["no_status"]
        said = [texts["ready" if status.ready else "not_ready"].format(line=status.line, recipe=status.recipe)]
        said += [
            texts["bad_lamp"].format(lamp=lamp.value, detail=state.detail)
            for lamp, state in status.lamps.items()
            if state.good is False
        ]
        if lots := [held.lot for held in self._held_lots()]:
            said.append(texts["held_lots"].format(lots=", ".join(lots)))
        return " ".join(said)

    def _about_lot(self, lot: str, texts: Mapping[str, str]) -> str:
        counted = _counted_lot(lot, self._lots.counts_of_lot(lot), texts)
        held = hold_of(lot, self._held_lots())
        if held is None:
            return texts["lot_free"].format(counted=counted)
        return texts["lot_held"].format(counted=counted, by=held.by)

    def _ordered(self, texts: Mapping[str, str]) -> str:
        order = self._order()
        return texts["order"].format(order=order) if order else texts["no_orders"]

    def _last(self, texts: Mapping[str, str], language: str, none: str, wanted: Callable[[RecordedPart], bool]) -> str:
        parts = self._record.latest(_LOOK_BACK)
        if not parts:
            return texts["no_parts"]
        found = next((part for part in parts if wanted(part)), None)
        return texts[none].format(number=len(parts)) if found is None else _told(found, texts, language)

    def _about_parts(self, ask: Ask, texts: Mapping[str, str], language: str) -> str:
        told = []
        for part_id in (ask.part_id, ask.other) if ask.other else (ask.part_id,):
            found = self._record.part(part_id)
            told.append(_told(found[0], texts, language) if found else texts["no_part"].format(part=part_id))
        return told[0] if len(told) == 1 else texts["compare"].format(first=told[0], second=told[1])

    def _about_findings(self, ask: AskPart, texts: Mapping[str, str], language: str) -> str:
        found = self._record.part(ask.part_id) if ask.part_id else self._record.latest(1)
        if not found:
            return texts["no_part"].format(part=ask.part_id) if ask.part_id else texts["no_parts"]
        answer = self._parts.answer(found[0], ask.question, language)
        # Which part was understood is read back with the figures: a number is what noise mistakes most.
        return texts["about"].format(part=found[0].report.trigger.part_id, answer=answer.text)


def _counted(counts: Counts, texts: Mapping[str, str]) -> str:
    if not counts.total:
        return texts["no_parts"]
    return texts["counts"].format(
        total=counts.total, passed=counts.passed, review=counts.review, failed=counts.failed, faults=counts.faults
    )


def _counted_lot(lot: str, counts: Counts, texts: Mapping[str, str]) -> str:
    return texts["lot" if counts.total else "no_lot"].format(
        lot=lot, total=counts.total, review=counts.review, failed=counts.failed, faults=counts.faults
    )


def _yield(counts: Counts, texts: Mapping[str, str]) -> str:
    share = counts.first_pass_yield
    return (
        texts["no_parts"] if share is None else texts["yield"].format(percent=f"{share:.1%}"[:-1], total=counts.total)
    )


def _told(part: RecordedPart, texts: Mapping[str, str], language: str) -> str:
    return told_text(part, language) or texts["passed"].format(part=part.report.trigger.part_id)


def _has_defect(part: RecordedPart) -> bool:
    return part.report.detections is not None and bool(part.report.detections.items)


def _not_passed(part: RecordedPart) -> bool:
    return part.report.verdict.outcome is not Outcome.PASS
