"""From images of a target to a calibration, and a calibration held against a known length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import ConfigurationError
from inspector.gauging.calibration import Calibration, Lens, View
from inspector.gauging.edge_blur import edge_blur
from inspector.gauging.plane import local_px_per_mm
from inspector.gauging.target import Target, find_target

__all__ = ["Photo", "ScaleCheck", "calibrate", "check_scale", "coverage_picture"]

Floats = NDArray[np.float64]

FEWEST_VIEWS = 5
WORST_RMS_PX = 1.0
LEAST_TILT = 0.05  # cosine lost between the most different views: flat views alone do not show the focal length
COVERAGE_CELLS = 6
TYPICAL_BLUR = (0.9, 0.1)


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """One image of the target: grey (H, W), and where it came from."""

    name: str
    sha256: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    photo: Photo
    corners: Floats  # (n, 2) px from the outer corner
    numbers: NDArray[np.int64]
    truth: Floats  # (n, 2) mm


def calibrate(
    photos: Sequence[Photo], target: Target, *, plane: int, now: datetime, days: int = 180, name: str = ""
) -> tuple[Calibration, tuple[tuple[str, str], ...]]:
    """Return the calibration, and the images that were left out, each with the reason.

    Parameters
    ----------
    photos
        At least five views of the target, tilted differently, that reach the corners of the image.
    plane
        Index of the photo in which the target lies where the parts will lie.
    now, days
        It is dated ``now`` and expires after that many days.

    Raises
    ------
    ConfigurationError
        Views are missing, differ in size, are too alike, or do not fit one camera.
    """
    seen, left_out = _search(photos, target)
    if all(item.photo is not photos[plane] for item in seen):
        raise ConfigurationError(
            f"{photos[plane].name}: the target is not found in the view of the plane",
            remedy="Lay the target where the parts lie, light it evenly, and check the numbers of squares",
        )
    height, width = seen[0].photo.pixels.shape
    rms, lens, poses, errors = _solve(seen, (width, height))
    at = next(index for index, item in enumerate(seen) if item.photo is photos[plane])
    to_plane, distance = _plane(lens, *poses[at], width)
    blur = edge_blur(seen[at].photo.pixels, seen[at].corners, seen[at].numbers, target) or TYPICAL_BLUR
    calibration = Calibration(
        id=name or f"cal-{now:%Y%m%d}-{seen[at].photo.sha256[:8]}",
        created=now,
        expires=now + timedelta(days=days),
        width=width,
        height=height,
        lens=lens,
        to_plane=to_plane,
        working_distance_mm=distance,
        px_per_mm=1.0,
        scale_uncertainty=0.0,
        rms_px=rms,
        length_rms_um=0.0,
        length_worst_um=0.0,
        edge_sigma_px=blur[0],
        edge_sigma_uncertainty_px=blur[1],
        coverage=_coverage(seen, width, height),
        target=f"{target.kind} {target.columns} x {target.rows}, {target.square_mm:g} mm",
        views=tuple(
            View(item.photo.name, item.photo.sha256, len(item.corners), error)
            for item, error in zip(seen, errors, strict=True)
        ),
    )
    check = _lengths(calibration, seen[at])
    return (
        replace(
            calibration,
            px_per_mm=local_px_per_mm(calibration, width / 2, height / 2),
            scale_uncertainty=math.hypot(target.relative_uncertainty, check.scale_error),
            length_rms_um=check.rms_um,
            length_worst_um=check.worst_um,
        ),
        tuple(left_out),
    )


@dataclass(frozen=True, slots=True)
class ScaleCheck:
    """How well known lengths are met.

    Attributes
    ----------
    lengths
        How many distances were compared.
    rms_um, worst_um
        Their errors.
    scale_error
        Relative error of the scale as a whole; positive: lengths read too long.
    """

    lengths: int
    rms_um: float
    worst_um: float
    scale_error: float


def check_scale(calibration: Calibration, photo: Photo, target: Target) -> ScaleCheck:
    """Return how a calibration meets the known lengths of a target in the plane; raises ``ConfigurationError``."""
    height, width = photo.pixels.shape
    if (width, height) != (calibration.width, calibration.height):
        raise ConfigurationError(
            f"{photo.name}: {width} x {height} px, but calibration {calibration.id} holds for "
            f"{calibration.width} x {calibration.height}",
            remedy="Take the image with the settings of the calibration",
        )
    found = find_target(photo.pixels, target)
    if found is None:
        raise ConfigurationError(
            f"{photo.name}: the target is not found",
            remedy="Light it evenly, and check kind, numbers of squares and square size",
        )
    corners, numbers = found
    return _lengths(calibration, _Seen(photo, corners, numbers, target.corners_mm()[numbers]))


def coverage_picture(photos: Sequence[Photo], target: Target) -> NDArray[np.uint8]:
    """Return a BGR picture (H, W, 3) of where in the image the corners of all views lay, one colour a view."""
    height, width = photos[0].pixels.shape
    canvas = np.full((height, width, 3), 245, np.uint8)
    for cell in range(1, COVERAGE_CELLS):
        x, y = width * cell // COVERAGE_CELLS, height * cell // COVERAGE_CELLS
        cv2.line(canvas, (x, 0), (x, height), (210, 210, 210), 1)
        cv2.line(canvas, (0, y), (width, y), (210, 210, 210), 1)
    for number, photo in enumerate(photos):
        found = find_target(photo.pixels, target)
        hue = np.array([[[179 * number // max(len(photos), 1), 200, 180]]], np.uint8)
        colour = [int(value) for value in np.asarray(cv2.cvtColor(hue, cv2.COLOR_HSV2BGR)).ravel()]
        for x, y in (found[0] if found else np.empty((0, 2))).tolist():
            cv2.circle(canvas, (int(x), int(y)), max(width // 250, 2), colour, -1, cv2.LINE_AA)
    return canvas


def _search(photos: Sequence[Photo], target: Target) -> tuple[list[_Seen], list[tuple[str, str]]]:
    seen, left_out = [], []
    truth = target.corners_mm()
    sizes = {photo.pixels.shape for photo in photos}
    if len(sizes) > 1:
        raise ConfigurationError(
            f"the images differ in size: {', '.join(f'{w} x {h}' for h, w in sorted(sizes))} px",
            remedy="Take all of them with one setting of the camera",
        )
    for photo in photos:
        found = find_target(photo.pixels, target)
        if found is None:
            left_out.append((photo.name, "the target is not found"))
        else:
            seen.append(_Seen(photo, *found, truth[found[1]]))
    if len(seen) < FEWEST_VIEWS:
        raise ConfigurationError(
            f"the target is found in {len(seen)} of {len(photos)} images; {FEWEST_VIEWS} are needed",
            remedy="Take more views, tilted differently, sharp and evenly lit; check kind and numbers of squares",
        )
    return seen, left_out


def _solve(
    seen: Sequence[_Seen], size: tuple[int, int]
) -> tuple[float, Lens, list[tuple[Floats, Floats]], list[float]]:
    objects = [np.column_stack([item.truth, np.zeros(len(item.truth))]).astype(np.float32) for item in seen]
    images = [(item.corners - 0.5).astype(np.float32)[:, None, :] for item in seen]
    try:
        rms, matrix, distortion, turns, moves, *_, per_view = cv2.calibrateCameraExtended(
            objects,
            images,
            size,
            np.eye(3),
            np.zeros(5),
            flags=cv2.CALIB_FIX_K3,
        )
    except cv2.error as error:
        raise ConfigurationError(
            f"the views do not fit one camera: {error.err}", remedy="Take other views, tilted differently"
        ) from error
    errors = [float(value) for value in np.asarray(per_view).ravel()]
    if not math.isfinite(rms) or rms > WORST_RMS_PX:
        worst = seen[int(np.argmax(errors))].photo.name
        raise ConfigurationError(
            f"the corners miss the camera model by {rms:.2f} px (root mean square), worst in {worst}",
            remedy="Leave that image out; check that the target is flat and that focus and zoom stayed as they were",
        )
    axes = [np.asarray(cv2.Rodrigues(turn)[0])[:, 2] for turn in turns]
    if min(float(a @ b) for a in axes for b in axes) > 1 - LEAST_TILT:
        raise ConfigurationError(
            "all views look at the target from the same direction: focal length and distance cannot be told apart",
            remedy="Tilt the target by 20 to 40 degrees, each time another way",
        )
    lens = Lens(
        float(matrix[0, 0]),
        float(matrix[1, 1]),
        float(matrix[0, 2]),
        float(matrix[1, 2]),
        tuple(float(value) for value in np.asarray(distortion).ravel()[:5]),
    )
    poses = [
        (np.asarray(cv2.Rodrigues(turn)[0], np.float64), np.asarray(move, np.float64).ravel())
        for turn, move in zip(turns, moves, strict=True)
    ]
    return float(rms), lens, poses, errors


def _plane(lens: Lens, rotation: Floats, move: Floats, width: int) -> tuple[Floats, float]:
    """Return the homography from directions to mm, its origin at the image's top-left corner, and the distance."""
    to_board = np.linalg.inv(np.column_stack([rotation[:, 0], rotation[:, 1], move]))
    corners = np.column_stack([lens.undistorted(np.array([[0.0, 0.0], [float(width), 0.0]])), np.ones(2)])
    ends = corners @ to_board.T
    origin, right = ends[:, :2] / ends[:, 2:]
    cos, sin = (right - origin) / float(np.linalg.norm(right - origin))
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1.0]])
    shift = np.array([[1, 0, -origin[0]], [0, 1, -origin[1]], [0, 0, 1.0]])
    normal = rotation[:, 2]
    # Where the optical axis meets the plane.
    distance = abs(float(normal @ move) / float(normal[2]))
    return np.asarray(turn @ shift @ to_board, np.float64), distance


def _lengths(calibration: Calibration, seen: _Seen) -> ScaleCheck:
    """Return how distances between corners, near and far, compare with the truth."""
    measured = calibration.to_mm(seen.corners)
    first, second = np.triu_indices(len(measured), k=1)
    found = np.linalg.norm(measured[first] - measured[second], axis=1)
    truth = np.linalg.norm(seen.truth[first] - seen.truth[second], axis=1)
    errors = 1000 * (found - truth)
    return ScaleCheck(
        lengths=len(errors),
        rms_um=float(np.sqrt(np.mean(errors**2))),
        worst_um=float(np.abs(errors).max()),
        scale_error=float(found @ truth / (truth @ truth) - 1),
    )


def _coverage(seen: Sequence[_Seen], width: int, height: int) -> float:
    """Return the share of the image, in 6 x 6 cells, in which some view has a corner."""
    points = np.vstack([item.corners for item in seen]) / [width, height] * COVERAGE_CELLS
    cells = {tuple(cell) for cell in np.clip(points, 0, COVERAGE_CELLS - 1).astype(int).tolist()}
    return len(cells) / COVERAGE_CELLS**2
