"""The conversation: read-back, confirmation by a fresh code, time-out; only what is clear and allowed is done."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from inspector.domain import Command, InspectorError, Person, StoreError
from inspector.voice.commands import command_of
from inspector.voice.evidence import Gate, Risk, risk_of
from inspector.voice.graph import Meaning
from inspector.voice.interpreter import Interpreter, Refused
from inspector.voice.phrases import describe, phrase
from inspector.voice.rights import may_say

__all__ = ["SPOKEN", "Desk", "Dialogue", "Kind", "NoTrail", "Reply", "Trail", "needs_confirmation"]

SPOKEN = "spoken"
"""The act that the trail names for an utterance; its subject is the intent, its detail all the rest as JSON."""

_CONFIRMED = frozenset(
    {
        "accept_part",
        "reject_part",
        "rework_part",
        "release_line",
        "release_lot",
        "select_recipe",
        "start_challenge_test",
    }
)

_FAR_APART = "1235678"
"""Digits that sound unlike each other in noise: of 0/8, 0/2, 1/4 and 5/9 one at least is left out."""

_LOG = logging.getLogger(__name__)


class Kind(StrEnum):
    """What a reply is, for the screen's colour and the tests."""

    HINT = "hint"
    ANSWER = "answer"
    ASKING = "asking"
    DONE = "done"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said back; ``code`` is to be shown on the screen while an act waits for it."""

    kind: Kind
    text: str
    code: str = ""


class Desk(Protocol):
    """What a command does, and why it may not be done now."""

    def objection(self, command: Command) -> str:
        """Return why this command cannot be done now (a changeover, say), empty where it can."""
        ...

    def apply(self, command: Command, person: Person) -> None:
        """Do it, on the word of the one who gave or confirmed it; an ``InspectorError`` where it did not work."""
        ...

    def answer(self, command: Command, language: str) -> str:
        """Return the answer to a question; raises an ``InspectorError`` where there is none."""
        ...


class Trail(Protocol):
    """Where every utterance is written down; the domain's ``AuditTrail`` is one."""

    def add(self, person: Person, act: str, subject: str = "", detail: str = "") -> object:
        """Keep it for good; raises ``StoreError``."""
        ...


class NoTrail:
    """Keeps nothing: where nothing can be changed, there is nothing to write down."""

    def add(self, person: Person, act: str, subject: str = "", detail: str = "") -> None:
        """Forget it."""


def needs_confirmation(intent: str) -> bool:
    """Return whether an act releases material, moves the line or cannot be undone."""
    return intent in _CONFIRMED


@dataclass(slots=True)
class _Waiting:
    meaning: Meaning
    command: Command
    person: Person
    code: str
    until: datetime
    tries: int


@dataclass(slots=True)
class _Turn:
    """One utterance on its way through."""

    person: Person
    text: str
    confidence: float
    audio: str
    intent: str = ""
    command: str = ""
    confirmation: str = "none"
    effect: str = "nothing"
    notes: dict[str, str] = field(default_factory=dict)


def _now() -> datetime:
    return datetime.now(UTC)


