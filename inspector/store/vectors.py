"""Where findings lie in the space of a search model: written once per finding, read into memory to be searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, and_, func, insert, or_, select
from sqlmodel import col

from inspector.domain import Box, FoundDefect, KeptVector, PartKind, UnreadFinding, UnreadPicture
from inspector.store.database import Database
from inspector.store.images import ImageArchive
from inspector.store.tables import DefectRow, DefectVectorRow, InspectionRow

__all__ = ["SqlDefectVectors"]

_KIND = np.dtype("<f2")


class SqlDefectVectors:
    """A ``DefectVectors`` over a database; safe to use from several threads.

    Parameters
    ----------
    images
        Where the pictures are; None where none are kept.
    """

    def __init__(self, database: Database, images: ImageArchive | None, *, line: str, station: str) -> None:
        self._database, self._images = database, images
        self._line, self._station = line, station

    def unread(self, model: str, *, after: int, limit: int) -> Sequence[UnreadPicture]:
        """Return inspections with findings and a picture that have no vectors yet, the oldest first."""
        with self._database.read() as connection:
            read = connection.execute(
                select(func.max(col(DefectVectorRow.inspection_id))).where(*self._of(DefectVectorRow, model))
            ).scalar()
            query = (
                select(col(InspectionRow.id), col(InspectionRow.image))
                .where(
                    *self._of(InspectionRow),
                    col(InspectionRow.id) > max(after, read or 0),
                    col(InspectionRow.image).is_not(None),
                    select(col(DefectRow.id)).where(col(DefectRow.inspection_id) == col(InspectionRow.id)).exists(),
                )
                .order_by(col(InspectionRow.id))
                .limit(limit)
            )
            pictures = connection.execute(query).all()
            findings: dict[int, list[UnreadFinding]] = {row.id: [] for row in pictures}
            columns = ("inspection_id", "detection", "x0", "y0", "x1", "y1", "size_mm")
            table: Any = DefectRow.__table__  # type: ignore[attr-defined]
            for row in connection.execute(
                select(*(table.c[name] for name in columns))
                .where(table.c.inspection_id.in_(list(findings)))
                .order_by(table.c.id)
            ):
                box = Box(row.x0, row.y0, row.x1, row.y1)
                findings[row.inspection_id].append(UnreadFinding(row.detection, box, row.size_mm))
        found = self._images.path if self._images is not None else lambda _name: None
        return [UnreadPicture(row.id, found(row.image), tuple(findings[row.id])) for row in pictures]

    def add(self, key: int, model: str, vectors: Sequence[tuple[int, NDArray[np.float32]]]) -> None:
        """Keep the vectors of one inspection's findings; known ones stay as they are."""
        known = select(col(DefectVectorRow.detection)).where(
            col(DefectVectorRow.inspection_id) == key, col(DefectVectorRow.model) == model
        )
        with self._database.write() as connection:
            there = set(connection.execute(known).scalars())
            rows = [
                {
                    "inspection_id": key,
                    "detection": detection,
                    "model": model,
                    "line": self._line,
                    "station": self._station,
                    "vector": vector.astype(_KIND).tobytes(),
                }
                for detection, vector in vectors
                if detection not in there
            ]
            if rows:
                connection.execute(insert(DefectVectorRow), rows)

    def newest(self, model: str, *, after: int, limit: int) -> Sequence[KeptVector]:
        """Return the vectors behind the inspection ``after``, at most so many of the newest, the oldest first."""
        query = (
            select(
                col(DefectVectorRow.inspection_id),
                col(DefectVectorRow.detection),
                col(DefectRow.label),
                col(DefectRow.zone),
                col(DefectVectorRow.vector),
            )
            .join(
                DefectRow,
                and_(
                    col(DefectRow.inspection_id) == col(DefectVectorRow.inspection_id),
                    col(DefectRow.detection) == col(DefectVectorRow.detection),
                ),
            )
            .where(*self._of(DefectVectorRow, model), col(DefectVectorRow.inspection_id) > after)
            .order_by(col(DefectVectorRow.inspection_id).desc(), col(DefectVectorRow.detection).desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            KeptVector(key, number, label, zone, _vector(kept)) for key, number, label, zone, kept in reversed(rows)
        ]

    def shown(self, places: Sequence[tuple[int, int]]) -> Sequence[FoundDefect]:
        """Return the findings at (inspection, number), in this order."""
        if not places:
            return []
        inspection: Any = InspectionRow.__table__  # type: ignore[attr-defined]
        defect: Any = DefectRow.__table__  # type: ignore[attr-defined]
        names = ("report_id", "part_id", "triggered_at", "kind", "image")
        query = (
            select(
                *(inspection.c[name] for name in names),
                *(defect.c[name] for name in ("inspection_id", "detection", "label", "zone", "size_mm")),
            )
            .join(defect, defect.c.inspection_id == inspection.c.id)
            .where(or_(*(and_(defect.c.inspection_id == key, defect.c.detection == number) for key, number in places)))
        )
        with self._database.read() as connection:
            found = {(row.inspection_id, row.detection): _shown(row) for row in connection.execute(query)}
        return [found[place] for place in places if place in found]

    def _of(self, table: Any, model: str | None = None) -> list[ColumnElement[bool]]:
        own = [col(table.line) == self._line, col(table.station) == self._station]
        return own if model is None else [*own, col(table.model) == model]


def _vector(kept: bytes) -> NDArray[np.float32]:
    return np.frombuffer(kept, _KIND).astype(np.float32)


def _shown(row: Any) -> FoundDefect:
    return FoundDefect(
        report_id=UUID(row.report_id),
        part_id=row.part_id,
        at=row.triggered_at,
        kind=PartKind(row.kind),
        detection=row.detection,
        label=row.label,
        zone=row.zone,
        size_mm=row.size_mm,
        pictured=row.image is not None,
    )
