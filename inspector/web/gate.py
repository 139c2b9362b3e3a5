"""Who asks: the session behind a request, and whether its person may do this."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from inspector.domain import ANYBODY, Accounts, Act, Person, may

__all__ = ["COOKIE", "Gate"]

COOKIE = "inspector_session"
LARGEST_FORM = 4096
_SEE_OTHER = 303


class PersonOut(BaseModel):
    """Who is logged in."""

    name: str
    role: str
    login: bool = Field(description="false: this line has no log-in, everybody is the same person")


class Gate:
    """Lets requests through, or not.

    Parameters
    ----------
    accounts
        People and sessions; None: this line has no log-in, and everybody is ``ANYBODY``.
    """

    def __init__(self, accounts: Accounts | None = None) -> None:
        self._accounts = accounts

    @property
    def closed(self) -> bool:
        """Whether people log in."""
        return self._accounts is not None

    def person(self, request: HTTPConnection, *, touch: bool = True) -> Person | None:
        """Return who asks, by cookie or by bearer token; None where nobody is logged in. Raises ``StoreError``.

        ``touch`` keeps the session alive.
        """
        if self._accounts is None:
            return ANYBODY
        kind, _, bearer = request.headers.get("authorization", "").partition(" ")
        token = bearer if kind.lower() == "bearer" else request.cookies.get(COOKIE, "")
        return self._accounts.who(token, touch=touch) if token else None

    def needs(self, act: Act) -> Callable[[Request], Person]:
        """Return a dependency that gives the person, or answers 401 (not logged in) or 403 (not allowed)."""

        def check(request: Request) -> Person:
            person = self.person(request)
            if person is None:
                raise HTTPException(401, "log in first", headers={"WWW-Authenticate": "Bearer"})
            if not may(person, act):
                raise HTTPException(403, f"the role {person.role} may not: {act}")
            return person

        return check

    def routes(self) -> APIRouter:
        """Return log-in, log-out and who one is."""
        routes = APIRouter()

        @routes.post("/login", summary="Log in: form fields name and secret", response_model=None)
        async def login(request: Request) -> Response:
            form = parse_qs((await _body(request)).decode("utf-8", "replace"), keep_blank_values=True)
            name, secret = (form.get(key, [""])[0] for key in ("name", "secret"))
            return await _in_thread(self._log_in, request, name, secret)

        @routes.post("/logout", summary="End this session", response_model=None)
        def logout(request: Request) -> Response:
            if self._accounts is not None:
                self._accounts.log_out(request.cookies.get(COOKIE, ""))
            answer = RedirectResponse("/login", _SEE_OTHER)
            answer.delete_cookie(COOKIE)
            return answer

        @routes.get("/me", summary="Who is logged in")
        def me(request: Request) -> PersonOut:
            person = self.person(request)
            if person is None:
                raise HTTPException(401, "log in first", headers={"WWW-Authenticate": "Bearer"})
            return PersonOut(name=person.name, role=person.role.value, login=self.closed)

        return routes

    def _log_in(self, request: Request, name: str, secret: str) -> Response:
        token = self._accounts.log_in(name, secret) if self._accounts is not None else None
        wants_page = "text/html" in request.headers.get("accept", "")
        if self._accounts is not None and token is None:
            if wants_page:
                return RedirectResponse("/login?refused=1", _SEE_OTHER)
            return JSONResponse({"detail": "wrong name or password, or locked for a minute"}, 401)
        answer: Response = RedirectResponse("/", _SEE_OTHER) if wants_page else JSONResponse({"token": token})
        if token is not None:
            secure = request.url.scheme == "https"
            answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure, path="/")
        return answer


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_FORM:
            raise HTTPException(413, "a log-in is a name and a password")
    return bytes(body)


async def _in_thread(work: Callable[..., Response], *arguments: object) -> Response:
    # Hashing a password takes a tenth of a second of CPU: not on the loop that serves every screen.
    return await run_in_threadpool(work, *arguments)