class Dialogue:
    """One conversation at one place, in one language; not thread-safe.

    Parameters
    ----------
    interpreter
        Text -> meaning.
    desk
        Answers questions and does what was confirmed.
    trail
        Gets an entry for every utterance. Where it fails, only what stops something is still done.
    gate
        Says which confidence is enough for which intent.
    expiry_s
        How long a code is good for, in s.
    tries
        How many wrong codes cancel an act.
    again_s
        The same command within this time is not done a second time, in s; what stops something always is.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        desk: Desk,
        trail: Trail,
        *,
        gate: Gate,
        language: str = "en",
        expiry_s: float = 10.0,
        tries: int = 2,
        again_s: float = 5.0,
        clock: Callable[[], datetime] = _now,
        new_code: Callable[[], str] | None = None,
    ) -> None:
        self._interpreter = interpreter
        self._desk = desk
        self._trail = trail
        self._gate = gate
        self._language = language
        self._expiry = timedelta(seconds=expiry_s)
        self._tries = tries
        self._again = timedelta(seconds=again_s)
        self._clock = clock
        self._new_code = new_code or _fresh_code
        self._waiting: _Waiting | None = None
        self._last_code = ""
        self._last_reply: Reply | None = None
        self._last_done: tuple[Command, datetime] | None = None

    def learn(self, interpreter: Interpreter) -> None:
        """Read by another grammar from now on; what waits for its code goes on waiting."""
        self._interpreter = interpreter

    @property
    def waiting_for(self) -> str:
        """The code that an act waits for, empty where none does or it has expired."""
        waiting = self._waiting
        return waiting.code if waiting is not None and self._clock() < waiting.until else ""

    def say(self, text: str, person: Person, *, confidence: float = 1.0, audio_sha256: str = "") -> Reply:
        """Take one utterance, spoken or typed, and return what to say back; everything it does is done by then."""
        turn = _Turn(person, text, confidence, audio_sha256)
        reply = self._expired(turn) or self._understood(turn)
        if turn.intent != "repeat":
            self._last_reply = reply
        if not turn.notes.get("written"):
            self._write(turn)
        return reply

    def unheard(self, why: str, person: Person, *, audio_sha256: str = "") -> Reply:
        """Say why nothing could be heard: ``silent``, ``overdriven`` or ``nothing_said``."""
        turn = _Turn(person, "", 0.0, audio_sha256, effect=f"nothing: {why}")
        self._write(turn)
        return Reply(Kind.HINT, phrase(self._language, why))

    # --- one utterance, step by step ----------------------------------------------------------------------

    def _expired(self, turn: _Turn) -> Reply | None:
        """Drop an act whose time is over; a code that comes too late is told so."""
        waiting = self._waiting
        if waiting is None or self._clock() < waiting.until:
            return None
        self._waiting = None
        meaning = self._interpreter.understand(turn.text)
        if not isinstance(meaning, Meaning) or meaning.intent != "confirm":
            return None
        turn.intent, turn.confirmation = "confirm", "expired"
        return self._refuse(turn, "expired", act=self._act(waiting.meaning))

    def _understood(self, turn: _Turn) -> Reply:
        meaning = self._interpreter.understand(turn.text)
        if isinstance(meaning, Refused):
            turn.effect = f"nothing: {meaning.why}"
            return self._hint(meaning.why.value, text=turn.text, detail=meaning.detail)
        turn.intent = meaning.intent
        if not self._gate.believes(turn.confidence, meaning.intent):
            turn.effect = "nothing: unsure"
            return self._hint("unsure", text=turn.text)
        if not may_say(turn.person, meaning.intent):
            return self._refuse(turn, "forbidden", act=self._act(meaning), role=turn.person.role.value)
        steps: dict[str, Callable[[_Turn, Meaning], Reply]] = {
            "confirm": self._confirm,
            "cancel": self._cancel,
            "repeat": self._repeat,
            "correct": self._correct,
        }
        return steps.get(meaning.intent, self._command)(turn, meaning)

    def _command(self, turn: _Turn, meaning: Meaning) -> Reply:
        command = command_of(meaning, turn.person.name)
        turn.command = repr(command)
        if risk_of(meaning.intent) is Risk.QUESTION:
            return self._answer(turn, meaning, command)
        if risk_of(meaning.intent) is not Risk.SAFE:
            if self._just_done(command):
                turn.effect = "nothing: already done"
                return Reply(Kind.DONE, phrase(self._language, "already", act=self._act(meaning)))
            objection = self._objection(command)
            if objection:
                return self._refuse(turn, "blocked", act=self._act(meaning), reason=objection)
        if needs_confirmation(meaning.intent):
            return self._ask(turn, meaning, command)
        self._waiting = None  # who holds the line does not want what was asked before
        return self._do(turn, meaning, command)

    def _ask(self, turn: _Turn, meaning: Meaning, command: Command) -> Reply:
        code = self._new_code()
        while code == self._last_code:
            code = self._new_code()
        self._last_code = code
        self._waiting = _Waiting(meaning, command, turn.person, code, self._clock() + self._expiry, self._tries)
        turn.confirmation, turn.effect = "asked", "waiting"
        return self._asking("confirm", meaning, code)

    def _confirm(self, turn: _Turn, meaning: Meaning) -> Reply:
        waiting = self._waiting
        if waiting is None:
            turn.effect = "nothing: nothing to confirm"
            return self._hint("nothing_to_confirm")
        turn.command = repr(waiting.command)
        act = self._act(waiting.meaning)
        if not may_say(turn.person, waiting.meaning.intent):
            turn.confirmation = "forbidden"
            return self._refuse(turn, "forbidden", act=act, role=turn.person.role.value)
        if meaning.slot("code") != waiting.code:
            waiting.tries -= 1
            turn.confirmation = "wrong"
            if waiting.tries <= 0:
                self._waiting = None
                return self._refuse(turn, "gave_up", act=act)
            turn.effect = "nothing: wrong code"
            return self._asking("wrong_code", waiting.meaning, waiting.code)
        self._waiting = None
        objection = self._objection(waiting.command)
        if objection:
            return self._refuse(turn, "blocked", act=act, reason=objection)
        turn.confirmation = "given"
        return self._do(turn, waiting.meaning, waiting.command)

    def _cancel(self, turn: _Turn, meaning: Meaning) -> Reply:
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            turn.effect = "nothing: nothing to cancel"
            return self._hint("nothing_to_cancel")
        turn.command, turn.confirmation, turn.effect = repr(waiting.command), "cancelled", "nothing: cancelled"
        return Reply(Kind.CANCELLED, phrase(self._language, "cancelled", act=self._act(waiting.meaning)))

    def _repeat(self, turn: _Turn, meaning: Meaning) -> Reply:
        turn.effect = "answered"
        return self._last_reply or self._hint("nothing_to_repeat")

    def _correct(self, turn: _Turn, meaning: Meaning) -> Reply:
        waiting = self._waiting
        if waiting is None or not waiting.meaning.slot("part"):
            turn.effect = "nothing: nothing to correct"
            return self._hint("nothing_to_correct")
        slots = {**dict(waiting.meaning.slots), "part": meaning.slot("part")}
        corrected = Meaning(waiting.meaning.intent, tuple(sorted(slots.items())))
        if not may_say(turn.person, corrected.intent):
            return self._refuse(turn, "forbidden", act=self._act(corrected), role=turn.person.role.value)
        return self._command(turn, corrected)

    # --- doing --------------------------------------------------------------------------------------------

    def _answer(self, turn: _Turn, meaning: Meaning, command: Command) -> Reply:
        try:
            text = self._desk.answer(command, self._language)
        except InspectorError as error:
            turn.effect = f"failed: {error}"
            return Reply(Kind.HINT, phrase(self._language, "failed", act=self._act(meaning), reason=error.message))
        turn.effect = "answered"
        return Reply(Kind.ANSWER, text, self.waiting_for)

    def _do(self, turn: _Turn, meaning: Meaning, command: Command) -> Reply:
        act = self._act(meaning)
        turn.effect = "applied"
        # The trail comes first: what cannot be written down must not release anything. A stop waits for nothing.
        if risk_of(meaning.intent) is not Risk.SAFE and not self._write(turn):
            return Reply(Kind.REFUSED, phrase(self._language, "no_audit", act=act))
        try:
            self._desk.apply(command, turn.person)
        except InspectorError as error:
            turn.effect, turn.notes["written"] = f"failed: {error}", ""
            return Reply(Kind.REFUSED, phrase(self._language, "failed", act=act, reason=error.message))
        self._last_done = (command, self._clock())
        return Reply(Kind.DONE, phrase(self._language, "done", act=act))

    def _objection(self, command: Command) -> str:
        try:
            return self._desk.objection(command)
        except InspectorError as error:
            return error.message

    def _just_done(self, command: Command) -> bool:
        if self._last_done is None:
            return False
        last, at = self._last_done
        return last == command and self._clock() - at < self._again

    def _write(self, turn: _Turn) -> bool:
        turn.notes["written"] = "yes"
        detail = {
            "text": turn.text,
            "language": self._language,
            "confidence": round(turn.confidence, 3),
            "command": turn.command,
            "confirmation": turn.confirmation,
            "effect": turn.effect,
            "audio_sha256": turn.audio,
        }
        try:
            self._trail.add(turn.person, SPOKEN, turn.intent, json.dumps(detail, ensure_ascii=False))
        except StoreError as error:
            _LOG.error("trail: what %s said is not kept: %s", turn.person.name, error)
            return False
        return True

    # --- words --------------------------------------------------------------------------------------------

    def _act(self, meaning: Meaning) -> str:
        return describe(self._language, meaning.intent, dict(meaning.slots))

    def _asking(self, key: str, meaning: Meaning, code: str) -> Reply:
        text = phrase(self._language, key, act=self._act(meaning), code=" ".join(code))
        return Reply(Kind.ASKING, text, code)

    def _hint(self, key: str, **values: str) -> Reply:
        return Reply(Kind.HINT, phrase(self._language, key, **values), self.waiting_for)

    def _refuse(self, turn: _Turn, key: str, **values: str) -> Reply:
        turn.effect = f"nothing: {key}"
        return Reply(Kind.REFUSED, phrase(self._language, key, **values), self.waiting_for)


def _fresh_code() -> str:
    first = secrets.choice(_FAR_APART)
    return first + secrets.choice(_FAR_APART.replace(first, ""))
