"""The panel that holds lots and lets them go on: which are held, by whom and why, and which one is made now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from html import escape

from nicegui import ui
from nicegui.events import GenericEventArguments

from hmi.elements import Field, Region, key
from hmi.icons import icon
from hmi.markup import held_by
from hmi.words import Words
from inspector.domain import Act, HoldLot, LineCommand, LineDesk, ReleaseLot

__all__ = ["LotsPanel"]

_PICK = "(event) => { const lot = event.target.closest('[data-lot]'); if (lot) emit(lot.dataset.lot); }"


class LotsPanel:
    """One panel of the line's page.

    Parameters
    ----------
    act
        Does what the command asks, in the name of whoever is there, and says what came of it.
    allow
        Shows on a key whether whoever is there may do this.
    """

    def __init__(
        self,
        desk: LineDesk,
        *,
        act: Callable[[Callable[[str], LineCommand]], Awaitable[None]],
        allow: Callable[[ui.html, Act], None],
    ) -> None:
        self._desk, self._act, self._allow = desk, act, allow
        with ui.element("section").classes("panel act lots") as panel:
            self._head = Region("div", "lots-head")
            with ui.element("div").classes("writing"):
                self._lot = Field("text", autocomplete="off")
                self._reason = Field("text", autocomplete="off")
                self._hold = key(self._hold_it, "", "act-key hold-lot")
                self._release = key(self._release_it, "", "act-key release-lot")
            self._list = Region("div", "held-lots")
        panel.on("click", self._pick, js_handler=_PICK)

    def show(self, words: Words) -> None:
        """Say it in the page's language."""
        lot, held = self._desk.lot(), self._desk.held_lots()
        made = f" {escape(words['lot_made'])} {_keyed(lot)}" if lot else ""
        self._head.show(f"<h2>{escape(words['lots'])}</h2><p>{escape(words['lots_note'])}{made}</p>")
        self._lot.show(words["lot"])
        self._reason.show(words["lot_reason"])
        for button, sign, word, act in (
            (self._hold, "hold", "lot_hold", Act.HOLD_LOT),
            (self._release, "live", "lot_release", Act.RELEASE_LOT),
        ):
            button.set_content(f"{icon(sign)}<span>{escape(words[word])}</span>")
            self._allow(button, act)
        self._list.show(_list(held, words))

    def _pick(self, event: GenericEventArguments) -> None:
        self._lot.write(str(event.args))

    async def _hold_it(self) -> None:
        lot, reason = self._lot.value.strip(), self._reason.value.strip()
        await self._act(lambda by: HoldLot(lot, by, reason))

    async def _release_it(self) -> None:
        lot = self._lot.value.strip()
        await self._act(lambda by: ReleaseLot(lot, by))


def _keyed(lot: str) -> str:
    return f'<button type="button" class="key" data-lot="{escape(lot)}">{escape(lot)}</button>'


def _list(held: Sequence[HoldLot], words: Words) -> str:
    if not held:
        return f'<p class="quiet">{icon("pass")} {escape(words["no_lot_held"])}</p>'
    return "".join(f'<p class="state state-held">{_keyed(lot.lot)} {held_by(lot, words)}</p>' for lot in held)
