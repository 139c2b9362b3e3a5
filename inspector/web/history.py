"""The history over HTTP: pages by key, and the same rows to take away as CSV or Parquet."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import AwareDatetime, BaseModel, Field

from inspector.domain import (
    Act,
    HistoryQuery,
    HistoryReader,
    HistoryRow,
    PartAnswer,
    PartDesk,
    PartFile,
    PartKind,
    Place,
)
from inspector.web.gate import Gate
from inspector.web.schema import PartOut

__all__ = ["history_routes", "part_routes"]

MOST_ROWS = 500
_LONGEST_QUESTION = 400
MOST_EXPORTED = 1_000_000
BLOCK = 10_000
# What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class RowOut(BaseModel):
    """One inspection in a list."""

    id: UUID
    part_id: str
    at: datetime
    kind: PartKind
    fault: str
    recipe: str
    lot: str
    labels: list[str] = Field(description="classes of the findings")
    largest_mm: float | None = Field(description="longer side of the largest finding")
    disposition: str | None
    decided_by: str
    total_ms: float

    @classmethod
    def of(cls, row: HistoryRow) -> RowOut:
        """Say it in the API's words."""
        return cls(
            id=row.report_id,
            part_id=row.part_id,
            at=row.at,
            kind=row.kind,
            fault=row.fault.name,
            recipe=row.recipe,
            lot=row.lot,
            labels=list(row.labels),
            largest_mm=row.largest_mm,
            disposition=row.decision.name if row.decision is not None else None,
            decided_by=row.decided_by,
            total_ms=row.total_ms,
        )


class PageOut(BaseModel):
    """One page, newest trigger first."""

    rows: list[RowOut]
    older: str | None = Field(description="give it back as `older_than` for the next page; null at the end")


class MomentOut(BaseModel):
    """One thing that happened to a part."""

    at: datetime
    kind: str
    who: str
    what: str
    detail: str


class FileOut(BaseModel):
    """Everything the record knows of one inspection."""

    part: PartOut
    lot: str
    moments: list[MomentOut]
    others: list[UUID] = Field(description="other inspections of the same part, newest first")

    @classmethod
    def of(cls, file: PartFile, out: Callable[..., PartOut]) -> FileOut:
        """Say it in the API's words."""
        moments = [
            MomentOut(at=item.at, kind=item.kind.value, who=item.who, what=item.what, detail=item.detail)
            for item in file.moments
        ]
        return cls(part=out(file.part), lot=file.lot, moments=moments, others=[part.report.id for part in file.others])


class AnswerOut(BaseModel):
    """What the record says to a question about a part."""

    text: str
    understood: bool = Field(description="false: the text says what can be asked")
    findings: list[int] = Field(description="places in the part's `findings` that the answer is about")

    @classmethod
    def of(cls, answer: PartAnswer) -> AnswerOut:
        """Say it in the API's words."""
        return cls(text=answer.text, understood=answer.question is not None, findings=list(answer.findings))


def part_routes(desk: PartDesk, gate: Gate) -> APIRouter:
    """Return the routes of questions about one part."""
    routes = APIRouter(dependencies=[Depends(gate.needs(Act.SEE))])

    @routes.get("/inspections/{report_id}/answer", summary="A question about this part, answered from its record")
    def answer(
        report_id: UUID,
        question: Annotated[str, Query(min_length=1, max_length=_LONGEST_QUESTION)],
        language: Literal["en", "zh"] = "en",
    ) -> AnswerOut:
        said = desk.ask(report_id, question, language)
        if said is None:
            raise HTTPException(404, f"no inspection {report_id} in the record")
        return AnswerOut.of(said)

    return routes


def _query(  # noqa: PLR0917 - one parameter of the address each
    since: Annotated[AwareDatetime | None, Query(description="time of the trigger, not before")] = None,
    until: Annotated[AwareDatetime | None, Query(description="time of the trigger, before")] = None,
    part: Annotated[str, Query(max_length=200, description="the whole id, or the last number in it")] = "",
    lot: Annotated[str, Query(max_length=200)] = "",
    label: Annotated[str, Query(max_length=200, description="class of a finding")] = "",
    size_from: Annotated[float | None, Query(ge=0, description="longer side of that finding, mm")] = None,
    size_to: Annotated[float | None, Query(ge=0)] = None,
    kind: PartKind | None = None,
) -> HistoryQuery:
    return HistoryQuery(since, until, part.strip(), lot.strip(), label.strip(), size_from, size_to, kind)


