"""The office process: the recorder and the relay on threads of their own, the screen on the main one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from inspector.domain import ConfigurationError, Lamp, LampState, Queue, StoreError
from inspector.runtime.challenge_trail import ChallengeTrail
from inspector.runtime.clerk import LineClerk
from inspector.runtime.control import Control
from inspector.runtime.office import Office
from inspector.runtime.people import desk_of, login_of
from inspector.runtime.shift_desk import roster_of, teller_of
from inspector.runtime.signals import SignalReceiver
from inspector.runtime.station import initial_status
from inspector.runtime.supervisor import Lifeline
from inspector.runtime.wiring.advice import build_advice
from inspector.runtime.wiring.desks import build_desks
from inspector.runtime.wiring.language import build_author
from inspector.runtime.wiring.mes import Broker, build_clerk, build_composer, build_relay
from inspector.runtime.wiring.record import build_record
from inspector.runtime.wiring.screen import build_board, serve_screen, watch_line
from inspector.runtime.wiring.shift_end import build_shelf, build_shift_end
from inspector.runtime.wiring.verdict import build_spool
from inspector.runtime.wiring.words import build_words
from inspector.settings import LineSettings
from inspector.store import SqlAuditTrail, SqlOutbox

if TYPE_CHECKING:
    from inspector.runtime.ear_watch import EarWatch

__all__ = ["office_main"]

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.2
TIDY_EVERY_S = 3600.0
DRAIN_S = 10.0
STOP_FOLLOWS_S = 5.0


class Forgetful(Protocol):
    """An outbox that can drop what was acknowledged, and what has waited in vain."""

    def forget(self, older_than: timedelta) -> int:
        """Remove messages acknowledged longer ago than this; return how many."""
        ...

    def expire(self, older_than: timedelta) -> int:
        """Remove messages that have waited longer than this; return how many."""
        ...


class LampCell:
    """The latest state of one lamp, set on one thread and read on another."""

    def __init__(self, state: LampState) -> None:
        self._state = state

    def set(self, state: LampState) -> None:
        """Replace the state."""
        self._state = state

    def get(self) -> LampState:
        """Return the state."""
        return self._state


def office_main(lifeline: Lifeline, *, settings: LineSettings, data: Path, broker: Broker | None, screen: bool) -> None:
    """Record, relay and show until told to stop; then record what is left and let the outbox drain."""
    board, metrics = build_board(settings)
    database, record, outboxes = build_record(settings)
    status = initial_status(settings)
    mes = LampCell(status.lamps[Lamp.MES])
    control = Control(data / settings.line)
    clerk = build_clerk(settings, control, database, record, lambda: office.status)
    relay = build_relay(
        settings, outboxes, broker, clerk, database=database, status=lambda: office.status, on_lamp=mes.set
    )
    words = build_words(settings, database)
    spool = build_spool(settings, data)
    author = build_author(settings, words.terms, give_way=spool.let_line_through)
    accounts = login_of(settings, database) if screen else None
    watch = _ear_watch(settings, data) if screen else None
    office = Office(
        spool=spool,
        archive=record,
        board=board,
        author=author,
        languages=settings.languages,
        compose=build_composer(settings, clerk.current_order, roster_of(settings, accounts)),
        written=relay.notify,
        status=status,
        mes=mes.get,
        voice=watch.lamp if watch is not None else None,
        advice=build_advice(settings, data, database=database, record=record, control=control),
        lot=clerk.current_lot,
        writing=lambda: author.writing,
    )
    shelf = build_shelf(settings, data, SqlAuditTrail(database))
    shift_end = build_shift_end(settings, data, database, shelf)
    review = desk_of(settings, database, record, control, decided=relay.notify)
    desks = words.on(
        settings,
        build_desks(
            settings,
            data,
            database=database,
            record=record,
            control=control,
            status=board.status,
            review=review,
            people=accounts,
            shelf=shelf,
        ),
    )
    if settings.voice is not None:
        from inspector.runtime.wiring.talk import build_voice_desk  # only where somebody listens

        desks = replace(
            desks,
            voice=build_voice_desk(
                settings,
                data,
                desks=desks,
                review=review,
                record=record,
                trail=SqlAuditTrail(database),
                status=board.status,
                order=lambda: _order(clerk),
                lots=record,
                terms=words.terms,
            ),
        )
    if shift_end is not None:
        shift_end.start()
    words.start()
    relay.start()
    teller = teller_of(settings, database, record, outboxes[Queue.EVENTS], told=relay.notify)
    stop = threading.Event()
    tidy = _tidy(settings, outboxes)
    noted = ChallengeTrail(data / settings.line, SqlAuditTrail(database), settings.line)

    def chores() -> None:
        words.terms.keep_fresh()
        tidy()
        noted()

    recorder = threading.Thread(
        target=_keep_recording, args=(office, data / settings.line, stop, chores), name="recorder"
    )
    recorder.start()
    try:
        if screen:
            _serve(
                lifeline,
                stop,
                lambda ready: serve_screen(
                    settings,
                    board,
                    record,
                    terms=words.terms,
                    stop=stop,
                    on_ready=ready,
                    metrics=watch_line(settings, data, metrics, board, control=control, spool=spool, outboxes=outboxes),
                    desks=desks,
                    accounts=accounts,
                ),
            )
        else:
            lifeline.ready()
            lifeline.wait_for_stop()
    finally:
        stop.set()
        recorder.join()
        for optional in (watch, shift_end, teller, words):
            if optional is not None:
                optional.close()
        author.close()
        relay.stop(DRAIN_S)
        database.close()


def _tidy(settings: LineSettings, outboxes: Mapping[Queue, SqlOutbox]) -> Tidy:
    node = settings.connected_mes.sparkplug if settings.connected_mes is not None else None
    return Tidy(
        outboxes.values(),
        timedelta(days=settings.store.keep_messages_days),
        waiting={outboxes[Queue.SPARKPLUG]: timedelta(days=node.keep_days)} if node is not None else {},
    )


def _ear_watch(settings: LineSettings, data: Path) -> EarWatch | None:
    """Return what watches the voice, at work already; None where nobody listens."""
    if settings.voice is None:
        return None
    from inspector.runtime.wiring.talk import build_ear_watch  # only where somebody listens

    watch = build_ear_watch(settings, data)
    watch.start()
    return watch


def _order(clerk: LineClerk) -> str:
    order = clerk.current_order()
    if order is None or order.workorder is None:
        return ""
    named = (order.workorder, order.product, "" if order.quantity is None else str(order.quantity))
    return " · ".join(item for item in named if item)


def _serve(lifeline: Lifeline, stop: threading.Event, serve: Callable[[Callable[[str], None]], None]) -> None:
    def end_with_the_supervisor() -> None:
        lifeline.wait_for_stop()
        stop.set()

    threading.Thread(target=end_with_the_supervisor, name="lifeline", daemon=True).start()
    serve(lambda _url: lifeline.ready())
    # A signal to the whole group ends the server too; then the supervisor's own word follows.
    if not lifeline.wait_for_stop(STOP_FOLLOWS_S):
        raise ConfigurationError("the screen ended by itself", remedy="Its messages above say why")


class Tidy:
    """Removes from the outboxes, now and then, what the MES has had for long enough.

    ``waiting`` says how long messages may wait in vain where that is allowed at all.
    """

    def __init__(
        self, outboxes: Iterable[Forgetful], keep: timedelta, waiting: Mapping[Forgetful, timedelta] | None = None
    ) -> None:
        self._outboxes, self._keep, self._waiting = tuple(outboxes), keep, waiting or {}
        self._due_at = time.monotonic()

    def __call__(self) -> None:
        """Do it where it is due; a store that refuses is asked again the next time."""
        if time.monotonic() < self._due_at:
            return
        self._due_at = time.monotonic() + TIDY_EVERY_S
        try:
            for outbox in self._outboxes:
                outbox.forget(self._keep)
            for outbox, patience in self._waiting.items():
                if gone := outbox.expire(patience):
                    log.warning("%d inspections waited for the Sparkplug host for too long and are not told", gone)
        except StoreError as error:
            log.warning("acknowledged messages are not removed: %s", error)


def _keep_recording(office: Office, own: Path, stop: threading.Event, tidy: Callable[[], None]) -> None:
    receiver = SignalReceiver(own)
    try:
        while not stop.is_set():
            office.heard(receiver.wait(LOOK_EVERY_S))
            office.record_waiting()
            tidy()
        # The line has ended before the office is told to: what it left is all there is.
        while office.record_waiting():
            pass
    finally:
        receiver.close()
