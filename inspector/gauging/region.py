"""The one shape inside a detector's box: separated from its surroundings, with a first centreline."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from inspector.domain import Box, Detection
from inspector.gauging.bar_fit import Curve, least_curve

__all__ = ["Region", "Unmeasurable", "find_region"]

Floats = NDArray[np.float64]

_SMOOTHING_PX = 1.0
_SMOOTHED_NOISE = 0.282  # what a Gaussian of sigma 1 leaves of white noise: 1 / (2 sqrt(pi))
_SURE_SIGMAS = 6.0
_MASK_LEVEL = 0.45
_PEAK_PERCENTILE = 80
_RING_PX = 3
_BACKGROUND_POINTS = 1500
_CLIP_SIGMAS = 3.0
_ROUNDS = 4
_LEAST_USED = 0.8
_RIVAL = 0.25  # of the largest shape
_FEWEST_PIXELS = 4
_NODES_ACROSS = 4.0
_SLICE_WIDTHS = 1.0
_LEAST_ASPECT = 1.6
_FEWEST_BINS = 4
_MOST_WANDER = 0.75


class Unmeasurable(Exception):
    """Why the shape in a box has no sub-pixel measurement; the text goes into the record."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """What was found in a box; coordinates in px of the raw image, from the outer corner of its first pixel.

    Attributes
    ----------
    pixels, positions
        Grey levels (n,) less the background, and centres (n, 2) as x y, of the crop without other shapes.
    curve
        First centreline.
    width
        First width, px.
    contrast
        First contrast in grey levels, negative for a dark shape.
    noise
        Standard deviation of one background pixel, in grey levels.
    """

    pixels: Floats
    positions: Floats
    curve: Curve
    width: float
    contrast: float
    noise: float


def find_region(image: NDArray[np.uint8], detection: Detection, *, sigma: float) -> Region:
    """Return the shape in the box of a detection; raises ``Unmeasurable``.

    The threshold lies between the background plane of the box's surroundings and the shape's own level, so that
    neither uneven light nor the exposure matters. A detection's own mask is taken where it has one.

    Parameters
    ----------
    image
        Grey, (H, W).
    sigma
        Effective edge blur, px.
    """
    pad = int(np.ceil(4 * sigma)) + 6
    left, top, right, bottom = _whole(detection.box, image.shape, pad)
    crop = image[top:bottom, left:right].astype(np.float64)
    ground, noise = _background(crop)
    signal = crop - ground
    inside = np.zeros(crop.shape, np.bool_)
    x0, y0, x1, y1 = _whole(detection.box, image.shape, 1)
    inside[y0 - top : y1 - top, x0 - left : x1 - left] = True
    smooth = np.asarray(cv2.GaussianBlur(signal, (0, 0), _SMOOTHING_PX), np.float64)
    mask, level, threshold = _mask(smooth, noise, inside, _own_mask(detection, crop.shape, left, top))
    labels, chosen = _largest(mask, inside)
    shape = labels == chosen
    if shape[0].any() or shape[-1].any() or shape[:, 0].any() or shape[:, -1].any():
        raise Unmeasurable("it reaches beyond its box")
    curve, width = _centreline(shape)
    near = _grown(shape, int(np.ceil(4 * sigma)) + 2)
    other = ((labels > 0) & ~shape) | (np.sign(level) * smooth < -threshold)
    used = near & ~_grown(other, 3)
    if int(used.sum()) < _LEAST_USED * int(near.sum()):
        raise Unmeasurable("something else lies beside it")
    rows, columns = np.nonzero(used)
    corner = np.array([left + 0.5, top + 0.5])
    return Region(
        pixels=signal[rows, columns],
        positions=np.column_stack([columns, rows]) + corner,
        curve=Curve(_moved(curve.x, corner[0]), _moved(curve.y, corner[1]), curve.length),
        width=width,
        contrast=level / max(float(np.tanh(width / (2.2 * sigma))), 0.3),
        noise=noise,
    )


def _grown(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8))) > 0


def _whole(box: Box, shape: tuple[int, ...], pad: int) -> tuple[int, int, int, int]:
    return (
        max(int(np.floor(box.x0)) - pad, 0),
        max(int(np.floor(box.y0)) - pad, 0),
        min(int(np.ceil(box.x1)) + pad, shape[1]),
        min(int(np.ceil(box.y1)) + pad, shape[0]),
    )


def _moved(series: Floats, by: float) -> Floats:
    moved = series.copy()
    moved[0] += by
    return moved


def _background(crop: Floats) -> tuple[Floats, float]:
    """Return the plane of the surroundings (H, W) and the noise of one pixel, both without what stands out."""
    height, width = crop.shape
    frame = np.zeros(crop.shape, np.bool_)
    frame[:_RING_PX] = frame[-_RING_PX:] = frame[:, :_RING_PX] = frame[:, -_RING_PX:] = True
    ring = np.flatnonzero(frame)
    some = np.union1d(ring, np.arange(0, crop.size, max(crop.size // _BACKGROUND_POINTS, 1)))
    design = np.column_stack([np.ones(len(some)), some // width, some % width])
    values, on_ring = crop.ravel()[some], frame.ravel()[some]
    plane = np.array([float(np.median(values[on_ring])), 0.0, 0.0])
    for _ in range(_ROUNDS):
        rest = values - design @ plane
        spread = 1.4826 * float(np.median(np.abs(rest[on_ring] - np.median(rest[on_ring]))))
        kept = np.abs(rest) < _CLIP_SIGMAS * max(spread, 0.5) + 0.5
        if int(kept.sum()) < design.shape[1] * 4:
            raise Unmeasurable("its surroundings are not even")
        plane = np.linalg.lstsq(design[kept], values[kept], rcond=None)[0]
    return plane[0] + plane[1] * np.arange(height)[:, None] + plane[2] * np.arange(width), max(spread, 0.3)


def _own_mask(detection: Detection, shape: tuple[int, ...], left: int, top: int) -> NDArray[np.bool_] | None:
    if detection.mask is None:
        return None
    own = np.zeros(shape, np.bool_)
    y, x = int(np.floor(detection.box.y0)) - top, int(np.floor(detection.box.x0)) - left
    height, width = (min(a, b) for a, b in zip(detection.mask.shape, (shape[0] - y, shape[1] - x), strict=True))
    own[y : y + height, x : x + width] = detection.mask[:height, :width]
    return own


def _mask(
    smooth: Floats, noise: float, inside: NDArray[np.bool_], own: NDArray[np.bool_] | None
) -> tuple[NDArray[np.bool_], float, float]:
    sure = np.abs(smooth) > _SURE_SIGMAS * _SMOOTHED_NOISE * noise
    seen = smooth[inside & (sure if own is None else own)]
    if len(seen) < _FEWEST_PIXELS:
        raise Unmeasurable("it does not stand out from its surroundings")
    sign = 1.0 if float(np.sum(seen)) > 0 else -1.0
    same = sign * seen[sign * seen > 0]
    level = float(np.percentile(same, _PEAK_PERCENTILE))
    threshold = max(_MASK_LEVEL * level, _SURE_SIGMAS * _SMOOTHED_NOISE * noise)
    mask = sign * smooth > threshold if own is None else own & (sign * smooth > 0)
    return mask, sign * level, threshold


def _largest(mask: NDArray[np.bool_], inside: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    _, found = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    labels = np.asarray(found, np.int32)
    sizes = np.bincount(labels[inside].ravel(), minlength=2)
    sizes[0] = 0
    chosen = int(np.argmax(sizes))
    if sizes[chosen] < _FEWEST_PIXELS:
        raise Unmeasurable("it does not stand out from its surroundings")
    sizes[chosen], largest = 0, sizes[chosen]
    if sizes.max() > _RIVAL * largest:
        raise Unmeasurable("there is more than one shape in its box")
    return labels, chosen


def _centreline(shape: NDArray[np.bool_]) -> tuple[Curve, float]:
    """Return the middle of the shape from end to end, and its width.

    The distance along the shape from its one end orders its pixels, bends included; the centre of each slice of
    equal distance lies on the centreline. This needs no skeleton, whose forks would have to be cut.
    """
    rows, columns = np.nonzero(shape)
    points = np.column_stack([columns, rows]).astype(np.float64)
    half_widths = cv2.distanceTransform(np.pad(shape, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    along = _distance_along(shape, float(half_widths.max()))[rows, columns]
    length = float(along.max()) + 1
    width = len(points) / length
    if length < _LEAST_ASPECT * width:
        raise Unmeasurable("it is not elongated")
    bins = max(int(length / max(width * _SLICE_WIDTHS, 1.0)), _FEWEST_BINS)
    if bins <= _FEWEST_BINS:
        return _straight(points), width
    # Slices of equal distance are slanted where the shape is wide; those across the first curve are not.
    rough = least_curve(_middles(points, along / length, bins))
    u = np.linspace(-1, 1, 2 * int(length) + 1)
    _, nearest = cKDTree(rough.at(u)[0]).query(points)
    middles = _middles(points, nearest / len(u), bins)
    return _to_ends(least_curve(middles), middles, points, width), width


def _middles(points: Floats, along: Floats, bins: int) -> Floats:
    """Return the centre (n, 2) of each slice of the points; ``along`` is 0 … 1 from end to end."""
    slices = np.minimum((along * bins).astype(int), bins - 1)
    counts = np.bincount(slices, minlength=bins)
    sums = [np.bincount(slices, points[:, axis], minlength=bins) for axis in (0, 1)]
    return np.column_stack(sums)[counts > 0] / counts[counts > 0, None]


def _distance_along(shape: NDArray[np.bool_], half_width: float) -> Floats:
    """Return each pixel's distance from the shape's one end along the shape, px; 0 outside it."""
    factor = max(int(2 * half_width / _NODES_ACROSS), 1)
    padded = np.pad(shape, [(0, -side % factor) for side in shape.shape])
    coarse = padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor).any(axis=(1, 3))
    number = np.full(np.add(coarse.shape, 2), -1)
    rows, columns = np.nonzero(coarse)
    number[rows + 1, columns + 1] = np.arange(len(rows))
    starts, ends, costs = [], [], []
    for dy, dx, cost in ((0, 1, 1.0), (1, 0, 1.0), (1, 1, 2**0.5), (1, -1, 2**0.5)):
        other = number[rows + 1 + dy, columns + 1 + dx]
        linked = other >= 0
        starts.append(np.flatnonzero(linked))
        ends.append(other[linked])
        costs.append(np.full(int(linked.sum()), cost))
    size = len(rows)
    graph = coo_array((np.concatenate(costs), (np.concatenate(starts), np.concatenate(ends))), (size, size)).tocsr()
    first = int(np.argmax(dijkstra(graph, directed=False, indices=0)))
    found = dijkstra(graph, directed=False, indices=first)
    coarse_distance = np.zeros(coarse.shape)
    coarse_distance[rows, columns] = np.where(np.isfinite(found), found, 0.0) * factor
    if factor == 1:
        return coarse_distance
    large = cv2.resize(coarse_distance, padded.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.float64)[: shape.shape[0], : shape.shape[1]]


def _straight(points: Floats) -> Curve:
    middle = points.mean(axis=0)
    _, _, axes = np.linalg.svd(points - middle, full_matrices=False)
    reach = (points - middle) @ axes[0]
    ends = np.array([reach.min() - 0.5, reach.max() + 0.5])
    return least_curve(middle + ends[:, None] * axes[0])


def _to_ends(curve: Curve, middles: Floats, points: Floats, width: float) -> Curve:
    """Return the curve continued to the outermost pixels of either end."""
    on_curve, tangents = curve.at(np.linspace(-1, 1, 4 * len(middles) + 1))
    nearest = np.linalg.norm(on_curve[None] - middles[:, None], axis=2).argmin(axis=1)
    step, tangent = middles - on_curve[nearest], tangents[nearest]
    wander = float(np.abs(tangent[:, 0] * step[:, 1] - tangent[:, 1] * step[:, 0]).max())
    if wander > _MOST_WANDER + 0.15 * width:
        raise Unmeasurable("its course is too crooked")
    tails = []
    for end, direction, sign in ((on_curve[0], tangents[0], -1.0), (on_curve[-1], tangents[-1], 1.0)):
        step = points - end
        ahead = sign * (step @ direction)
        aside = np.abs(direction[0] * step[:, 1] - direction[1] * step[:, 0])
        beyond = ahead[(aside < width) & (np.abs(ahead) < 2 * width + 2)]
        reach = max(float(beyond.max()) if len(beyond) else 0.0, 0.0) + 0.5
        tails.append(end + sign * reach * direction)
    return least_curve(np.vstack([tails[0], on_curve, tails[1]]))
