"""The record read by spans of time, for the shift reports: aggregates, never whole reports."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, and_, case, distinct, func, select
from sqlmodel import col

from inspector.domain import (
    Box,
    CharacteristicKey,
    CharacteristicValues,
    Decided,
    Decision,
    DefectExample,
    DefectTally,
    FaultCode,
    LotTally,
    ModelId,
    MomentKind,
    Outcome,
    PartKind,
    PartTally,
    Reviewed,
    SeenTrigger,
)
from inspector.store.database import Database
from inspector.store.history import who_decided
from inspector.store.images import ImageArchive
from inspector.store.tables import DefectRow, DispositionRow, InspectionRow, MeasurementRow

__all__ = ["ShiftRecord"]

BLOCK = 500  # keys in one query


class ShiftRecord:
    """A ``ShiftReader`` over a database; every query starts from the index over station and time of the trigger.

    Parameters
    ----------
    database
        Stays the caller's.
    images
        Where examples find their pictures; None gives no examples.
    line, station
        Whose parts are read; a database may belong to several.
    """

    def __init__(
        self, database: Database, images: ImageArchive | None = None, *, line: str = "", station: str = ""
    ) -> None:
        self._database = database
        self._images = images
        self._line, self._station = line, station

    def tallies(self, start: datetime, end: datetime) -> Sequence[PartTally]:
        """Return the parts by outcome, fault and recipe; raises ``StoreError``."""
        columns = (col(InspectionRow.outcome), col(InspectionRow.fault), col(InspectionRow.recipe))
        query = select(*columns, func.count()).where(self._within(start, end)).group_by(*columns).order_by(*columns)
        return [
            PartTally(Outcome[outcome], FaultCode[fault], recipe, parts)
            for outcome, fault, recipe, parts in self._rows(query)
        ]

    def triggers(self, start: datetime, end: datetime) -> Sequence[SeenTrigger]:
        """Return every trigger, in the order of time; raises ``StoreError``."""
        query = (
            select(
                col(InspectionRow.part_id),
                col(InspectionRow.station),
                col(InspectionRow.sequence),
                col(InspectionRow.triggered_at),
                col(InspectionRow.outcome),
                col(InspectionRow.fault),
            )
            .where(self._within(start, end))
            .order_by(col(InspectionRow.triggered_at), col(InspectionRow.id))
        )
        return [
            SeenTrigger(part_id, station, sequence, at, Outcome[outcome], FaultCode[fault])
            for part_id, station, sequence, at, outcome, fault in self._rows(query)
        ]

    def models(self, start: datetime, end: datetime) -> Sequence[ModelId]:
        """Return the models that spoke; raises ``StoreError``."""
        columns = (col(InspectionRow.model_name), col(InspectionRow.model_version), col(InspectionRow.model_sha256))
        spoke = and_(self._within(start, end), columns[0] != "")
        return [ModelId(*row) for row in self._rows(select(*columns).where(spoke).distinct().order_by(*columns))]

    def defects(self, start: datetime, end: datetime) -> Sequence[DefectTally]:
        """Return the findings by class and zone, the most frequent first; raises ``StoreError``."""
        columns = (col(DefectRow.label), col(DefectRow.zone))
        query = (
            select(*columns, func.count(), func.count(distinct(col(DefectRow.inspection_id))))
            .join(InspectionRow, col(InspectionRow.id) == col(DefectRow.inspection_id))
            .where(self._within(start, end))
            .group_by(*columns)
            .order_by(func.count().desc(), *columns)
        )
        return [DefectTally(*row) for row in self._rows(query)]

    def examples(self, start: datetime, end: datetime) -> Sequence[DefectExample]:
        """Return the newest finding of each class whose image is kept; raises ``StoreError``."""
        if self._images is None:
            return []
        shown = case((col(InspectionRow.image).is_not(None), col(DefectRow.id)))
        newest = (
            select(func.max(shown))
            .select_from(DefectRow)
            .join(InspectionRow, col(InspectionRow.id) == col(DefectRow.inspection_id))
            .where(self._within(start, end))
            .group_by(col(DefectRow.label))
        )
        keys = [key for (key,) in self._rows(newest) if key is not None]
        query = (
            select(
                *(col(getattr(DefectRow, name)) for name in ("label", "x0", "y0", "x1", "y1")),
                col(InspectionRow.part_id),
                col(InspectionRow.triggered_at),
                col(InspectionRow.image),
            )
            .join(InspectionRow, col(InspectionRow.id) == col(DefectRow.inspection_id))
            .where(col(DefectRow.id).in_(keys))
            .order_by(col(DefectRow.label))
        )
        found = []
        for label, x0, y0, x1, y1, part_id, at, name in self._rows(query):
            image = self._images.path(name)
            if image is not None:
                found.append(DefectExample(label, part_id, at, Box(x0, y0, x1, y1), image))
        return found

    def characteristics(self, start: datetime, end: datetime, names: Collection[str]) -> Sequence[CharacteristicValues]:
        """Return the values of these characteristics, the most frequent first; raises ``StoreError``."""
        query = (
            select(
                col(InspectionRow.recipe),
                func.coalesce(col(DefectRow.label), ""),
                col(MeasurementRow.zone),
                col(MeasurementRow.characteristic),
                col(MeasurementRow.unit),
                col(MeasurementRow.value),
                col(MeasurementRow.uncertainty),
                col(InspectionRow.part_id),
                col(InspectionRow.triggered_at),
                col(MeasurementRow.id),
            )
            .select_from(InspectionRow)
            .join(MeasurementRow, col(MeasurementRow.inspection_id) == col(InspectionRow.id))
            .outerjoin(
                DefectRow,
                and_(
                    col(DefectRow.inspection_id) == col(MeasurementRow.inspection_id),
                    col(DefectRow.detection) == col(MeasurementRow.detection),
                ),
            )
            .where(self._within(start, end), col(MeasurementRow.characteristic).in_(names))
        )
        rows = sorted(self._rows(query), key=lambda row: (row[:5], row[8], row[9]))
        groups = [_values(key, list(group)) for key, group in groupby(rows, key=itemgetter(0, 1, 2, 3, 4))]
        return sorted(groups, key=lambda group: -len(group.values))

    def decisions(self, start: datetime, end: datetime) -> Sequence[Decided]:
        """Return every decision about these parts, oldest first; raises ``StoreError``."""
        query = (
            select(
                col(DispositionRow.inspection_id),
                col(InspectionRow.part_id),
                col(DispositionRow.decision),
                col(DispositionRow.reason_code),
                col(DispositionRow.text),
                col(DispositionRow.decided_by),
                col(DispositionRow.at),
            )
            .join(InspectionRow, col(InspectionRow.id) == col(DispositionRow.inspection_id))
            .where(self._within(start, end))
            .order_by(col(DispositionRow.id))
        )
        rows = self._rows(query)
        last = {row[0]: index for index, row in enumerate(rows)}
        return [
            Decided(part_id, Decision[decision], code, text, by, at, last[inspection] == index)
            for index, (inspection, part_id, decision, code, text, by, at) in enumerate(rows)
        ]

    def lots(self, start: datetime, end: datetime) -> Sequence[LotTally]:
        """Return the parts by lot and what became of them; raises ``StoreError``."""
        columns = (col(InspectionRow.lot), col(InspectionRow.kind))
        query = select(*columns, func.count()).where(self._within(start, end)).group_by(*columns).order_by(*columns)
        return [LotTally(lot, PartKind(kind), parts) for lot, kind, parts in self._rows(query)]

    def reviewed(self, start: datetime, end: datetime) -> Sequence[Reviewed]:
        """Return the parts whose latest decision is a person's; raises ``StoreError``."""
        query = (
            select(
                col(DispositionRow.inspection_id),
                col(InspectionRow.kind),
                col(DispositionRow.decision),
                col(DispositionRow.reason_code),
                col(DispositionRow.decided_by),
            )
            .join(InspectionRow, col(InspectionRow.id) == col(DispositionRow.inspection_id))
            .where(self._within(start, end))
            .order_by(col(DispositionRow.id))
        )
        latest = {row[0]: row for row in self._rows(query)}
        people = [row for row in latest.values() if who_decided(row[4]) is MomentKind.DECIDED]
        labels: dict[int, list[str]] = {}
        for first in range(0, len(people), BLOCK):
            keys = [row[0] for row in people[first : first + BLOCK]]
            found = select(col(DefectRow.inspection_id), col(DefectRow.label)).where(
                col(DefectRow.inspection_id).in_(keys)
            )
            for key, label in self._rows(found.order_by(col(DefectRow.id))):
                labels.setdefault(key, []).append(label)
        return [
            Reviewed(PartKind(kind), tuple(dict.fromkeys(labels.get(key, ()))), Decision[decision], reason)
            for key, kind, decision, reason, _ in people
        ]

    def _within(self, start: datetime, end: datetime) -> ColumnElement[bool]:
        return and_(
            col(InspectionRow.line) == self._line,
            col(InspectionRow.station) == self._station,
            col(InspectionRow.triggered_at) >= start,
            col(InspectionRow.triggered_at) < end,
        )

    def _rows(self, query: Any) -> list[Any]:
        with self._database.read() as connection:
            return [tuple(row) for row in connection.execute(query)]


def _values(key: tuple[str, str, str, str, str], rows: list[Any]) -> CharacteristicValues:
    recipe, label, zone, characteristic, unit = key
    return CharacteristicValues(
        CharacteristicKey(recipe, label, zone, characteristic, unit),
        np.array([row[5] for row in rows], np.float64),
        float(np.median([row[6] for row in rows])),
        tuple(row[7] for row in rows),
    )
