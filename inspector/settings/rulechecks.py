"""The relations within the recipes of a line: names that exist, ids that differ, rules that decide one thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inspector.settings.raw import Data, Loc, Problems, choose_from, entries, is_number, number, problem, table, text
from inspector.settings.viewchecks import views_of, zones_of


def recipe_problems(data: Data) -> Problems:
    """Yield every broken relation in the recipes of a line's raw data."""
    recipes = table(data, "recipes")
    zones = [name for zone in zones_of(data) if (name := text(table({"zone": zone}, "zone"), "name"))]
    start = text(data, "recipe")
    if start is not None and recipes and start not in recipes:
        yield problem(
            ("recipe",), "unknown_recipe", f"there is no recipe '{start}'", choose_from(start, map(str, recipes)), start
        )
    owners: dict[int, Any] = {}
    for name in recipes:
        recipe = table(recipes, name)
        number = recipe.get("id")
        if isinstance(number, int) and owners.setdefault(number, name) != name:
            yield problem(
                ("recipes", name, "id"),
                "duplicate",
                f"recipe '{owners[number]}' has the id {number} too",
                "Give each recipe its own id; the PLC selects by it.",
                number,
            )
        yield from _rules(entries(recipe, "rules"), ("recipes", name, "rules"), zones)
        yield from _regions(entries(recipe, "regions"), ("recipes", name, "regions"), list(map(str, views_of(data))))


def _regions(regions: Sequence[Any], loc: Loc, views: Sequence[str]) -> Problems:
    for index, region in enumerate(regions):
        if not isinstance(region, Mapping):
            continue
        box, view = entries(region, "box_mm"), text(region, "view")
        sides = [side for side in box if is_number(side)]
        if len(sides) == len(box) == 4 and (sides[0] >= sides[2] or sides[1] >= sides[3]):  # noqa: PLR2004
            yield problem(
                (*loc, index, "box_mm"),
                "empty_box",
                "the box has no area",
                "Write [left, top, right, bottom] in mm, with left < right and top < bottom.",
            )
        if view is not None and view not in views:
            yield problem((*loc, index, "view"), "unknown_view", f"there is no view '{view}'", choose_from(view, views))
        elif views and view is None:
            yield problem(
                (*loc, index), "no_view", "it is not said in which view this region lies", choose_from("", views)
            )


def _rules(rules: Sequence[Any], loc: Loc, zones: Sequence[str]) -> Problems:
    seen = set[tuple[Any, Any, Any]]()
    verdicts = {(rule.get("defect"), rule.get("zone")) for rule in rules if _decides(rule)}
    for index, rule in enumerate(rules):
        if not isinstance(rule, Mapping):
            continue
        here = (*loc, index)
        yield from _rule(rule, here)
        zone = text(rule, "zone")
        if zone is not None and zone not in zones:
            yield problem((*here, "zone"), "unknown_zone", f"there is no zone '{zone}'", choose_from(zone, zones), zone)
        subject = (rule.get("defect"), rule.get("zone"), rule.get("characteristic"))
        if not all(isinstance(part, str | None) for part in subject):
            continue
        if subject in seen:
            yield problem(
                here,
                "duplicate",
                "an earlier rule speaks of the same defect, zone and characteristic",
                "Keep one of them.",
            )
        elif rule.get("characteristic") is not None and rule.get("allowed") is None and subject[:2] in verdicts:
            yield problem(
                here,
                "no_effect",
                f"this limit has no effect: '{rule.get('defect')}' has an 'allowed' rule in the same place",
                "Keep either the 'allowed' rule or the limits.",
            )
        seen.add(subject)


def _decides(rule: Any) -> bool:
    return (
        isinstance(rule, Mapping)
        and isinstance(rule.get("allowed"), bool)
        and isinstance(rule.get("defect"), str)
        and isinstance(rule.get("zone"), str | None)
    )


def _rule(rule: Data, here: Loc) -> Problems:
    limits = [key for key in ("lsl", "usl", "nominal") if rule.get(key) is not None]
    allowed, characteristic = rule.get("allowed"), rule.get("characteristic")
    if allowed is None and characteristic is None:
        yield problem(
            here,
            "no_decision",
            "the rule decides nothing",
            "Write 'allowed: false', or a 'characteristic:' with 'usl:' (upper specification limit).",
        )
    elif allowed is not None and (characteristic is not None or limits):
        yield problem(
            (*here, "allowed"),
            "two_decisions",
            "the rule has both 'allowed' and limits",
            "Write either 'allowed:', or 'characteristic:' with its limits.",
        )
    elif characteristic is not None and not {"lsl", "usl"} & set(limits):
        yield problem(
            (*here, "characteristic"),
            "no_limit",
            f"'{characteristic}' has no limit",
            "Add 'usl:' (upper specification limit), 'lsl:' (lower), or both.",
        )
    lower, upper, nominal = number(rule, "lsl"), number(rule, "usl"), number(rule, "nominal")
    if lower is not None and upper is not None and lower > upper:
        yield problem(
            (*here, "lsl"),
            "crossed_limits",
            f"the lower limit {lower:g} lies above the upper limit {upper:g}",
            "Write lsl <= usl.",
            lower,
        )
    elif nominal is not None and ((lower is not None and nominal < lower) or (upper is not None and nominal > upper)):
        yield problem(
            (*here, "nominal"),
            "nominal",
            f"the nominal value {nominal:g} lies outside its limits",
            "Write a nominal value between lsl and usl.",
            nominal,
        )
