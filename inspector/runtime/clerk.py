"""Carries out what the MES asks: holds and releases the line, changes its recipe, answers questions."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection
from typing import Any

from inspector.domain import HoldLine, LineStatus, MesError, RecordReader, ReleaseLine, SelectRecipe
from inspector.mes.commands import HoldCommand, QueryCommand, RecipeCommand, ReleaseCommand
from inspector.mes.orders import Order
from inspector.runtime.control import Control
from inspector.store import Ledger

__all__ = ["LineClerk"]


class LineClerk:
    """Between the MES and the line.

    Parameters
    ----------
    status
        Returns the line's latest word of itself.
    """

    def __init__(
        self,
        *,
        control: Control,
        reader: RecordReader,
        ledger: Ledger,
        recipes: Collection[str],
        status: Callable[[], LineStatus],
    ) -> None:
        self._control, self._reader, self._ledger = control, reader, ledger
        self._recipes, self._status = tuple(recipes), status
        body = ledger.current_order()
        self._turn = threading.Lock()
        self._current = Order.model_validate_json(body) if body is not None else None

    def current_order(self) -> Order | None:
        """Return what is being made now, None where nothing was ordered."""
        current = self._current
        return current if current is not None and current.workorder is not None else None

    def order(self, order: Order) -> None:
        """Make this the current order; raises ``StoreError``."""
        with self._turn:
            self._ledger.take_order(order.model_dump_json(by_alias=True))
            self._current = order

    def command(self, name: str, command: Any) -> tuple[str, dict[str, Any] | None]:
        """Carry it out; raises ``MesError`` or ``StoreError`` with the reason why not."""
        match command:
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
