"""The log-in: a name, a password or PIN, one key; a plain form, so that it works before anything else does."""

from __future__ import annotations

from html import escape

from nicegui import ui

from hmi.elements import Region
from hmi.house import Visit
from hmi.icons import icon
from hmi.shell import Shell

__all__ = ["LoginPage"]

_TICK_S = 0.5


class LoginPage:
    """One open tab on the log-in.

    Parameters
    ----------
    refused
        Whether an attempt has just failed.
    """

    def __init__(self, visit: Visit, *, refused: bool) -> None:
        self._refused = refused
        self._shell = Shell(visit, title="log_in", here="/login", changed=self._show)
        with self._shell.body:
            self._form = Region("section", "panel log-in")
        self._show()
        ui.timer(_TICK_S, self._shell.beat)

    def _show(self) -> None:
        words = self._shell.words
        alert = f'<p class="refused" role="alert">{icon("fail")}{escape(words["refused"])}</p>' if self._refused else ""
        self._form.show(
            '<form method="post" action="/api/v1/login">'
            f'<label>{escape(words["name"])}<input name="name" autocomplete="username" required autofocus></label>'
            f'<label>{escape(words["secret"])}<input name="secret" type="password" autocomplete="current-password" '
            f'required></label>{alert}<button class="key" type="submit">{escape(words["log_in"])}</button></form>'
        )
