"""People's decisions about parts at REVIEW, read back to learn from and to hold the adviser's against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, not_, select
from sqlmodel import col

from inspector.domain import (
    RECURRENCE_WINDOW,
    AdvisedPart,
    Decision,
    Disposition,
    MomentKind,
    PartKind,
    ReviewedPart,
    opinion_of,
)
from inspector.store.database import Database
from inspector.store.history import BY_ADVICE, BY_RULES, who_decided
from inspector.store.rows import stored_report
from inspector.store.tables import DefectRow, DispositionRow, InspectionRow

__all__ = ["SqlReviews"]

DECIDED = (Decision.ACCEPT.name, Decision.REWORK.name, Decision.SCRAP.name)
UNCLEAR = "unclear"
BLOCK = 500  # keys in one query


class SqlReviews:
    """``PastReviews`` and ``Advice`` over a database; the parts of one line and station."""

    def __init__(self, database: Database, *, line: str, station: str) -> None:
        self._database = database
        self._own = (
            col(InspectionRow.line) == line,
            col(InspectionRow.station) == station,
            col(InspectionRow.kind) == PartKind.REVIEW.value,
        )
        self._line, self._station = line, station

    def after(self, number: int, limit: int) -> Sequence[ReviewedPart]:
        """Return the newest decisions with a larger number, at most ``limit``, oldest first; raises ``StoreError``.

        Whoever could not tell decided nothing.
        """
        by = col(DispositionRow.decided_by)
        query: Any = (
            select(
                col(DispositionRow.id),
                col(DispositionRow.decision),
                col(DispositionRow.reason_code),
                col(InspectionRow.id).label("inspection"),
                col(InspectionRow.report),
            )
            .join(InspectionRow, col(InspectionRow.id) == col(DispositionRow.inspection_id))
            .where(
                *self._own,
                col(DispositionRow.id) > number,
                col(DispositionRow.decision).in_(DECIDED),
                col(DispositionRow.reason_code) != UNCLEAR,
                by != BY_RULES,
                not_(by.startswith(BY_ADVICE)),
            )
            .order_by(col(DispositionRow.id).desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            found = [
                (row, connection.execute(self._recurrences(row.inspection)).all()) for row in connection.execute(query)
            ]
        return [_reviewed(row, recurring) for row, recurring in reversed(found)]

    def advised(self, start: datetime, end: datetime) -> Sequence[AdvisedPart]:
        """Return the parts triggered in this span that the adviser spoke on, oldest first; raises ``StoreError``."""
        query: Any = (
            select(
                col(InspectionRow.id).label("inspection"),
                col(InspectionRow.part_id),
                col(InspectionRow.triggered_at),
                col(DispositionRow.decision),
                col(DispositionRow.reason_code),
                col(DispositionRow.text),
                col(DispositionRow.decided_by),
            )
            .join(InspectionRow, col(InspectionRow.id) == col(DispositionRow.inspection_id))
            .where(*self._own, col(InspectionRow.triggered_at) >= start, col(InspectionRow.triggered_at) < end)
            .order_by(col(InspectionRow.triggered_at), col(DispositionRow.id))
        )
        parts: dict[int, list[Any]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                parts.setdefault(row.inspection, []).append(row)
            labels = self._labels(connection, parts)
        made = (_advised(rows, labels.get(key, ())) for key, rows in parts.items())
        return [part for part in made if part is not None]

    def _recurrences(self, inspection: int) -> Select[str, str, int]:
        """Ask on how many of the latest parts up to this one each finding was."""
        latest = (
            select(col(InspectionRow.id))
            .where(*self._own[:2], col(InspectionRow.id) <= inspection)
            .order_by(col(InspectionRow.id).desc())
            .limit(RECURRENCE_WINDOW)
            .subquery()
        )
        kinds = (col(DefectRow.label), col(DefectRow.zone))
        return (
            select(*kinds, func.count(func.distinct(col(DefectRow.inspection_id))))
            .where(col(DefectRow.inspection_id).in_(select(latest.c.id)))
            .group_by(*kinds)
        )

    @staticmethod
    def _labels(connection: Any, parts: Iterable[int]) -> dict[int, tuple[str, ...]]:
        keys = list(parts)
        labels: dict[int, tuple[str, ...]] = {}
        for first in range(0, len(keys), BLOCK):
            query = select(col(DefectRow.inspection_id), col(DefectRow.label)).where(
                col(DefectRow.inspection_id).in_(keys[first : first + BLOCK])
            )
            for key, label in connection.execute(query.order_by(col(DefectRow.id))):
                labels[key] = (*labels.get(key, ()), label)
        return {key: tuple(dict.fromkeys(found)) for key, found in labels.items()}


def _reviewed(row: Any, recurring: Sequence[Any]) -> ReviewedPart:
    report = stored_report(row.report, f"inspection {row.inspection}")
    recurrences = {(label, zone): parts for label, zone, parts in recurring}
    return ReviewedPart(row.id, report, Decision[row.decision], row.reason_code, recurrences)


def _advised(rows: Sequence[Any], labels: tuple[str, ...]) -> AdvisedPart | None:
    """Return what was said about one inspection, None where the adviser did not speak."""
    said: dict[MomentKind, Disposition] = {}
    for row in rows:
        said[who_decided(row.decided_by)] = Disposition(
            Decision[row.decision], row.reason_code, row.text, row.decided_by
        )
    advice, person = said.get(MomentKind.ADVISED), said.get(MomentKind.DECIDED)
    if advice is None:
        return None
    clear = person is not None and person.decision.name in DECIDED and person.reason_code != UNCLEAR
    return AdvisedPart(
        part_id=rows[0].part_id,
        at=rows[0].triggered_at,
        labels=labels,
        opinion=opinion_of(advice),
        advised=advice.decision,
        person=person.decision if person is not None and clear else None,
        by=person.decided_by if person is not None and clear else "",
    )
