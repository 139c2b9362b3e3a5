"""The relations between the keys of a line: each broken one is an error with a place of its own.

They are read from the raw data, before the single keys are known to be right, so that one run names every
mistake; whatever has the wrong type is passed over here, because the models report it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from pydantic_core import InitErrorDetails, PydanticCustomError

Data = Mapping[str, Any]
Loc = tuple[str | int, ...]
Problems = Iterator[InitErrorDetails]

POLLS_PER_DEADLINE = 4  # seeing the trigger may cost a quarter of the deadline
POLLS_PER_HEARTBEAT = 2  # a beat between two looks must not be missed
SMALLEST_DRAWN_PX = 2.0  # a defect below two pixels is not in the image
SECRET_KEY = re.compile(r"(^|_)(password|passwd|passphrase|secret|token|api_?key)$", re.IGNORECASE)
USER_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/@\s]+@")


def cross_check(data: Data) -> list[InitErrorDetails]:
    """Return an error for every broken relation in the raw data of a line."""
    return [
        *_secrets(data, ()),
        *_scale(data),
        *_zones(data),
        *_recipes(data),
        *_timing(data),
        *_addresses(data),
        *_broker_login(data),
        *_simulation(data),
        *_languages(data),
    ]


def choose_from(wrong: str, known: Iterable[str]) -> str:
    """Return the sentence that offers the known names, the nearest first."""
    names = list(known)
    if not names:
        return "There is none to choose from yet."
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    listed = f"Use one of: {', '.join(names)}."
    return f"Did you mean '{near[0]}'? {listed}" if near else listed


# --- reading raw data -------------------------------------------------------------------------------------


def _table(data: Any, *path: str) -> Data:
    for key in path:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def _list(data: Data, key: str) -> Sequence[Any]:
    value = data.get(key)
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _number(data: Data, key: str, default: float | None = None) -> float | None:
    value = data.get(key, default)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _text(data: Data, key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) else None


def _problem(loc: Loc, code: str, message: str, remedy: str, given: Any = None) -> InitErrorDetails:
    # The texts go in as values, because braces in them would be read as a template.
    error = PydanticCustomError(code, "{message}", {"message": message, "remedy": remedy})
    return InitErrorDetails(type=error, loc=loc, input=given)


# --- the relations ----------------------------------------------------------------------------------------


def _secrets(value: Any, loc: Loc) -> Problems:
    if isinstance(value, Mapping):
        for key, child in value.items():
            if isinstance(key, str) and SECRET_KEY.search(key):
                yield _problem(
                    (*loc, key),
                    "secret",
                    "a secret does not belong into this file",
                    "Remove it, and name where it is instead: 'password_env: NAME_OF_A_VARIABLE' or "
                    "'password_file: PATH'. If the file was shared, change the secret too.",
                )
            else:
                yield from _secrets(child, (*loc, key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, child in enumerate(value):
            yield from _secrets(child, (*loc, index))
    elif isinstance(value, str) and USER_IN_URL.match(value):
        yield _problem(
            loc,
            "secret",
            "the address carries a user name or a password",
            "Take the part before '@' out of the address; write 'username:', and 'password_env:' or 'password_file:'.",
        )


def _scale(data: Data) -> Problems:
    camera = _table(data, "camera")
    if camera.get("kind") != "virtual":
        return
    drawn = _number(camera, "px_per_mm", 48.0)
    calibrated = _number(_table(data, "calibration"), "px_per_mm")
    if drawn is not None and calibrated is not None and drawn != calibrated:
        key = "camera" if "px_per_mm" in camera else "calibration"
        yield _problem(
            (key, "px_per_mm"),
            "scale",
            f"the camera draws {drawn:g} pixels per mm, the calibration says {calibrated:g}",
            "Write the same number in camera.px_per_mm and calibration.px_per_mm; else every size is wrong.",
            drawn,
        )
    smallest = _number(camera, "min_defect_mm", 0.15)
    if drawn and smallest and 0 < smallest * drawn < SMALLEST_DRAWN_PX:
        yield _problem(
            ("camera", "min_defect_mm"),
            "too_small",
            f"a defect of {smallest:g} mm is {smallest * drawn:.2g} pixels, too small to be drawn",
            f"Write at least {SMALLEST_DRAWN_PX / drawn:.2g}, or raise px_per_mm.",
            smallest,
        )


def _image_mm(data: Data) -> tuple[float, float] | None:
    camera, scale = _table(data, "camera"), _number(_table(data, "calibration"), "px_per_mm")
    virtual = camera.get("kind") == "virtual"
    size = camera if virtual else _table(camera, "expect")
    width, height = _number(size, "width", 640 if virtual else None), _number(size, "height", 640 if virtual else None)
    return (width / scale, height / scale) if width and height and scale and scale > 0 else None


def _zones(data: Data) -> Problems:
    image, seen = _image_mm(data), set[str]()
    for index, zone in enumerate(_list(data, "zones")):
        name, box = _text(_table({"zone": zone}, "zone"), "name"), _list(_table({"zone": zone}, "zone"), "box_mm")
        if name is not None and name in seen:
            yield _problem(
                ("zones", index, "name"), "duplicate", f"zone '{name}' is there twice", "Give each zone its own name."
            )
        seen.add(name or "")
        corners = [side for side in box if isinstance(side, (int, float)) and not isinstance(side, bool)]
        if len(box) != 4 or len(corners) != 4:  # noqa: PLR2004
            continue
        left, top, right, bottom = corners
        if left >= right or top >= bottom:
            yield _problem(
                ("zones", index, "box_mm"),
                "empty_box",
                f"the box has no area: left {left:g}, top {top:g}, right {right:g}, bottom {bottom:g}",
                "Write [left, top, right, bottom] in mm from the image's top-left corner, with left < right and "
                "top < bottom.",
            )
        elif image and (left >= image[0] or top >= image[1]):
            yield _problem(
                ("zones", index, "box_mm"),
                "outside",
                f"the box lies outside the image, which shows {image[0]:.4g} x {image[1]:.4g} mm",
                "Write mm, not pixels, counted from the image's top-left corner.",
            )


def _recipes(data: Data) -> Problems:
    recipes = _table(data, "recipes")
    zones = [name for zone in _list(data, "zones") if (name := _text(_table({"zone": zone}, "zone"), "name"))]
    start = _text(data, "recipe")
    if start is not None and recipes and start not in recipes:
        yield _problem(
            ("recipe",), "unknown_recipe", f"there is no recipe '{start}'", choose_from(start, map(str, recipes)), start
        )
    owners: dict[int, Any] = {}
    for name in recipes:
        recipe = _table(recipes, name)
        number = recipe.get("id")
        if isinstance(number, int) and owners.setdefault(number, name) != name:
            yield _problem(
                ("recipes", name, "id"),
                "duplicate",
                f"recipe '{owners[number]}' has the id {number} too",
                "Give each recipe its own id; the PLC selects by it.",
                number,
            )
        yield from _rules(_list(recipe, "rules"), ("recipes", name, "rules"), zones)


def _rules(rules: Sequence[Any], loc: Loc, zones: Sequence[str]) -> Problems:
    seen = set[tuple[Any, Any, Any]]()
    verdicts = {(rule.get("defect"), rule.get("zone")) for rule in rules if _decides(rule)}
    for index, rule in enumerate(rules):
        if not isinstance(rule, Mapping):
            continue
        here = (*loc, index)
        yield from _rule(rule, here)
        zone = _text(rule, "zone")
        if zone is not None and zone not in zones:
            yield _problem(
                (*here, "zone"), "unknown_zone", f"there is no zone '{zone}'", choose_from(zone, zones), zone
            )
        subject = (rule.get("defect"), rule.get("zone"), rule.get("characteristic"))
        if not all(isinstance(part, str | None) for part in subject):
            continue
        if subject in seen:
            yield _problem(
                here,
                "duplicate",
                "an earlier rule speaks of the same defect, zone and characteristic",
                "Keep one of them.",
            )
        elif rule.get("characteristic") is not None and subject[:2] in verdicts:
            yield _problem(
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
        yield _problem(
            here,
            "no_decision",
            "the rule decides nothing",
            "Write 'allowed: false', or a 'characteristic:' with 'usl:' (upper specification limit).",
        )
    elif allowed is not None and (characteristic is not None or limits):
        yield _problem(
            (*here, "allowed"),
            "two_decisions",
            "the rule has both 'allowed' and limits",
            "Write either 'allowed:', or 'characteristic:' with its limits.",
        )
    elif characteristic is not None and not {"lsl", "usl"} & set(limits):
        yield _problem(
            (*here, "characteristic"),
            "no_limit",
            f"'{characteristic}' has no limit",
            "Add 'usl:' (upper specification limit), 'lsl:' (lower), or both.",
        )
    lower, upper, nominal = _number(rule, "lsl"), _number(rule, "usl"), _number(rule, "nominal")
    if lower is not None and upper is not None and lower > upper:
        yield _problem(
            (*here, "lsl"),
            "crossed_limits",
            f"the lower limit {lower:g} lies above the upper limit {upper:g}",
            "Write lsl <= usl.",
            lower,
        )
    elif nominal is not None and ((lower is not None and nominal < lower) or (upper is not None and nominal > upper)):
        yield _problem(
            (*here, "nominal"),
            "nominal",
            f"the nominal value {nominal:g} lies outside its limits",
            "Write a nominal value between lsl and usl.",
            nominal,
        )


def _timing(data: Data) -> Problems:
    plc = _table(data, "plc")
    poll, beat = _number(plc, "poll_ms", 5), _number(plc, "heartbeat_ms", 500)
    deadline = _number(data, "deadline_ms", 500)
    if poll and deadline and poll * POLLS_PER_DEADLINE > deadline:
        yield _problem(
            ("plc", "poll_ms") if "poll_ms" in plc else ("deadline_ms",),
            "timing",
            f"looking every {poll:g} ms leaves too little of a deadline of {deadline:g} ms",
            f"Write a poll_ms of at most {deadline / POLLS_PER_DEADLINE:g}, or a longer deadline_ms.",
        )
    if poll and beat and poll * POLLS_PER_HEARTBEAT > beat:
        yield _problem(
            ("plc", "heartbeat_ms") if "heartbeat_ms" in plc else ("plc", "poll_ms"),
            "timing",
            f"a heartbeat of {beat:g} ms cannot be seen by looking every {poll:g} ms",
            f"Write a heartbeat_ms of at least {poll * POLLS_PER_HEARTBEAT:g}, or a shorter poll_ms.",
        )


def _addresses(data: Data) -> Problems:
    wanted = (
        ("plc", "opcua-client", ("opc.tcp",), "opc.tcp://192.168.0.10:4840/"),
        ("mes", "mqtt", ("mqtt", "mqtts"), "mqtt://broker.example:1883"),
    )
    for key, kind, schemes, example in wanted:
        url = _text(_table(data, key), "url")
        if url is None or _table(data, key).get("kind") != kind:
            continue
        fault = _address_fault(url, schemes)
        if fault:
            yield _problem((key, "url"), "address", fault, f"Write an address such as '{example}'.", url)
    url = _text(_table(data, "store"), "url")
    if url is not None and not re.fullmatch(r"sqlite:///[^?#]+", url):
        yield _problem(
            ("store", "url"),
            "address",
            f"'{url}' is not the address of a SQLite file",
            "Write 'sqlite:///FOLDER/record.db' (three slashes; relative to the data folder), or leave it out.",
            url,
        )


def _address_fault(url: str, schemes: Sequence[str]) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return f"'{url}' is not an address: {error}"
    if parts.scheme not in schemes:
        return f"'{url}' does not begin with {' or '.join(f'{scheme}://' for scheme in schemes)}"
    if not host or re.search(r"\s", url):
        return f"'{url}' names no host"
    return f"'{url}' has the port 0" if port == 0 else ""


def _broker_login(data: Data) -> Problems:
    mes = _table(data, "mes")
    given = [key for key in ("password_env", "password_file") if mes.get(key) is not None]
    if mes.get("kind") != "mqtt" or not given:
        return
    if len(given) > 1:
        yield _problem(
            ("mes", given[1]),
            "two_secrets",
            "the password is named twice",
            "Write either 'password_env:' or 'password_file:'.",
        )
    if mes.get("username") is None:
        yield _problem(
            ("mes", given[0]), "no_user", "there is a password without a user name", "Add 'username:' beside it."
        )


def _simulation(data: Data) -> Problems:
    camera, plc = _table(data, "camera").get("kind"), _table(data, "plc").get("kind")
    if not isinstance(camera, str) or not isinstance(plc, str):
        return
    made_up = [name for name, is_so in (("camera", camera == "virtual"), ("PLC", plc == "simulated")) if is_so]
    said = data.get("simulated", False)
    if made_up and said is False:
        yield _problem(
            ("simulated",),
            "simulated",
            f"the line has a made-up {' and '.join(made_up)}, but does not say that it is simulated",
            "Write 'simulated: true', so that no MES takes these parts for real ones.",
            said,
        )


def _languages(data: Data) -> Problems:
    seen = set[str]()
    for index, language in enumerate(_list(data, "languages")):
        if isinstance(language, str) and language in seen:
            yield _problem(("languages", index), "duplicate", f"'{language}' is there twice", "Keep one of them.")
        elif isinstance(language, str):
            seen.add(language)