def history_routes(history: HistoryReader, gate: Gate, out: Callable[..., PartOut]) -> APIRouter:
    """Return the routes; ``out`` says a part in the API's words."""
    routes = APIRouter()
    seen = [Depends(gate.needs(Act.SEE))]

    @routes.get("/history", summary="Inspections that meet all of this, newest first", dependencies=seen)
    def search(
        wanted: Annotated[HistoryQuery, Depends(_query)],
        older_than: Annotated[str, Query(description="`older` of the page before")] = "",
        limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 50,
    ) -> PageOut:
        page = history.search(wanted, older_than=_place(older_than), limit=limit)
        return PageOut(rows=[RowOut.of(row) for row in page.rows], older=str(page.older) if page.older else None)

    @routes.get(
        "/history/export",
        summary="The same inspections as a file, at most a million",
        dependencies=[Depends(gate.needs(Act.EXPORT))],
        response_class=Response,
        responses={200: {"content": {"text/csv": {}, "application/vnd.apache.parquet": {}}}},
    )
    def export(
        wanted: Annotated[HistoryQuery, Depends(_query)], form: Literal["csv", "parquet"] = "csv"
    ) -> StreamingResponse:
        rows = history.every(wanted, most=MOST_EXPORTED)
        body, kind = (_csv(rows), "text/csv; charset=utf-8") if form == "csv" else (_parquet(rows), PARQUET)
        headers = {"Content-Disposition": f'attachment; filename="inspections.{form}"'}
        return StreamingResponse(body, media_type=kind, headers=headers)

    @routes.get("/inspections/{report_id}", summary="All of one inspection, and what happened to it", dependencies=seen)
    def inspection(report_id: UUID) -> FileOut:
        file = history.file(report_id)
        if file is None:
            raise HTTPException(404, f"no inspection {report_id} in the record")
        return FileOut.of(file, out)

    return routes


PARQUET = "application/vnd.apache.parquet"
COLUMNS = (*RowOut.model_fields,)


def _place(text: str) -> Place | None:
    try:
        return Place.parse(text) if text else None
    except ValueError as error:
        raise HTTPException(422, "older_than: give back what a page said in `older`") from error


def _plain(row: HistoryRow) -> dict[str, Any]:
    said = RowOut.of(row).model_dump()
    return {**said, "id": str(row.report_id), "kind": row.kind.value, "labels": " ".join(row.labels)}


def _csv(rows: Iterator[HistoryRow]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    # A byte-order mark: without it spreadsheets read UTF-8 as something else.
    yield b"\xef\xbb\xbf" + _drained(text)
    for block in _blocks(rows):
        for row in block:
            said = _plain(row)
            writer.writerow([_cell(said[name]) for name in COLUMNS])
        yield _drained(text)


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _drained(text: io.StringIO) -> bytes:
    content = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return content


def _parquet(rows: Iterator[HistoryRow]) -> Iterator[bytes]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise HTTPException(501, "Parquet needs a library: pip install 'line-inspector[parquet]'; CSV works") from error
    text, number, moment = pa.string(), pa.float64(), pa.timestamp("us", tz="UTC")
    types = {"at": moment, "largest_mm": number, "total_ms": number}
    schema = pa.schema([(name, types.get(name, text)) for name in COLUMNS])

    def written() -> Iterator[bytes]:
        # Parquet's index is at its end: a file first, then its bytes.
        with tempfile.TemporaryFile() as file:
            with pq.ParquetWriter(file, schema) as writer:
                for block in _blocks(rows):
                    writer.write_table(pa.Table.from_pylist([_plain(row) for row in block], schema))
            file.seek(0)
            yield from iter(partial(file.read, 1 << 20), b"")

    return written()


def _blocks(rows: Iterable[HistoryRow]) -> Iterator[list[HistoryRow]]:
    iterator = iter(rows)
    while block := list(islice(iterator, BLOCK)):
        yield block
