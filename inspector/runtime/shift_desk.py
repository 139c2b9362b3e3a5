"""Who is on duty at a line, and its shift reports for the MES, out of its settings."""

from __future__ import annotations

from collections.abc import Callable

from inspector.domain import OutboxMessage
from inspector.runtime.duty import DutyRoster, ShiftTeller
from inspector.runtime.reporting import calendar_of, compile_report
from inspector.runtime.wiring.mes import build_shift_message
from inspector.settings import LineSettings
from inspector.store import Database, RecordStore, SqlAccounts, SqlOutbox

__all__ = ["roster_of", "teller_of"]


def roster_of(settings: LineSettings, accounts: SqlAccounts | None) -> DutyRoster:
    """Return who says who is at the line, and in which shift."""
    return DutyRoster(calendar_of(settings) if settings.shifts is not None else None, accounts)


def teller_of(
    settings: LineSettings,
    database: Database,
    record: RecordStore,
    outbox: SqlOutbox,
    *,
    told: Callable[[], None],
) -> ShiftTeller | None:
    """Return who tells the MES of each shift, working; None where the line has no calendar or sends no reports.

    ``told`` is called after each message, so that the relay need not poll.
    """
    message = build_shift_message(settings)
    if message is None or settings.shifts is None:
        return None
    calendar = calendar_of(settings)

    def tell(made: OutboxMessage) -> None:
        record.tell([made])
        told()

    teller = ShiftTeller(
        calendar,
        compile_=lambda shift, now: compile_report(settings, database, calendar, shift, now),
        message=message,
        told=outbox.holds,
        tell=tell,
    )
    teller.start()
    return teller
