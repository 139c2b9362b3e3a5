"""Looking parts up: pages by key, never by offset, each a walk along one index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select
from sqlmodel import col

from inspector.domain import (
    Act,
    Decision,
    FaultCode,
    HistoryPage,
    HistoryQuery,
    HistoryRow,
    Moment,
    MomentKind,
    PartFile,
    PartKind,
    Place,
    Queue,
    RecordedPart,
    lot_subject,
    number_of_part,
)
from inspector.store.database import Database
from inspector.store.outbox import stream_name
from inspector.store.record import RecordStore
from inspector.store.tables import AuditRow, DefectRow, DispositionRow, InspectionRow, OutboxRow

__all__ = ["SqlHistory", "who_decided"]

FEW = 2000  # findings of such a size: fetched and sorted; with more of them, walking back in time finds a page sooner
MANY_PAGES = 1000
BY_RULES, BY_ADVICE = "rules", "advisor"


class SqlHistory:
    """A ``HistoryReader`` over a database.

    Parameters
    ----------
    record
        Of the same line and station; gives the whole report of a part.
    """

    def __init__(self, database: Database, record: RecordStore, *, line: str, station: str) -> None:
        self._database, self._record = database, record
        self._line, self._station = line, station

    def search(self, query: HistoryQuery, *, older_than: Place | None = None, limit: int = 50) -> HistoryPage:
        """Return one page of what meets the query, newest trigger first; raises ``StoreError``."""
        with self._database.read() as connection:
            few = self._few_of_size(connection, query)
            found: Sequence[Any] = connection.execute(self._keys(query, older_than, few).limit(limit + 1)).all()
            keys: list[tuple[int, datetime]] = [(key, at) for key, at in found]
            shown = keys[:limit]
            rows = self._rows(connection, [key for key, _ in shown])
        older = Place(shown[-1][1], shown[-1][0]) if len(keys) > limit else None
        return HistoryPage(tuple(rows[key] for key, _ in shown), older)

    def every(self, query: HistoryQuery, *, most: int) -> Iterator[HistoryRow]:
        """Yield everything that meets the query, newest first, at most so many; raises ``StoreError``."""
        place, left = None, most
        while left > 0:
            page = self.search(query, older_than=place, limit=min(left, MANY_PAGES))
            yield from page.rows
            place, left = page.older, left - len(page.rows)
            if place is None:
                return

    def labels(self) -> Sequence[str]:
        """Return the classes that were ever found here, by name; raises ``StoreError``."""
        found: list[str] = []
        # One step of the index for each class: DISTINCT would walk all of it.
        with self._database.read() as connection:
            while True:
                query = select(func.min(col(DefectRow.label))).where(*self._own(DefectRow))
                if found:
                    query = query.where(col(DefectRow.label) > found[-1])
                label: str | None = connection.execute(query).scalar()
                if label is None:
                    return found
                found.append(label)

    def find(self, report_id: UUID) -> RecordedPart | None:
        """Return one inspection; None where the record has none. Raises ``StoreError``."""
        return self._record.of_report(report_id)

    def file(self, report_id: UUID) -> PartFile | None:
        """Return all of one inspection; None where the record has none. Raises ``StoreError``."""
        part = self._record.of_report(report_id)
        if part is None:
            return None
        part_id = part.report.trigger.part_id.replace("\0", "")
        others = [item for item in self._record.part(part_id) if item.report.id != report_id] if part_id else []
        lot = self._record.lot_of(report_id)
        moments = [
            *_by_the_line(part),
            *self._decisions(report_id),
            *self._corrections(report_id),
            *self._messages(part),
            *self._refused(part, others),
            *self._of_lot(lot),
        ]
        return PartFile(part, lot, tuple(sorted(moments, key=lambda moment: moment.at)), tuple(others))

    # --- the search ---------------------------------------------------------------------------------------

    def _own(self, table: Any) -> tuple[ColumnElement[bool], ...]:
        return (col(table.line) == self._line, col(table.station) == self._station)

    def _keys(self, query: HistoryQuery, older_than: Place | None, few: bool) -> Select[*tuple[Any, ...]]:
        """Return number and time of what meets the query, newest first.

        A part or a lot narrows most; else findings are walked in their own index, else inspections in theirs.
        """
        if query.about_findings and not query.part and not query.lot:
            return self._keys_of_findings(query, older_than, few)
        key, at = col(InspectionRow.id), col(InspectionRow.triggered_at)
        found = select(key, at).where(*self._own(InspectionRow), *_within(query, older_than, at, key))
        found = found.where(*_of_inspection(query))
        if query.about_findings:
            # The empty text keeps the index over labels out: of one inspection there are a few findings only.
            label = [col(DefectRow.label).concat("") == query.label] if query.label else []
            meets = select(col(DefectRow.id)).where(col(DefectRow.inspection_id) == key, *label, *_of_size(query))
            found = found.where(meets.exists())
        return found.order_by(at.desc(), key.desc())

    def _keys_of_findings(self, query: HistoryQuery, older_than: Place | None, few: bool) -> Select[*tuple[Any, ...]]:
        key: Any = col(DefectRow.inspection_id)
        at: Any = col(DefectRow.triggered_at)
        if few:
            sized = select(key, at, col(DefectRow.label)).where(*self._own(DefectRow), *_of_size(query)).limit(FEW)
            found = sized.subquery()
            key, at = found.c.inspection_id, found.c.triggered_at
            wanted = [found.c.label == query.label] if query.label else []
        else:
            wanted = [*self._own(DefectRow), *_of_finding(query)]
        keys = select(key, at).where(*wanted, *_within(query, older_than, at, key))
        if query.kind is not None:
            keys = keys.join(InspectionRow, col(InspectionRow.id) == key).where(*_of_inspection(query))
        return keys.group_by(at, key).order_by(at.desc(), key.desc())

    def _few_of_size(self, connection: Any, query: HistoryQuery) -> bool:
        if query.part or query.lot or (query.size_from is None and query.size_to is None):
            return False
        some = select(literal(1)).select_from(DefectRow).where(*self._own(DefectRow), *_of_size(query)).limit(FEW)
        return bool(connection.execute(select(func.count()).select_from(some.subquery())).scalar() < FEW)

    def _rows(self, connection: Any, keys: list[int]) -> Mapping[int, HistoryRow]:
        columns = (
            "id", "report_id", "part_id", "triggered_at", "kind", "fault", "recipe", "lot", "total_ms", "image",
        )  # fmt: skip
        table: Any = InspectionRow.__table__  # type: ignore[attr-defined]
        parts = connection.execute(select(*(table.c[name] for name in columns)).where(table.c.id.in_(keys))).all()
        findings: dict[int, list[Any]] = {}
        for row in connection.execute(
            select(col(DefectRow.inspection_id), col(DefectRow.label), col(DefectRow.size_mm))
            .where(col(DefectRow.inspection_id).in_(keys))
            .order_by(col(DefectRow.id))
        ):
            findings.setdefault(row.inspection_id, []).append(row)
        decided = {
            row.inspection_id: row
            for row in connection.execute(
                select(col(DispositionRow.inspection_id), col(DispositionRow.decision), col(DispositionRow.decided_by))
                .where(col(DispositionRow.inspection_id).in_(keys))
                .order_by(col(DispositionRow.id))
            )
        }
        return {row.id: _row(row, findings.get(row.id, []), decided.get(row.id)) for row in parts}

    # --- what happened to one part ------------------------------------------------------------------------

    def _decisions(self, report_id: UUID) -> Iterator[Moment]:
        for at, disposition in self._record.dispositions(report_id):
            said = f"{disposition.reason_code} {disposition.text}".strip()
            yield Moment(
                at, who_decided(disposition.decided_by), disposition.decided_by, disposition.decision.name, said
            )

    def _corrections(self, report_id: UUID) -> Iterator[Moment]:
        for item in self._record.corrections(report_id):
            yield Moment(item.at, MomentKind.CORRECTED, item.by, item.language, item.text)

    def _messages(self, part: RecordedPart) -> Iterator[Moment]:
        # The result has the report's own id; the messages of decisions show in the decisions themselves.
        query = select(
            col(OutboxRow.created_at), col(OutboxRow.acknowledged_at), col(OutboxRow.topic), col(OutboxRow.refused)
        ).where(
            col(OutboxRow.stream) == stream_name(self._line, self._station, Queue.RESULTS),
            col(OutboxRow.msg_id) == str(part.report.id),
        )
        with self._database.read() as connection:
            for row in connection.execute(query):
                yield Moment(row.created_at, MomentKind.QUEUED, detail=row.topic)
                if row.acknowledged_at is not None:
                    yield Moment(row.acknowledged_at, MomentKind.DELIVERED, detail=row.refused or "")

    def _refused(self, part: RecordedPart, others: Sequence[RecordedPart]) -> Iterator[Moment]:
        """Yield attempts to decide that were refused; the trail names the part, so the newest inspection gets them."""
        if any(other.recorded_at > part.recorded_at for other in others):
            return
        query = select(col(AuditRow.at), col(AuditRow.who), col(AuditRow.detail)).where(
            col(AuditRow.at) >= part.recorded_at,
            col(AuditRow.act) == "review_refused",
            col(AuditRow.subject) == part.report.trigger.part_id,
        )
        with self._database.read() as connection:
            for row in connection.execute(query):
                yield Moment(row.at, MomentKind.REFUSED, row.who, row.detail.upper())

    def _of_lot(self, lot: str) -> Iterator[Moment]:
        """Yield when the whole lot was held and released: one entry of the trail each, however many parts it has."""
        if not lot:
            return
        kinds = {Act.HOLD_LOT: MomentKind.LOT_HELD, Act.RELEASE_LOT: MomentKind.LOT_RELEASED}
        query = select(col(AuditRow.at), col(AuditRow.who), col(AuditRow.act), col(AuditRow.detail)).where(
            col(AuditRow.act).in_([act.value for act in kinds]), col(AuditRow.subject) == lot_subject(self._line, lot)
        )
        with self._database.read() as connection:
            for row in connection.execute(query):
                yield Moment(row.at, kinds[Act(row.act)], row.who, lot, row.detail)


def _within(query: HistoryQuery, older_than: Place | None, at: Any, key: Any) -> Iterator[ColumnElement[bool]]:
    if query.since is not None:
        yield at >= query.since
    if query.until is not None:
        yield at < query.until
    if older_than is not None:
        # The first condition alone is what an index can use.
        yield at <= older_than.at
        yield or_(at < older_than.at, key < older_than.key)


def _of_inspection(query: HistoryQuery) -> Iterator[ColumnElement[bool]]:
    if query.kind is not None:
        yield col(InspectionRow.kind) == query.kind.value
    if query.lot:
        yield col(InspectionRow.lot) == query.lot
    if query.part:
        number = number_of_part(query.part) if query.part.isdigit() else None
        same = col(InspectionRow.part_id) == query.part.replace("\0", "")
        yield same if number is None else col(InspectionRow.part_number) == number


def _of_finding(query: HistoryQuery) -> Iterator[ColumnElement[bool]]:
    if query.label:
        yield col(DefectRow.label) == query.label
    yield from _of_size(query)


def _of_size(query: HistoryQuery) -> Iterator[ColumnElement[bool]]:
    if query.size_from is not None:
        yield col(DefectRow.size_mm) >= query.size_from
    if query.size_to is not None:
        yield and_(col(DefectRow.size_mm).is_not(None), col(DefectRow.size_mm) <= query.size_to)


def _row(row: Any, findings: list[Any], decided: Any) -> HistoryRow:
    sizes = [finding.size_mm for finding in findings if finding.size_mm is not None]
    return HistoryRow(
        report_id=UUID(row.report_id),
        part_id=row.part_id,
        at=row.triggered_at,
        kind=PartKind(row.kind),
        fault=FaultCode[row.fault],
        recipe=row.recipe,
        lot=row.lot,
        labels=tuple(dict.fromkeys(finding.label for finding in findings)),
        largest_mm=max(sizes, default=None),
        decision=Decision[decided.decision] if decided is not None else None,
        decided_by=decided.decided_by if decided is not None else "",
        total_ms=row.total_ms,
        pictured=row.image is not None,
    )


def _by_the_line(part: RecordedPart) -> Iterator[Moment]:
    report = part.report
    trigger, verdict = report.trigger, report.verdict
    yield Moment(trigger.at, MomentKind.TRIGGERED, trigger.station, str(trigger.sequence))
    if report.timings.total_ms and verdict.fault not in (FaultCode.PLC_LOST, FaultCode.PLC_ACK):
        done = trigger.at + timedelta(milliseconds=report.timings.total_ms)
        yield Moment(done, MomentKind.ANSWERED, what=verdict.wire.name, detail=f"{report.timings.total_ms:.1f} ms")
    yield Moment(part.recorded_at, MomentKind.RECORDED)


def who_decided(name: str) -> MomentKind:
    """Return whether the rules, the advisor or a person of this name decided."""
    if name == BY_RULES:
        return MomentKind.HELD
    return MomentKind.ADVISED if name.startswith(BY_ADVICE) else MomentKind.DECIDED
