"""The golden parts of a line: one picture of a good part for each recipe, or one for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.detection.pixels import grey
from inspector.detection.registration import laid_on
from inspector.domain import ConfigurationError, DetectionError, Frame

__all__ = ["GoldenFolder", "GoldenParts", "GoldenSource"]


class GoldenSource(Protocol):
    """Where the golden part of a frame comes from."""

    @property
    def facts(self) -> Sequence[str | bytes]:
        """What tells these golden parts from others, for an identity."""
        ...

    def laid_on(self, frame: Frame) -> NDArray[np.uint8]:
        """Return the golden part (H, W) moved to where the part lies in the frame; raises ``DetectionError``."""
        ...


class GoldenParts:
    """Pictures of good parts, to compare frames with.

    Parameters
    ----------
    pictures
        uint8 (H, W) or (H, W, 3) by recipe; the empty name serves every other recipe.
    search_px
        How far a part may be shifted; beyond it, the frame is refused: it is another part, or out of place.
    """

    def __init__(self, pictures: Mapping[str, NDArray[np.uint8]], *, search_px: float = 20.0) -> None:
        if not pictures:
            raise ConfigurationError("golden: there is no golden image", remedy="Add 'image:' or 'recipes:'")
        self._pictures = {recipe: grey(pixels) for recipe, pixels in pictures.items()}
        self._search_px = search_px

    @property
    def pictures(self) -> Mapping[str, NDArray[np.uint8]]:
        """Grey pictures (H, W) by recipe."""
        return self._pictures

    @property
    def facts(self) -> Sequence[str | bytes]:
        """What tells these golden parts from others, for an identity."""
        return [fact for recipe in sorted(self._pictures) for fact in (recipe, self._pictures[recipe].tobytes())]

    def recipe_of(self, frame: Frame) -> str:
        """Return the name whose picture serves the frame's recipe.

        Raises
        ------
        DetectionError
            There is none, or the frame has another size than the picture.
        """
        recipe = frame.trigger.recipe if frame.trigger.recipe in self._pictures else ""
        picture = self._pictures.get(recipe)
        if picture is None:
            raise DetectionError(
                f"golden: there is no golden image for recipe {frame.trigger.recipe!r}",
                remedy="Add it under recipes of this detector, or give it an image for all recipes",
            )
        _require_size(picture, frame)
        return recipe

    def laid_on(self, frame: Frame) -> NDArray[np.uint8]:
        """Return the golden part (H, W) moved to where the part lies in the frame; raises ``DetectionError``."""
        return laid_on(self._pictures[self.recipe_of(frame)], grey(frame.pixels), self._search_px)


class GoldenFolder:
    """Golden parts by picture: for recorded images, of which each has its golden one of the same name.

    Parameters
    ----------
    folder
        Where the golden pictures lie; only the names before the suffix must be the same.
    """

    def __init__(self, folder: Path, *, search_px: float = 20.0) -> None:
        if not folder.is_dir():
            raise ConfigurationError(
                f"golden: {folder} is no folder", remedy="Give the folder with a golden image for every recorded one"
            )
        self._files = {path.stem: path for path in sorted(folder.iterdir()) if path.is_file()}
        self._folder, self._search_px = folder, search_px

    @property
    def facts(self) -> Sequence[str | bytes]:
        """The folder and the names of its pictures."""
        return [str(self._folder), *self._files]

    def laid_on(self, frame: Frame) -> NDArray[np.uint8]:
        """Return the golden part (H, W) moved to where the part lies in the frame; raises ``DetectionError``."""
        name = Path(frame.camera.partition(":")[2]).stem
        path = self._files.get(name)
        picture = None if path is None else cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise DetectionError(
                f"golden: {self._folder} has no readable image named {name}",
                remedy="Put a picture of the good part there, under the name of the recorded one",
            )
        golden = np.asarray(picture, np.uint8)
        _require_size(golden, frame)
        return laid_on(golden, grey(frame.pixels), self._search_px)


def _require_size(golden: NDArray[np.uint8], frame: Frame) -> None:
    if golden.shape != (frame.height, frame.width):
        height, width = golden.shape
        raise DetectionError(
            f"golden: the frame has {frame.width} x {frame.height} pixels, the golden image {width} x {height}",
            remedy="Take the golden image again with this camera",
        )
