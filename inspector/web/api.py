"""The HTTP API, version 1: status, parts and their pictures, and whatever desks the line has."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterator
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from inspector.domain import (
    Act,
    CaptureError,
    Desks,
    DetectionError,
    LiveFeed,
    OverlayKind,
    Overlays,
    RecordedPart,
    RecordReader,
    StoreError,
)
from inspector.web.corrections import correction_routes
from inspector.web.events import event_routes
from inspector.web.gate import Gate
from inspector.web.glossary import glossary_routes
from inspector.web.history import history_routes, part_routes
from inspector.web.line import line_routes
from inspector.web.metrics import LineMetrics, metrics_routes
from inspector.web.people import staff_routes, trail_routes
from inspector.web.pictures import Thumbnails
from inspector.web.quality import quality_routes
from inspector.web.review import review_routes
from inspector.web.schema import Links, PartOut, StatusOut
from inspector.web.search import search_routes
from inspector.web.shelf import shelf_routes
from inspector.web.talk import talk_routes

__all__ = ["API", "create_api", "image_url"]

API = "/api/v1"
_IN_MEMORY = 1000
_MOST_PARTS = 500
# A report id names one picture for ever, so browsers and proxies may keep it.
_FOR_EVER = {"Cache-Control": "private, max-age=86400, immutable"}


def image_url(part: RecordedPart, *, thumbnail: bool = False) -> str | None:
    """Return the path of the part's picture on this server; None where no picture is kept."""
    if part.image is None:
        return None
    query = {"part": part.report.trigger.part_id, **({"thumbnail": "true"} if thumbnail else {})}
    return f"{API}/images/{part.report.id}?{urlencode(query)}"


def create_api(
    feed: LiveFeed,
    reader: RecordReader,
    *,
    gate: Gate | None = None,
    desks: Desks | None = None,
    metrics: LineMetrics | None = None,
    title: str = "Line inspector",
) -> FastAPI:
    """Make the application; its OpenAPI description is at ``/api/v1/openapi.json``.

    The interactive documentation pages are off: they load scripts from other hosts, and this box works without any.

    Parameters
    ----------
    gate
        Who may ask; None lets everybody see.
    desks
        What there is beside the live feed; None: nothing.
    metrics
        What ``/metrics`` tells; None: there is no such page.
    """
    gate, desks = gate or Gate(), desks or Desks()
    app = FastAPI(title=title, version="1", openapi_url=f"{API}/openapi.json", docs_url=None, redoc_url=None)
    app.include_router(gate.routes(), prefix=API, tags=["people"])
    seen = [Depends(gate.needs(Act.SEE))]
    app.include_router(_line_routes(feed), prefix=API, tags=["line"], dependencies=seen)
    app.include_router(event_routes(feed, gate, _out), prefix=API, tags=["line"])
    app.include_router(_part_routes(reader), prefix=API, tags=["parts"], dependencies=seen)
    app.include_router(_picture_routes(feed, reader, desks), prefix=API, tags=["pictures"], dependencies=seen)
    if metrics is not None:
        app.include_router(metrics_routes(metrics, gate), tags=["line"])
    for routes, tag in _desk_routes(desks, gate):
        app.include_router(routes, prefix=API, tags=[tag])

    @app.exception_handler(StoreError)
    async def _store_error(_request: Request, error: StoreError) -> JSONResponse:
        return JSONResponse({"detail": error.message, "remedy": error.remedy}, status_code=503)

    return app


def _desk_routes(desks: Desks, gate: Gate) -> Iterator[tuple[APIRouter, str]]:
    """Yield the routes of every desk that the line has, and what they are about."""
    if desks.review is not None:
        yield review_routes(desks.review, gate, _out), "review"
    if desks.history is not None:
        yield history_routes(desks.history, gate, _out), "history"
    if desks.line is not None:
        yield line_routes(desks.line, gate), "line"
    if desks.quality is not None:
        yield quality_routes(desks.quality, gate), "quality"
    if desks.shelf is not None:
        yield shelf_routes(desks.shelf, gate), "reports"
    if desks.trail is not None:
        yield trail_routes(desks.trail, gate), "people"
    if desks.people is not None:
        yield staff_routes(desks.people, gate), "people"
    yield from _word_routes(desks, gate)


