"""The history over HTTP: pages, files, and what is refused."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from inspector.domain import Desks, RecordedPart
from inspector.runtime.overlays import LineOverlays, grey
from inspector.store import Database, RecordStore, SqlHistory
from inspector.web import LiveBoard
from inspector.web.api import create_api
from tests.support.shifts import LINE, NIGHT, STATION, fill, inspection, picture

COUNT = 12


class Line:
    """Twelve parts, each third with a spur; the newest id is a formula."""

    def __init__(self, folder: Path) -> None:
        reports = [
            inspection(n, NIGHT + timedelta(seconds=n), label="spur" if n % 3 == 0 else "", length=0.3 + n / 100)
            for n in range(COUNT)
        ]
        self.reports = reports
        self.database, images = fill(folder, reports)
        self.record = RecordStore(self.database, images, line=LINE)
        desks = Desks(
            history=SqlHistory(self.database, self.record, line=LINE, station=STATION),
            overlays=LineOverlays({"": grey(picture(folder))}),
        )
        self.app = create_api(LiveBoard(), self.record, desks=desks)

    async def get(self, path: str, **query: str) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://line") as client:
            return await client.get(f"/api/v1{path}", params=query)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path)
    yield made
    made.database.close()


async def test_pages_go_back_to_the_first_part(line: Line) -> None:
    seen: list[str] = []
    older: str | None = ""
    while older is not None:
        body = (await line.get("/history", limit="5", older_than=older)).json()
        seen += [row["part_id"] for row in body["rows"]]
        older = body["older"]
    assert seen == [f"P-{n:05d}" for n in range(COUNT - 1, -1, -1)]


async def test_csv_and_parquet_say_the_same(line: Line) -> None:
    wanted = {"label": "spur", "size_from": "0.35"}
    answer = await line.get("/history/export", **wanted)
    assert answer.headers["content-disposition"] == 'attachment; filename="inspections.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["part_id"] for row in rows] == ["P-00009", "P-00006"]
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed (extra: parquet)")
    table = parquet.read_table(io.BytesIO((await line.get("/history/export", form="parquet", **wanted)).content))
    assert table.column("part_id").to_pylist() == [row["part_id"] for row in rows]
    assert table.column("largest_mm").to_pylist() == [float(row["largest_mm"]) for row in rows]
    assert table.column("at").to_pylist()[0] == NIGHT + timedelta(seconds=9)


async def test_an_id_is_no_formula_in_a_spreadsheet(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'r.db'}")
    record = RecordStore(database, line=LINE, station=STATION)
    report = inspection(1, NIGHT)
    trigger = type(report.trigger)('=cmd|"/c calc"!A1', STATION, 1, NIGHT)
    record.record(type(report)(trigger, report.verdict), pixels=None, texts={}, messages=[])
    app = create_api(LiveBoard(), record, desks=Desks(history=SqlHistory(database, record, line=LINE, station=STATION)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://line") as client:
        text = (await client.get("/api/v1/history/export")).content.decode("utf-8-sig")
    database.close()
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["part_id"] == '\'=cmd|"/c calc"!A1'


@pytest.mark.parametrize(
    "query",
    [
        {"older_than": "yesterday"},
        {"since": "2026-11-22T06:00:00"},  # no time zone
        {"kind": "great"},
        {"size_from": "-1"},
        {"limit": "0"},
        {"limit": "100000"},
    ],
)
async def test_what_cannot_be_read_is_refused(line: Line, query: dict[str, str]) -> None:
    assert (await line.get("/history", **query)).status_code == 422


async def test_all_of_one_inspection(line: Line) -> None:
    report = line.reports[9]
    body = (await line.get(f"/inspections/{report.id}")).json()
    assert body["part"]["part_id"] == "P-00009"
    assert {moment["kind"] for moment in body["moments"]} == {"triggered", "recorded"}
    assert (await line.get(f"/inspections/{uuid4()}")).status_code == 404


async def test_a_picture_is_found_without_its_parts_id_and_so_is_its_golden_part(line: Line) -> None:
    rejected, passed = line.reports[9], line.reports[1]
    found = line.record.of_report(rejected.id)
    assert isinstance(found, RecordedPart)
    assert (await line.get(f"/images/{rejected.id}")).headers["content-type"] == "image/png"
    answer = await line.get(f"/images/{rejected.id}/golden")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert (await line.get(f"/images/{rejected.id}/heat")).status_code == 404
    assert (await line.get(f"/images/{passed.id}/golden")).status_code == 404
