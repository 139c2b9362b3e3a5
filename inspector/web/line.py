"""The running line over HTTP: what it is connected to, and what people may ask of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field

from inspector.domain import (
    HOLD_REASONS,
    AcknowledgeAlarm,
    Act,
    HoldLine,
    HoldLot,
    LineCommand,
    LineDesk,
    LineError,
    NotAllowed,
    Person,
    ReleaseLine,
    ReleaseLot,
    SelectRecipe,
    StartChallengeTest,
    TriggerOnce,
)
from inspector.web.gate import Gate

__all__ = ["line_routes"]


class AlarmOut(BaseModel):
    """A connection that is lost."""

    lamp: str
    since: datetime
    detail: str
    acknowledged_by: str = Field(description="empty: nobody has said yet that it was seen")


class HeldLotOut(BaseModel):
    """A lot of which no part passes."""

    lot: str
    by: str
    reason: str


class ConnectionOut(BaseModel):
    """What the line is connected to."""

    name: str
    kind: str
    address: str


class LineOut(BaseModel):
    """What can be asked of the line, and what is told about it."""

    recipes: list[str]
    held_by: str | None = Field(description="null: the line is not held")
    held_reason: str
    lot: str = Field(description="the lot that is made now; empty: not known")
    held_lots: list[HeldLotOut] = Field(description="the one held first comes first")
    alarms: list[AlarmOut]
    connections: list[ConnectionOut]

    @classmethod
    def of(cls, desk: LineDesk) -> LineOut:
        """Ask the desk for everything."""
        held = desk.held()
        return cls(
            recipes=list(desk.recipes()),
            held_by=held.by if held is not None else None,
            held_reason=held.reason if held is not None else "",
            lot=desk.lot(),
            held_lots=[HeldLotOut(lot=held.lot, by=held.by, reason=held.reason) for held in desk.held_lots()],
            alarms=[
                AlarmOut(
                    lamp=alarm.lamp.value,
                    since=alarm.since,
                    detail=alarm.detail,
                    acknowledged_by=alarm.acknowledged_by,
                )
                for alarm in desk.alarms()
            ],
            connections=[
                ConnectionOut(name=item.name, kind=item.kind, address=item.address) for item in desk.connections()
            ],
        )


class HoldIn(BaseModel):
    """Why it is to stop."""

    reason: str = Field(default="", max_length=200, description=f"one of {', '.join(HOLD_REASONS)}, or free text")


class LotIn(BaseModel):
    """Which lot."""

    lot: str = Field(min_length=1, max_length=128)


class HoldLotIn(LotIn, HoldIn):
    """Which lot is to wait, and why."""


class RecipeIn(BaseModel):
    """Which recipe is to be used from the next part on, where the PLC asks for none."""

    recipe: str


_REFUSALS: dict[int | str, dict[str, Any]] = {
    403: {"description": "the role does not allow it"},
    409: {"description": "the line or the lot is not in the state that this needs"},
}


def line_routes(desk: LineDesk, gate: Gate) -> APIRouter:
    """Return the routes; each act is checked by the desk, which also writes it down."""
    routes = APIRouter()
    somebody = gate.needs(Act.SEE)
    routes.include_router(_lot_routes(desk, somebody))

    @routes.get("/line", summary="Recipes, holds, alarms and connections", dependencies=[Depends(somebody)])
    def line() -> LineOut:
        return LineOut.of(desk)

    @routes.post("/line/hold", status_code=204, summary="Take no more triggers", responses=_REFUSALS)
    def hold(request: Request, wanted: HoldIn) -> None:
        person = somebody(request)
        _act(desk, person, HoldLine(person.name, wanted.reason))

    @routes.post("/line/release", status_code=204, summary="Take triggers again", responses=_REFUSALS)
    def release(request: Request) -> None:
        person = somebody(request)
        _act(desk, person, ReleaseLine(person.name))

    @routes.post("/line/recipe", status_code=204, summary="Select a recipe", responses=_REFUSALS)
    def recipe(request: Request, wanted: RecipeIn) -> None:
        person = somebody(request)
        _act(desk, person, SelectRecipe(wanted.recipe, person.name))

    @routes.post("/line/acknowledge", status_code=204, summary="Say that the alarms were seen", responses=_REFUSALS)
    def acknowledge(request: Request) -> None:
        person = somebody(request)
        _act(desk, person, AcknowledgeAlarm(person.name))

    @routes.post("/line/trial", status_code=204, summary="Take one picture while the line is held", responses=_REFUSALS)
    def trial(request: Request) -> None:
        person = somebody(request)
        _act(desk, person, TriggerOnce(person.name))

    @routes.post(
        "/line/challenge", status_code=204, summary="Let the line prove itself on its samples", responses=_REFUSALS
    )
    def challenge(request: Request) -> None:
        person = somebody(request)
        _act(desk, person, StartChallengeTest(person.name))

    @routes.get(
        "/line/trial.png",
        summary="The last picture taken by hand",
        dependencies=[Depends(somebody)],
        response_class=Response,
        responses={200: {"content": {"image/png": {}}}, 404: {"description": "there is none"}},
    )
    def trial_picture() -> FileResponse:
        file = desk.trial_picture()
        if file is None:
            raise HTTPException(404, "no picture was taken by hand")
        return FileResponse(file, media_type="image/png", headers={"Cache-Control": "private, no-cache"})

    return routes


def _lot_routes(desk: LineDesk, somebody: Callable[[Request], Person]) -> APIRouter:
    # Not /line/release with a lot in its body: a misspelt key there would release the line.
    routes = APIRouter()

    @routes.post("/line/lots/hold", status_code=204, summary="Let no part of a lot pass", responses=_REFUSALS)
    def hold(request: Request, wanted: HoldLotIn) -> None:
        person = somebody(request)
        _act(desk, person, HoldLot(wanted.lot, person.name, wanted.reason))

    @routes.post("/line/lots/release", status_code=204, summary="Let a held lot go on", responses=_REFUSALS)
    def release(request: Request, wanted: LotIn) -> None:
        person = somebody(request)
        _act(desk, person, ReleaseLot(wanted.lot, person.name))

    return routes


def _act(desk: LineDesk, person: Person, command: LineCommand) -> None:
    try:
        desk.act(person, command)
    except NotAllowed as error:
        raise HTTPException(403, str(error)) from error
    except LineError as error:
        raise HTTPException(409, str(error)) from error
