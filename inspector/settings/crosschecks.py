"""The relations between the keys of a line: each broken one is an error with a place of its own.

They are read from the raw data, before the single keys are known to be right, so that one run names every
mistake; whatever has the wrong type is passed over here, because the models report it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from pydantic_core import InitErrorDetails

from inspector.settings.camerachecks import camera_problems
from inspector.settings.gaugingchecks import gauging_problems
from inspector.settings.plcchecks import plc_problems
from inspector.settings.raw import Data, Loc, Problems, entries, is_number, number, problem, table, text
from inspector.settings.rulechecks import recipe_problems
from inspector.settings.shiftchecks import shift_problems
from inspector.settings.viewchecks import seeing_problems, views_of
from inspector.settings.voicechecks import voice_problems

POLLS_PER_DEADLINE = 4  # seeing the trigger may cost a quarter of the deadline
POLLS_PER_HEARTBEAT = 2  # a beat between two looks must not be missed
SMALLEST_DRAWN_PX = 2.0  # a defect below two pixels is not in the image
SECRET_KEY = re.compile(r"(^|_)(password|passwd|passphrase|secret|token|api_?key)$", re.IGNORECASE)
USER_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/@\s]+@")


def cross_check(data: Data) -> list[InitErrorDetails]:
    """Return an error for every broken relation in the raw data of a line."""
    return [
        *_secrets(data, ()),
        *seeing_problems(data, (_scale, camera_problems, gauging_problems, _zones, _detectors)),
        *recipe_problems(data),
        *_timing(data),
        *_addresses(data),
        *_logins(data),
        *_certificates(data),
        *plc_problems(data),
        *_defect_codes(data),
        *_simulation(data),
        *_languages(data),
        *voice_problems(data),
        *shift_problems(data),
    ]


def _secrets(value: Any, loc: Loc) -> Problems:
    if isinstance(value, Mapping):
        for key, child in value.items():
            if isinstance(key, str) and SECRET_KEY.search(key):
                yield problem(
                    (*loc, key),
                    "secret",
                    "a secret does not belong in this file",
                    "Remove it, and name where it is instead: 'password_env: NAME_OF_A_VARIABLE' or "
                    "'password_file: PATH'. If the file was shared, change the secret too.",
                )
            else:
                yield from _secrets(child, (*loc, key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, child in enumerate(value):
            yield from _secrets(child, (*loc, index))
    elif isinstance(value, str) and USER_IN_URL.match(value):
        yield problem(
            loc,
            "secret",
            "the address carries a user name or a password",
            "Take the part before '@' out of the address; write 'username:', and 'password_env:' or 'password_file:'.",
        )


def _scale(data: Data) -> Problems:
    camera = table(data, "camera")
    if camera.get("kind") != "virtual":
        return
    drawn = number(camera, "px_per_mm", 48.0)
    calibrated = number(table(data, "calibration"), "px_per_mm")
    if drawn is not None and calibrated is not None and drawn != calibrated:
        key = "camera" if "px_per_mm" in camera else "calibration"
        yield problem(
            (key, "px_per_mm"),
            "scale",
            f"the camera draws {drawn:g} pixels per mm, the calibration says {calibrated:g}",
            "Write the same number in camera.px_per_mm and calibration.px_per_mm; else every size is wrong.",
            drawn,
        )
    width, height = number(camera, "width", 640), number(camera, "height", 640)
    if width != height and width and height:
        yield problem(
            ("camera", "height" if "height" in camera else "width"),
            "not_square",
            f"the image would be {width:g} x {height:g} pixels, but boards are drawn square",
            "Write the same number for width and height.",
            height,
        )
    smallest, largest = number(camera, "min_defect_mm", 0.15), number(camera, "max_defect_mm", 0.6)
    if smallest is not None and largest is not None and smallest > largest:
        yield problem(
            ("camera", "min_defect_mm" if "min_defect_mm" in camera else "max_defect_mm"),
            "crossed_limits",
            f"the smallest defect, {smallest:g} mm, is larger than the largest, {largest:g} mm",
            "Write min_defect_mm <= max_defect_mm.",
            smallest,
        )
    if drawn and smallest and 0 < smallest * drawn < SMALLEST_DRAWN_PX:
        yield problem(
            ("camera", "min_defect_mm"),
            "too_small",
            f"a defect of {smallest:g} mm is {smallest * drawn:.2g} pixels, too small to be drawn",
            f"Write at least {SMALLEST_DRAWN_PX / drawn:.2g}, or raise px_per_mm.",
            smallest,
        )


def _image_mm(data: Data) -> tuple[float, float] | None:
    camera, scale = table(data, "camera"), number(table(data, "calibration"), "px_per_mm")
    virtual = camera.get("kind") == "virtual"
    size = table(camera, "expect") if camera.get("kind") == "folder" else camera
    width, height = number(size, "width", 640 if virtual else None), number(size, "height", 640 if virtual else None)
    return (width / scale, height / scale) if width and height and scale and scale > 0 else None


def _zones(data: Data) -> Problems:
    image, seen = _image_mm(data), set[str]()
    for index, zone in enumerate(entries(data, "zones")):
        name, box = text(table({"zone": zone}, "zone"), "name"), entries(table({"zone": zone}, "zone"), "box_mm")
        if name is not None and name in seen:
            yield problem(
                ("zones", index, "name"), "duplicate", f"zone '{name}' is there twice", "Give each zone its own name."
            )
        seen.add(name or "")
        corners = [side for side in box if is_number(side)]
        if len(box) != 4 or len(corners) != 4:  # noqa: PLR2004
            continue
        left, top, right, bottom = corners
        if left >= right or top >= bottom:
            yield problem(
                ("zones", index, "box_mm"),
                "empty_box",
                f"the box has no area: left {left:g}, top {top:g}, right {right:g}, bottom {bottom:g}",
                "Write [left, top, right, bottom] in mm from the image's top-left corner, with left < right and "
                "top < bottom.",
            )
        elif table(data, "gauging", "features", "datum"):
            continue  # its axes begin anywhere
        elif min(left, top) < 0 or (image and (left >= image[0] or top >= image[1])):
            yield problem(
                ("zones", index, "box_mm"),
                "outside",
                "the box lies outside the image"
                + (f", which shows {image[0]:.4g} x {image[1]:.4g} mm" if image else ""),
                "Write mm, not pixels, counted from the image's top-left corner.",
            )


def _timing(data: Data) -> Problems:
    plc = table(data, "plc")
    poll, beat = number(plc, "poll_ms", 5), number(plc, "heartbeat_ms", 500)
    deadline = number(data, "deadline_ms", 500)
    if poll and deadline and poll * POLLS_PER_DEADLINE > deadline:
        yield problem(
            ("plc", "poll_ms") if "poll_ms" in plc else ("deadline_ms",),
            "timing",
            f"looking every {poll:g} ms leaves too little of a deadline of {deadline:g} ms",
            f"Write a poll_ms of at most {deadline / POLLS_PER_DEADLINE:g}, or a longer deadline_ms.",
        )
    if poll and beat and poll * POLLS_PER_HEARTBEAT > beat:
        yield problem(
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
        url = text(table(data, key), "url")
        if url is None or table(data, key).get("kind") != kind:
            continue
        fault = _address_fault(url, schemes)
        if fault:
            yield problem((key, "url"), "address", fault, f"Write an address such as '{example}'.", url)
    url = text(table(data, "store"), "url")
    if url is not None and not re.fullmatch(r"sqlite:///[^?#]+|postgresql://[^\s/]*/[^\s/]+", url):
        yield problem(
            ("store", "url"),
            "address",
            f"'{url}' is not the address of a SQLite file or of a PostgreSQL database",
            "Write 'sqlite:///FOLDER/record.db' (three slashes; relative to the data folder) or "
            "'postgresql://HOST/DATABASE', or leave it out.",
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
    if "mqtt" in schemes and (parts.path.strip("/") or parts.query or parts.fragment):
        return f"'{url}' goes on after the port; a broker has no path"
    return f"'{url}' has the port 0" if port == 0 else ""


def _logins(data: Data) -> Problems:
    for key in ("mes", "store"):
        server = table(data, key)
        given = [name for name in ("password_env", "password_file") if server.get(name) is not None]
        if not given or (key == "mes" and server.get("kind") != "mqtt"):
            continue
        if len(given) > 1:
            yield problem(
                (key, given[1]),
                "two_secrets",
                "the password is named twice",
                "Write either 'password_env:' or 'password_file:'.",
            )
        if server.get("username") is None:
            yield problem(
                (key, given[0]), "no_user", "there is a password without a user name", "Add 'username:' beside it."
            )


def _certificates(data: Data) -> Problems:
    mes = table(data, "mes")
    given = [key for key in ("ca_file", "cert_file", "key_file") if mes.get(key) is not None]
    if mes.get("kind") != "mqtt" or not given:
        return
    if not (text(mes, "url") or "mqtts:").startswith("mqtts:"):
        yield problem(
            ("mes", given[0]),
            "no_tls",
            "there are certificates, but the broker is addressed without TLS",
            "Write 'mqtts://' in 'url:', or leave the certificates out.",
        )
    if ("cert_file" in given) is not ("key_file" in given):
        yield problem(
            ("mes", "cert_file" if "cert_file" in given else "key_file"),
            "half_certificate",
            "a certificate and its key go together",
            "Name both 'cert_file:' and 'key_file:', or neither.",
        )


def _defect_codes(data: Data) -> Problems:
    owners: dict[int, Any] = {}
    for name, code in table(data, "plc", "defect_codes").items():
        if isinstance(code, int) and owners.setdefault(code, name) != name:
            yield problem(
                ("plc", "defect_codes", name),
                "duplicate",
                f"'{owners[code]}' has the number {code} too",
                "Give each defect class its own number.",
                code,
            )


def _simulation(data: Data) -> Problems:
    camera, plc = table(data, "camera").get("kind"), table(data, "plc").get("kind")
    if not isinstance(camera, str) or not isinstance(plc, str):
        return
    views = views_of(data)
    drawn = camera == "virtual" or any(table(views, name, "camera").get("kind") == "virtual" for name in views)
    made_up = [name for name, is_so in (("camera", drawn), ("PLC", plc == "simulated")) if is_so]
    said = data.get("simulated", False)
    if made_up and said is False:
        yield problem(
            ("simulated",),
            "simulated",
            f"the line has a made-up {' and '.join(made_up)}, but does not say that it is simulated",
            "Write 'simulated: true', so that no MES takes these parts for real ones.",
            said,
        )


def _languages(data: Data) -> Problems:
    seen = set[str]()
    for index, language in enumerate(entries(data, "languages")):
        if isinstance(language, str) and language in seen:
            yield problem(("languages", index), "duplicate", f"'{language}' is there twice", "Keep one of them.")
        elif isinstance(language, str):
            seen.add(language)


def _detectors(data: Data) -> Problems:
    # Not by a length constraint on the list: that one counts an entry with a mistake in it as missing.
    if data.get("detector") == []:
        yield problem(
            ("detector",), "empty", "the list of detectors is empty", "Write at least one entry, or leave the key out."
        )
    found = data.get("detector")
    listed = list(found) if isinstance(found, Sequence) and not isinstance(found, str) else None
    for index, each in enumerate([found] if listed is None else listed):
        if isinstance(each, Mapping) and each.get("backend") == "triton" and not each.get("triton"):
            yield problem(
                ("detector", *([] if listed is None else [index]), "backend"),
                "relation",
                "there is no address of a Triton server",
                "Add 'triton: HOST:PORT' beside it, the port of its gRPC service (8001 by default).",
            )
