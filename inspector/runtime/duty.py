"""What a line's log-in and its shift calendar say: who is there, which shift it is, and that one has ended."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from inspector.domain import InspectorError, OutboxMessage, Person
from inspector.mes.messages import Duty
from inspector.reports import Shift, ShiftCalendar, ShiftReport, report_summary

__all__ = ["DutyRoster", "ShiftTeller"]

log = logging.getLogger(__name__)

LOOK_AGAIN_S = 2.0
SETTLED = timedelta(minutes=1)
EARLIEST = timedelta(days=2)


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

    A line that was off at that time tells the last shift when it starts again, as long as that ended less than two
    days ago.

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
        self._told, self._tell, self._clock, self._look_every_s = told, tell, clock, look_every_s
        self._last = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shift reports", daemon=True)

    def start(self) -> None:
        """Begin to look at the clock."""
        self._thread.start()

    def close(self) -> None:
        """End; safe to call twice."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> bool:
        """Tell the last shift where it has not been told; return whether it was told now. Raises ``InspectorError``."""
        now = self._clock()
        ended = self._calendar.before(now - SETTLED, 1)
        if not ended or ended[0].key == self._last or now - ended[0].span.end > EARLIEST:
            return False
        shift = ended[0]
        empty = self._message(shift.key, shift.span.start, shift.span.end, {})
        new = not self._told(empty.msg_id)
        if new:
            body = report_summary(self._compile(shift, now))
            self._tell(self._message(shift.key, shift.span.start, shift.span.end, body))
        self._last = shift.key
        return new

    def _run(self) -> None:
        while not self._stop.wait(self._look_every_s):
            try:
                self.look()
            except InspectorError as error:
                log.warning("the shift report is not sent yet: %s", error)
