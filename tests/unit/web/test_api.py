from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import cv2
import httpx
import numpy as np
import pytest

from inspector.domain import RecordedPart, StoreError, Writing
from inspector.web import LiveBoard
from inspector.web.api import create_api, image_url
from tests.support.screen import Box, Record, board_image, part, status

SPUR = ("spur", 0.97, Box(100, 100, 120, 110))


class Line:
    def __init__(self) -> None:
        self.board, self.record = LiveBoard(), Record()
        self.app = create_api(self.board, self.record)

    def feed(self, item: RecordedPart) -> None:
        self.record.add(item)
        self.board.part_recorded(item)

    async def get(self, path: str) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://line") as client:
            return await client.get(path)


@pytest.fixture
def line() -> Line:
    return Line()


async def test_status_says_what_the_line_says(line: Line) -> None:
    line.board.status_changed(status())
    line.feed(part(1, None))
    line.feed(part(2, None, boxes=[SPUR], limits={0: ("above_usl", 0.35)}))
    body = (await line.get("/api/v1/status")).json()
    assert (body["line"], body["ready"], body["simulated"]) == ("board-line-1", True, True)
    assert body["lamps"]["plc"] == {"good": True, "since": "2026-03-02T08:30:00Z", "detail": ""}
    assert body["counts"] == {
        "passed": 1, "review": 0, "failed": 1, "faults": 0, "total": 2, "first_pass_yield": 0.5
    }  # fmt: skip
    assert body["trend"] == []


async def test_status_says_who_writes_the_reports_and_why_not_the_engine(line: Line) -> None:
    assert (await line.get("/api/v1/status")).json()["writing"] is None
    line.board.status_changed(replace(status(), writing=Writing("report-writer 0.1.0", 40, {"late": 2, "digit": 1})))
    body = (await line.get("/api/v1/status")).json()
    assert body["writing"] == {"engine": "report-writer 0.1.0", "written": 40, "instead": {"late": 2, "digit": 1}}


async def test_parts_come_newest_first_with_their_figures(line: Line, tmp_path: Path) -> None:
    line.feed(part(1, None))
    newest = part(2, board_image(tmp_path / "2.png"), boxes=[SPUR], limits={0: ("above_usl", 0.35)})
    line.feed(newest)
    first, second = (await line.get("/api/v1/parts?limit=2")).json()
    assert (first["part_id"], first["outcome"], first["wire"]) == ("PCB-000002", "FAIL", "NOK")
    assert first["reasons"][0]["limit"] == 0.35
    assert first["findings"] == [{"label": "spur", "score": 0.97, "box": [100, 100, 120, 110]}]
    assert {item["characteristic"] for item in first["measurements"]} >= {"length", "width", "area"}
    assert first["texts"]["en"] == newest.texts["en"]
    assert second["links"] == {"image": None, "thumbnail": None}
    picture = await line.get(first["links"]["image"])
    assert picture.headers["content-type"] == "image/png"
    assert picture.content == (tmp_path / "2.png").read_bytes()


async def test_one_part_by_id_whatever_its_characters(line: Line) -> None:
    line.feed(part(1, None, part_id="lot/7 #1?x=ü"))
    found = await line.get("/api/v1/parts/lot%2F7%20%231%3Fx%3D%C3%BC")
    assert [item["part_id"] for item in found.json()] == ["lot/7 #1?x=ü"]
    missing = await line.get("/api/v1/parts/none")
    assert missing.status_code == 404
    assert "none" in missing.json()["detail"]


async def test_a_thumbnail_is_small_and_made_once(line: Line, tmp_path: Path) -> None:
    item = part(1, board_image(tmp_path / "1.png", side=900))
    line.feed(item)
    url = image_url(item, thumbnail=True)
    first = await line.get(url)
    pixels = cv2.imdecode(np.frombuffer(first.content, np.uint8), cv2.IMREAD_COLOR)
    assert max(pixels.shape[:2]) == 240
    (tmp_path / "1.png").write_bytes(b"no longer a picture")
    assert (await line.get(url)).content == first.content


async def test_a_picture_older_than_the_live_ones_is_found_in_the_record(line: Line, tmp_path: Path) -> None:
    item = part(1, board_image(tmp_path / "1.png"))
    line.record.add(item)
    assert (await line.get(image_url(item))).status_code == 200


@pytest.mark.parametrize("content", [b"", b"not a picture"])
async def test_an_unreadable_picture_is_said_with_a_remedy(line: Line, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "1.png").write_bytes(content)
    item = part(1, tmp_path / "1.png")
    line.feed(item)
    answer = await line.get(image_url(item, thumbnail=True))
    assert answer.status_code == 503
    assert "1.png" in answer.json()["detail"]
    assert answer.json()["remedy"]


async def test_an_expired_picture_and_an_unknown_report_are_not_found(line: Line, tmp_path: Path) -> None:
    item = part(1, tmp_path / "gone.png")
    line.feed(item)
    assert (await line.get(image_url(item))).status_code == 404
    assert (await line.get(f"/api/v1/images/{uuid4()}?part=x")).status_code == 404
    assert (await line.get("/api/v1/images/not-a-uuid")).status_code == 422


@pytest.mark.parametrize("limit", ["0", "501", "many"])
async def test_a_silly_limit_is_refused(line: Line, limit: str) -> None:
    assert (await line.get(f"/api/v1/parts?limit={limit}")).status_code == 422


async def test_a_store_that_cannot_be_read_is_said(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_limit: int) -> None:
        raise StoreError("record.db is locked", remedy="Close the other program.")

    monkeypatch.setattr(line.record, "latest", broken)
    answer = await line.get("/api/v1/parts")
    assert answer.status_code == 503
    assert answer.json() == {"detail": "record.db is locked", "remedy": "Close the other program."}


async def test_the_api_describes_itself_without_pages_from_elsewhere(line: Line) -> None:
    described = (await line.get("/api/v1/openapi.json")).json()
    assert {"/api/v1/status", "/api/v1/parts", "/api/v1/parts/{part_id}", "/api/v1/images/{report_id}"} <= set(
        described["paths"]
    )
    assert (await line.get("/docs")).status_code == 404
