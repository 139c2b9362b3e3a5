"""Browsers that leave before they were answered: a line for who looks for it, and no traceback."""

from __future__ import annotations

import logging

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["MayLeave"]

_log = logging.getLogger(__name__)


class MayLeave:
    """The outermost layer of an application: takes what its inner layers raise because nobody is there any more.

    The page framework's layers call it an error of the application when there is no answer to pass on, also where there
    is none because the browser has gone. Only that is taken, and only after the server has said that it has gone:
    whatever else is raised stays what it is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or note that nobody waits for the answer."""
        gone = False

        async def hear() -> Message:
            nonlocal gone
            message = await receive()
            gone = gone or message["type"] == "http.disconnect"
            return message

        try:
            await self._app(scope, hear, send)
        except (RuntimeError, ClientDisconnect) as error:
            unanswered = isinstance(error, ClientDisconnect) or str(error) == "No response returned."
            if not (gone and unanswered):
                raise
            _log.debug("%s left %s before the answer", (scope.get("client") or ("somebody",))[0], scope.get("path"))
