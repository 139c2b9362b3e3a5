"""What a line says of its parts: recipes, and rules for defect classes in zones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from inspector.domain import Outcome, SpecLimits

__all__ = ["Recipe", "Region", "Rule", "effective_rules"]

_UNLIMITED = SpecLimits()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule for one defect class.

    Attributes
    ----------
    zone
        Where it holds; None everywhere.
    allowed
        False: every sure finding of this class fails the part. True: the class is accepted, within the
        limits where the rule has some.
    characteristic, limits
        What is held against which specification limits.
    """

    defect: str
    zone: str | None = None
    allowed: bool = True
    characteristic: str | None = None
    limits: SpecLimits = _UNLIMITED

    def __post_init__(self) -> None:
        has_limit = self.limits.lower is not None or self.limits.upper is not None
        if has_limit != (self.characteristic is not None):
            raise ValueError(f"a rule for {self.defect} needs both a characteristic and a limit, or neither")
        if has_limit and not self.allowed:
            raise ValueError(f"a rule for {self.defect} cannot have limits for a defect that is not allowed")

    @property
    def is_blanket(self) -> bool:
        """Whether the class is accepted whatever its size."""
        return self.allowed and self.characteristic is None


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle that a recipe looks at: left, top, right, bottom in mm, in the axes of the positions of its view."""

    box_mm: tuple[float, float, float, float]
    view: str = ""

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box_mm
        if not (left < right and top < bottom):
            raise ValueError(f"a region must have left < right and top < bottom, got {self.box_mm}")

    def contains(self, x_mm: float, y_mm: float) -> bool:
        """Return whether the point lies in it, its edges included."""
        left, top, right, bottom = self.box_mm
        return left <= x_mm <= right and top <= y_mm <= bottom


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides about one product.

    Attributes
    ----------
    confidence_gate
        Score below which a finding is not sure enough to decide by itself.
    unlisted
        What a sure finding of a class without any rule means: FAIL or REVIEW.
    guard_band
        Width of the guard band on either side of a limit in expanded uncertainties; 1 after ISO 14253-1.
    regions
        Where findings count; a view of which there is no region counts everywhere.
    """

    name: str
    id: int
    confidence_gate: float = 0.9
    unlisted: Outcome = Outcome.FAIL
    rules: tuple[Rule, ...] = ()
    guard_band: float = 1.0
    regions: tuple[Region, ...] = ()

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a recipe needs a name")
        if not 0 <= self.confidence_gate <= 1:
            raise ValueError(f"confidence_gate of recipe {self.name} must be 0 … 1, got {self.confidence_gate}")
        if self.unlisted is Outcome.PASS:
            raise ValueError(f"unlisted of recipe {self.name} must be FAIL or REVIEW: nothing passes unheard")
        if not self.guard_band >= 0:
            raise ValueError(f"guard_band of recipe {self.name} must not be negative, got {self.guard_band}")


def effective_rules(rules: Iterable[Rule], defect: str, zone: str) -> tuple[Rule, ...]:
    """Return the rules that decide about a defect class in a zone (empty: outside every zone).

    A rule that names the zone wins over a general one: a general ban is lifted, a general limit of the same
    characteristic is replaced, general limits of other characteristics stay, and a blanket permission of
    the zone lifts all of them.
    """
    matching = [rule for rule in rules if rule.defect == defect]
    local = [rule for rule in matching if zone and rule.zone == zone]
    general = [rule for rule in matching if rule.zone is None]
    if not local:
        return tuple(general)
    if any(rule.is_blanket for rule in local):
        return tuple(local)
    named = {rule.characteristic for rule in local}
    return (*local, *(rule for rule in general if rule.characteristic not in named and rule.characteristic is not None))
