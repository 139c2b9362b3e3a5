"""The results of the challenge test in the trail of acts: the line writes a file, the office takes them over."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from inspector.domain import AuditTrail, Person, Role, StoreError
from inspector.runtime.challenge import ChallengeFile, ChallengeResult

__all__ = ["ChallengeTrail"]

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
RETRY_S = 10.0
LONGEST_DETAIL = 400


class ChallengeTrail:
    """Takes every new result over, each once, through restarts too; call it now and then.

    Parameters
    ----------
    line
        Its name, the subject of the entries.
    """

    def __init__(
        self, folder: Path, trail: AuditTrail, line: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._file, self._trail, self._line, self._clock = ChallengeFile(folder), trail, line, clock
        self._noted = folder / "challenge.noted"
        self._next = 0.0

    def __call__(self) -> None:
        """Look for new results; where the record is away they are taken over later."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + LOOK_EVERY_S
        try:
            done = int(self._noted.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            done = 0
        for result in self._file.all()[done:]:
            try:
                self._trail.add(Person(result.by or "line", Role.GUEST), _act(result), self._line, _detail(result))
            except StoreError as error:
                log.warning("the challenge test is not in the trail yet: %s", error)
                self._next = self._clock() + RETRY_S
                return
            done += 1
            try:
                self._noted.write_text(str(done), encoding="utf-8")
            except OSError as error:
                log.warning("%s: %s", self._noted, error.strerror)
                self._next = self._clock() + RETRY_S
                return


def _act(result: ChallengeResult) -> str:
    return "challenge_passed" if result.passed else "challenge_failed"


def _detail(result: ChallengeResult) -> str:
    said = f"run {result.number}, {result.why}, {result.samples} samples"
    return (f"{said}: {'; '.join(result.wrong)}" if result.wrong else said)[:LONGEST_DETAIL]
