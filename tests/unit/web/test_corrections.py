"""Corrections over HTTP: the part's JSON has them beside the texts, and what is no text is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from inspector.domain import Desks
from inspector.runtime.corrections import RecordCorrectionDesk
from inspector.store import RecordStore, SqlAuditTrail, SqlCorrections, SqlHistory
from inspector.web import LiveBoard
from inspector.web.api import create_api
from tests.support.shifts import LINE, NIGHT, STATION, fill, inspection


class Line:
    """One held part with a text in English; nobody logs in."""

    def __init__(self, folder: Path) -> None:
        self.report = inspection(1, NIGHT, label="spur", length=0.3)
        self.database, images = fill(folder, [self.report], texts={"en": "A spur.", "en:engine": "template"})
        record = RecordStore(self.database, images, line=LINE)
        corrections = SqlCorrections(self.database, line=LINE, station=STATION)
        desks = Desks(
            history=SqlHistory(self.database, record, line=LINE, station=STATION),
            corrections=RecordCorrectionDesk(corrections, SqlAuditTrail(self.database)),
        )
        self.app = create_api(LiveBoard(), record, desks=desks)

    async def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://line/api/v1") as client:
            return await client.request(method, path, json=body)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path)
    yield made
    made.database.close()


async def test_a_part_has_its_correction_beside_the_text(line: Line) -> None:
    path = f"/inspections/{line.report.id}"
    answer = await line.ask("POST", f"{path}/text", {"language": "en", "text": " A burr. "})
    kept = answer.json()
    assert answer.status_code == 200
    assert (kept["language"], kept["text"], kept["by"]) == ("en", "A burr.", "anybody")
    body = (await line.ask("GET", path)).json()
    assert body["part"]["texts"] == {"en": "A spur."}
    assert body["part"]["engines"] == {"en": "template"}
    assert body["part"]["corrections"] == {"en": kept}
    assert body["moments"][-1] == {
        "kind": "corrected",
        "who": "anybody",
        "what": "en",
        "detail": "A burr.",
        "at": kept["at"],
    }
    assert (await line.ask("GET", "/parts")).json()[0]["corrections"] == {"en": kept}


@pytest.mark.parametrize(
    "body",
    [
        {"language": "zh", "text": "毛刺"},
        {"language": "en", "text": "A spur."},
        {"language": "en", "text": "two\nlines"},
        {"language": "en", "text": "x" * 2001},
        {"language": "en"},
    ],
)
async def test_what_is_no_text_for_this_report_is_refused_with_a_reason(line: Line, body: object) -> None:
    answer = await line.ask("POST", f"/inspections/{line.report.id}/text", body)
    assert answer.status_code == 422
    assert answer.json()["detail"]
    assert (await line.ask("GET", f"/inspections/{line.report.id}")).json()["part"]["corrections"] == {}


async def test_an_inspection_that_nobody_knows_is_not_found(line: Line) -> None:
    answer = await line.ask("POST", f"/inspections/{uuid4()}/text", {"language": "en", "text": "A burr."})
    assert answer.status_code == 404


async def test_the_description_of_the_api_has_it(line: Line) -> None:
    described = (await line.ask("GET", "/openapi.json")).json()
    ways = described["paths"]["/api/v1/inspections/{report_id}/text"]["post"]
    assert {"200", "403", "404", "422"} <= set(ways["responses"])
    assert described["components"]["schemas"]["PartOut"]["properties"]["corrections"]
