"""Hears the MES: the current order and its commands, each validated, carried out once, audited and answered."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from pydantic import ValidationError

from inspector.domain import BrokerLost, InspectorError, MesError
from inspector.mes.commands import COMMANDS, Answer
from inspector.mes.link import Connection, Envelope
from inspector.mes.orders import Order
from inspector.mes.topics import Source, Topics

__all__ = ["Clerk", "Inbound"]

logger = logging.getLogger(__name__)

TOO_OLD = timedelta(minutes=1)
LARGEST = 65_536
WAITING = 100


class Clerk(Protocol):
    """Who carries out what the MES asks; each method may take its time."""

    def order(self, order: Order) -> None:
        """Make this the current order; raises ``InspectorError``."""
        ...

    def command(self, name: str, command: Any) -> tuple[str, dict[str, Any] | None]:
        """Carry it out; return what was done and the data asked for; raises ``InspectorError`` with the reason."""
        ...

    def audit(self, name: str, by: str, body: str, answer: str) -> None:
        """Write it down; raises ``InspectorError``."""
        ...


@dataclass(frozen=True, slots=True)
class _Letter:
    connection: Connection
    topic: str
    payload: bytes
    envelope: Envelope


def _now() -> datetime:
    return datetime.now(UTC)


class Inbound:
    """A listener of a link; works on a thread of its own, so that the network never waits for the record.

    Who may give a command is the broker's ACL's to say: it alone knows the client. ``allowed`` says which commands
    this line takes from the MES at all.
    """

    def __init__(
        self,
        source: Source,
        clerk: Clerk,
        *,
        allowed: frozenset[str] = frozenset(COMMANDS),
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._topics, self._source = Topics(source), source
        self._clerk, self._allowed, self._clock = clerk, allowed, clock
        self._letters: queue.Queue[_Letter | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._run, name="mes inbound", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self) -> None:
        """Finish what is at hand and end; safe to call twice."""
        if self._thread.is_alive():
            self._letters.put(None)
            self._thread.join()

    # --- Listener: on the network thread ------------------------------------------------------------------

    def connected(self, connection: Connection) -> None:
        """Ask for orders and commands."""
        connection.subscribe(self._topics.order)
        connection.subscribe(self._topics.command("+"))

    def subscribed(self, connection: Connection, refusal: str, topic: str = "") -> None:
        """Show it where they may not be read."""
        if refusal and topic in {self._topics.order, self._topics.command("+")}:
            connection.problem(f"the broker refuses to let this user read {topic}: {refusal}")

    def lost(self) -> None:
        """Wait; the link connects again."""

    def delivered(self, connection: Connection, number: int, refusal: str) -> None:
        """Leave it: nothing of ours is waited for."""

    def received(self, connection: Connection, topic: str, payload: bytes, envelope: Envelope) -> None:
        """Take an order or a command."""
        if topic != self._topics.order and not topic.startswith(self._topics.command("")):
            return
        if topic == self._topics.answer:
            return
        try:
            self._letters.put_nowait(_Letter(connection, topic, payload, envelope))
        except queue.Full:
            logger.warning("the MES asks faster than it can be answered: %s is dropped", topic)

    # --- the thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (letter := self._letters.get()) is not None:
            if letter.topic == self._topics.order:
                self._take_order(letter)
            else:
                self._carry_out(letter)

    def _take_order(self, letter: _Letter) -> None:
        if not letter.payload:  # the retained order was cleared
            letter = _Letter(letter.connection, letter.topic, b'{"workorder": null}', letter.envelope)
        try:
            self._clerk.order(Order.model_validate_json(letter.payload))
        except ValidationError as error:
            logger.warning("not an order on %s, the one before stands: %s", letter.topic, _said(error))
        except InspectorError as error:
            logger.warning("the order on %s is not taken: %s", letter.topic, error)

    def _carry_out(self, letter: _Letter) -> None:
        name = letter.topic.rpartition("/")[2]
        by, correlation, data = "", None, None
        try:
            command = self._read(name, letter)
            by, correlation = command.by, command.correlation
            detail, data = self._clerk.command(name, command)
            done = True
        except InspectorError as error:
            done, detail = False, error.message
        except ValidationError as error:
            done, detail = False, _said(error)
        answer = Answer(
            ts=self._clock(), source=self._source, command=name, ok=done, detail=detail, data=data,
            correlation=correlation,
        )  # fmt: skip
        text = answer.model_dump_json(by_alias=True)
        try:
            self._clerk.audit(name, by, letter.payload[:LARGEST].decode(errors="replace"), text)
        except InspectorError as error:
            logger.error("a command of %s could not be audited: %s", by or "the MES", error)  # noqa: TRY400
        self._answer(letter, text.encode())

    def _read(self, name: str, letter: _Letter) -> Any:
        if name not in COMMANDS:
            raise MesError(f"there is no command {name}; there are {', '.join(COMMANDS)}")
        if name not in self._allowed:
            raise MesError(f"this line does not take the command {name} from the MES")
        if letter.envelope.retained:
            raise MesError("a command must not be retained: it would be given again at every connect")
        if len(letter.payload) > LARGEST:
            raise MesError(f"more than {LARGEST} bytes")
        command = COMMANDS[name].model_validate_json(letter.payload)
        age = self._clock() - command.ts
        if abs(age) > TOO_OLD:
            raise MesError(f"given {age.total_seconds():.0f} s ago by its own clock: not carried out")
        return command

    def _answer(self, letter: _Letter, answer: bytes) -> None:
        topic = letter.envelope.response_topic
        own = f"{self._topics.base}/"
        # Not into our own results: whoever may command may not thereby speak in the line's name.
        if not topic or topic.startswith((own, "$")) or "+" in topic or "#" in topic:
            topic = self._topics.answer
        try:
            letter.connection.publish(topic, answer, correlation=letter.envelope.correlation)
        except (BrokerLost, MesError) as error:
            logger.warning("no answer on %s: %s", topic, error)


def _said(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(step) for step in item['loc']) or 'message'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    )