def _word_routes(desks: Desks, gate: Gate) -> Iterator[tuple[APIRouter, str]]:
    if desks.finder is not None:
        yield search_routes(desks.finder, gate), "words"
    if desks.parts is not None:
        yield part_routes(desks.parts, gate), "words"
    if desks.corrections is not None:
        yield correction_routes(desks.corrections, gate), "words"
    if desks.glossary is not None:
        yield glossary_routes(desks.glossary, gate), "words"
    if desks.voice is not None:
        yield talk_routes(desks.voice, gate), "voice"


def _line_routes(feed: LiveFeed) -> APIRouter:
    routes = APIRouter()

    @routes.get("/status", summary="Line, lamps and counts")
    def status() -> StatusOut:
        return StatusOut.of(feed)

    return routes


def _part_routes(reader: RecordReader) -> APIRouter:
    routes = APIRouter()

    @routes.get("/parts", summary="Newest parts, newest first")
    def parts(limit: Annotated[int, Query(ge=1, le=_MOST_PARTS)] = 20) -> list[PartOut]:
        return [_out(part) for part in reader.latest(limit)]

    @routes.get("/parts/{part_id:path}", summary="Every inspection of one part, newest first")
    def part(part_id: str) -> list[PartOut]:
        found = [_out(item) for item in reader.part(part_id)]
        if not found:
            raise HTTPException(404, f"no part {part_id!r} in the record")
        return found

    return routes


def _picture_routes(feed: LiveFeed, reader: RecordReader, desks: Desks) -> APIRouter:
    routes = APIRouter()
    thumbnails = Thumbnails()

    def find(report_id: UUID, part_id: str) -> RecordedPart | None:
        live = next((part for part in feed.recent(_IN_MEMORY) if part.report.id == report_id), None)
        if live is None and desks.history is not None:
            return desks.history.find(report_id)
        if live is not None or not part_id:
            return live
        return next((part for part in reader.part(part_id) if part.report.id == report_id), None)

    @routes.get(
        "/images/{report_id}",
        summary="Archived picture of one inspection",
        response_class=Response,
        responses={200: {"content": {"image/*": {}}}, 404: {"description": "not kept, or expired"}},
    )
    def image(
        report_id: UUID,
        part: Annotated[str, Query(description="id of the part; finds inspections older than the live ones")] = "",
        thumbnail: Annotated[bool, Query(description="a JPEG of at most 240 pixels a side")] = False,
    ) -> Response:
        found = find(report_id, part)
        if found is None or found.image is None or not found.image.is_file():
            raise HTTPException(404, f"no picture of inspection {report_id} is kept")
        if thumbnail:
            return Response(thumbnails.jpeg(found.image), media_type="image/jpeg", headers=_FOR_EVER)
        kind = mimetypes.guess_type(found.image.name)[0] or "application/octet-stream"
        return FileResponse(found.image, media_type=kind, headers=_FOR_EVER)

    if desks.overlays is not None:
        _overlay_route(routes, desks.overlays, find)
    return routes


def _overlay_route(routes: APIRouter, overlays: Overlays, find: Callable[[UUID, str], RecordedPart | None]) -> None:
    @routes.get(
        "/images/{report_id}/{kind}",
        summary="What the picture of one inspection can be compared with",
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}}}, 404: {"description": "there is none"}},
    )
    def overlay(
        report_id: UUID, kind: OverlayKind, part: Annotated[str, Query(description="id of the part")] = ""
    ) -> Response:
        found = find(report_id, part)
        if found is None or kind not in overlays.kinds(found):
            raise HTTPException(404, f"inspection {report_id} has no {kind} picture")
        try:
            return Response(overlays.jpeg(found, kind), media_type="image/jpeg", headers=_FOR_EVER)
        except (CaptureError, DetectionError) as error:
            raise HTTPException(404, str(error)) from error


def _out(part: RecordedPart) -> PartOut:
    return PartOut.of(part, Links(image=image_url(part), thumbnail=image_url(part, thumbnail=True)))
