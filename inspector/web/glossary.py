"""The glossary over HTTP: what things are called on this line, and who changed it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, Field

from inspector.domain import Act, GlossaryDesk, LanguageError, NotAllowed, TermChange
from inspector.web.gate import Gate

__all__ = ["glossary_routes"]

_MOST = 500


class TermIn(BaseModel):
    """What a term is to be called."""

    term: str = Field(max_length=64, description="class, zone or characteristic as the record has it")
    language: Literal["en", "zh"]
    name: str = Field(max_length=64, description="empty: the line's own name again")


class ChangeOut(BaseModel):
    """One change of the glossary; `version` is that of the glossary after it."""

    version: int
    at: datetime
    who: str
    term: str
    language: str
    name: str

    @classmethod
    def of(cls, change: TermChange) -> ChangeOut:
        """Say it in the API's words."""
        return cls(**{name: getattr(change, name) for name in cls.model_fields})


def glossary_routes(desk: GlossaryDesk, gate: Gate) -> APIRouter:
    """Return the routes; the desk checks the act and writes it down."""
    routes = APIRouter()
    somebody = gate.needs(Act.SEE)

    @routes.get("/glossary", summary="Every term with its names", dependencies=[Depends(somebody)])
    def terms() -> dict[str, dict[str, str]]:
        return {term: dict(names) for term, names in desk.terms().items()}

    @routes.get("/glossary/history", summary="Changes of names, newest first", dependencies=[Depends(somebody)])
    def history(limit: Annotated[int, Query(ge=1, le=_MOST)] = 50) -> list[ChangeOut]:
        return [ChangeOut.of(change) for change in desk.history(limit)]

    @routes.post(
        "/glossary",
        summary="Call a term so from now on",
        responses={403: {"description": "the role does not allow it"}, 409: {"description": "it is no name for it"}},
    )
    def change(request: Request, wanted: TermIn) -> ChangeOut:
        try:
            return ChangeOut.of(desk.set(somebody(request), wanted.term, wanted.language, wanted.name))
        except NotAllowed as error:
            raise HTTPException(403, str(error)) from error
        except LanguageError as error:
            raise HTTPException(409, str(error)) from error

    return routes
