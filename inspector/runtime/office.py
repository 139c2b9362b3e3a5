"""Everything slow, after the verdict: journal -> text, record, message, screen."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from inspector.domain import (
    Decision,
    Disposition,
    FaultCode,
    InspectionReport,
    Lamp,
    LampState,
    LanguageError,
    LineStatus,
    OutboxMessage,
    Outcome,
    Picture,
    RecordedPart,
    RecordReader,
    ReportArchive,
    ReportAuthor,
    ReportText,
    StoreError,
    Writing,
    kept_texts,
)
from inspector.runtime.spool import Spool, Spooled

__all__ = ["Archive", "Board", "Compose", "Office", "default_disposition"]

log = logging.getLogger(__name__)

SILENT_AFTER_S = 3.0
RETRY_S = 1.0
UNHURRIED = 4


Compose = Callable[[InspectionReport, Disposition | None, Mapping[str, str], Picture | None], Sequence[OutboxMessage]]


class Archive(ReportArchive, RecordReader, Protocol):
    """A record that can be written and read."""

    def dispose(self, report_id: UUID, disposition: Disposition) -> None:
        """Add a decision about a recorded part; earlier ones stay. Raises ``StoreError``."""
        ...


class Advice(Protocol):
    """A second opinion on parts that the rules left open."""

    def on(self, report: InspectionReport) -> Disposition | None:
        """Return it, None where the rules' own word stands; asked about every part, in order."""
        ...

    def recorded(self, report: InspectionReport, advice: Disposition) -> None:
        """Hear that the record has it."""
        ...


class Board(Protocol):
    """Where the screen reads from."""

    def part_recorded(self, part: RecordedPart) -> None:
        """Show a newly recorded part."""
        ...

    def status_changed(self, status: LineStatus) -> None:
        """Show what the line says of itself."""
        ...


class Office:
    """Turns answered journal entries into records, in order, each exactly once.

    Parameters
    ----------
    compose
        Makes the messages for the MES from a report, its disposition, its texts and its picture.
    written
        Called after each commit, so that the relay need not poll.
    mes, voice
        Return the lamps of what the line's process knows nothing about; without ``voice`` there is none.
    advice
        Second opinion on parts at REVIEW; it stands beside the rules' own in the record. None: they are held.
    lot
        Returns the lot that is being made, empty where it is not known.
    writing
        Returns who has written how many texts.
    """

    def __init__(
        self,
        *,
        spool: Spool,
        archive: Archive,
        board: Board,
        author: ReportAuthor,
        languages: Sequence[str],
        compose: Compose,
        written: Callable[[], None],
        status: LineStatus,
        mes: Callable[[], LampState],
        voice: Callable[[], LampState] | None = None,
        advice: Advice | None = None,
        lot: Callable[[], str] = lambda: "",
        writing: Callable[[], Writing | None] = lambda: None,
    ) -> None:
        self._spool, self._archive, self._board = spool, archive, board
        self._author, self._languages = author, tuple(languages)
        self._compose, self._written = compose, written
        self._status, self._heard_at = status, time.monotonic()
        self._lot, self._writing = lot, writing
        self._lamps = {Lamp.MES: mes} | ({Lamp.VOICE: voice} if voice is not None else {})
        self._advice = advice
        self._retry_at = 0.0
        self._lost = False

    def record_waiting(self) -> int:
        """Record what the journal holds; return how many parts were taken off it.

        Where the store refuses, everything stays in the journal and is tried again later.
        """
        if time.monotonic() < self._retry_at:
            return 0
        taken = 0
        try:
            for entry in self._spool.finished():
                # Many at once are a line that runs ahead, or what a crash left behind: then the template is enough.
                self._record(entry, hurry=taken >= UNHURRIED)
                taken += 1
        except StoreError as error:
            self._retry_at = time.monotonic() + RETRY_S
            if not self._lost:
                log.error("parts wait in the journal, the record does not take them: %s", error)  # noqa: TRY400
            self._lost = True
        else:
            if self._lost:
                log.warning("the record takes parts again")
            self._lost = False
        if taken:
            self._written()
        return taken

    @property
    def status(self) -> LineStatus:
        """The line's latest word of itself."""
        return self._status

    def heard(self, status: LineStatus | None) -> None:
        """Show the line's word on the screen; None is silence, which after a while means that it is gone."""
        now = time.monotonic()
        if status is not None:
            self._status, self._heard_at = status, now
        elif now - self._heard_at > SILENT_AFTER_S:
            gone = LampState(None, datetime.now(UTC), "the line process does not answer")
            lamps = {lamp: state if state.good is None else gone for lamp, state in self._status.lamps.items()}
            self._status = replace(self._status, ready=False, lamps=lamps)
        own = {lamp: state() for lamp, state in self._lamps.items()}
        lamps = {**self._status.lamps, **own}
        self._board.status_changed(replace(self._status, lamps=lamps, writing=self._writing()))

    def _record(self, entry: Spooled, *, hurry: bool) -> None:
        report = entry.report
        default = default_disposition(report)
        advice = self._advice.on(report) if self._advice is not None else None
        disposition = advice or default
        written = self._texts(report, hurry=hurry)
        texts = {language: text.text for language, text in written.items()}
        recorded = self._archive.record(
            report,
            pixels=self._spool.pixels(entry),
            texts=kept_texts(written),
            messages=lambda picture: self._compose(report, disposition, texts, picture),
            disposition=default,
            lot=report.verdict.held_lot or self._lot(),
        )
        if advice is not None and (recorded or not self._advised(report)):
            self._archive.dispose(report.id, advice)
            if self._advice is not None:
                self._advice.recorded(report, advice)
        self._spool.discard(entry)
        if recorded:
            self._board.part_recorded(self._archive.latest(1)[0])

    def _advised(self, report: InspectionReport) -> bool:
        """Whether this inspection, found in the record already, has more than the rules' own decision."""
        found = (part for part in self._archive.part(report.trigger.part_id) if part.report.id == report.id)
        return any(part.disposition is not None and part.disposition.decided_by != "rules" for part in found)

    def _texts(self, report: InspectionReport, *, hurry: bool) -> Mapping[str, ReportText]:
        try:
            return self._author.compose(report, self._languages, hurry=hurry)
        except LanguageError as error:
            log.warning("no text for part %s: %s", report.trigger.part_id, error)
            return {}


def default_disposition(report: InspectionReport) -> Disposition | None:
    """Return what the rules do with a part they could not decide: it is held.

    One that only waits for its lot has no decision of its own: it goes where the lot goes.
    """
    verdict = report.verdict
    if verdict.fault is not FaultCode.NONE:
        return Disposition(Decision.HOLD, verdict.fault.name.lower(), "not inspected", "rules")
    if verdict.outcome is Outcome.REVIEW and not verdict.held_lot:
        return Disposition(Decision.HOLD, verdict.reasons[0].code, "open by the rules", "rules")
    return None
