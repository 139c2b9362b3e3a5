"""The figures of the quality page over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel, Field

from inspector.domain import Act, ConfigurationError, QualityDesk, QualitySpan, ReportError
from inspector.web.gate import Gate

__all__ = ["quality_routes"]


class TableOut(BaseModel):
    """One table of texts."""

    key: str
    title: str
    head: list[str]
    rows: list[list[str]]
    more: int = Field(description="rows that did not fit")


class QualityOut(BaseModel):
    """Everything about one span; charts are on the page and in the shift reports."""

    begins: datetime
    ends: datetime
    parts: int
    tables: list[TableOut]


def quality_routes(desk: QualityDesk, gate: Gate) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(dependencies=[Depends(gate.needs(Act.SEE))])

    @routes.get("/quality", summary="Yield, findings, capability and reviews over a span; takes seconds")
    def quality(
        span: QualitySpan = QualitySpan.DAY, language: Annotated[Literal["en", "zh"], Query()] = "en"
    ) -> QualityOut:
        try:
            view = desk.view(span, language)
        except ConfigurationError as error:
            raise HTTPException(404, str(error)) from error
        except ReportError as error:
            raise HTTPException(503, str(error)) from error
        tables = [
            TableOut(
                key=table.key,
                title=table.title,
                head=list(table.head),
                rows=[list(row) for row in table.rows],
                more=table.more,
            )
            for table in view.tables
        ]
        return QualityOut(begins=view.begins, ends=view.ends, parts=view.parts, tables=tables)

    return routes
