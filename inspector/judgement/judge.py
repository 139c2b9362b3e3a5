"""The judge of the line: the recipe that the trigger asks for, applied to every finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from inspector.domain import Detections, FaultCode, Measurement, Outcome, Trigger, Verdict
from inspector.judgement.decision import judge_finding
from inspector.judgement.rules import Recipe

__all__ = ["RuleJudge"]


class RuleJudge:
    """Decides by rules alone, so that the same record always gives the same verdict.

    Parameters
    ----------
    recipes
        Recipes with distinct names and ids.
    default
        Name of the recipe for triggers that ask for none.
    """

    def __init__(self, recipes: Iterable[Recipe], *, default: str) -> None:
        self._recipes: dict[str, Recipe] = {}
        for recipe in recipes:
            for key in (recipe.name, str(recipe.id)):
                if self._recipes.setdefault(key, recipe) is not recipe:
                    raise ValueError(f"two recipes answer to {key}")
        if default not in self._recipes:
            raise ValueError(f"there is no recipe {default}")
        self._default = default

    def select(self, recipe: str) -> None:
        """Use this recipe from now on for triggers that ask for none; raises ``ValueError`` where it is not there."""
        if recipe not in self._recipes:
            raise ValueError(f"there is no recipe {recipe}")
        self._default = recipe

    def judge(self, trigger: Trigger, detections: Detections, measurements: Sequence[Measurement]) -> Verdict:
        """Return the worst of what the recipe says of each finding.

        ``Trigger.recipe`` is a recipe's name or its id in digits; one that is not there is a RECIPE fault.
        """
        recipe = self._recipes.get(trigger.recipe or self._default)
        if recipe is None:
            return Verdict.unknown(
                FaultCode.RECIPE, f"the trigger asks for recipe {trigger.recipe}", recipe=trigger.recipe
            )
        reasons = tuple(
            reason
            for index, detection in enumerate(detections.items)
            for reason in judge_finding(
                recipe, index, detection, [item for item in measurements if item.detection == index]
            )
        )
        outcome = max((reason.outcome for reason in reasons), default=Outcome.PASS)
        return Verdict(outcome, reasons, recipe.name)
