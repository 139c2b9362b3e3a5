"""The connection's lamp: what the operator sees, and one line in the log per change."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from inspector.domain import LampState

__all__ = ["ConnectionLamp"]

log = logging.getLogger(__name__)


class ConnectionLamp:
    """Keeps the state, tells it to ``observer`` when it changes, and logs it once when lost and once when back."""

    def __init__(self, detail: str, observer: Callable[[LampState], None] | None) -> None:
        self.state = LampState(None, datetime.now(UTC), detail)
        self._observer = observer

    def show(self, good: bool, detail: str) -> None:
        """Take the new state; a change of the detail alone is no change."""
        if good is self.state.good:
            return
        log.log(logging.INFO if good else logging.WARNING, "%s", detail)
        self.state = LampState(good, datetime.now(UTC), detail)
        if self._observer is not None:
            self._observer(self.state)
