"""Standard uncertainty of what is computed from box edges and a scale, after JCGM 100:2008 (GUM).

Every edge of a box carries the standard uncertainty ``u_e`` (px), independent of the other edges; the scale
``s`` (px/mm) carries a relative standard uncertainty ``u_r`` common to everything in the image. With the
law of propagation, equation (10) of the GUM, section 5.1.2:

========  ==============================  ================================================================
extent    l = (b - a) / s                 u(l)^2 = 2 (u_e / s)^2 + (l u_r)^2
position  p = (a + b) / (2 s)             u(p)^2 = (u_e / s)^2 / 2 + (p u_r)^2
area      A = (b - a)(d - c) / s^2        u(A)^2 = (h q)^2 + (w q)^2 + q^4 + (2 A u_r)^2, q^2 = 2 (u_e / s)^2
========  ==============================  ================================================================

``q^4`` is the term of higher order (note to 5.1.2) that counts where a defect is only a few pixels large.
The expanded uncertainty is U = k u with k = 2 (section 6.2.1; about 95 % for a normal distribution).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["COVERAGE_FACTOR", "Scale"]

COVERAGE_FACTOR = 2.0


@dataclass(frozen=True, slots=True)
class Scale:
    """Pixels to millimetres, and how well that is known.

    Attributes
    ----------
    px_per_mm
        Scale in the plane of the part.
    relative_uncertainty
        Relative standard uncertainty of the scale; 0.002 is 0.2 %.
    edge_uncertainty_px
        Standard uncertainty of one edge of a finding, in pixels.
    """

    px_per_mm: float
    relative_uncertainty: float = 0.0
    edge_uncertainty_px: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.px_per_mm) and self.px_per_mm > 0):
            raise ValueError(f"px_per_mm must be greater than 0, got {self.px_per_mm}")
        for name in ("relative_uncertainty", "edge_uncertainty_px"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be finite and not negative, got {value}")

    def to_mm(self, px: float) -> float:
        """Return pixels as millimetres."""
        return px / self.px_per_mm

    @property
    def edge_mm(self) -> float:
        """Standard uncertainty of one edge in mm."""
        return self.edge_uncertainty_px / self.px_per_mm

    def extent_uncertainty(self, extent_mm: float) -> float:
        """Return the expanded uncertainty (mm, k = 2) of a distance between two edges."""
        return COVERAGE_FACTOR * math.hypot(math.sqrt(2) * self.edge_mm, extent_mm * self.relative_uncertainty)

    def position_uncertainty(self, position_mm: float) -> float:
        """Return the expanded uncertainty (mm, k = 2) of the middle of two edges."""
        return COVERAGE_FACTOR * math.hypot(self.edge_mm / math.sqrt(2), position_mm * self.relative_uncertainty)

    def area_uncertainty(self, width_mm: float, height_mm: float) -> float:
        """Return the expanded uncertainty (mm2, k = 2) of a box's area."""
        extent = math.sqrt(2) * self.edge_mm
        return COVERAGE_FACTOR * math.hypot(
            height_mm * extent,
            width_mm * extent,
            extent**2,
            2 * width_mm * height_mm * self.relative_uncertainty,
        )
