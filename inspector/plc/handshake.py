"""The handshake between line and PLC: every register by name, owner, OPC UA type and meaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from inspector.domain import ConfigurationError

__all__ = [
    "EXTRA",
    "FITTING",
    "HANDSHAKE",
    "NAMESPACE",
    "REQUIRED",
    "UNLISTED_DEFECT",
    "DataType",
    "FromInspector",
    "FromPlc",
    "Name",
    "Register",
    "Side",
    "Value",
    "check_absent",
    "complete_nodes",
    "default_nodes",
    "names_of",
]

Value = bool | int | str

NAMESPACE = "urn:line-inspector:plc"
"""Namespace that the simulated PLC registers; a real PLC has its own."""

UNLISTED_DEFECT = 65535
"""DefectCode of a defect class that the line's mapping does not name."""


class Side(StrEnum):
    """Who writes a register; the other one only reads it."""

    PLC = "plc"
    INSPECTOR = "inspector"


class DataType(StrEnum):
    """OPC UA built-in types of the registers."""

    BOOLEAN = "Boolean"
    UINT16 = "UInt16"
    UINT32 = "UInt32"
    STRING = "String"

    @property
    def initial(self) -> Value:
        """What a register of this type holds before anybody wrote it."""
        initial: dict[DataType, Value] = {DataType.BOOLEAN: False, DataType.STRING: ""}
        return initial.get(self, 0)


_INTEGERS = frozenset({"Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64"})
FITTING: Mapping[DataType, frozenset[str]] = MappingProxyType(
    {
        DataType.BOOLEAN: frozenset({"Boolean"}),
        DataType.STRING: frozenset({"String"}),
        DataType.UINT16: _INTEGERS,
        DataType.UINT32: _INTEGERS,
    }
)
"""Names of the built-in types that may stand for each; what does not fit a narrow one is refused when it is written."""


class Name(StrEnum):
    """The registers."""

    TRIGGER = "Trigger"
    PART_ID = "PartId"
    SEQ_NO = "SeqNo"
    RECIPE_ID = "RecipeId"
    RESULT_ACK = "ResultAck"
    RESET = "Reset"
    HB_PLC = "HbPlc"
    START_CHALLENGE = "StartChallenge"
    READY = "Ready"
    TRIGGER_ACK = "TriggerAck"
    BUSY = "Busy"
    RESULT_VALID = "ResultValid"
    RES_SEQ_NO = "ResSeqNo"
    RESULT_ID = "ResultId"
    VERDICT = "Verdict"
    DEFECT_CODE = "DefectCode"
    DISPOSITION = "Disposition"
    FAULT = "Fault"
    FAULT_CODE = "FaultCode"
    HB_VISION = "HbVision"
    RECIPE_ACTIVE = "RecipeActive"
    CHALLENGE_STATE = "ChallengeState"


@dataclass(frozen=True, slots=True)
class Register:
    """One register of the handshake."""

    name: Name
    side: Side
    type: DataType
    meaning: str


HANDSHAKE: Mapping[Name, Register] = {
    register.name: register
    for register in (
        Register(Name.TRIGGER, Side.PLC, DataType.BOOLEAN, "a part is in place; raised after its data"),
        Register(Name.PART_ID, Side.PLC, DataType.STRING, "identity of the part"),
        Register(Name.SEQ_NO, Side.PLC, DataType.UINT32, "number of the trigger; differs from the one before"),
        Register(Name.RECIPE_ID, Side.PLC, DataType.UINT16, "recipe the part needs; 0 asks for none"),
        Register(Name.RESULT_ACK, Side.PLC, DataType.BOOLEAN, "the result was read"),
        Register(Name.RESET, Side.PLC, DataType.BOOLEAN, "drop whatever is going on"),
        Register(Name.HB_PLC, Side.PLC, DataType.UINT16, "changes every heartbeat period"),
        Register(Name.START_CHALLENGE, Side.PLC, DataType.BOOLEAN, "run the challenge test; held until it is answered"),
        Register(Name.READY, Side.INSPECTOR, DataType.BOOLEAN, "a trigger may be raised"),
        Register(Name.TRIGGER_ACK, Side.INSPECTOR, DataType.BOOLEAN, "the trigger was taken"),
        Register(Name.BUSY, Side.INSPECTOR, DataType.BOOLEAN, "a part is being inspected or its result read"),
        Register(Name.RESULT_VALID, Side.INSPECTOR, DataType.BOOLEAN, "the result registers are complete"),
        Register(Name.RES_SEQ_NO, Side.INSPECTOR, DataType.UINT32, "SeqNo of the trigger that the result is for"),
        Register(Name.RESULT_ID, Side.INSPECTOR, DataType.STRING, "identity of the result"),
        Register(Name.VERDICT, Side.INSPECTOR, DataType.UINT16, "0 none, 1 OK, 2 NOK, 3 UNKNOWN"),
        Register(Name.DEFECT_CODE, Side.INSPECTOR, DataType.UINT16, "class of the worst defect; 0 none"),
        Register(
            Name.DISPOSITION,
            Side.INSPECTOR,
            DataType.UINT16,
            "0 none, 1 accept, 2 rework, 3 hold, 4 scrap, 5 stop the line",
        ),
        Register(Name.FAULT, Side.INSPECTOR, DataType.BOOLEAN, "the station itself is disturbed"),
        Register(Name.FAULT_CODE, Side.INSPECTOR, DataType.UINT16, "why, for the station or for this result"),
        Register(Name.HB_VISION, Side.INSPECTOR, DataType.UINT16, "changes every heartbeat period"),
        Register(Name.RECIPE_ACTIVE, Side.INSPECTOR, DataType.UINT16, "recipe that the next part is judged by"),
        Register(
            Name.CHALLENGE_STATE,
            Side.INSPECTOR,
            DataType.UINT16,
            "answer to StartChallenge: 0 none, 1 asked, 2 passed, 3 failed, 4 no samples",
        ),
    )
}


