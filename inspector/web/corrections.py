"""Corrections of reports' texts over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field

from inspector.domain import LONGEST_CORRECTION, Act, CorrectionDesk, LanguageError, NotAllowed
from inspector.web.gate import Gate
from inspector.web.schema import CorrectionOut

__all__ = ["correction_routes"]


class TextIn(BaseModel):
    """What the report should say."""

    language: str = Field(max_length=16, description="one of those in the part's `texts`")
    text: str = Field(max_length=LONGEST_CORRECTION, description="printable, in one line")


def correction_routes(desk: CorrectionDesk, gate: Gate) -> APIRouter:
    """Return the routes; the desk checks the act and writes it down."""
    routes = APIRouter()
    somebody = gate.needs(Act.SEE)

    @routes.post(
        "/inspections/{report_id}/text",
        summary="Correct the text of a report; what was written stays beside it",
        responses={
            403: {"description": "the role does not allow it"},
            404: {"description": "the record has no such inspection"},
            422: {"description": "it is no text for this report, or the report has none in this language"},
        },
    )
    def correct(report_id: UUID, wanted: TextIn, request: Request) -> CorrectionOut:
        try:
            kept = desk.correct(somebody(request), report_id, wanted.language, wanted.text)
        except NotAllowed as error:
            raise HTTPException(403, str(error)) from error
        except LanguageError as error:
            raise HTTPException(422, str(error)) from error
        if kept is None:
            raise HTTPException(404, f"no inspection {report_id} in the record")
        return CorrectionOut.of(kept)

    return routes
