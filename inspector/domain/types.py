"""The words of the product: immutable values that every package shares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Box",
    "Decision",
    "Detection",
    "Detections",
    "Disposition",
    "FaultCode",
    "Frame",
    "Intrinsics",
    "Measurement",
    "ModelId",
    "Outcome",
    "Reason",
    "SpecLimits",
    "Trigger",
    "Verdict",
    "WireVerdict",
]

LOT_HELD = "lot_held"
UINT16_MAX = 2**16 - 1
UINT32_MAX = 2**32 - 1


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _require_aware(at: datetime, name: str) -> None:
    _require(at.tzinfo is not None, f"{name} needs a time zone, got the naive {at.isoformat()}")


# --- trigger and frame ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trigger:
    """One part in front of one station.

    Attributes
    ----------
    part_id
        Identity of the part as the PLC or the code reader names it; leading zeros are kept.
    station
        Name of the station the part stands in front of.
    sequence
        The PLC's own number of this trigger, 0 … 2³²-1; echoed with the verdict.
    at
        When the trigger was seen, with time zone.
    recipe
        Recipe the PLC asked for, empty where it does not name one.
    overrun
        True when it arrived while the station was busy: it gets a verdict (UNKNOWN) but no inspection.
    """

    part_id: str
    station: str
    sequence: int
    at: datetime
    recipe: str = ""
    overrun: bool = False

    def __post_init__(self) -> None:
        _require(0 <= self.sequence <= UINT32_MAX, f"sequence must be 0 … {UINT32_MAX}, got {self.sequence}")
        _require(bool(self.station), "station must not be empty")
        _require_aware(self.at, "Trigger.at")


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """Pinhole intrinsics in pixels with Brown-Conrady distortion ``(k1, k2, p1, p2, k3)``."""

    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What the camera saw for one trigger.

    Attributes
    ----------
    pixels
        ``uint8`` of shape (H, W) for grey or (H, W, 3) for BGR; made read-only.
    depth
        ``float32`` of shape (H, W) in millimetres aligned to ``pixels``, NaN where invalid; or None.
    chunks
        What the camera itself said of this frame, by its own names: exposure, gain, counters.
    views
        Of a station with several cameras: what each of them saw, by name; ``pixels`` then has all of them side by side.
    """

    trigger: Trigger
    pixels: NDArray[np.uint8]
    camera: str
    captured_at: datetime
    depth: NDArray[np.float32] | None = None
    intrinsics: Intrinsics | None = None
    chunks: Mapping[str, float] = field(default_factory=dict)
    views: Mapping[str, Frame] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape, dtype = self.pixels.shape, self.pixels.dtype
        _require(dtype == np.uint8, f"pixels must be uint8, got {dtype}")
        _require(
            shape[2:] in {(), (3,)} and bool(shape[1:]),
            f"pixels must have shape (H, W) or (H, W, 3), got {shape}",
        )
        _require(min(shape) > 0, f"pixels must not be empty, got {shape}")
        if self.depth is not None:
            _require(self.depth.shape == shape[:2], f"depth {self.depth.shape} does not match pixels {shape[:2]}")
        _require_aware(self.captured_at, "Frame.captured_at")
        self.pixels.setflags(write=False)

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])


# --- detection --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Box:
    """Axis-aligned rectangle in raw-image pixels; ``x1``/``y1`` are exclusive edges, not the last pixel."""

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        _require(all(map(math.isfinite, (self.x0, self.y0, self.x1, self.y1))), f"box must be finite, got {self}")
        _require(self.x1 > self.x0 and self.y1 > self.y0, f"box must have an area, got {self}")

    @property
    def width(self) -> float:
        """Pixels along x."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Pixels along y."""
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        """Pixels squared."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y) in pixels."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One finding of a detector; ``mask`` is boolean of the box's size in whole pixels, or None.

    ``view`` names the camera that saw it, at a station with several.
    """

    label: str
    score: float
    box: Box
    mask: NDArray[np.bool_] | None = None
    view: str = ""

    def __post_init__(self) -> None:
        _require(bool(self.label), "label must not be empty")
        _require(0.0 <= self.score <= 1.0, f"score must be 0 … 1, got {self.score}")


