"""The record: everything one inspection leaves behind, written at once and read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Select, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import col

from inspector.domain import (
    Counts,
    Decision,
    Disposition,
    FaultCode,
    InspectionReport,
    Messages,
    OutboxMessage,
    Outcome,
    Person,
    RecordedPart,
    StoreError,
    TextCorrection,
)
from inspector.store.audit import append_act
from inspector.store.database import Database
from inspector.store.images import ImageArchive
from inspector.store.outbox import stream_name, take_numbers
from inspector.store.rows import defect_rows, inspection_row, measurement_rows, stored_correction, stored_report
from inspector.store.tables import (
    DefectRow,
    DispositionRow,
    InspectionRow,
    MeasurementRow,
    OutboxRow,
    TextCorrectionRow,
)

__all__ = ["RecordStore"]

LOOK_BACK = 2000
"""Parts whose lots count as recent: walked row by row, so not all of the record."""


def _now() -> datetime:
    return datetime.now(UTC)


class RecordStore:
    """Writes inspections into a database and reads them back; safe to use from several threads.

    Parameters
    ----------
    database
        Stays the caller's: close it after the last user of it.
    images
        The picture archive; None keeps no pictures.
    line, station
        Whose inspections these are: they are written with every row, and only theirs are read. Empty reads
        everybody's.
    """

    def __init__(
        self,
        database: Database,
        images: ImageArchive | None = None,
        *,
        line: str = "",
        station: str = "",
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._images = images
        self._line, self._station = line, station
        self._own = [
            column == name
            for column, name in ((col(InspectionRow.line), line), (col(InspectionRow.station), station))
            if name
        ]
        self._clock = clock

    # --- writing ------------------------------------------------------------------------------------------

    def record(
        self,
        report: InspectionReport,
        *,
        pixels: NDArray[np.uint8] | None,
        texts: Mapping[str, str],
        messages: Messages,
        disposition: Disposition | None = None,
        lot: str = "",
    ) -> bool:
        """Write report, rows and outbox messages in one transaction; ``pixels`` go to the image archive.

        ``messages`` may be a function that makes them, given the picture as it was archived.
        Returns False, changing nothing, where this report id is already recorded. Raises ``StoreError``,
        ``DiskFull``; then nothing was written.
        """
        if self._known(report.id):
            return False
        # The picture first: a row never promises a picture that is not there yet.
        picture = self._images.save(report, pixels) if self._images is not None and pixels is not None else None
        image = picture.name if picture is not None else None
        made = list(messages(picture) if callable(messages) else messages)
        try:
            with self._database.write() as connection:
                self._insert(
                    connection, report, image=image, texts=texts, messages=made, disposition=disposition, lot=lot
                )
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError) and self._known(report.id):
                return False  # another writer was quicker; the picture has the same name and stays
            if self._images is not None and image is not None:
                self._images.remove(image)
            raise
        return True

    def dispose(self, report_id: UUID, disposition: Disposition, messages: Iterable[OutboxMessage] = ()) -> None:
        """Add a decision about a recorded part, and its messages, in one transaction; earlier decisions stay.

        Raises ``StoreError`` for an unknown id.
        """
        with self._database.write() as connection:
            key = connection.execute(
                select(col(InspectionRow.id)).where(col(InspectionRow.report_id) == str(report_id))
            ).scalar_one_or_none()
            if key is None:
                raise StoreError(f"no inspection {report_id} in the record {self._database.name}")
            connection.execute(insert(DispositionRow), self._disposition_row(key, disposition))
            self._queue(connection, messages)

    def decide(
        self, person: Person, report_id: UUID, disposition: Disposition, messages: Iterable[OutboxMessage] = ()
    ) -> bool:
        """Replace HOLD by a person's decision: decision, messages and the act in the trail in one transaction.

        Returns False, changing nothing, where the part's latest decision is not HOLD. Raises ``StoreError``.
        """
        newest = (
            select(col(InspectionRow.id), col(InspectionRow.part_id), col(DispositionRow.decision))
            .join(DispositionRow, col(DispositionRow.inspection_id) == col(InspectionRow.id))
            .where(*self._own, col(InspectionRow.report_id) == str(report_id))
            .order_by(col(DispositionRow.id).desc())
            .limit(1)
        )
        with self._database.write() as connection:
            found = connection.execute(newest.with_for_update(of=InspectionRow)).first()
            if found is None or found.decision != Decision.HOLD.name:
                return False
            connection.execute(insert(DispositionRow), self._disposition_row(found.id, disposition))
            said = f"{disposition.decision.name.lower()}: {disposition.reason_code} {disposition.text}".rstrip()
            append_act(connection, person, "review", found.part_id, said, at=self._clock())
            self._queue(connection, messages)
        return True

    def tell(self, messages: Iterable[OutboxMessage]) -> None:
        """Put messages that belong to no inspection into the outbox; raises ``StoreError``."""
        with self._database.write() as connection:
            self._queue(connection, messages)

    # --- reading ------------------------------------------------------------------------------------------

    def latest(self, limit: int) -> Sequence[RecordedPart]:
        """Return the newest parts, newest first; raises ``StoreError``."""
        return self._parts(self._inspections().limit(limit))

    def part(self, part_id: str) -> Sequence[RecordedPart]:
        """Return every inspection of this part, newest first; empty where there is none."""
        # No text of a database may carry a NUL; the PLC's may.
        return self._parts(self._inspections().where(col(InspectionRow.part_id) == part_id.replace("\0", "")))

    def waiting(self, limit: int) -> Sequence[RecordedPart]:
        """Return parts whose latest decision is HOLD, the one that has waited longest first; raises ``StoreError``."""
        later = aliased(DispositionRow)
        open_ones = select(col(DispositionRow.inspection_id)).where(
            col(DispositionRow.decision) == Decision.HOLD.name,
            ~select(col(later.id))
            .where(
                col(later.inspection_id) == col(DispositionRow.inspection_id),
                col(later.id) > col(DispositionRow.id),
            )
            .exists(),
        )
        query = self._inspections().where(col(InspectionRow.id).in_(open_ones)).order_by(None)
        return self._parts(query.order_by(col(InspectionRow.id)).limit(limit))

    def of_report(self, report_id: UUID) -> RecordedPart | None:
        """Return one inspection by its report's id; None where the record has none. Raises ``StoreError``."""
        found = self._parts(self._inspections().where(col(InspectionRow.report_id) == str(report_id)))
        return found[0] if found else None

    def lot_of(self, report_id: UUID) -> str:
        """Return the lot of one inspection, empty where it has none or is not there; raises ``StoreError``."""
        query = select(col(InspectionRow.lot)).where(col(InspectionRow.report_id) == str(report_id))
        with self._database.read() as connection:
            return connection.execute(query).scalar() or ""

    def dispositions(self, report_id: UUID) -> Sequence[tuple[datetime, Disposition]]:
        """Return every decision about this inspection, oldest first."""
        query = (
            select(DispositionRow.__table__)  # type: ignore[attr-defined]
            .join(InspectionRow, col(InspectionRow.id) == col(DispositionRow.inspection_id))
            .where(col(InspectionRow.report_id) == str(report_id))
            .order_by(col(DispositionRow.id))
        )
        with self._database.read() as connection:
            return [(row.at, _disposition(row)) for row in connection.execute(query)]

    def corrections(self, report_id: UUID) -> Sequence[TextCorrection]:
        """Return every correction of this inspection's texts, oldest first."""
        query = (
            select(TextCorrectionRow.__table__)  # type: ignore[attr-defined]
            .join(InspectionRow, col(InspectionRow.id) == col(TextCorrectionRow.inspection_id))
            .where(col(InspectionRow.report_id) == str(report_id))
            .order_by(col(TextCorrectionRow.id))
        )
        with self._database.read() as connection:
            return [stored_correction(row, report_id) for row in connection.execute(query)]

    def counts(self, since: datetime | None = None) -> Counts:
        """Return how many parts were recorded per outcome since then (None: ever); raises ``StoreError``."""
        return self._counted([] if since is None else [col(InspectionRow.recorded_at) >= since])

    def counts_of_lot(self, lot: str) -> Counts:
        """Return how many parts of this lot were recorded per outcome; raises ``StoreError``."""
        return self._counted([col(InspectionRow.lot) == lot])

    def lots(self, limit: int) -> Sequence[str]:
        """Return the lots of the newest ``LOOK_BACK`` parts, newest first; raises ``StoreError``."""
        newest = select(col(InspectionRow.id), col(InspectionRow.lot)).where(*self._own)
        newest_first = newest.order_by(col(InspectionRow.id).desc()).limit(LOOK_BACK).subquery()
        query = select(newest_first.c.lot).where(newest_first.c.lot != "").group_by(newest_first.c.lot)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(func.max(newest_first.c.id).desc()).limit(limit))
            return [row.lot for row in rows]

    # --- inside -------------------------------------------------------------------------------------------

    def _counted(self, which: Sequence[ColumnElement[bool]]) -> Counts:
        query = select(col(InspectionRow.outcome), col(InspectionRow.fault), func.count()).group_by(
            col(InspectionRow.outcome), col(InspectionRow.fault)
        )
        query = query.where(*self._own, *which)
        tally = dict.fromkeys(Outcome, 0)
        faults = 0
        with self._database.read() as connection:
            for outcome, fault, number in connection.execute(query):
                if fault == FaultCode.NONE.name:
                    tally[Outcome[outcome]] += number
                else:
                    faults += number
        return Counts(
            passed=tally[Outcome.PASS], review=tally[Outcome.REVIEW], failed=tally[Outcome.FAIL], faults=faults
        )

    def _known(self, report_id: UUID) -> bool:
        query = select(col(InspectionRow.id)).where(col(InspectionRow.report_id) == str(report_id))
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def _insert(
        self,
        connection: Connection,
        report: InspectionReport,
        *,
        image: str | None,
        texts: Mapping[str, str],
        messages: Iterable[OutboxMessage],
        disposition: Disposition | None,
        lot: str,
    ) -> None:
        own = {"line": self._line, "recorded_at": self._clock(), "lot": lot.replace("\0", "")}
        row = {**inspection_row(report), **own, "image": image, "texts": dict(texts)}
        key = connection.execute(insert(InspectionRow), row).inserted_primary_key[0]  # type: ignore[index]
        for table, rows in (
            (DefectRow, defect_rows(key, report, self._line)),
            (MeasurementRow, measurement_rows(key, report)),
            (DispositionRow, [] if disposition is None else [self._disposition_row(key, disposition)]),
        ):
            if rows:
                connection.execute(insert(table), rows)
        self._queue(connection, messages)

    def _queue(self, connection: Connection, messages: Iterable[OutboxMessage]) -> None:
        """Give the messages the next numbers of their streams; last in a transaction, for its lock."""
        queues: dict[str, list[OutboxMessage]] = {}
        for message in messages:
            queues.setdefault(stream_name(self._line, self._station, message.queue), []).append(message)
        for stream, waiting in sorted(queues.items()):
            first = take_numbers(connection, stream, len(waiting))
            rows = [
                {
                    "stream": stream,
                    "seq": first + place,
                    "msg_id": message.msg_id,
                    "topic": message.topic,
                    "body": message.body,
                    "created_at": self._clock(),
                }
                for place, message in enumerate(waiting)
            ]
            connection.execute(insert(OutboxRow), rows)

    def _disposition_row(self, key: int, disposition: Disposition) -> dict[str, Any]:
        return {
            "inspection_id": key,
            "decision": disposition.decision.name,
            "reason_code": disposition.reason_code,
            "text": disposition.text,
            "decided_by": disposition.decided_by,
            "at": self._clock(),
        }

    def _inspections(self) -> Select[*tuple[Any, ...]]:
        # By row id, not by time: the order of recording holds even when the clock was set back.
        query = select(
            col(InspectionRow.id),
            col(InspectionRow.report),
            col(InspectionRow.texts),
            col(InspectionRow.image),
            col(InspectionRow.recorded_at),
        )
        return query.where(*self._own).order_by(col(InspectionRow.id).desc())

    def _parts(self, query: Select[*tuple[Any, ...]]) -> list[RecordedPart]:
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            decided = connection.execute(
                select(DispositionRow.__table__)  # type: ignore[attr-defined]
                .where(col(DispositionRow.inspection_id).in_([row.id for row in rows]))
                .order_by(col(DispositionRow.id))
            ).all()
            corrected = connection.execute(
                select(TextCorrectionRow.__table__)  # type: ignore[attr-defined]
                .where(col(TextCorrectionRow.inspection_id).in_([row.id for row in rows]))
                .order_by(col(TextCorrectionRow.id))
            ).all()
        newest = {row.inspection_id: _disposition(row) for row in decided}
        texts: dict[int, list[Any]] = {}
        for row in corrected:
            texts.setdefault(row.inspection_id, []).append(row)
        return [self._part(row, newest.get(row.id), texts.get(row.id, ())) for row in rows]

    def _part(self, row: Any, disposition: Disposition | None, corrected: Iterable[Any]) -> RecordedPart:
        report = stored_report(row.report, f"inspection {row.id} in the record {self._database.name}")
        return RecordedPart(
            report=report,
            texts=row.texts,
            image=self._images.path(row.image) if self._images is not None else None,
            recorded_at=row.recorded_at,
            disposition=disposition,
            corrections={item.language: stored_correction(item, report.id) for item in corrected},
        )


def _disposition(row: Any) -> Disposition:
    return Disposition(
        decision=Decision[row.decision], reason_code=row.reason_code, text=row.text, decided_by=row.decided_by
    )
