"""The bar model: a box convolved with a Gaussian along a curve, fitted to the raw pixels around it.

In coordinates along (``s``) and across (``t``) its centreline, a bar of width ``w`` from ``s1`` to ``s2``, seen through
an edge blur of standard deviation ``sigma``, is

    I(s, t) = b + c [F((t - o + w/2) / sigma) - F((t - o - w/2) / sigma)] [F((s - s1) / sigma) - F((s - s2) / sigma)]

with the normal distribution function F, a background plane b, a contrast c and a smooth lateral offset o(s). All
parameters are found together by least squares on the pixels themselves, so that their noise stays independent
and the covariance of the fit is that of the parameters (JCGM 100:2008 (GUM), annex H.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial import cKDTree
from scipy.special import ndtr

__all__ = ["BarFit", "Curve", "fit_bar", "least_curve", "least_spread"]

Floats = NDArray[np.float64]

_LINEAR = 4  # background level, its two slopes, contrast
_SHAPE = 3  # width, start, end
_REACH_SIGMAS = 3.5
_MOST_CALLS = 60
_SHORT_PX, _MEDIUM_PX, _PX_PER_DEGREE, _HIGHEST_DEGREE = 7.0, 40.0, 80.0, 9
_LEAST_SPARE = 4
_STEEP = 0.05  # slope against the first centreline, rad; it costs half its square of the width
_MOST_INNER = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A smooth plane curve: Legendre series of x and y (px) over -1 … 1, and its end directions continued.

    ``length`` is its arc length in px between -1 and 1.
    """

    x: Floats
    y: Floats
    length: float

    def at(self, u: Floats) -> tuple[Floats, Floats]:
        """Return points (n, 2) and unit tangents (n, 2) at the parameters; straight beyond the ends."""
        inner = np.clip(u, -1.0, 1.0)
        points = np.column_stack([legendre.legval(inner, self.x), legendre.legval(inner, self.y)])
        speed = np.column_stack(
            [legendre.legval(inner, legendre.legder(self.x)), legendre.legval(inner, legendre.legder(self.y))]
        )
        reached = np.asarray(points + (u - inner)[:, None] * speed, np.float64)
        return reached, np.asarray(speed, np.float64) / np.linalg.norm(speed, axis=1, keepdims=True)


@dataclass(frozen=True, slots=True, eq=False)
class BarFit:
    """A fitted bar; lengths in px, grey levels as in the image.

    Attributes
    ----------
    width, length
        Of the equivalent bar; the length follows the centreline.
    width_noise, length_noise, area_noise, angle_noise
        Standard uncertainties from the pixel noise alone (px, px, px2, rad).
    width_blur, length_blur, area_blur
        Change with the edge blur: d value / d sigma (1, 1, px).
    centreline
        Points (n, 2) as x y from end to end, in the coordinates of the pixels that were given.
    residual
        Root mean square of what the model leaves unexplained.
    slope
        Root mean square of how far the course runs off the curve it was sought along, rad.
    """

    width: float
    length: float
    contrast: float
    centreline: Floats
    residual: float
    slope: float
    width_noise: float
    length_noise: float
    area_noise: float
    angle_noise: float
    width_blur: float
    length_blur: float
    area_blur: float

    @property
    def area(self) -> float:
        """Width times length, px2; exact for a curved bar too (theorem of Pappus in the plane)."""
        return self.width * self.length

    @property
    def angle(self) -> float:
        """Direction from end to end in rad, from +x towards +y, 0 … pi."""
        dx, dy = self.centreline[-1] - self.centreline[0]
        return float(np.arctan2(dy, dx) % np.pi)