@dataclass(frozen=True, slots=True)
class ModelId:
    """Which weights spoke: name, version and the SHA-256 of the weights file."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """All findings of one frame, best score first.

    ``part_id`` is the identity that was read off the part itself, empty where nothing was read.
    """

    items: tuple[Detection, ...]
    model: ModelId
    part_id: str = ""

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.items, key=lambda item: -item.score))
        object.__setattr__(self, "items", ordered)


# --- measurement and judgement ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measurement:
    """One characteristic of one finding.

    Attributes
    ----------
    characteristic
        What was measured: ``length``, ``width``, ``area``, ``position_x`` …
    uncertainty
        Expanded uncertainty with coverage factor k = 2 (GUM), in the same unit as ``value``.
    unit
        UCUM code: ``mm``, ``mm2``, ``deg`` …
    method
        How it was measured, for the audit.
    detection
        Index into ``Detections.items``; None for a measurement of the part itself.
    zone
        Zone of the part the finding lies in, empty where the line defines none there.
    """

    characteristic: str
    value: float
    unit: str
    uncertainty: float
    method: str
    detection: int | None = None
    zone: str = ""

    def __post_init__(self) -> None:
        _require(bool(self.characteristic), "characteristic must not be empty")
        _require(math.isfinite(self.value), f"{self.characteristic} must be finite, got {self.value}")
        _require(
            math.isfinite(self.uncertainty) and self.uncertainty >= 0,
            f"uncertainty of {self.characteristic} must be finite and not negative, got {self.uncertainty}",
        )


@dataclass(frozen=True, slots=True)
class SpecLimits:
    """Specification limits of a characteristic, in its unit; None is unlimited on that side."""

    lower: float | None = None
    upper: float | None = None
    nominal: float | None = None

    def __post_init__(self) -> None:
        if self.lower is not None and self.upper is not None:
            _require(self.lower <= self.upper, f"LSL {self.lower} lies above USL {self.upper}")


class Outcome(IntEnum):
    """Result of judging, ordered: a later step may raise it, never lower it."""

    PASS = 0
    REVIEW = 1
    FAIL = 2


class WireVerdict(IntEnum):
    """The verdict register of the PLC handshake (UInt16)."""

    NONE = 0
    OK = 1
    NOK = 2
    UNKNOWN = 3


class FaultCode(IntEnum):
    """Why there is no proper verdict; the FaultCode register of the handshake."""

    NONE = 0
    CAMERA_LOST = 10
    BAD_FRAME = 11
    DETECTOR = 20
    GAUGE = 30
    JUDGE = 40
    DEADLINE = 50
    OVERRUN = 51
    CRASH = 60
    STORAGE = 70
    PLC_LOST = 80
    PLC_ACK = 81
    RECIPE = 90


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a verdict is not PASS: one characteristic against one limit, or one gate.

    Attributes
    ----------
    code
        Stable machine word: ``above_usl``, ``below_lsl``, ``guard_band``, ``confidence``, ``not_measured``,
        ``fault``, ``lot_held`` …
    margin
        Distance from the value to the limit, positive inside the specification; same unit.
    limit
        The limit it was held against; None where the reason is a gate or a fault.
    """

    outcome: Outcome
    code: str
    characteristic: str
    value: float | None = None
    unit: str = ""
    limit: float | None = None
    margin: float | None = None
    detection: int | None = None
    zone: str = ""
    label: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rules' decision on one part.

    A fault is never a PASS; anything but PASS carries at least one reason.
    """

    outcome: Outcome
    reasons: tuple[Reason, ...]
    recipe: str
    fault: FaultCode = FaultCode.NONE

    def __post_init__(self) -> None:
        if self.fault is not FaultCode.NONE:
            _require(self.outcome is not Outcome.PASS, f"a part with fault {self.fault.name} cannot pass")
        if self.outcome is not Outcome.PASS:
            _require(bool(self.reasons), f"outcome {self.outcome.name} needs a reason")
        worst = max((reason.outcome for reason in self.reasons), default=Outcome.PASS)
        _require(self.outcome >= worst, f"outcome {self.outcome.name} is milder than its reason {worst.name}")

    def raised_to(self, outcome: Outcome, reason: Reason) -> Verdict:
        """Return this verdict made at least as severe as ``outcome``, with the reason added."""
        return replace(self, outcome=max(self.outcome, outcome, reason.outcome), reasons=(*self.reasons, reason))

    def faulted(self, fault: FaultCode, note: str) -> Verdict:
        """Return this verdict turned into UNKNOWN by a fault; its reasons so far are kept."""
        reason = Reason(outcome=Outcome.REVIEW, code="fault", characteristic=fault.name.lower(), note=note)
        return replace(self.raised_to(Outcome.REVIEW, reason), fault=fault)

    def withheld(self, lot: str) -> Verdict:
        """Return the verdict on this part of a held lot: what would pass waits, any other verdict stays as it is."""
        if self.outcome is not Outcome.PASS:
            return self
        return self.raised_to(Outcome.REVIEW, Reason(Outcome.REVIEW, LOT_HELD, "lot", note=lot))

    @property
    def held_lot(self) -> str:
        """The lot whose hold alone kept this part from passing, empty where none did."""
        return next((reason.note for reason in self.reasons if reason.code == LOT_HELD), "")

    @classmethod
    def unknown(cls, fault: FaultCode, note: str, *, recipe: str = "") -> Verdict:
        """Make the verdict of a part that could not be inspected; it stays held."""
        return cls(Outcome.PASS, (), recipe).faulted(fault, note)

    @property
    def wire(self) -> WireVerdict:
        """What the PLC is told: only a clean PASS is OK; REVIEW and every fault are UNKNOWN."""
        if self.fault is not FaultCode.NONE or self.outcome is Outcome.REVIEW:
            return WireVerdict.UNKNOWN
        return WireVerdict.OK if self.outcome is Outcome.PASS else WireVerdict.NOK


class Decision(IntEnum):
    """What happens to a part; the Disposition register of the handshake, ordered by severity."""

    NONE = 0
    ACCEPT = 1
    REWORK = 2
    HOLD = 3
    SCRAP = 4
    STOP_LINE = 5


@dataclass(frozen=True, slots=True)
class Disposition:
    """A decision about a part that is not PASS, by rule, model or person."""

    decision: Decision
    reason_code: str
    text: str
    decided_by: str
