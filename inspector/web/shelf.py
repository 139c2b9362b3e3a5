"""The shift reports over HTTP: which there are, their files, and one to be made now."""

from __future__ import annotations

import mimetypes
from datetime import datetime

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field

from inspector.domain import Act, ConfigurationError, ReportError, ReportShelf, ShelvedShift
from inspector.web.gate import Gate

__all__ = ["shelf_routes"]

SHOWN = 60


class ShiftOut(BaseModel):
    """One shift and its report."""

    key: str
    begins: datetime
    ends: datetime
    ended: bool
    made_at: datetime | None = Field(description="null: there is no report yet")
    complete: bool = Field(description="false: the report was made while the shift was running")
    parts: int
    passed: int
    pages: dict[str, str] = Field(description="HTML by language: names for /reports/files/")
    prints: dict[str, str] = Field(description="PDF by language")
    data: str

    @classmethod
    def of(cls, shift: ShelvedShift) -> ShiftOut:
        """Say it in the API's words."""
        said = {name: getattr(shift, name) for name in cls.model_fields}
        return cls(**{**said, "pages": dict(shift.pages), "prints": dict(shift.prints)})


def shelf_routes(shelf: ReportShelf, gate: Gate) -> APIRouter:
    """Return the routes."""
    somebody = gate.needs(Act.SEE)
    routes = APIRouter(dependencies=[Depends(somebody)])

    @routes.get("/reports", summary="The running shift and those before it, newest first")
    def shifts() -> list[ShiftOut]:
        return [ShiftOut.of(shift) for shift in shelf.shifts(SHOWN)]

    @routes.post("/reports/{day}/{name}", summary="Write the report of this shift now; takes seconds")
    def make(day: str, name: str, request: Request) -> ShiftOut:
        try:
            return ShiftOut.of(shelf.make(somebody(request), f"{day}/{name}"))
        except ConfigurationError as error:
            raise HTTPException(404, str(error)) from error
        except ReportError as error:
            raise HTTPException(503, str(error)) from error

    @routes.get(
        "/reports/files/{name}",
        summary="One file of a report",
        response_class=Response,
        responses={200: {"content": {"text/html": {}, "application/pdf": {}, "application/json": {}}}},
    )
    def file(name: str) -> FileResponse:
        found = shelf.file(name)
        if found is None:
            raise HTTPException(404, f"no report {name!r}")
        kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        # A report carries what it needs: nothing in it may ask for more, or run.
        headers = {
            "Cache-Control": "private, no-cache",
            "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:",
        }
        return FileResponse(found, media_type=kind, headers=headers, content_disposition_type="inline", filename=name)

    return routes
