"""The relations between calibration, gauging and the rules that ask for a measurement."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pydantic_core import InitErrorDetails

from inspector.settings.raw import Data, Loc, Problems, entries, number, problem, table

RELIEF = frozenset({"depth", "height", "volume", "flatness"})
OF_FEATURES = {"diameter": "circles", "roundness": "circles", "straightness": "edges"}


def gauging_problems(data: Data) -> Problems:
    """Yield every broken relation between how a line is calibrated and what it is to measure."""
    calibration, gauging = data.get("calibration"), table(data, "gauging")
    if not isinstance(calibration, Mapping):
        return
    has_file, has_scale = (calibration.get(key) is not None for key in ("file", "px_per_mm"))
    if has_file == has_scale:
        yield _scale_problem(both=has_file)
    if gauging.get("method") == "subpixel" and not has_file and gauging.get("edge_sigma_px") is None:
        yield problem(
            ("gauging", "method"),
            "no_blur",
            "the edge blur of the camera is not known",
            "Add 'edge_sigma_px:', or a calibration file, which has measured it.",
            "subpixel",
        )
    if (number(gauging, "off_plane_mm") or 0) > 0 and not has_file and gauging.get("working_distance_mm") is None:
        yield problem(
            ("gauging", "off_plane_mm"),
            "no_distance",
            "what a height changes depends on the distance of the camera",
            "Add 'working_distance_mm:', or a calibration file, which knows it.",
            gauging.get("off_plane_mm"),
        )
    yield from _feature_problems(data, table(gauging, "features"))
    if gauging.get("method", "box") == "box":
        yield from _unmeasured(
            data,
            {"angle"},
            "a box has no angle",
            "Write 'gauging: {method: subpixel}', or name it under 'gauging: {features: {edges: …}}'.",
            besides=_labels(table(gauging, "features"), "edges"),
        )
    kind = table(data, "camera").get("kind")
    if isinstance(kind, str) and kind != "realsense":
        yield from _unmeasured(
            data,
            RELIEF,
            f"a camera of kind '{kind}' sees no depth",
            "Use a camera of kind 'realsense', or hold another characteristic against the limits.",
        )


def _scale_problem(*, both: bool) -> InitErrorDetails:
    if both:
        return problem(
            ("calibration", "px_per_mm"),
            "two_scales",
            "the scale is given twice: here and by the calibration file",
            "Keep one of them; the file also knows the lens.",
        )
    return problem(
        ("calibration",),
        "no_scale",
        "the calibration has no scale",
        "Add 'px_per_mm:', or 'file:' with a calibration that 'inspector calibrate solve' wrote.",
    )


def _feature_problems(data: Data, features: Data) -> Problems:
    circles, edges = _labels(features, "circles"), _labels(features, "edges")
    for characteristic, kind in OF_FEATURES.items():
        yield from _unmeasured(
            data,
            {characteristic},
            f"it is measured of the {kind} of the part only",
            f"Name the label under 'gauging: {{features: {{{kind}: […]}}}}'.",
            besides=circles if kind == "circles" else edges,
        )
    ends = {
        end for one in entries(features, "distances") if isinstance(one, Mapping) for end in [one.get("end")] if end
    }
    yield from _unmeasured(
        data,
        {"distance"},
        "no distance ends there",
        "Add it under 'gauging: {features: {distances: …}}'.",
        besides=ends,
    )
    for index, one in enumerate(entries(features, "distances")):
        for key in ("start", "end"):
            label = one.get(key) if isinstance(one, Mapping) else None
            if isinstance(label, str) and label not in circles | edges:
                yield _no_feature(("gauging", "features", "distances", index, key), label)
    datum = table(features, "datum")
    if datum:
        yield from _datum_problems(datum, circles, edges)
    for label in sorted(circles & edges):
        yield problem(
            ("gauging", "features", "edges"), "two_kinds", f"'{label}' is a circle and an edge", "Keep one of the two."
        )


def _datum_problems(datum: Data, circles: Collection[str], edges: Collection[str]) -> Problems:
    here: Loc = ("gauging", "features", "datum")
    given = {key for key in ("origin", "towards", "along", "across", "image") if datum.get(key) is not None}
    if given not in ({"origin", "towards"}, {"along", "across"}, {"image"}):
        yield problem(
            here,
            "one_datum",
            "the datum needs two circles, two edges or a picture",
            "Write 'origin:' and 'towards:', or 'along:' and 'across:', or 'image:'.",
        )
    for keys, labels in ((("origin", "towards"), circles), (("along", "across"), edges)):
        for key in keys:
            label = datum.get(key)
            if isinstance(label, str) and label not in labels:
                yield _no_feature((*here, key), label)


def _labels(features: Data, kind: str) -> set[str]:
    return {label for label in entries(features, kind) if isinstance(label, str)}


def _no_feature(loc: Loc, label: str) -> InitErrorDetails:
    return problem(loc, "no_feature", f"'{label}' is no feature of this line", "Name it under circles or edges.", label)


def _unmeasured(
    data: Data, characteristics: Collection[str], message: str, remedy: str, *, besides: Collection[str] = ()
) -> Problems:
    recipes = table(data, "recipes")
    for name in recipes:
        for index, rule in enumerate(entries(table(recipes, name), "rules")):
            asked = rule.get("characteristic") if isinstance(rule, Mapping) else None
            if isinstance(asked, str) and asked in characteristics and rule.get("defect") not in besides:
                yield problem(
                    ("recipes", name, "rules", index, "characteristic"),
                    "not_measured",
                    message,
                    remedy,
                    asked,
                )
