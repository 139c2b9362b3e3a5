"""The views of a station with several cameras: where each lies in the one picture that shows them all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from inspector.domain.types import Box, Frame

__all__ = ["View", "side_by_side"]


@dataclass(frozen=True, slots=True)
class View:
    """One camera's place in the picture of all, in pixels."""

    name: str
    left: int
    top: int
    width: int
    height: int

    def of(self, frame: Frame) -> Frame:
        """Return what this camera saw; out of a kept picture, which has no more than its pixels, it is cut.

        Raises
        ------
        ValueError
            The picture is too small to have this view.
        """
        seen = frame.views.get(self.name)
        if seen is not None:
            return seen
        right, bottom = self.left + self.width, self.top + self.height
        if frame.width < right or frame.height < bottom:
            raise ValueError(f"a picture of {frame.width} x {frame.height} px has no view {self.name}")
        pixels = frame.pixels[self.top : bottom, self.left : right]
        return replace(frame, pixels=pixels.copy(), camera=f"{frame.camera}:{self.name}", depth=None, views={})

    def placed(self, box: Box) -> Box:
        """Return a box of this view as one of the picture of all."""
        return Box(box.x0 + self.left, box.y0 + self.top, box.x1 + self.left, box.y1 + self.top)

    def cut(self, box: Box) -> Box:
        """Return a box of the picture of all as one of this view."""
        return Box(box.x0 - self.left, box.y0 - self.top, box.x1 - self.left, box.y1 - self.top)


def side_by_side(sizes: Mapping[str, tuple[int, int]]) -> tuple[View, ...]:
    """Return a place for each view (width, height), in rows that make the whole about as wide as high."""
    columns = math.ceil(math.sqrt(len(sizes)))
    placed: list[View] = []
    left = top = row_height = 0
    for number, (name, (width, height)) in enumerate(sizes.items()):
        if number % columns == 0:
            left, top, row_height = 0, top + row_height, 0
        placed.append(View(name, left, top, width, height))
        left, row_height = left + width, max(row_height, height)
    return tuple(placed)
