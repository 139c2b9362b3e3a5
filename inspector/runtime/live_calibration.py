"""Views of a calibration target from a live camera: taken by themselves as soon as the target shows something new."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import Camera, ConfigurationError
from inspector.gauging.calibrate import Photo
from inspector.gauging.target import Target, find_target
from inspector.runtime.camera_tools import looks

__all__ = ["Progress", "collect"]

_FEWEST_CORNERS = 12
_LEAST_NEWS = 0.02  # of the image's width: how far the target's corners have to have moved on average


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """One picture: taken as a view, or why not."""

    taken: int
    said: str
    photo: Photo | None = None


def collect(
    camera: Camera, station: str, target: Target, folder: Path, *, views: int, at_most: int
) -> Iterator[Progress]:
    """Yield picture after picture until enough views are taken; they are kept in ``folder`` as PNG, in order.

    The first view is that of the plane: the target lies where the parts will lie. Raises ``ConfigurationError`` where
    ``at_most`` pictures did not give enough views, or a picture cannot be kept.
    """
    seen: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    for look in looks(camera, station, count=at_most):
        if look.frame is None:
            yield Progress(len(seen), look.problem)
            continue
        pixels = look.frame.pixels
        grey = pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)  # noqa: PLR2004
        found = find_target(grey, target)
        if found is None or len(found[1]) < _FEWEST_CORNERS:
            yield Progress(len(seen), "the target is not seen")
            continue
        corners, numbers = found
        news = min((_moved(numbers, corners, *other) for other in seen), default=np.inf)
        if news < _LEAST_NEWS * grey.shape[1]:
            yield Progress(len(seen), "tilt the target another way, or move it to another corner of the picture")
            continue
        seen.append((numbers, corners))
        photo = _kept(grey, folder / f"view-{len(seen):02d}.png")
        yield Progress(len(seen), f"view {len(seen)} of {views}: {len(numbers)} corners", photo)
        if len(seen) == views:
            return
    raise ConfigurationError(
        f"only {len(seen)} of {views} views after {at_most} pictures",
        remedy="Light the target evenly, check its squares, and hold it differently for each view",
    )


def _moved(
    numbers: NDArray[np.int64],
    corners: NDArray[np.float64],
    before_numbers: NDArray[np.int64],
    before_corners: NDArray[np.float64],
) -> float:
    """Return how far the corners that both views show have moved on average, in px."""
    _, mine, theirs = np.intersect1d(numbers, before_numbers, return_indices=True)
    if not len(mine):
        return float("inf")
    return float(np.linalg.norm(corners[mine] - before_corners[theirs], axis=1).mean())


def _kept(grey: NDArray[np.uint8], file: Path) -> Photo:
    content = cv2.imencode(".png", grey)[1].tobytes()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as error:
        raise ConfigurationError(
            f"{file}: cannot be written: {error.strerror}", remedy="Choose another folder with --shots"
        ) from error
    return Photo(file.name, sha256(content).hexdigest(), grey)
