"""What a consumer does with each message of a line: once, in order, stored before it is acknowledged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["Reception"]


class Reception:
    """The rules of a consumer, without any MQTT: give it each payload, publish what it answers.

    ``commit`` stores a message durably, or raises. ``already`` is what an earlier run has stored, in order, as
    ``(seq, msg_id)``. A reader that acknowledges nothing takes what comes, gaps or not: ``refuse_gaps=False``.
    """

    def __init__(
        self,
        commit: Callable[[dict[str, Any]], None],
        *,
        already: Iterable[tuple[int, str]] = (),
        refuse_gaps: bool = True,
        remember: int = 10_000,
    ) -> None:
        self._commit, self._refuse_gaps, self._remember = commit, refuse_gaps, remember
        self.known = {msg_id: seq for seq, msg_id in already}  # of as many as a line may ever have on its way
        self.count = self.duplicates = self.gaps = self.unreadable = 0

    def received(self, payload: bytes) -> bool:
        """Take one message; return whether to publish ``acknowledgement`` now. Raises what ``commit`` raises."""
        try:
            message = json.loads(payload)
            seq, msg_id, oldest = int(message["seq"]), str(message["msg_id"]), int(message["oldest_seq"])
        except (ValueError, TypeError, KeyError):
            self.unreadable += 1
            return False
        last = next(reversed(self.known.values()), None)
        # What is older than oldest_seq will not come again; at the very first start it alone decides.
        gap = seq > (oldest if last is None else max(last + 1, oldest))
        if msg_id in self.known:  # a copy: drop it, but say again that it is stored
            self.duplicates += 1
            if seq > self.known[msg_id] and not gap:  # a restored line tells it by another number
                del self.known[msg_id]
                self.known[msg_id] = seq
            return True
        self.gaps += gap
        if gap and self._refuse_gaps:  # the line sends what is missing, and then this one again
            return False
        self._commit(message)
        self.known[msg_id] = seq
        self.count += 1
        if len(self.known) > self._remember:
            del self.known[next(iter(self.known))]
        return True

    def acknowledgement(self) -> bytes:
        """Return the word for the ack topic, cumulative; to be said again after each connect."""
        # The id beside the number: should the line ever begin anew, an old word means nothing to it.
        msg_id, seq = next(reversed(self.known.items()), (None, 0))
        return json.dumps({"upto": seq} | ({"msg_id": msg_id} if msg_id is not None else {})).encode()
