"""Drawn pictures of a calibration target, through a camera of known lens and place: a rehearsal without a camera."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.gauging.target import Target

__all__ = ["FLAT", "TILTED", "DrawnCamera", "Pose", "photograph", "rehearsal"]

_RASTER_PX_PER_MM = 40
_QUIET_MM = 6.0
_DISTANCE_MM = 250.0
_SOFT_PX = 0.5


@dataclass(frozen=True, slots=True)
class DrawnCamera:
    """At first 67 um per pixel at 250 mm, with a lens that bends lines by some pixels."""

    width: int = 1280
    height: int = 960
    focal: float = 3730.0
    centre: tuple[float, float] = (645.3, 472.8)
    distortion: tuple[float, ...] = (-0.9, 1.2, 0.0008, -0.0005, 0.0)
    blur: float = 0.8
    noise: float = 2.0

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The camera matrix (3, 3)."""
        return np.array([[self.focal, 0, self.centre[0]], [0, self.focal, self.centre[1]], [0, 0, 1.0]])

    @classmethod
    def of_size(cls, width: int, height: int) -> DrawnCamera:
        """Return one that sees as much with another number of pixels."""
        return cls(width, height, 3730.0 * width / 1280, (width / 2 + 5.3, height / 2 - 7.2))


@dataclass(frozen=True, slots=True)
class Pose:
    """How a target is held: rotation vector (rad), and where its middle lies (mm); z is the distance."""

    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    at: tuple[float, float, float] = (0.0, 0.0, _DISTANCE_MM)

    def matrix(self, target: Target) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return rotation (3, 3) and translation (3) of the target's corner, in the camera's axes."""
        rotation = np.asarray(cv2.Rodrigues(np.array(self.turn))[0], np.float64)
        width, height = target.size_mm
        return rotation, np.array(self.at) - rotation @ [width / 2, height / 2, 0]


FLAT = Pose()
TILTED = tuple(
    Pose(
        (0.42 * np.cos(a), 0.42 * np.sin(a), 0.15 * k - 0.5), (9 * np.cos(2 * a), 7 * np.sin(3 * a), 250 + 6 * (k % 3))
    )
    for k, a in enumerate(np.linspace(0, 2 * np.pi, 11)[:-1])
)


@lru_cache(maxsize=2)
def _rays(camera: DrawnCamera) -> NDArray[np.float64]:
    """Return where every pixel looks, (H * W, 3); computed once per camera."""
    rows, columns = np.mgrid[0 : camera.height, 0 : camera.width]
    points = np.column_stack([columns.ravel(), rows.ravel()]).astype(np.float64)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 1e-9)
    found = cv2.undistortPoints(
        points[:, None], camera.matrix, np.array(camera.distortion), R=np.eye(3), P=np.eye(3), criteria=criteria
    )
    return np.column_stack([found.reshape(-1, 2), np.ones(len(points))])


@lru_cache(maxsize=4)
def _raster(target: Target, px_per_mm: float) -> NDArray[np.uint8]:
    """Return the printed target with its white border, softened a little so that a pixel may sample it."""
    scale, border = _RASTER_PX_PER_MM, int(_QUIET_MM * _RASTER_PX_PER_MM)
    width, height = (round(side * scale) + 2 * border for side in target.size_mm)
    image = np.full((height, width), 235, np.uint8)
    for x, y, w, h in target.black_mm():
        x0, y0, x1, y1 = (round(value * scale) + border for value in (x, y, x + w, y + h))
        image[y0:y1, x0:x1] = 25
    return np.asarray(cv2.GaussianBlur(image, (0, 0), _SOFT_PX * _RASTER_PX_PER_MM / px_per_mm), np.uint8)


def photograph(
    target: Target, pose: Pose, camera: DrawnCamera, *, seed: int = 1, stretch: float = 1.0
) -> NDArray[np.uint8]:
    """Return the grey image (H, W); ``stretch`` makes the printed target larger than it says."""
    rotation, move = pose.matrix(target)
    to_board = np.linalg.inv(np.column_stack([rotation[:, 0], rotation[:, 1], move]))
    board = _rays(camera) @ to_board.T
    middle = np.array(target.size_mm) / 2
    on_board = (board[:, :2] / board[:, 2:] - middle) / stretch + middle
    at = ((on_board + _QUIET_MM) * _RASTER_PX_PER_MM - 0.5).astype(np.float32).reshape(camera.height, camera.width, 2)
    seen = cv2.remap(
        _raster(target, camera.focal / _DISTANCE_MM), at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderValue=160
    )
    rest = float(np.sqrt(camera.blur**2 - _SOFT_PX**2))
    blurred = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), rest)
    noisy = blurred + np.random.default_rng(seed).normal(0, camera.noise, blurred.shape)
    return np.asarray(np.clip(np.rint(noisy), 0, 255), np.uint8)


def rehearsal(target: Target, certified: Target, width: int, height: int) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield names and pictures (H, W) of all that a calibration takes.

    ``view-01`` has the target flat, ten more have it tilted; ``certified`` is another target in the same plane.
    """
    camera = DrawnCamera.of_size(width, height)
    for number, pose in enumerate([FLAT, *TILTED], start=1):
        yield f"view-{number:02d}", photograph(target, pose, camera, seed=number)
    yield "certified", photograph(certified, FLAT, camera, seed=99)