REQUIRED = frozenset({Name.TRIGGER, Name.SEQ_NO, Name.READY, Name.RESULT_VALID, Name.RES_SEQ_NO, Name.VERDICT})
"""Registers without which no PLC can be connected; docs/plc.md says what happens without each of the others."""

EXTRA = frozenset({Name.START_CHALLENGE, Name.CHALLENGE_STATE})
"""Registers that a PLC has only where the line's description says so."""


def check_absent(names: Iterable[str]) -> frozenset[Name]:
    """Return the registers that a PLC does not have; raises ``ConfigurationError`` where it has to."""
    known = {name.value for name in HANDSHAKE}
    given = set(names)
    if unknown := sorted(given - known):
        raise ConfigurationError(
            f"plc.absent names {', '.join(unknown)}, which the handshake does not have",
            remedy=f"The registers are {', '.join(HANDSHAKE)}.",
        )
    if needed := sorted(given & REQUIRED):
        raise ConfigurationError(
            f"plc.absent names {', '.join(needed)}, without which there is no handshake",
            remedy=f"The PLC has to have {', '.join(name for name in HANDSHAKE if name in REQUIRED)}.",
        )
    return frozenset(map(Name, given))


def names_of(side: Side) -> tuple[Name, ...]:
    """Return the registers that ``side`` writes; Trigger is the first of the PLC's.

    The order matters for reading: a flag that is read before its data never comes with older data.
    """
    return tuple(register.name for register in HANDSHAKE.values() if register.side is side)


def default_nodes(namespace_uri: str | None = None) -> dict[str, str]:
    """Return the node id of every register but the extra ones: in namespace 2, or in the namespace of this URI."""
    space = f"nsu={namespace_uri}" if namespace_uri else "ns=2"
    return {name.value: f"{space};s=Handshake.{name}" for name in HANDSHAKE if name not in EXTRA}


def complete_nodes(nodes: Mapping[str, str], namespace_uri: str | None = None) -> dict[str, str]:
    """Return a node id for every register: the given ones, and the default for the rest but the extra ones.

    Raises ``ConfigurationError`` for a name that the handshake does not have.
    """
    unknown = sorted(set(nodes) - {name.value for name in HANDSHAKE})
    if unknown:
        raise ConfigurationError(
            f"plc.nodes names {', '.join(unknown)}, which the handshake does not have",
            remedy=f"The registers are {', '.join(HANDSHAKE)}.",
        )
    return {**default_nodes(namespace_uri), **nodes}


@dataclass(frozen=True, slots=True)
class FromPlc:
    """What the PLC says, read in one go."""

    trigger: bool
    part_id: str
    sequence: int
    recipe_id: int
    result_ack: bool
    reset: bool
    heartbeat: int | None
    start_challenge: bool = False

    @classmethod
    def of(cls, values: Mapping[Name, Value]) -> FromPlc:
        """Take the PLC's registers out of ``values``; one that the PLC does not have says nothing."""
        get = values.get
        heartbeat = get(Name.HB_PLC)
        return cls(
            trigger=bool(values[Name.TRIGGER]),
            part_id=str(get(Name.PART_ID, "")),
            sequence=int(values[Name.SEQ_NO]),
            recipe_id=int(get(Name.RECIPE_ID, 0)),
            result_ack=bool(get(Name.RESULT_ACK, False)),
            reset=bool(get(Name.RESET, False)),
            heartbeat=None if heartbeat is None else int(heartbeat),
            start_challenge=bool(get(Name.START_CHALLENGE, False)),
        )


@dataclass(frozen=True, slots=True)
class FromInspector:
    """What the PLC's memory holds of our own words: the trace of whoever was connected before."""

    trigger_ack: bool
    result_valid: bool
    answered_sequence: int | None

    @classmethod
    def of(cls, values: Mapping[Name, Value]) -> FromInspector:
        """Take our registers out of ``values``; no Verdict there means that nothing was answered.

        Without TriggerAck and Busy nobody knows whether a raised trigger was taken: then it was.
        """
        taken = values.get(Name.TRIGGER_ACK, values.get(Name.BUSY, True))
        return cls(
            trigger_ack=bool(taken),
            result_valid=bool(values[Name.RESULT_VALID]),
            answered_sequence=int(values[Name.RES_SEQ_NO]) if values[Name.VERDICT] else None,
        )