def least_curve(points: Floats) -> Curve:
    """Return the smooth curve through ordered points (n, 2): the degree grows with the length, not with the noise."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    total = float(along[-1])
    degree = min(_degree(total), len(points) - 1)
    u = 2 * along / total - 1
    x, y = (legendre.legfit(u, points[:, axis], degree) for axis in (0, 1))
    fine = np.column_stack([legendre.legval(np.linspace(-1, 1, 129), series) for series in (x, y)])
    return Curve(
        np.asarray(x, np.float64), np.asarray(y, np.float64), float(np.linalg.norm(np.diff(fine, axis=0), axis=1).sum())
    )


def _degree(length_px: float) -> int:
    if length_px < _SHORT_PX:
        return 1
    if length_px < _MEDIUM_PX:
        return 2
    return min(3 + int(length_px / _PX_PER_DEGREE), _HIGHEST_DEGREE)


def fit_bar(
    pixels: Floats, positions: Floats, curve: Curve, *, width: float, sigma: float, contrast: float
) -> BarFit | None:
    """Return the bar that explains the pixels best; None where the fit does not settle on one.

    Parameters
    ----------
    pixels
        Grey levels (n,) with the background near 0.
    positions
        Their centres (n, 2) as x y.
    curve
        First guess of the centreline from end to end.
    width, contrast
        First guesses, px and grey levels.
    sigma
        Effective edge blur, px: lens and pixel aperture together.
    """
    fit = _fit_along(pixels, positions, curve, width=width, sigma=sigma, contrast=contrast)
    if fit is None or fit.slope < _STEEP:
        return fit
    # Across a first guess that runs at another angle, a bar is wider than across itself: measure along what was found.
    course = least_curve(fit.centreline)
    return _fit_along(pixels, positions, course, width=fit.width, sigma=sigma, contrast=fit.contrast)


def least_spread(
    length: float, width: float, *, contrast: float, noise: float, sigma: float, sigma_uncertainty: float
) -> tuple[float, float]:
    """Return the least standard deviation (px) that an unbiased measurement of this bar's length and width can have.

    That is the bound of Cramér and Rao: the inverse of the information that the pixels hold (Kay, Fundamentals of
    Statistical Signal Processing, vol. 1, chapter 3) where the ground is known, contrast and place are not, and the
    edge blur is to ``sigma_uncertainty`` (px, greater than 0). It speaks of the pixels, whatever the method.

    Parameters
    ----------
    contrast, noise
        Grey levels; the noise is that of one pixel.
    """
    half, reach = length / 2, _REACH_SIGMAS * sigma + 1
    along, across = (np.arange(0.5 - np.ceil(side + reach), side + reach) for side in (half, width / 2))
    s, t = (axis.ravel() for axis in np.meshgrid(along, across))
    known = np.zeros((len(s), _LINEAR - 1))  # the ground
    problem = _Problem(known[:, 0], s, t, known, _offset_basis(s, half, 1), half, sigma)
    p = np.array([0.0, 0.0, 0.0, contrast, width, -half, half, 0.0, 0.0])
    derivatives = np.column_stack([problem.jacobian(p)[:, known.shape[1] :], problem.blur_derivative(p)]) / noise
    information = derivatives.T @ derivatives
    information[-1, -1] += sigma_uncertainty**-2
    least = np.linalg.inv(information)
    length_variance = least[2, 2] + least[3, 3] - 2 * least[2, 3]
    return float(np.sqrt(length_variance)), float(np.sqrt(least[1, 1]))


def _fit_along(
    pixels: Floats, positions: Floats, curve: Curve, *, width: float, sigma: float, contrast: float
) -> BarFit | None:
    """Return the bar found in coordinates along and across this very curve."""
    reach = _REACH_SIGMAS * sigma + 1
    ruler = _ruler(curve, reach + width / 2)
    distance, nearest = cKDTree(ruler.points).query(positions, distance_upper_bound=width / 2 + reach + 1)
    near = np.isfinite(distance)
    pixels, positions, nearest = pixels[near], positions[near], nearest[near]
    step = positions - ruler.points[nearest]
    tangent = ruler.tangents[nearest]
    s = ruler.along[nearest] + np.einsum("ij,ij->i", step, tangent)
    t = tangent[:, 0] * step[:, 1] - tangent[:, 1] * step[:, 0]
    half = curve.length / 2
    kept = (np.abs(s) < half + reach) & (np.abs(t) < width / 2 + reach)
    kept &= _enough(np.abs(s) < half - reach)
    pixels, positions, s, t = pixels[kept], positions[kept], s[kept], t[kept]
    degree = _degree(curve.length)
    if len(pixels) < _LINEAR + _SHAPE + degree + 1 + _LEAST_SPARE:
        return None
    centred = (positions - positions.mean(axis=0)) / max(float(np.max(np.ptp(positions, axis=0))), 1.0)
    ground = np.column_stack([np.ones(len(pixels)), centred])
    problem = _Problem(pixels, s, t, ground, _offset_basis(s, half, degree), half, sigma)
    start = np.concatenate([[0.0, 0.0, 0.0, contrast, width, -half, half], np.zeros(degree + 1)])
    try:
        found = least_squares(problem.residuals, start, jac=problem.jacobian, method="lm", max_nfev=_MOST_CALLS)
    except (ValueError, np.linalg.LinAlgError):
        return None
    if not found.success or not np.isfinite(found.x).all():
        return None
    return _read(problem, found.x, found.fun, ruler)


@dataclass(frozen=True, slots=True, eq=False)
class _Ruler:
    """Marks about every half pixel along a curve, beyond its ends too: arc length (0 in the middle), x y, tangent."""

    along: Floats
    points: Floats
    tangents: Floats

    def at(self, s: Floats) -> tuple[Floats, Floats]:
        """Return points (n, 2) and normals (n, 2) at arc lengths."""
        x, y, dx, dy = (
            np.interp(s, self.along, values[:, axis]) for values in (self.points, self.tangents) for axis in (0, 1)
        )
        return np.column_stack([x, y]), np.column_stack([-dy, dx])


def _enough(inner: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pixels to fit: all at the ends, and as many between them as the width of a long bar needs."""
    count = int(inner.sum())
    if count <= _MOST_INNER:
        return np.ones(len(inner), np.bool_)
    kept = ~inner
    kept[np.random.default_rng(0).choice(np.flatnonzero(inner), _MOST_INNER, replace=False)] = True
    return kept


