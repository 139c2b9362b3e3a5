"""Every page there is, and who may open it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi.responses import RedirectResponse
from nicegui import app, ui

from hmi.asking import Asked
from hmi.history import SearchPage
from hmi.house import Choices, House, ImageUrl, Visit, Who
from hmi.line import LinePage
from hmi.live import LivePage
from hmi.login import LoginPage
from hmi.part import PartPage
from hmi.quality import QualityPage
from hmi.reports import ReportsPage
from hmi.review import ReviewPage
from hmi.trail import TrailPage
from hmi.users import UsersPage
from hmi.words import LANGUAGES
from inspector.domain import (
    Act,
    AuditTrail,
    Desks,
    HistoryReader,
    LineDesk,
    LiveFeed,
    QualityDesk,
    QualitySpan,
    ReportShelf,
    ReviewDesk,
    Staff,
    may,
)

__all__ = ["build_pages"]

_STATIC = Path(__file__).parent / "static"
_SESSION = "inspector_session"
_PAGE: Mapping[str, Any] = {
    "favicon": _STATIC / "favicon.svg",
    "viewport": "width=device-width, initial-scale=1",
}


def build_pages(
    feed: LiveFeed,
    image_url: ImageUrl,
    *,
    glossary: Mapping[str, Mapping[str, str]] | None = None,
    languages: Sequence[str] = ("en", "zh"),
    desks: Desks | None = None,
    who: Who | None = None,
) -> None:
    """Declare the pages; call once, before the server starts.

    Parameters
    ----------
    feed
        What the live page shows; read five times a second for each open page.
    glossary
        Term -> language -> name of defect classes, characteristics and zones; may change meanwhile.
    languages
        Those the operator can choose from; the first is the default.
    desks
        What there is beside the live feed; a page whose desk is not there is not there either.
    who
        Whose session a token is; None: nobody logs in, and the pages say so.
    """
    spoken = tuple(language for language in languages if language in LANGUAGES) or ("en",)
    house = House(feed, image_url, glossary if glossary is not None else {}, spoken, desks or Desks(), who)
    app.add_static_files("/hmi", _STATIC)
    _live(house)
    if house.desks.review is not None:
        _review(house, house.desks.review)
    if house.desks.history is not None:
        _history(house, house.desks.history)
    if house.desks.line is not None:
        _line(house, house.desks.line)
    if house.desks.quality is not None:
        _quality(house, house.desks.quality)
    if house.desks.shelf is not None:
        _reports(house, house.desks.shelf)
    if house.desks.trail is not None:
        _trail(house, house.desks.trail)
    if house.desks.people is not None:
        _users(house, house.desks.people)
    if house.login:

        @ui.page("/login", **_PAGE)
        def login(refused: int = 0) -> None:
            LoginPage(Visit(house, Choices.of(_cookies(), spoken)), refused=bool(refused))


def _visit(house: House, act: Act = Act.SEE) -> Visit | RedirectResponse:
    """Return the visit, or where to go instead: to the log-in, or away from what the role may not see."""
    cookies = _cookies()
    token = cookies.get(_SESSION, "")
    person = house.person(token)
    if person is None:
        return RedirectResponse("/login")
    if not may(person, act):
        return RedirectResponse("/")
    return Visit(house, Choices.of(cookies, house.languages), person, token)


def _live(house: House) -> None:
    @ui.page("/", **_PAGE)
    def live() -> RedirectResponse | None:
        visit = _visit(house)
        if isinstance(visit, RedirectResponse):
            return visit
        LivePage(visit)
        return None


def _review(house: House, desk: ReviewDesk) -> None:
    @ui.page("/review", **_PAGE)
    def review() -> RedirectResponse | None:
        visit = _visit(house)
        if isinstance(visit, RedirectResponse):
            return visit
        ReviewPage(visit, desk)
        return None


def _history(house: House, history: HistoryReader) -> None:
    @ui.page("/history", **_PAGE)
    async def search() -> RedirectResponse | None:
        visit = _visit(house)
        if isinstance(visit, RedirectResponse):
            return visit
        await SearchPage(visit, history, asked=Asked.of(_address())).find()
        return None

    @ui.page("/part/{report_id}", **_PAGE)
    async def part(report_id: UUID) -> RedirectResponse | None:
        visit = _visit(house)
        if isinstance(visit, RedirectResponse):
            return visit
        await PartPage(visit, history, report_id=report_id).find()
        return None


def _line(house: House, desk: LineDesk) -> None:
    @ui.page("/line", **_PAGE)
    def line() -> RedirectResponse | None:
        visit = _visit(house)
        if isinstance(visit, RedirectResponse):
            return visit
        LinePage(visit, desk)
        return None


def _quality(house: House, desk: QualityDesk) -> None:
    @ui.page("/quality", **_PAGE)
    def quality(span: QualitySpan = QualitySpan.DAY) -> RedirectResponse | None:
        visit = _visit(house)
        if isinstance(visit, RedirectResponse):
            return visit
        QualityPage(visit, desk, span=span)
        return None


def _reports(house: House, shelf: ReportShelf) -> None:
    @ui.page("/reports", **_PAGE)
    async def reports() -> RedirectResponse | None:
        visit = _visit(house)
        if isinstance(visit, RedirectResponse):
            return visit
        await ReportsPage(visit, shelf).find()
        return None


def _trail(house: House, trail: AuditTrail) -> None:
    @ui.page("/audit", **_PAGE)
    async def audit(before: int | None = None) -> RedirectResponse | None:
        visit = _visit(house, Act.SEE_AUDIT)
        if isinstance(visit, RedirectResponse):
            return visit
        await TrailPage(visit, trail, before=before).find()
        return None


def _users(house: House, staff: Staff) -> None:
    @ui.page("/users", **_PAGE)
    async def users() -> RedirectResponse | None:
        visit = _visit(house, Act.MANAGE_USERS)
        if isinstance(visit, RedirectResponse):
            return visit
        await UsersPage(visit, staff).find()
        return None


def _cookies() -> Mapping[str, str]:
    request = ui.context.client.request
    return request.cookies if request else {}


def _address() -> Mapping[str, str]:
    request = ui.context.client.request
    return request.query_params if request else {}
