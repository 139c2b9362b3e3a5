"""A camera's calibration: lens, plane of the part, how good it is, and until when; one JSON file."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import ConfigurationError

__all__ = ["Calibration", "Lens", "View", "load_calibration", "save_calibration"]

FORMAT = 1
_CENTRE = 0.5  # OpenCV counts from the middle of the first pixel, this product from its outer corner
_DISTORTIONS = (4, 5, 8)


@dataclass(frozen=True, slots=True)
class Lens:
    """Pinhole in px and Brown-Conrady distortion (k1, k2, p1, p2, k3), as OpenCV has them."""

    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...]

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The camera matrix (3, 3)."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]])

    def undistorted(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return image points (n, 2), counted from the outer corner, as directions x/z y/z of a pinhole camera."""
        criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-10)
        coefficients = np.array(self.distortion)
        found = cv2.undistortPoints(
            (points - _CENTRE)[:, None, :], self.matrix, coefficients, R=np.eye(3), P=np.eye(3), criteria=criteria
        )
        return np.asarray(found, np.float64).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class View:
    """One image that the calibration was made from."""

    file: str
    sha256: str
    corners: int
    rms_px: float


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What turns a camera's pixels into millimetres in the plane of the part.

    Attributes
    ----------
    id
        Name of this calibration; it goes into the record and to the MES.
    created, expires
        With time zone; after ``expires`` the line does not start.
    width, height
        Size of the images that it holds for, px.
    to_plane
        Homography (3, 3) from undistorted directions to mm in the plane; the origin is where the image's top-left
        corner looks, x runs along its upper edge.
    working_distance_mm
        From the camera to the plane along the optical axis.
    px_per_mm
        Scale in the middle of the image.
    scale_uncertainty
        Relative standard uncertainty of lengths: of the target, and of the fit.
    length_rms_um, length_worst_um
        Errors of the distances between the target's corners in the view of the plane.
    edge_sigma_px, edge_sigma_uncertainty_px
        Effective edge blur, measured on the target's own edges.
    """

    id: str
    created: datetime
    expires: datetime
    width: int
    height: int
    lens: Lens
    to_plane: NDArray[np.float64]
    working_distance_mm: float
    px_per_mm: float
    scale_uncertainty: float
    rms_px: float
    length_rms_um: float
    length_worst_um: float
    edge_sigma_px: float
    edge_sigma_uncertainty_px: float
    coverage: float
    target: str
    views: tuple[View, ...]
    sha256: str = ""

    def to_mm(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return image points (n, 2), in px from the image's outer corner, as mm in the plane.

        The points are undistorted, never the image: resampling would blur and correlate its pixels.
        """
        directions = self.lens.undistorted(np.asarray(points, np.float64))
        homogeneous = np.column_stack([directions, np.ones(len(directions))]) @ self.to_plane.T
        return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:], np.float64)

    def require_valid(self, now: datetime, width: int | None = None, height: int | None = None) -> None:
        """Raise ``ConfigurationError`` where it has expired or was made for images of another size."""
        if now >= self.expires:
            raise ConfigurationError(
                f"calibration {self.id} expired on {self.expires:%Y-%m-%d}",
                remedy="Verify the camera on the target and calibrate again: inspector calibrate solve",
            )
        if now < self.created:
            raise ConfigurationError(
                f"calibration {self.id} was made on {self.created:%Y-%m-%d}, which is in the future",
                remedy="Set this machine's clock",
            )
        if (width, height) not in {(None, None), (self.width, self.height)}:
            raise ConfigurationError(
                f"calibration {self.id} holds for images of {self.width} x {self.height} px, "
                f"but the camera gives {width} x {height}",
                remedy="Set the camera as it was, or calibrate again: inspector calibrate solve",
            )


def save_calibration(calibration: Calibration, path: Path) -> Calibration:
    """Write the file and return the calibration with its hash; raises ``ConfigurationError``."""
    body = _plain(calibration)
    digest = _digest(body)
    text = json.dumps({**body, "sha256": digest}, indent=2) + "\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be written: {error.strerror}", remedy="Choose another place"
        ) from error
    return _parsed({**body, "sha256": digest})


def load_calibration(path: Path) -> Calibration:
    """Return the calibration of a file; raises ``ConfigurationError`` where it is missing or altered."""
    remedy = "Name a file that 'inspector calibrate solve' wrote"
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}", remedy=remedy) from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: not a calibration: {error}", remedy=remedy) from error
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise ConfigurationError(f"{path}: not a calibration of format {FORMAT}", remedy=remedy)
    stated = body.pop("sha256", "")
    if stated != _digest(body):
        raise ConfigurationError(
            f"{path}: the calibration was altered after it was made: its hash does not fit",
            remedy="Restore the file, or calibrate again: inspector calibrate solve",
        )
    try:
        return _parsed({**body, "sha256": stated})
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{path}: not a calibration: {error!r}", remedy=remedy) from error


def _digest(body: dict[str, Any]) -> str:
    return sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _plain(calibration: Calibration) -> dict[str, Any]:
    lens = calibration.lens
    return {
        "format": FORMAT,
        "id": calibration.id,
        "created": calibration.created.isoformat(),
        "expires": calibration.expires.isoformat(),
        "image": {"width": calibration.width, "height": calibration.height},
        "lens": {"fx": lens.fx, "fy": lens.fy, "cx": lens.cx, "cy": lens.cy, "distortion": list(lens.distortion)},
        "to_plane": calibration.to_plane.tolist(),
        **{name: getattr(calibration, name) for name in _FIGURES},
        "target": calibration.target,
        "views": [
            {"file": view.file, "sha256": view.sha256, "corners": view.corners, "rms_px": view.rms_px}
            for view in calibration.views
        ],
    }


_FIGURES = (
    "working_distance_mm",
    "px_per_mm",
    "scale_uncertainty",
    "rms_px",
    "length_rms_um",
    "length_worst_um",
    "edge_sigma_px",
    "edge_sigma_uncertainty_px",
    "coverage",
)


def _parsed(body: dict[str, Any]) -> Calibration:
    lens, image = body["lens"], body["image"]
    figures = {name: float(body[name]) for name in _FIGURES}
    to_plane = np.array(body["to_plane"], np.float64)
    created, expires = (datetime.fromisoformat(body[name]) for name in ("created", "expires"))
    if to_plane.shape != (3, 3) or not np.isfinite(to_plane).all() or len(lens["distortion"]) not in _DISTORTIONS:
        raise ValueError("its lens or plane is incomplete")
    if not all(math.isfinite(value) for value in figures.values()) or not figures["px_per_mm"] > 0:
        raise ValueError("a figure is not finite")
    if created.tzinfo is None or expires.tzinfo is None:
        raise ValueError("its dates need a time zone")
    return Calibration(
        id=str(body["id"]),
        created=created,
        expires=expires,
        width=int(image["width"]),
        height=int(image["height"]),
        lens=Lens(
            fx=float(lens["fx"]),
            fy=float(lens["fy"]),
            cx=float(lens["cx"]),
            cy=float(lens["cy"]),
            distortion=tuple(float(value) for value in lens["distortion"]),
        ),
        to_plane=to_plane,
        target=str(body["target"]),
        views=tuple(
            View(str(view["file"]), str(view["sha256"]), int(view["corners"]), float(view["rms_px"]))
            for view in body["views"]
        ),
        sha256=str(body["sha256"]),
        **figures,
    )
