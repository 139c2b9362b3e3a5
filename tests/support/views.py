"""Pictures of a calibration target through a camera of known lens and place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.gauging.target import Target

RASTER_PX_PER_MM = 40
QUIET_MM = 6.0
PX_PER_MM = 15
SOFT_PX = 0.5


@dataclass(frozen=True)
class Camera:
    """67 um per pixel at 250 mm, with a lens that bends lines by some pixels."""

    width: int = 1280
    height: int = 960
    focal: float = 3730.0
    centre: tuple[float, float] = (645.3, 472.8)
    distortion: tuple[float, ...] = (-0.9, 1.2, 0.0008, -0.0005, 0.0)
    blur: float = 0.8
    noise: float = 2.0

    @property
    def matrix(self) -> NDArray[np.float64]:
        return np.array([[self.focal, 0, self.centre[0]], [0, self.focal, self.centre[1]], [0, 0, 1.0]])


@dataclass(frozen=True)
class Pose:
    """Rotation vector (rad) and where the target's middle lies (mm); z is the distance."""

    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    at: tuple[float, float, float] = (0.0, 0.0, 250.0)

    def matrix(self, target: Target) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
def rays(camera: Camera) -> NDArray[np.float64]:
    """Return where every pixel looks, (H * W, 3); computed once per camera."""
    rows, columns = np.mgrid[0 : camera.height, 0 : camera.width]
    points = np.column_stack([columns.ravel(), rows.ravel()]).astype(np.float64)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 1e-9)
    found = cv2.undistortPoints(
        points[:, None], camera.matrix, np.array(camera.distortion), R=np.eye(3), P=np.eye(3), criteria=criteria
    )
    return np.column_stack([found.reshape(-1, 2), np.ones(len(points))])


@lru_cache(maxsize=4)
def raster(target: Target) -> NDArray[np.uint8]:
    """Return the printed target with its white border, softened a little so that a pixel may sample it."""
    scale, border = RASTER_PX_PER_MM, int(QUIET_MM * RASTER_PX_PER_MM)
    width, height = (round(side * scale) + 2 * border for side in target.size_mm)
    image = np.full((height, width), 235, np.uint8)
    for x, y, w, h in target.black_mm():
        x0, y0, x1, y1 = (round(value * scale) + border for value in (x, y, x + w, y + h))
        image[y0:y1, x0:x1] = 25
    return np.asarray(cv2.GaussianBlur(image, (0, 0), SOFT_PX * RASTER_PX_PER_MM / PX_PER_MM), np.uint8)


def photograph(target: Target, pose: Pose, camera: Camera, *, seed: int = 1, stretch: float = 1.0) -> NDArray[np.uint8]:
    """Return the grey image (H, W); ``stretch`` makes the printed target larger than it says."""
    rotation, move = pose.matrix(target)
    to_board = np.linalg.inv(np.column_stack([rotation[:, 0], rotation[:, 1], move]))
    board = rays(camera) @ to_board.T
    middle = np.array(target.size_mm) / 2
    on_board = (board[:, :2] / board[:, 2:] - middle) / stretch + middle
    at = ((on_board + QUIET_MM) * RASTER_PX_PER_MM - 0.5).astype(np.float32).reshape(camera.height, camera.width, 2)
    seen = cv2.remap(raster(target), at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderValue=160)
    rest = float(np.sqrt(camera.blur**2 - SOFT_PX**2))
    blurred = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), rest)
    noisy = blurred + np.random.default_rng(seed).normal(0, camera.noise, blurred.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
