"""Every page there is, and who may open it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from fastapi.responses import RedirectResponse
from nicegui import app, ui

from hmi.live import LivePage
from hmi.login import LoginPage
from hmi.review import ReviewPage
from hmi.shell import Choices, House, ImageUrl, Who
from hmi.words import LANGUAGES
from inspector.domain import LiveFeed, Person, ReviewDesk

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
    desk: ReviewDesk | None = None,
    who: Who | None = None,
) -> None:
    """Declare the pages; call once, before the server starts.

    Parameters
    ----------
    feed
        What the live page shows; read five times a second for each open page.
    glossary
        Term -> language -> name of defect classes, characteristics and zones.
    languages
        Those the operator can choose from; the first is the default.
    desk
        The review queue; None: there is no such page.
    who
        Whose session a token is; None: nobody logs in, and the pages say so.
    """
    spoken = tuple(language for language in languages if language in LANGUAGES) or ("en",)
    house = House(feed, image_url, glossary or {}, spoken, desk, who)
    app.add_static_files("/hmi", _STATIC)

    @ui.page("/", **_PAGE)
    def live() -> RedirectResponse | None:
        cookies = _cookies()
        token = cookies.get(_SESSION, "")
        if house.person(token) is None:
            return RedirectResponse("/login")
        LivePage(house, Choices.of(cookies, spoken), still=lambda: house.person(token, touch=False) is not None)
        return None

    if desk is not None:

        @ui.page("/review", **_PAGE)
        def review() -> RedirectResponse | None:
            cookies = _cookies()
            person = partial(house.person, cookies.get(_SESSION, ""))
            known: Person | None = person()
            if known is None:
                return RedirectResponse("/login")
            ReviewPage(house, desk, Choices.of(cookies, spoken), person, known)
            return None

    if house.login:

        @ui.page("/login", **_PAGE)
        def login(refused: int = 0) -> None:
            LoginPage(house, Choices.of(_cookies(), spoken), refused=bool(refused))


def _cookies() -> Mapping[str, str]:
    request = ui.context.client.request
    return request.cookies if request else {}
