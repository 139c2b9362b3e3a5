"""What the PLC asks of the challenge test, and what it is told: StartChallenge and ChallengeState."""

from __future__ import annotations

import logging
from enum import IntEnum

__all__ = ["ChallengeRequest", "ChallengeState"]

log = logging.getLogger(__name__)


class ChallengeState(IntEnum):
    """What ChallengeState says; it speaks of the PLC's own request only."""

    NONE = 0
    """StartChallenge is down."""

    ASKED = 1
    """The samples run as soon as no part is in work."""

    PASSED = 2
    FAILED = 3
    NO_SAMPLES = 4


class ChallengeRequest:
    """One request from the rise of StartChallenge to its drop; the answer stands in between.

    After a loss nobody knows whether StartChallenge has dropped meanwhile: one that is up then is a new request, so
    that no earlier answer is taken for its own.
    """

    def __init__(self) -> None:
        self.state = ChallengeState.NONE
        self._number = 0

    @property
    def asked(self) -> int | None:
        """The number of the request that waits for its answer, None where none does."""
        return self._number if self.state is ChallengeState.ASKED else None

    def observe(self, raised: bool) -> None:
        """Go on with what StartChallenge says."""
        if not raised:
            self.state = ChallengeState.NONE
        elif self.state is ChallengeState.NONE:
            self.state = ChallengeState.ASKED
            self._number += 1
            log.info("the PLC asks for the challenge test")

    def answer(self, request: int, passed: bool | None) -> None:
        """Say what came of this request, None where the line has no samples; nothing, where it is given up."""
        if request != self.asked:
            return
        if passed is None:
            self.state = ChallengeState.NO_SAMPLES
        else:
            self.state = ChallengeState.PASSED if passed else ChallengeState.FAILED

    def forget(self) -> None:
        """Give up whatever was asked: the PLC is away."""
        self.state = ChallengeState.NONE
