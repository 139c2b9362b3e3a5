"""The search by words over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from inspector.domain import Act, DefectFinder, FoundDefect, PartKind
from inspector.web.gate import Gate

__all__ = ["search_routes"]

_MOST = 100
_LONGEST = 400


class FoundOut(BaseModel):
    """One finding of a past inspection."""

    id: UUID = Field(description="of the inspection")
    part_id: str
    at: datetime
    kind: PartKind
    finding: int = Field(description="place in the part's `findings`, from 0 on")
    label: str
    zone: str
    size_mm: float | None
    likeness: float = Field(description="cosine, -1 ... 1: an order, no probability")

    @classmethod
    def of(cls, found: FoundDefect) -> FoundOut:
        """Say it in the API's words."""
        return cls(
            id=found.report_id,
            part_id=found.part_id,
            at=found.at,
            kind=found.kind,
            finding=found.detection,
            label=found.label,
            zone=found.zone,
            size_mm=found.size_mm,
            likeness=round(found.likeness, 4),
        )


class FoundListOut(BaseModel):
    """What a description found, the likest first."""

    understood: bool = Field(description="false where no word of the description is known")
    searched: int = Field(description="among how many findings")
    rows: list[FoundOut]


def search_routes(finder: DefectFinder, gate: Gate) -> APIRouter:
    """Return the routes."""
    routes = APIRouter()

    @routes.get("/search", summary="Past defects by description", dependencies=[Depends(gate.needs(Act.SEE))])
    def search(
        words: Annotated[str, Query(min_length=1, max_length=_LONGEST, description="in English or Chinese")],
        limit: Annotated[int, Query(ge=1, le=_MOST)] = 10,
    ) -> FoundListOut:
        found = finder.find(words, limit=limit)
        rows = [FoundOut.of(item) for item in found.rows]
        return FoundListOut(understood=found.understood, searched=found.searched, rows=rows)

    return routes
