"""The review queue over HTTP: what waits, and a decision about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, Field

from inspector.domain import (
    REVIEW_REASONS,
    Act,
    AlreadyDecided,
    Decision,
    NotAllowed,
    Person,
    RecordedPart,
    ReviewDesk,
    ReviewError,
)
from inspector.web.gate import Gate
from inspector.web.schema import PartOut

__all__ = ["review_routes"]

_MOST = 200


class DecisionIn(BaseModel):
    """A person's decision about a held part."""

    decision: Literal["accept", "rework", "scrap"]
    reason: str = Field(description=f"one of {', '.join(REVIEW_REASONS)}")
    text: str = Field(default="", max_length=500)


def review_routes(desk: ReviewDesk, gate: Gate, out: Callable[[RecordedPart], PartOut]) -> APIRouter:
    """Return the routes; ``out`` says a part in the API's words."""
    routes = APIRouter(dependencies=[Depends(gate.needs(Act.SEE))])

    @routes.get("/review", summary="Held parts, the one that has waited longest first")
    def waiting(limit: Annotated[int, Query(ge=1, le=_MOST)] = 50) -> list[PartOut]:
        return [out(part) for part in desk.waiting(limit)]

    @routes.post(
        "/review/{report_id}",
        status_code=204,
        summary="Decide about a held part",
        responses={403: {"description": "the role does not allow it"}, 409: {"description": "not held any more"}},
    )
    def decide(report_id: UUID, wanted: DecisionIn, request: Request) -> None:
        person = _person(gate, request)
        try:
            desk.decide(person, report_id, Decision[wanted.decision.upper()], wanted.reason, wanted.text)
        except NotAllowed as error:
            raise HTTPException(403, str(error)) from error
        except AlreadyDecided as error:
            raise HTTPException(409, str(error)) from error
        except ReviewError as error:
            raise HTTPException(422, str(error)) from error

    return routes


def _person(gate: Gate, request: Request) -> Person:
    person = gate.person(request)
    if person is None:
        raise HTTPException(401, "log in first", headers={"WWW-Authenticate": "Bearer"})
    return person
