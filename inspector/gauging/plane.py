"""Where image points lie in the plane of the part, in millimetres, and how well that is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Plane", "RelativeEffects", "UniformPlane", "local_px_per_mm"]


class Plane(Protocol):
    """Maps image points to the plane of the part; the origin is the image's top-left corner, x to the right."""

    def to_mm(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points (n, 2), x y in px of the raw image from its outer corner, as x y in mm."""


@dataclass(frozen=True, slots=True)
class UniformPlane:
    """One scale everywhere: a telecentric lens, or a view straight down through a lens without distortion."""

    px_per_mm: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.px_per_mm) and self.px_per_mm > 0):
            raise ValueError(f"px_per_mm must be greater than 0, got {self.px_per_mm}")

    def to_mm(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the points divided by the scale."""
        return points / self.px_per_mm


@dataclass(frozen=True, slots=True)
class RelativeEffects:
    """Contributions to the uncertainty that grow with the length itself; all are standard uncertainties or spans.

    Attributes
    ----------
    scale
        Relative standard uncertainty of the calibrated scale.
    off_plane_mm
        Standard uncertainty of the part's height above or below the calibrated plane.
    working_distance_mm
        From the lens to the plane; a part nearer by dz looks larger by dz / Z.
    temperature_span_k
        Half width of the span that the part's temperature lies in (rectangular, JCGM 100:2008, 4.3.7).
    expansion_per_k
        Linear thermal expansion of the part, 1/K; 14e-6 for FR-4 in its plane.
    """

    scale: float = 0.0
    off_plane_mm: float = 0.0
    working_distance_mm: float = 0.0
    temperature_span_k: float = 0.0
    expansion_per_k: float = 0.0

    def __post_init__(self) -> None:
        for name in ("scale", "off_plane_mm", "working_distance_mm", "temperature_span_k", "expansion_per_k"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be finite and not negative, got {value}")
        if self.off_plane_mm and not self.working_distance_mm:
            raise ValueError("off_plane_mm needs a working_distance_mm")

    @property
    def off_plane(self) -> float:
        """Relative standard uncertainty by the part's height."""
        return self.off_plane_mm / self.working_distance_mm if self.off_plane_mm else 0.0

    @property
    def temperature(self) -> float:
        """Relative standard uncertainty by the part's temperature."""
        return self.expansion_per_k * self.temperature_span_k / math.sqrt(3)

    @property
    def combined(self) -> float:
        """All of them, relative."""
        return math.hypot(self.scale, self.off_plane, self.temperature)


def local_px_per_mm(plane: Plane, x: float, y: float) -> float:
    """Return the scale around an image point: the root of how much larger an area is in px2 than in mm2."""
    right, down, here = plane.to_mm(np.array([[x + 0.5, y], [x, y + 0.5], [x, y]]))
    (a, b), (c, d) = (right - here) / 0.5, (down - here) / 0.5
    return 1 / math.sqrt(abs(float(a * d - b * c)))
