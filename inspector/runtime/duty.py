"""What a line's log-in and its shift calendar say: who is there, which shift it is, and that one has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

from inspector.domain import OutboxMessage, Person
from inspector.mes.messages import Duty
from inspector.reports import Shift, ShiftCalendar, ShiftReport, report_summary
from inspector.runtime.rounds import Rounds

__all__ = ["DutyRoster", "ShiftTeller"]

LOOK_AGAIN_S = 2.0
SETTLED = timedelta(minutes=1)
EARLIEST = timedelta(days=2)
LOOK_BACK = 4


class Present(Protocol):
    """Who knows who is logged in."""

    def present(self) -> Person | None:
        """Return who is at the line; None where nobody is logged in."""
        ...


class DutyRoster:
    """Says who was at the line, and in which shift; the log-in is looked up every two seconds at most."""

    def __init__(
        self,
        calendar: ShiftCalendar | None,
        accounts: Present | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calendar, self._accounts, self._clock = calendar, accounts, clock
        self._operator: str | None = None
        self._look_at = clock()

    def __call__(self, at: datetime) -> Duty:
        """Return the operator of now and the shift of that moment; raises ``StoreError``."""
        if self._accounts is not None and self._clock() >= self._look_at:
            person = self._accounts.present()
            self._operator = person.name if person is not None else None
            self._look_at = self._clock() + LOOK_AGAIN_S
        shift = self._calendar.at(at) if self._calendar is not None else None
        return Duty(self._operator, shift.key if shift is not None else None)


class ShiftTeller:
    """Puts the report of each shift into the outbox a minute after it has ended, once; works on its own thread.

    What an outage has left untold is made up for, up to two days back.

    Parameters
    ----------
    compile_
        Makes the report of a shift.
    message
        Makes the message: name, begin, end and body.
    told, tell
        Whether this message is in the outbox already, and how it gets there.
    """

    def __init__(
        self,
        calendar: ShiftCalendar,
        *,
        compile_: Callable[[Shift, datetime], ShiftReport],
        message: Callable[[str, datetime, datetime, Mapping[str, Any]], OutboxMessage],
        told: Callable[[str], bool],
        tell: Callable[[OutboxMessage], None],
        look_every_s: float = 20.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._calendar, self._compile, self._message = calendar, compile_, message
        self._told, self._tell, self._clock = told, tell, clock
        self._done: set[str] = set()
        self._rounds = Rounds(self.look, what="the shift report for the MES", every_s=look_every_s)

    def start(self) -> None:
        """Begin to look at the clock."""
        self._rounds.start()

    def close(self) -> None:
        """End; safe to call twice."""
        self._rounds.close()

    def look(self) -> list[str]:
        """Tell what is due; return the keys of the shifts that were told now. Raises ``InspectorError``."""
        now = self._clock()
        new: list[str] = []
        for shift in reversed(self._calendar.before(now - SETTLED, LOOK_BACK)):
            if shift.key in self._done or now - shift.span.end > EARLIEST:
                continue
            named = partial(self._message, shift.key, shift.span.start, shift.span.end)
            if not self._told(named({}).msg_id):
                self._tell(named(report_summary(self._compile(shift, now))))
                new.append(shift.key)
            self._done.add(shift.key)
        return new
