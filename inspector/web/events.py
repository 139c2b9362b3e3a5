"""Live events over HTTP: each change of the line and each recorded part as it happens, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Sequence
from itertools import takewhile
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from inspector.domain import Act, LiveFeed, RecordedPart
from inspector.web.gate import Gate
from inspector.web.schema import PartOut, StatusOut

__all__ = ["event_routes"]

_LOOK_S = 0.2
_BEAT_EVERY = 5  # looks: who hears nothing for two seconds has lost the line
_ASK_EVERY = 25  # looks: whether the session still is
_IN_MEMORY = 200


def event_routes(feed: LiveFeed, gate: Gate, out: Callable[[RecordedPart], PartOut]) -> APIRouter:
    """Return the route; ``out`` says a part in the API's words."""
    routes = APIRouter()

    @routes.get(
        "/events",
        summary="Live events, as they happen",
        response_class=EventSourceResponse,
        dependencies=[Depends(gate.needs(Act.SEE))],
    )
    async def events(
        request: Request,
        last_event_id: Annotated[UUID | None, Header(description="id of the last part that was received")] = None,
    ) -> AsyncIterable[ServerSentEvent]:
        """Send `status` (as of `/status`) now and on every change, `part` (as of `/parts`) for each recorded part.

        The id of a `part` is that of its inspection: a client that comes back with it in `Last-Event-ID` gets what it
        has missed, of the last 200 parts; what is older is in `/history`. Without it, parts begin with the next one. A
        comment comes every second, so that silence means a lost connection. The stream ends with the session.
        """
        seen, sent, looks = last_event_id or _newest(feed), -1, 0
        # A browser's tab that is left open keeps no session alive; a program has nothing else to do it with.
        touch = "authorization" in request.headers
        while True:
            version = feed.version()
            if version != sent:
                sent = version
                for part in _since(seen, feed.recent(_IN_MEMORY)):
                    seen = part.report.id
                    yield ServerSentEvent(data=out(part), event="part", id=str(seen))
                yield ServerSentEvent(data=StatusOut.of(feed), event="status")
            elif looks % _BEAT_EVERY == 0:
                yield ServerSentEvent(comment="beat")
            await asyncio.sleep(_LOOK_S)
            looks += 1
            if looks % _ASK_EVERY == 0 and await run_in_threadpool(gate.person, request, touch=touch) is None:
                return

    return routes


def _newest(feed: LiveFeed) -> UUID | None:
    newest = feed.recent(1)
    return newest[0].report.id if newest else None


def _since(seen: UUID | None, newest_first: Sequence[RecordedPart]) -> list[RecordedPart]:
    """Return what came after this part, oldest first."""
    return list(takewhile(lambda part: part.report.id != seen, newest_first))[::-1]
