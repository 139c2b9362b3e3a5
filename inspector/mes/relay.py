"""Drains the outbox to the broker: in order, QoS 1, on a thread of its own, again and again until it is there."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from inspector.domain import BrokerLost, MesError, Outbox, OutboxMessage, StoreError
from inspector.mes.link import PLAIN, Connection, Envelope

__all__ = ["Delivery", "OutboxRelay"]

logger = logging.getLogger(__name__)

Delivery = Literal["puback", "ack"]
COMMIT_EVERY_S = 0.1
BUSY_S = 2.0
LONGEST_PAUSE_S = 30.0
ATTEMPTS = 5
HOPELESS = ("Packet too large", "Payload format invalid", "Topic name invalid")


class OutboxRelay:
    """Publishes every outbox message in order and acknowledges it in the outbox when it has arrived.

    Attach it to a link, then ``start``. Nothing it does blocks the writers of the outbox but its own short
    transactions; without a broker it waits, and a restart goes on where the outbox says.

    Parameters
    ----------
    delivery
        ``puback``: arrived means that the broker said so. A broker that then loses its memory (killed, power
        cut, queue limit) loses the message. ``ack``: arrived means that the consumer published
        ``{"upto": seq, "msg_id": id}`` on ``ack_topic`` after it had committed that message and all before;
        everything after the last such word is sent again after a reconnect, or after ``progress_s`` without
        one (go-back-N).
    dead_topic
        Where a message is told of that was set aside; default: on its own topic.
    window
        How many messages may be on their way at once.
    poll_s
        How often to look without being notified: another process may have written.
    busy_rate
        How many messages a second may be sent of a backlog while new ones come, that is while the line is at work: what
        waits is not urgent, and the verdict path wants the processor.

    A message that the broker refuses for what it is (too large, malformed), five times in a row, is set aside in
    the outbox; a short ``dead-letter/1`` takes its place in the order, so that nobody waits for it. What is refused
    for want of a right is kept and tried again for ever.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        delivery: Delivery = "puback",
        ack_topic: str = "",
        dead_topic: str = "",
        window: int = 64,
        progress_s: float = 2.0,
        poll_s: float = 1.0,
        busy_rate: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if delivery == "ack" and not ack_topic:
            raise ValueError("delivery 'ack' needs the topic of the acknowledgements")
        self._outbox = outbox
        self._by_consumer = delivery == "ack"
        self._ack_topic = ack_topic
        self._dead_topic = dead_topic
        self._window = window
        self._progress_s = progress_s
        self._poll_s = poll_s
        self._busy_rate = busy_rate
        self._busy_until = -math.inf
        self._clock = clock
        # Other threads only append here and ring: no lock of ours is ever held around publish(), whose
        # callbacks come on another thread and would wait for it.
        self._events: deque[tuple[Any, ...]] = deque()
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._deadline = 0.0
        self._drained = False
        self._thread = threading.Thread(target=self._run, name="outbox relay", daemon=True)
        # From here on: the relay thread's own.
        self._connection: Connection | None = None
        self._way: deque[tuple[int, str]] = deque()  # (seq, msg_id) sent and not yet arrived, in order
        self._unanswered: dict[int, int] = {}  # delivery number -> seq, until the broker answers; 0: sent again
        self._answered: set[int] = set()
        self._sent = 0
        self._arrived = 0
        self._committed = 0
        self._more = True
        self._looked_at = self._progress_at = self._committed_at = self._held_until = clock()
        self._patience_s = progress_s
        self._silent = False
        self._refused = False
        self._attempts = (0, 0)  # seq, how often it was refused for what it is
        self._doubted = False
        self._store_lost = False

    # --- for the owner ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to drain."""
        self._thread.start()

    def notify(self) -> None:
        """Say that something new is in the outbox; returns at once."""
        self._events.append(("more",))
        self._bell.set()

    def stop(self, drain_timeout_s: float = 0.0) -> bool:
        """Wait at most this long until the outbox is empty, then end; return whether it is empty."""
        self._deadline = self._clock() + drain_timeout_s
        self._stopping.set()
        self.notify()
        if self._thread.is_alive():
            self._thread.join()
        return self._drained

    # --- Listener: on the network thread ------------------------------------------------------------------

    def connected(self, connection: Connection) -> None:
        """Take the new connection."""
        self._tell("connected", connection)

    def subscribed(self, connection: Connection, refusal: str, topic: str = "") -> None:
        """Show it where the acknowledgements may not be read."""
        if refusal and topic in {"", self._ack_topic}:
            connection.problem(f"the broker refuses to let this user read {self._ack_topic}: {refusal}")

    def lost(self) -> None:
        """Forget the connection."""
        self._tell("lost")

    def delivered(self, connection: Connection, number: int, refusal: str) -> None:
        """Take the broker's answer."""
        self._tell("delivered", connection, number, refusal)

    def received(self, connection: Connection, topic: str, payload: bytes, envelope: Envelope = PLAIN) -> None:
        """Take the consumer's acknowledgement."""
        if topic == self._ack_topic:
            self._tell("acknowledged", payload)

    def _tell(self, *event: Any) -> None:
        self._events.append(event)
        self._bell.set()

    # --- the thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            self._bell.wait(self._pause_s())
            self._bell.clear()
            ending = self._stopping.is_set()  # asked before the round: the last one has to commit
            try:
                while self._events:
                    self._take(*self._events.popleft())
                self._go_on()
                if self._store_lost:
                    self._store_lost = False
                    logger.info("the relay reads the outbox again")
            except BrokerLost:
                self._connection = None  # the link says so itself, and connects again
            except StoreError as error:
                self._hold(self._poll_s)
                if not self._store_lost:
                    self._store_lost = True
                    logger.warning("the relay cannot use the outbox: %s", error)
            if ending and (self._drained or self._clock() >= self._deadline):
                return

    def _pause_s(self) -> float:
        now = self._clock()
        waits = [self._poll_s]
        if self._arrived > self._committed:
            waits.append(self._committed_at + COMMIT_EVERY_S - now)
        if self._by_consumer and self._way:
            waits.append(self._progress_at + self._patience_s - now)
        if self._held_until > now:
            waits.append(self._held_until - now)
        if self._stopping.is_set():
            waits.append(self._deadline - now)
        return max(min(waits), 0.001)

    def _take(self, kind: str, *what: Any) -> None:
        match kind:
            case "more":
                self._more = True
                self._busy_until = self._clock() + BUSY_S
            case "connected":
                self._connection = what[0]
                self._unanswered.clear()
                self._go_back()
                self._held_until = self._clock()
                if self._by_consumer:
                    self._subscribe()
            case "lost":
                self._connection = None
            case "delivered":
                self._answer(*what)
            case "acknowledged":
                self._acknowledgement(what[0])

    def _subscribe(self) -> None:
        try:
            if self._connection is not None:
                self._connection.subscribe(self._ack_topic)
        except BrokerLost:
            self._connection = None

    def _answer(self, connection: Connection, number: int, refusal: str) -> None:
        if connection is not self._connection or number not in self._unanswered:
            return
        seq = self._unanswered.pop(number)
        if not seq:
            return
        if refusal:
            self._refuse(seq, refusal, hopeless=refusal in HOPELESS)
            return
        if self._refused:
            self._refused = False
            connection.problem("")
        if not self._by_consumer:
            self._answered.add(seq)
            while self._way and self._way[0][0] in self._answered:
                self._arrive(self._way[0][0])

    def _refuse(self, seq: int, refusal: str, *, hopeless: bool = False) -> None:
        # Not dropped: a right that is missing today is granted tomorrow, and the order has to hold.
        self._go_back()
        self._hold(self._progress_s)
        if hopeless:
            self._attempts = (seq, self._attempts[1] + 1 if self._attempts[0] == seq else 1)
            if self._attempts[1] >= ATTEMPTS:
                self._outbox.set_aside(seq, refusal)
                logger.error("outbox message %d is set aside, the broker refuses it: %s", seq, refusal)
        self._refused = True
        if self._connection is not None:
            self._connection.problem(
                f"the broker refuses outbox message {seq}: {refusal}. Allow this user to write on its topic"
            )

    def _acknowledgement(self, payload: bytes) -> None:
        try:
            word = json.loads(payload)
            upto, msg_id = int(word["upto"]), word.get("msg_id")
        except (ValueError, TypeError, KeyError, AttributeError):
            logger.warning("not an acknowledgement on %s: %.80r", self._ack_topic, payload)
            return
        self._patience_s = self._progress_s  # it lives
        if msg_id is not None and not (self._is(upto, str(msg_id)) or self._skipped(upto)):
            # Left over from another database: believing it would lose everything below.
            if not self._doubted and upto > self._arrived:
                self._doubted = True
                logger.warning("the consumer acknowledges %d as %s, which is another message here", upto, msg_id)
            return
        if msg_id is None:
            # After a restart the consumer may be ahead of us: then it has what we sent, and we catch up.
            upto = min(upto, self._sent)
        if upto > self._arrived:
            self._arrive(upto)

    def _is(self, seq: int, msg_id: str) -> bool:
        """Say whether this number is that message, on its way or still in the outbox."""
        for on_way, sent in self._way:
            if on_way == seq:
                return sent == msg_id
        return any((found.seq, found.msg_id) == (seq, msg_id) for found in self._outbox.pending(seq - 1, 1))

    def _skipped(self, seq: int) -> bool:
        """Say whether a restore has left this number out, so that only messages which it has lost can have had it.

        Every number above the last that arrived is still in the outbox; where the next one there is a later one, this
        one was never given.
        """
        later = self._outbox.pending(seq - 1, 1) if seq > self._arrived else ()
        return any(message.seq > seq for message in later)

    def _arrive(self, upto: int) -> None:
        while self._way and self._way[0][0] <= upto:
            self._answered.discard(self._way.popleft()[0])
        self._arrived = upto
        self._sent = max(self._sent, upto)
        self._progress_at = self._clock()
        if self._silent:
            self._silent = False
            logger.info("the consumer acknowledges again, from %d on", upto)

    def _go_on(self) -> None:
        now = self._clock()
        self._commit(now)
        if self._by_consumer and self._way and now - self._progress_at >= self._patience_s:
            if not self._silent:
                self._silent = True
                logger.warning("no acknowledgement on %s: sending again from %d on", self._ack_topic, self._arrived + 1)
            self._patience_s = min(2 * self._patience_s, LONGEST_PAUSE_S)
            self._go_back()
        if now - self._looked_at >= self._poll_s:
            self._more = True
        if self._connection is not None and now >= self._held_until:
            self._fill(self._connection)
        elif self._stopping.is_set():
            self._look(1)

    def _commit(self, now: float) -> None:
        # Not at every answer: a commit per message would take the disk from those who write the record.
        due = not self._way or now - self._committed_at >= COMMIT_EVERY_S or self._stopping.is_set()
        if self._arrived > self._committed and due:
            self._outbox.acknowledge(self._arrived)
            self._committed = self._arrived
            self._committed_at = now

    def _look(self, limit: int) -> list[OutboxMessage]:
        messages = list(self._outbox.pending(self._sent, limit))
        self._looked_at = self._clock()
        self._more = len(messages) == limit
        self._drained = not messages and not self._way and self._committed >= self._arrived
        return messages

    def _fill(self, connection: Connection) -> None:
        while self._more or self._stopping.is_set():
            room = min(self._window - len(self._way), connection.receive_maximum - len(self._unanswered))
            # Half a window at a time: a query for each freed place would cost more than the sending.
            if room < max(1, min(self._window, connection.receive_maximum) // 2) and self._way:
                return
            if room <= 0:
                return
            messages = self._look(room)
            for message in messages:
                if not self._way:
                    self._progress_at = self._clock()
                oldest = self._way[0][0] if self._way else message.seq
                try:
                    topic = self._dead_topic or message.topic if message.refused else message.topic
                    number = connection.publish(topic, _wire(message, oldest))
                except BrokerLost:
                    raise
                except MesError as error:
                    self._refuse(message.seq, str(error), hopeless=True)
                    return
                self._unanswered[number] = message.seq
                self._way.append((message.seq, message.msg_id))
                self._sent = message.seq
            if not messages:
                return
            if self._more and self._clock() < self._busy_until and not self._stopping.is_set():
                self._hold(len(messages) / self._busy_rate)
                return

    def _go_back(self) -> None:
        """Forget what is on its way: it will be read from the outbox again."""
        self._way.clear()
        # They still count against what the broker takes at once; what it answers does not matter any more.
        self._unanswered = dict.fromkeys(self._unanswered, 0)
        self._answered.clear()
        self._sent = self._arrived
        self._progress_at = self._clock()
        self._more = True

    def _hold(self, seconds: float) -> None:
        self._held_until = self._clock() + seconds
        self._more = True


def _wire(message: OutboxMessage, oldest: int) -> bytes:
    """Return the message as sent: its body with ``seq`` and the oldest seq that is still kept for resending."""
    head = {"seq": message.seq, "oldest_seq": oldest}
    if message.refused:
        letter = {
            "schema": "dead-letter/1",
            "msg_id": message.msg_id,
            "topic": message.topic,
            "reason": message.refused,
        }
        return json.dumps(letter | head, ensure_ascii=False, separators=(",", ":")).encode()
    try:
        body = json.loads(message.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        # Neither lost nor in the way of the rest: the consumer sees what it is and can set it aside.
        logger.error("outbox message %d is not a JSON object", message.seq)
        body = {"schema": "unreadable/1", "msg_id": message.msg_id, "body": message.body}
    return json.dumps(body | head, ensure_ascii=False, separators=(",", ":")).encode()
