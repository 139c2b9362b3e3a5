"""The trail and the users over HTTP: who did what, and who may."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, Field

from inspector.domain import AccountError, Act, AuditEntry, AuditTrail, Person, Role, Staff
from inspector.web.gate import Gate

__all__ = ["staff_routes", "trail_routes"]

MOST_ENTRIES = 500
RoleName = Literal["operator", "quality", "engineer", "admin"]


class EntryOut(BaseModel):
    """One act."""

    number: int
    at: datetime
    who: str
    role: str
    act: str
    subject: str
    detail: str
    hash: str

    @classmethod
    def of(cls, entry: AuditEntry) -> EntryOut:
        """Say it in the API's words."""
        return cls(**{name: getattr(entry, name) for name in cls.model_fields})


class VerifiedOut(BaseModel):
    """Whether the trail holds."""

    holds: bool
    number: int | None = Field(description="the entry that does not hold")
    problem: str
    head: str | None = Field(description="hash of the newest entry: note it somewhere else")


class UserOut(BaseModel):
    """One person."""

    name: str
    role: str
    disabled: bool


class UserIn(BaseModel):
    """A new person."""

    name: str
    role: RoleName
    secret: str = Field(description="a password, or for operators a PIN")


class ChangeIn(BaseModel):
    """What is to change; what is left out stays."""

    role: RoleName | None = None
    secret: str | None = None
    disabled: bool | None = None


def trail_routes(trail: AuditTrail, gate: Gate) -> APIRouter:
    """Return the routes of the trail."""
    routes = APIRouter(dependencies=[Depends(gate.needs(Act.SEE_AUDIT))])

    @routes.get("/audit", summary="Acts of people, newest first")
    def entries(
        before: Annotated[int | None, Query(ge=1, description="number of the last entry of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_ENTRIES)] = 50,
    ) -> list[EntryOut]:
        return [EntryOut.of(entry) for entry in trail.latest(limit, before=before)]

    @routes.get("/audit/verify", summary="Check the whole chain; names the first entry that does not hold")
    def verify(
        head: Annotated[str | None, Query(max_length=64, description="a hash noted down earlier")] = None,
    ) -> VerifiedOut:
        flaw, newest = trail.verify(head), trail.latest(1)
        return VerifiedOut(
            holds=flaw is None,
            number=flaw.number if flaw is not None else None,
            problem=flaw.problem if flaw is not None else "",
            head=newest[0].hash if newest else None,
        )

    return routes


def staff_routes(staff: Staff, gate: Gate) -> APIRouter:
    """Return the routes of the users."""
    admin = gate.needs(Act.MANAGE_USERS)
    routes = APIRouter(dependencies=[Depends(admin)])

    @routes.get("/users", summary="Everybody, by name")
    def users() -> list[UserOut]:
        return [_out(person) for person in staff.people()]

    @routes.post("/users", status_code=201, summary="Add a user")
    def add(wanted: UserIn, request: Request) -> UserOut:
        try:
            return _out(staff.add(wanted.name, Role(wanted.role), wanted.secret, by=admin(request)))
        except AccountError as error:
            raise HTTPException(422, str(error)) from error

    @routes.patch("/users/{name}", summary="Change a user; their sessions end")
    def change(name: str, wanted: ChangeIn, request: Request) -> UserOut:
        role = Role(wanted.role) if wanted.role is not None else None
        try:
            return _out(
                staff.change(name, by=admin(request), role=role, secret=wanted.secret, disabled=wanted.disabled)
            )
        except AccountError as error:
            raise HTTPException(422, str(error)) from error

    return routes


def _out(person: Person) -> UserOut:
    return UserOut(name=person.name, role=person.role.value, disabled=person.disabled)
