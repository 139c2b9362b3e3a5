"""The relations between the keys of what a line sees with, for each of its views."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic_core import InitErrorDetails

from inspector.settings.raw import Data, Problems, entries, problem, table

_SIZED = {"folder": "expect", "genicam": "width", "video": "width"}


def views_of(data: Data) -> Data:
    """Return the raw views of a line by name; empty where it has one camera."""
    camera = table(data, "camera")
    return table(camera, "views") if camera.get("kind") == "several" else {}


def zones_of(data: Data) -> Sequence[Any]:
    """Return the raw zones of a line and of all its views."""
    return [*entries(data, "zones"), *(zone for name in views_of(data) for zone in entries(_view(data, name), "zones"))]


def seeing_problems(data: Data, checks: Sequence[Callable[[Data], Problems]]) -> Problems:
    """Yield what the checks of a line with one camera say, of every view as of a line of its own."""
    views = views_of(data)
    if table(data, "camera").get("kind") != "several":
        for check in checks:
            yield from check(data)
        return
    everywhere: dict[str, list[InitErrorDetails]] = {}
    for name in views:
        own = _view(data, name)
        for found in (found for check in checks for found in check({**data, **own})):
            if found["loc"][0] in own:
                yield {**found, "loc": ("camera", "views", name, *found["loc"])}
            else:
                everywhere.setdefault(repr((found["loc"], str(found["type"]))), []).append(found)
    for said in everywhere.values():
        # A rule that one view cannot measure is right as long as another can.
        if said[0]["loc"][0] != "recipes" or len(said) == len(views):
            yield said[0]
    yield from _size_problems(data)


def _view(data: Data, name: str) -> Data:
    view = views_of(data).get(name)
    return {key: value for key, value in view.items() if value is not None} if isinstance(view, Mapping) else {}


def _size_problems(data: Data) -> Problems:
    for name in views_of(data):
        camera = table(_view(data, name), "camera")
        kind = camera.get("kind")
        wanted = _SIZED.get(kind) if isinstance(kind, str) else None
        if wanted is not None and camera.get(wanted) is None:
            yield problem(
                ("camera", "views", name, "camera"),
                "no_size",
                "the size of this view's images is not known",
                "Add 'expect: {width: …, height: …}'." if wanted == "expect" else "Add 'width:' and 'height:'.",
            )
