"""The relations between the keys of a camera."""

from __future__ import annotations

from collections.abc import Mapping

from inspector.settings.raw import Data, Problems, entries, problem, table, text

_SOURCES = ("file", "device", "url")
_SCHEMES = ("rtsp://", "rtsps://", "http://", "https://")


def camera_problems(data: Data) -> Problems:
    """Yield every broken relation between the keys of the line's camera."""
    camera = table(data, "camera")
    yield from _trigger_problems(data, camera)
    yield from _challenge_problems(data)
    for one, other in (("width", "height"), ("height", "width")):
        if camera.get("kind") == "video" and camera.get(one) is not None and camera.get(other) is None:
            yield problem(("camera", one), "half_size", f"there is a {one} without a {other}", f"Add '{other}:'.")
    yield from _driver_problems(camera)
    if camera.get("kind") != "video":
        return
    given = [key for key in _SOURCES if camera.get(key) is not None]
    if len(given) != 1:
        where = ("camera", given[1]) if given else ("camera",)
        what = f"{' and '.join(given)} are given" if given else "no source is given"
        yield problem(where, "one_source", f"a video has one source, but {what}", "Write one of file, device and url.")
    url = text(camera, "url")
    if url is not None and not url.startswith(_SCHEMES):
        yield problem(
            ("camera", "url"),
            "address",
            f"'{url}' is not the address of a network camera",
            "Write an address such as 'rtsp://camera.example:554/stream1'; a file goes to 'file:'.",
            url,
        )
    if camera.get("loop") and "file" not in given:
        yield problem(("camera", "loop"), "no_loop", "only a file can begin again", "Take 'loop:' out.")
    if "file" in given and camera.get("latency_s"):
        yield problem(("camera", "latency_s"), "no_latency", "a file is never late", "Take 'latency_s:' out.")
    if camera.get("username") is not None and "url" not in given:
        yield problem(("camera", "username"), "no_login", "only a network camera has users", "Take it out.")


def _driver_problems(camera: Data) -> Problems:
    if (camera.get("kind"), camera.get("driver")) != ("genicam", "pylon"):
        return
    for key in ("chunks", "packet_size", "resend"):
        if camera.get(key) is not None:
            yield problem(
                ("camera", key),
                "no_pylon",
                f"'{key}' is for the driver aravis",
                "Take it out, or write 'driver: aravis'.",
            )


def _trigger_problems(data: Data, camera: Data) -> Problems:
    trigger = table(data, "plc", "trigger")
    if trigger.get("kind") == "camera" and (camera.get("kind"), camera.get("trigger")) != ("genicam", "hardware"):
        yield problem(
            ("plc", "trigger", "kind"),
            "no_line",
            "only a camera that is triggered by its own line can trigger the inspection",
            "Write 'camera: {kind: genicam, trigger: hardware}', or use another trigger.",
        )
    url = text(trigger, "url")
    if trigger.get("kind") != "encoder" or url is None:
        return
    wanted, other = ("address", "node") if url.startswith("modbus:") else ("node", "address")
    if trigger.get(wanted) is None or trigger.get(other) is not None:
        yield problem(
            ("plc", "trigger", "url"),
            "no_count",
            f"the place of the count is not named for {url}",
            f"Write '{wanted}:', and no '{other}:'.",
            url,
        )


def _challenge_problems(data: Data) -> Problems:
    challenge, recipes = table(data, "challenge"), table(data, "recipes")
    samples = entries(challenge, "samples")
    if data.get("challenge") is not None and not samples and not challenge.get("master_parts"):
        yield problem(
            ("challenge",),
            "empty",
            "a challenge test needs samples",
            "Add 'samples:' or 'master_parts:', or take it out.",
        )
    for index, sample in enumerate(samples):
        recipe = text(sample, "recipe") if isinstance(sample, Mapping) else None
        if recipe is not None and recipe not in recipes:
            yield problem(
                ("challenge", "samples", index, "recipe"),
                "no_recipe",
                f"there is no recipe '{recipe}'",
                f"Use one of {', '.join(map(str, recipes))}.",
                recipe,
            )
