"""The line's present moment in memory: what every screen watches and the API answers from."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice

from inspector.domain import EVERY_LINE, TREND_BLOCK, Counts, FaultCode, LampState, LineStatus, Outcome, RecordedPart

__all__ = ["LiveBoard"]

_TREND_POINTS = 40


class LiveBoard:
    """A ``LiveFeed`` in memory; every method may be called from any thread.

    Parameters
    ----------
    line, recipe, model, simulated
        What the line says of itself until its first ``status_changed``.
    keep
        How many parts stay in memory; older ones are in the record.
    seen
        Called with each part that is counted here, to count it in other ways.
    """

    def __init__(
        self,
        *,
        line: str = "",
        recipe: str = "",
        model: str = "",
        simulated: bool = False,
        keep: int = 200,
        seen: Callable[[RecordedPart], None] | None = None,
    ) -> None:
        now = datetime.now(UTC)
        self._lock, self._seen = threading.Lock(), seen
        self._version = 0
        self._parts: deque[RecordedPart] = deque(maxlen=keep)
        self._tally: Counter[str] = Counter()
        self._trend: deque[float] = deque(maxlen=_TREND_POINTS)
        self._passed_before = 0
        self._status = LineStatus(
            line=line,
            ready=False,
            recipe=recipe,
            lamps={lamp: LampState(None, now) for lamp in EVERY_LINE},
            model=model,
            simulated=simulated,
        )

    def part_recorded(self, part: RecordedPart) -> None:
        """Show this part as the newest one and count it."""
        verdict = part.report.verdict
        kind = {Outcome.PASS: "passed", Outcome.REVIEW: "review", Outcome.FAIL: "failed"}[verdict.outcome]
        if verdict.fault is not FaultCode.NONE:
            kind = "faults"
        with self._lock:
            self._parts.append(part)
            self._tally[kind] += 1
            if self._tally.total() % TREND_BLOCK == 0:
                passed = self._tally["passed"]
                self._trend.append((passed - self._passed_before) / TREND_BLOCK)
                self._passed_before = passed
            self._version += 1
            if self._seen is not None:
                self._seen(part)

    def status_changed(self, status: LineStatus) -> None:
        """Replace what the line says of itself; saying the same again changes nothing."""
        with self._lock:
            if status != self._status:
                self._status = status
                self._version += 1

    def version(self) -> int:
        """Return a number that grows with every change."""
        with self._lock:
            return self._version

    def status(self) -> LineStatus:
        """Return the line's latest word of itself."""
        with self._lock:
            return self._status

    def counts(self) -> Counts:
        """Return the counts since this board was made."""
        with self._lock:
            return Counts(**self._tally)

    def trend(self) -> Sequence[float]:
        """Return the yield of every ``TREND_BLOCK`` parts, oldest first; the last forty of them."""
        with self._lock:
            return tuple(self._trend)

    def recent(self, limit: int) -> Sequence[RecordedPart]:
        """Return the newest parts, newest first; at most ``keep`` of them."""
        with self._lock:
            return tuple(islice(reversed(self._parts), max(limit, 0)))
