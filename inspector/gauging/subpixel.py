"""The fine gauge: elongated findings measured to a fraction of a pixel on the raw image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import Detection, Detections, Frame, GaugingError, Measurement
from inspector.gauging.bar_fit import BarFit, fit_bar
from inspector.gauging.box import BoxGauge, Zone
from inspector.gauging.budget import Budget, budget_of
from inspector.gauging.plane import Plane, RelativeEffects
from inspector.gauging.region import Region, Unmeasurable, find_region

__all__ = ["METHOD", "Gauged", "SubpixelGauge"]

METHOD = "sub-pixel bar fit"

_LEAST_ASPECT = 2.5  # rounder shapes have no ends, and would read short
_MOST_WIDTH_DOUBT = 0.25
_MOST_EXCESS = 0.12
_MOST_CHANGE = 0.5
_STATIONS = 12


@dataclass(frozen=True, slots=True)
class Gauged:
    """A value with its budget; ``unit`` is the unit of both."""

    characteristic: str
    value: float
    unit: str
    budget: Budget


class SubpixelGauge:
    """Fits a blurred bar to each elongated finding: scratches, hairs, cracks, thin spurs, bars.

    The length is that of the equivalent bar with square ends, along its middle; a scratch with round ends of
    width w reads about 0.2 w shorter than from tip to tip. The width is the mean over the length.
    Where the model does not hold (round, forked or crooked shapes, uneven surroundings, cut by the image's edge),
    the box is measured instead, and the method says so and why.

    Parameters
    ----------
    box
        The gauge of what cannot be fitted, over the same plane.
    plane
        Where image points lie in mm.
    edge_sigma_px
        Effective edge blur (standard deviation, lens and pixel aperture together), measured on a sharp edge.
    edge_sigma_uncertainty_px
        Its standard uncertainty.
    repeatability_px
        Standard uncertainty that placing and grabbing the same part again adds to a length, from a study.
    effects
        What grows with the length.
    zones
        A finding belongs to the first zone that contains its centre.
    """

    def __init__(
        self,
        *,
        box: BoxGauge,
        plane: Plane,
        edge_sigma_px: float,
        edge_sigma_uncertainty_px: float = 0.0,
        repeatability_px: float = 0.0,
        effects: RelativeEffects | None = None,
        zones: Sequence[Zone] = (),
    ) -> None:
        if not edge_sigma_px > 0:
            raise ValueError(f"edge_sigma_px must be greater than 0, got {edge_sigma_px}")
        if not (edge_sigma_uncertainty_px >= 0 and repeatability_px >= 0):
            raise ValueError("edge_sigma_uncertainty_px and repeatability_px must not be negative")
        self._box = box
        self._plane = plane
        self._sigma = edge_sigma_px
        self._sigma_uncertainty = edge_sigma_uncertainty_px
        self._repeatability = repeatability_px
        self._effects = effects or RelativeEffects()
        self._zones = tuple(zones)

    def measure(self, frame: Frame, detections: Detections) -> tuple[Measurement, ...]:
        """Return ``length``, ``width`` (mm), ``area`` (mm2), ``angle`` (deg) and position (mm) of each finding.

        The angle is 0 … 180 from +x towards +y of the plane; only a fitted finding has one.
        """
        image = _grey(frame.pixels)
        coarse = self._box.measure(frame, detections)
        measured: list[Measurement] = []
        for index, detection in enumerate(detections.items):
            try:
                found = self.gauge(image, detection)
            except Unmeasurable as reason:
                measured += [
                    replace(item, method=f"{item.method} ({reason})") for item in coarse if item.detection == index
                ]
            except (ValueError, OverflowError, ArithmeticError, np.linalg.LinAlgError) as error:
                raise GaugingError(f"a finding could not be measured: {error}") from error
            else:
                zone = self._zone(found)
                measured += [
                    Measurement(
                        item.characteristic,
                        item.value,
                        item.unit,
                        item.budget.expanded,
                        METHOD,
                        detection=index,
                        zone=zone,
                    )
                    for item in found
                ]
        return tuple(measured)

    def gauge(self, image: NDArray[np.uint8], detection: Detection) -> tuple[Gauged, ...]:
        """Return what the fit says of one finding, with the whole budget; raises ``Unmeasurable``.

        Parameters
        ----------
        image
            Grey, (H, W).
        """
        region = find_region(image, detection, sigma=self._sigma)
        fit = fit_bar(
            region.pixels,
            region.positions,
            region.curve,
            width=region.width,
            sigma=self._sigma,
            contrast=region.contrast,
        )
        return self._in_mm(_accepted(fit, region))

    def _in_mm(self, fit: BarFit) -> tuple[Gauged, ...]:
        line = self._plane.to_mm(fit.centreline)
        along_line = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        length = float(along_line[-1])
        width = self._width_mm(fit)
        along, across = length / fit.length, width / fit.width
        dx, dy = line[-1] - line[0]
        middle = [float(np.interp(length / 2, along_line, line[:, axis])) for axis in (0, 1)]
        repeated, blurred = self._repeatability, self._sigma_uncertainty
        none = RelativeEffects()

        def length_like(name: str, value: float, scale: float, noise: float, blur: float) -> Gauged:
            edge, by_blur, again = noise * scale, abs(blur) * blurred * scale, repeated * scale
            return Gauged(
                name,
                value,
                "mm",
                budget_of(value, edge=edge, blur=by_blur, repeatability=again, effects=self._effects),
            )

        area = budget_of(
            length * width,
            edge=fit.area_noise * along * across,
            blur=abs(fit.area_blur) * blurred * along * across,
            repeatability=repeated * math.hypot(fit.length, fit.width) * along * across,
            effects=self._effects,
            power=2,
        )
        turn = math.degrees(math.hypot(fit.angle_noise, repeated / fit.length))
        angle = budget_of(0.0, edge=turn, blur=0.0, repeatability=0.0, effects=none)
        centre_noise = math.hypot(fit.length_noise, fit.width_noise) / 2
        return (
            length_like("length", length, along, fit.length_noise, fit.length_blur),
            length_like("width", width, across, fit.width_noise, fit.width_blur),
            Gauged("area", length * width, "mm2", area),
            Gauged("angle", math.degrees(math.atan2(dy, dx)) % 180.0, "deg", angle),
            length_like("position_x", middle[0], along, centre_noise, 0.0),
            length_like("position_y", middle[1], along, centre_noise, 0.0),
        )

    def _width_mm(self, fit: BarFit) -> float:
        """Return the mean distance of the two sides in the plane, at stations along the finding."""
        line = fit.centreline
        at = np.linspace(0, len(line) - 1, min(_STATIONS, len(line))).astype(int)
        tangent = np.gradient(line, axis=0)[at]
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        aside = fit.width / 2 * np.column_stack([-tangent[:, 1], tangent[:, 0]])
        sides = self._plane.to_mm(line[at] + aside) - self._plane.to_mm(line[at] - aside)
        return float(np.linalg.norm(sides, axis=1).mean())

    def _zone(self, found: tuple[Gauged, ...]) -> str:
        place = {item.characteristic: item.value for item in found}
        x, y = place["position_x"], place["position_y"]
        return next((zone.name for zone in self._zones if zone.contains(x, y)), "")


def _accepted(fit: BarFit | None, region: Region) -> BarFit:
    """Return the fit where it is one of a bar; raises ``Unmeasurable`` with the reason otherwise."""
    if fit is None or fit.contrast * region.contrast <= 0:
        raise Unmeasurable("no bar fits it")
    if fit.length < _LEAST_ASPECT * fit.width:
        raise Unmeasurable("it is not elongated")
    if fit.width_noise > _MOST_WIDTH_DOUBT * fit.width:
        raise Unmeasurable("it is too thin or too faint")
    excess = math.sqrt(max(fit.residual**2 - region.noise**2, 0.0))
    if excess > _MOST_EXCESS * abs(fit.contrast) or abs(fit.length / region.curve.length - 1) > _MOST_CHANGE:
        raise Unmeasurable("no bar fits it")
    return fit


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if pixels.ndim == 2:  # noqa: PLR2004
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
