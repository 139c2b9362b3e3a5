"""The uncertainty budget of one measurement, contribution by contribution, after JCGM 100:2008 (GUM), section 8.

=============  ====  =====================================================================================
contribution   type  source
=============  ====  =====================================================================================
edge           A     pixel noise, through the covariance of the fit (annex H.3)
blur           B     how well the effective edge blur is known, times the fit's own sensitivity to it
repeatability  A     what repeated placing and grabbing of a part adds, from a gauge R&R study
scale          B     the calibration, relative to the length
off-plane      B     the part's height over the calibrated plane: dz / Z, relative
temperature    B     the part's thermal expansion, relative
=============  ====  =====================================================================================

They are independent, so the combined standard uncertainty is the root of the sum of squares (equation 10), and
the expanded one is twice that (k = 2, section 6.2.1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from inspector.gauging.plane import RelativeEffects
from inspector.gauging.uncertainty import COVERAGE_FACTOR

__all__ = ["Budget", "budget_of"]


@dataclass(frozen=True, slots=True)
class Budget:
    """Standard uncertainties by contribution, all in the unit of the value."""

    contributions: Mapping[str, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "contributions", MappingProxyType(dict(self.contributions)))

    @property
    def combined(self) -> float:
        """Combined standard uncertainty."""
        return math.hypot(*self.contributions.values())

    @property
    def expanded(self) -> float:
        """Expanded uncertainty, k = 2."""
        return COVERAGE_FACTOR * self.combined


def budget_of(
    value: float, *, edge: float, blur: float, repeatability: float, effects: RelativeEffects, power: int = 1
) -> Budget:
    """Return the budget of a length (``power`` 1) or an area (2); all figures in the unit of the value."""
    return Budget(
        {
            "edge": edge,
            "blur": blur,
            "repeatability": repeatability,
            "scale": power * value * effects.scale,
            "off-plane": power * value * effects.off_plane,
            "temperature": power * value * effects.temperature,
        }
    )
