"""Jobs, and what clients are told of them."""

from __future__ import annotations

from dataclasses import dataclass

from inspector.plc.vision.machine import Step
from inspector.plc.vision.results import Result

__all__ = ["Entered", "Job", "Message", "Notice", "Prepared", "ResultMade"]


@dataclass(slots=True)
class Job:
    """One inspection, or one after another; ``own`` says that a client's method started it, not the handshake."""

    id: str
    own: bool
    part: str = ""
    meas: str = ""
    product: str = ""
    recipe: str = ""
    continuous: bool = False
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class Entered:
    """A state was entered."""

    step: Step
    job: str
    text: str


@dataclass(frozen=True, slots=True)
class ResultMade:
    """A result is there."""

    result: Result


@dataclass(frozen=True, slots=True)
class Prepared:
    """A recipe is ready for use."""

    recipe: str


@dataclass(frozen=True, slots=True)
class Message:
    """A condition came up (``active``), went, or was confirmed; or a call failed (``passing``)."""

    name: str
    text: str
    active: bool
    confirmed: bool = False
    passing: bool = False
    comment: str = ""


Notice = Entered | ResultMade | Prepared | Message