def _ruler(curve: Curve, beyond: float) -> _Ruler:
    half = curve.length / 2
    margin = 1 + beyond / half
    count = max(int(4 * half * margin), 16) | 1
    points, tangents = curve.at(np.linspace(-margin, margin, count))
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    return _Ruler(along - along[-1] / 2, points, tangents)


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """Residuals and their derivatives for ``scipy.optimize.least_squares``.

    ``ground`` (n, 3) is the basis of the background plane, ``basis`` that of the lateral offset.
    """

    pixels: Floats
    s: Floats
    t: Floats
    ground: Floats
    basis: Floats
    half: float
    sigma: float

    def offset_basis(self, s: Floats) -> Floats:
        """Return the lateral offset's basis (n, degree + 1) at other arc lengths."""
        return _offset_basis(s, self.half, self.basis.shape[1] - 1)

    def residuals(self, p: Floats) -> Floats:
        across, along, *_ = self._parts(p)
        model: Floats = self.ground @ p[:3] + p[3] * across * along
        return model - self.pixels

    def jacobian(self, p: Floats) -> Floats:
        across, along, (a1, a2), (b1, b2) = self._parts(p)
        contrast, sigma = p[3], self.sigma
        g1, g2, h1, h2 = (_bell(z) / sigma for z in (a1, a2, b1, b2))
        columns = np.empty((len(p), len(self.pixels)))
        columns[:3] = self.ground.T
        columns[3] = across * along
        columns[4] = contrast * along * (g1 + g2) / 2
        columns[5] = -contrast * across * h1
        columns[6] = contrast * across * h2
        np.multiply(self.basis.T, contrast * along * (g2 - g1), out=columns[_LINEAR + _SHAPE :])
        return columns.T

    def blur_derivative(self, p: Floats) -> Floats:
        """Return d model / d sigma."""
        across, along, (a1, a2), (b1, b2) = self._parts(p)
        wider = -(a1 * _bell(a1) - a2 * _bell(a2)) / self.sigma
        longer = -(b1 * _bell(b1) - b2 * _bell(b2)) / self.sigma
        return np.asarray(p[3] * (wider * along + across * longer), np.float64)

    def _parts(self, p: Floats) -> tuple[Floats, Floats, tuple[Floats, Floats], tuple[Floats, Floats]]:
        width, start, end = p[_LINEAR : _LINEAR + _SHAPE]
        t = self.t - self.basis @ p[_LINEAR + _SHAPE :]
        a1, a2 = (t + width / 2) / self.sigma, (t - width / 2) / self.sigma
        b1, b2 = (self.s - start) / self.sigma, (self.s - end) / self.sigma
        return ndtr(a1) - ndtr(a2), ndtr(b1) - ndtr(b2), (a1, a2), (b1, b2)


