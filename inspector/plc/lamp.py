"""The connection's lamp: what the operator sees, and one line in the log per change."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from inspector.domain import LampState
from inspector.plc.registers import OPEN

__all__ = ["ConnectionLamp", "warning_of"]

log = logging.getLogger(__name__)


class ConnectionLamp:
    """Keeps the state, tells it to ``observer`` when it changes, and logs it once when lost and once when back.

    What keeps it lost may change meanwhile: a PLC that was away comes back with a certificate that nobody trusts. The
    lamp then says so, and the log says every reason once until the connection is back.
    """

    def __init__(self, detail: str, observer: Callable[[LampState], None] | None) -> None:
        self.state = LampState(None, datetime.now(UTC), detail)
        self._observer = observer
        self._reasons: set[str] = set()

    def show(self, good: bool, detail: str, *, warning: str = "") -> None:
        """Take the new state; of a good one, a change of the detail alone is no change."""
        if good is self.state.good and (good or detail == self.state.detail):
            return
        if good:
            self._reasons.clear()
            log.info("%s", detail)
        elif detail not in self._reasons:
            self._reasons.add(detail)
            log.warning("%s", detail)
        if good is self.state.good:
            self.state = replace(self.state, detail=detail)
        else:
            self.state = LampState(good, datetime.now(UTC), detail, warning)
        if self._observer is not None:
            self._observer(self.state)


def warning_of(peer: str, detail: str) -> str:
    """Return what the operator is warned of: ``not_encrypted`` where others on the network could read and write.

    ``peer`` ends with the PLC's address; what stays on this machine is no network.
    """
    if OPEN not in detail:
        return ""
    host = urlsplit(peer.rpartition(" ")[2]).hostname or ""
    try:
        return "" if ip_address(host).is_loopback else "not_encrypted"
    except ValueError:
        return "" if host == "localhost" else "not_encrypted"
