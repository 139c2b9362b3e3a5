"""Carries out what the MES asks: holds and releases the line, changes its recipe, answers questions."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection
from typing import Any

from inspector.domain import (
    Act,
    AuditTrail,
    HoldLine,
    HoldLot,
    LineStatus,
    MesError,
    Person,
    RecordReader,
    ReleaseLine,
    ReleaseLot,
    Role,
    SelectRecipe,
    hold_of,
    lot_subject,
)
from inspector.mes.commands import HoldCommand, QueryCommand, RecipeCommand, ReleaseCommand
from inspector.mes.orders import Order
from inspector.runtime.control import Control
from inspector.store import Ledger

__all__ = ["LineClerk"]


class LineClerk:
    """Between the MES and the line.

    Parameters
    ----------
    trail
        Has what was done to a lot, where the story of its parts is read from.
    status
        Returns the line's latest word of itself.
    """

    def __init__(
        self,
        *,
        control: Control,
        reader: RecordReader,
        ledger: Ledger,
        trail: AuditTrail,
        recipes: Collection[str],
        status: Callable[[], LineStatus],
    ) -> None:
        self._control, self._reader, self._ledger, self._trail = control, reader, ledger, trail
        self._recipes, self._status = tuple(recipes), status
        body = ledger.current_order()
        self._turn = threading.Lock()
        self._current = Order.model_validate_json(body) if body is not None else None
        control.make_lot(self.current_lot())

    def current_order(self) -> Order | None:
        """Return what is being made now, None where nothing was ordered."""
        current = self._current
        return current if current is not None and current.workorder is not None else None

    def current_lot(self) -> str:
        """Return the lot that is made now, empty where it is not known."""
        order = self.current_order()
        return order.lot or "" if order is not None else ""

    def order(self, order: Order) -> None:
        """Make this the current order; raises ``StoreError``."""
        with self._turn:
            self._ledger.take_order(order.model_dump_json(by_alias=True))
            self._current = order
            self._control.make_lot(self.current_lot())

    def command(self, name: str, command: Any) -> tuple[str, dict[str, Any] | None]:
        """Carry it out; raises ``MesError`` or ``StoreError`` with the reason why not."""
        match command:
            case HoldCommand(lot=str(lot)):
                self._control.apply(HoldLot(lot, command.by, command.reason))
                self._note(Act.HOLD_LOT, lot, command.by, command.reason)
                return f"lot {lot} held", None
            case ReleaseCommand(lot=str(lot)):
                if hold_of(lot, self._control.held_lots()) is None:
                    raise MesError(f"lot {lot} is not held")
                self._note(Act.RELEASE_LOT, lot, command.by)
                self._control.apply(ReleaseLot(lot, command.by))
                return f"lot {lot} released", None
            case HoldCommand():
                self._control.apply(HoldLine(command.by, command.reason))
                return "held", None
            case ReleaseCommand():
                self._control.apply(ReleaseLine(command.by))
                return "released", None
            case RecipeCommand():
                if command.recipe not in self._recipes:
                    raise MesError(f"there is no recipe {command.recipe}; there are {', '.join(self._recipes)}")
                self._control.apply(SelectRecipe(command.recipe, command.by))
                return f"recipe {command.recipe}", None
            case QueryCommand():
                return "", self._query(command)
        raise MesError(f"{name} is not carried out")

    def audit(self, name: str, by: str, body: str, answer: str) -> None:
        """Write it down; raises ``StoreError``."""
        self._ledger.audit(name, by, body, answer)

    def _note(self, act: Act, lot: str, by: str, reason: str = "") -> None:
        # What the MES may do is said by the broker's rights and by mes.commands, not by a role here.
        self._trail.add(Person(f"mes:{by}", Role.GUEST), act, lot_subject(self._status().line, lot), reason)

    def _query(self, query: QueryCommand) -> dict[str, Any]:
        match query.what:
            case "status":
                status, held, order = self._status(), self._control.held(), self.current_order()
                return {
                    "ready": status.ready,
                    "recipe": status.recipe,
                    "model": status.model,
                    "held_by": held.by if held else None,
                    "lamps": {lamp.value: state.good for lamp, state in status.lamps.items()},
                    "workorder": order.workorder if order else None,
                    "lot": self.current_lot() or None,
                    "held_lots": {held.lot: held.by for held in self._control.held_lots()},
                }
            case "counts":
                counts = self._reader.counts()
                return {
                    "passed": counts.passed,
                    "review": counts.review,
                    "failed": counts.failed,
                    "faults": counts.faults,
                }
        if not query.part:
            raise MesError("part: which one?")
        return {"inspections": [_inspection(part) for part in self._reader.part(query.part)[:20]]}


def _inspection(part: Any) -> dict[str, Any]:
    verdict = part.report.verdict
    return {
        "msg_id": str(part.report.id),
        "ts": part.report.trigger.at.isoformat(),
        "result": verdict.wire.name,
        "recipe": verdict.recipe,
        "reasons": [reason.code for reason in verdict.reasons],
        "disposition": part.disposition.decision.name if part.disposition else None,
        "texts": json.loads(json.dumps(dict(part.texts))),
    }