def _offset_basis(s: Floats, half: float, degree: int) -> Floats:
    """Return the lateral offset's basis (n, degree + 1) at arc lengths ``s``; constant beyond the ends."""
    return np.asarray(legendre.legvander(np.clip(s / half, -1.0, 1.0), degree), np.float64)


def _bell(z: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi), np.float64)


def _read(problem: _Problem, p: Floats, rest: Floats, ruler: _Ruler) -> BarFit | None:
    """Return the parameters as a bar with its uncertainties; None where they describe none."""
    jacobian = problem.jacobian(p)
    variance = float(rest @ rest) / (len(rest) - len(p))
    scale = np.maximum(np.linalg.norm(jacobian, axis=0), 1e-12)
    normal = (jacobian / scale).T @ (jacobian / scale)
    try:
        inverse = np.linalg.inv(normal) / np.outer(scale, scale)
    except np.linalg.LinAlgError:
        return None
    covariance = variance * inverse
    blur = -inverse @ (jacobian.T @ problem.blur_derivative(p))
    width, start, end = (float(value) for value in p[_LINEAR : _LINEAR + _SHAPE])
    if not (width > 0 and end - start > 0):
        return None
    stations = np.linspace(start, end, max(int(2 * (end - start)), 8))
    points, normals = ruler.at(stations)
    offset = problem.offset_basis(stations) @ p[_LINEAR + _SHAPE :]
    centreline = points + offset[:, None] * normals
    length = float(np.linalg.norm(np.diff(centreline, axis=0), axis=1).sum())

    def noise(gradient: Floats) -> float:
        return float(np.sqrt(max(float(gradient @ covariance @ gradient), 0.0)))

    of_width, of_length = np.zeros(len(p)), np.zeros(len(p))
    of_width[_LINEAR] = 1
    of_length[_LINEAR + 1], of_length[_LINEAR + 2] = -1, 1
    of_area = length * of_width + width * of_length
    ends = problem.offset_basis(np.array([start, end]))
    of_angle = np.concatenate([np.zeros(_LINEAR + _SHAPE), (ends[1] - ends[0]) / length])
    return BarFit(
        width=width,
        length=length,
        contrast=float(p[3]),
        centreline=centreline,
        residual=float(np.sqrt(variance)),
        slope=float(np.sqrt(np.mean(np.gradient(offset, stations) ** 2))),
        width_noise=noise(of_width),
        length_noise=noise(of_length),
        area_noise=noise(of_area),
        angle_noise=noise(of_angle),
        width_blur=float(of_width @ blur),
        length_blur=float(of_length @ blur),
        area_blur=float(of_area @ blur),
    )
