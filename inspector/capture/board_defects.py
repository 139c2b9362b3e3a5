"""The six bare-board defects, carved into or grown onto the copper of a board at a known size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.capture.board_layout import chance

DEFECT_CLASSES = ("open", "short", "mousebite", "spur", "spurious_copper", "pin_hole")
ADDS_COPPER = frozenset({"short", "spur", "spurious_copper"})
TRIES = 40
OUTGROWN_SPURS = 0.6
BORDER_PX = 1.5
THINNEST_HALF_NECK_PX = 2.5
SHORTEST_NORMAL_PX = 0.3
CONTOUR_POINTS = 18
HAIRLINE_POINTS = 14
SUBPIXEL_BITS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Where defects can go: computed once per board.

    All arrays have the shape of the over-sampled copper. ``inside[c]`` is the distance in px to the
    nearest pixel that is not copper (c = 1) or not laminate (c = 0); ``ridges[c]`` and ``edges[c]``
    list pixels (n, 2) as y x: middles of necks, and border pixels, of copper or of laminate.
    """

    copper: NDArray[np.uint8]
    holes: NDArray[np.uint8]
    inside: tuple[NDArray[np.float32], NDArray[np.float32]]
    ridges: tuple[NDArray[np.int64], NDArray[np.int64]]
    edges: tuple[NDArray[np.int64], NDArray[np.int64]]
    px_per_mm: float


@dataclass(frozen=True, slots=True)
class Planted:
    """One defect in the over-sampled copper: changed pixels span x0 <= x < x1, y0 <= y < y1."""

    label: str
    x0: int
    y0: int
    x1: int
    y1: int
    area: int


def survey(copper: NDArray[np.uint8], holes: NDArray[np.uint8], px_per_mm: float, widest_mm: float = 0.64) -> Surface:
    """Return where a board of this copper can carry which defect; necks are at most ``widest_mm`` wide."""
    solid = np.maximum(copper, holes)
    laminate = (1 - solid).astype(np.uint8)
    inside = (_distance(laminate), _distance(copper))
    longest = widest_mm / 2 * px_per_mm
    ridges = (_ridge(inside[0], longest), _ridge(inside[1], longest))
    near_hole = cv2.dilate(holes, np.ones((5, 5), np.uint8)) > 0
    edges = tuple(np.argwhere((distance > 0) & (distance < BORDER_PX) & ~near_hole) for distance in inside)
    return Surface(copper, holes, inside, ridges, (edges[0], edges[1]), px_per_mm)


def _distance(mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 3), dtype=np.float32)


def _ridge(distance: NDArray[np.float32], longest: float) -> NDArray[np.int64]:
    """Return pixels in the middle of a neck no wider than twice ``longest`` px."""
    highest = cv2.dilate(distance, np.ones((5, 5), np.uint8))
    margin = round(longest) + 2
    found = (distance >= highest - 0.6) & (distance > THINNEST_HALF_NECK_PX) & (distance < longest)
    found[:margin] = found[-margin:] = False
    found[:, :margin] = found[:, -margin:] = False
    return np.argwhere(found)


def plant(
    rng: np.random.Generator,
    surface: Surface,
    copper: NDArray[np.uint8],
    label: str,
    size_mm: float,
    *,
    taken: Sequence[Planted] = (),
    ragged: float = 0.0,
    winding: float = 0.0,
) -> Planted | None:
    """Change ``copper`` (uint8 0/1, in place) by one defect and return what was changed.

    ``size_mm`` is the longer side of the changed area's bounding box, met within a fifth; an open or
    a short is at least as long as the track or the gap that it crosses. ``ragged`` is the chance of
    frayed outlines with specks, ``winding`` that an open or a short is a wandering hairline instead of a
    straight cut or bridge. Returns None where the board has no room for this defect.
    """
    if label not in DEFECT_CLASSES:
        msg = f"unknown defect {label!r}, expected one of {DEFECT_CLASSES}"
        raise ValueError(msg)
    kind = 0 if label in ADDS_COPPER else 1
    size = size_mm * surface.px_per_mm
    for _ in range(TRIES):
        if label in {"open", "short"}:
            hairline = winding > 0 and chance(rng, winding)
            shape = _hairline(rng, surface, kind) if hairline else _crossing(rng, surface, kind, size)
        elif label in {"mousebite", "spur"}:
            shape = _bite(rng, surface, kind, size, outward=label == "spur")
        else:
            shape = _blob(rng, surface, kind, size)
        if shape is None:
            continue
        planted = _apply(rng, surface, copper, label, shape, size=size, taken=taken, ragged=ragged)
        if planted is not None:
            return planted
    return None


def _pick(rng: np.random.Generator, points: NDArray[np.int64]) -> tuple[int, int] | None:
    if not len(points):
        return None
    y, x = points[int(rng.integers(len(points)))].tolist()
    return x, y


def _outline(
    rng: np.random.Generator, centre: NDArray[np.float64], half: tuple[float, float], angle: float
) -> NDArray[np.float64]:
    """Return a rough ellipse (CONTOUR_POINTS, 2) with these half axes, turned by ``angle`` radians."""
    turn = np.linspace(0, 2 * np.pi, CONTOUR_POINTS, endpoint=False)
    wobble = np.convolve(rng.uniform(-1, 1, CONTOUR_POINTS + 2), [0.25, 0.5, 0.25], mode="valid")
    radius = 1 + 0.22 * wobble
    x, y = half[0] * radius * np.cos(turn), half[1] * radius * np.sin(turn)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([centre[0] + cos * x - sin * y, centre[1] + sin * x + cos * y], axis=1)


def _blob(rng: np.random.Generator, surface: Surface, kind: int, size: float) -> NDArray[np.float64] | None:
    """Outline in the middle of copper (a pin-hole) or of laminate (spurious copper)."""
    room = size / 2 + 0.05 * surface.px_per_mm
    height, width = surface.copper.shape
    near = surface.inside[kind]
    for _ in range(TRIES * 4):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        if near[y, x] > room:
            half = (size / 2, size / 2 / rng.uniform(1.0, 1.9))
            return _outline(rng, np.array([x, y], dtype=np.float64), half, rng.uniform(0, np.pi))
    return None


def _normal(surface: Surface, kind: int, x: int, y: int, reach: int) -> NDArray[np.float64] | None:
    """Return the unit vector from a pixel of this kind towards the nearest pixel of the other."""
    top, left = max(y - reach, 0), max(x - reach, 0)
    other = surface.inside[kind][top : y + reach + 1, left : x + reach + 1] <= 0
    points = np.argwhere(other)
    if not len(points):
        return None
    vectors = (points[:, ::-1] + np.array([left, top]) - np.array([x, y])).astype(np.float64)
    lengths = np.hypot(vectors[:, 0], vectors[:, 1])
    nearest = vectors[lengths <= lengths.min() + 0.8].mean(axis=0)
    length = float(np.hypot(*nearest))
    if length > SHORTEST_NORMAL_PX:
        return np.asarray(nearest / length, dtype=np.float64)
    return np.asarray(vectors[int(lengths.argmin())] / lengths.min(), dtype=np.float64)


def _crossing(rng: np.random.Generator, surface: Surface, kind: int, size: float) -> NDArray[np.float64] | None:
    """Outline across a track (an open) or across a gap (a short)."""
    point = _pick(rng, surface.ridges[kind])
    if point is None:
        return None
    x, y = point
    half_neck = float(surface.inside[kind][y, x])
    across = _normal(surface, kind, x, y, round(half_neck) + 3)
    if across is None:
        return None
    along = np.array([-across[1], across[0]])
    thinnest = 0.075 * surface.px_per_mm
    gap = size if size > 2 * half_neck else rng.uniform(thinnest, max(1.6 * half_neck, thinnest + 1))
    gap = max(min(gap, size), thinnest)
    skew = along * rng.normal(0, 0.15) * half_neck
    centre = np.array([x, y], dtype=np.float64)
    reach = half_neck + max(2.0, 0.12 * half_neck)
    ends = np.linspace(-1, 1, 6)
    waver = rng.normal(0, 0.07, size=(2, len(ends))) * gap
    one = [centre + across * reach * t + skew * t + along * (gap / 2 + w) for t, w in zip(ends, waver[0], strict=True)]
    two = [centre + across * reach * t + skew * t - along * (gap / 2 + w) for t, w in zip(ends, waver[1], strict=True)]
    return np.array([*one, *two[::-1]])


def _hairline(rng: np.random.Generator, surface: Surface, kind: int) -> NDArray[np.float64] | None:
    """Outline of a thin line that wanders across a neck, more or less askew."""
    point = _pick(rng, surface.ridges[kind])
    if point is None:
        return None
    x, y = point
    half_neck = float(surface.inside[kind][y, x])
    across = _normal(surface, kind, x, y, round(half_neck) + 3)
    if across is None:
        return None
    lean = rng.uniform(-1.15, 1.15)
    cos, sin = np.cos(lean), np.sin(lean)
    course = np.array([cos * across[0] - sin * across[1], sin * across[0] + cos * across[1]])
    side = np.array([-course[1], course[0]])
    reach = half_neck / cos + max(2.0, 0.15 * half_neck)
    along = np.linspace(-reach, reach, HAIRLINE_POINTS)
    drift = np.cumsum(rng.normal(0, 0.12, HAIRLINE_POINTS)) * reach * 2 / HAIRLINE_POINTS * rng.uniform(0, 4)
    drift -= drift.mean()
    thickness = rng.uniform(0.05, 0.13) * surface.px_per_mm * rng.uniform(0.7, 1.3, HAIRLINE_POINTS)
    middle = np.array([x, y]) + along[:, None] * course + drift[:, None] * side
    offset = thickness[:, None] / 2 * side
    return np.concatenate([middle + offset, (middle - offset)[::-1]])


def _bite(
    rng: np.random.Generator, surface: Surface, kind: int, size: float, *, outward: bool
) -> NDArray[np.float64] | None:
    """Outline over the border: a bite out of copper, or a spur grown into the laminate."""
    point = _pick(rng, surface.edges[kind])
    if point is None:
        return None
    x, y = point
    normal = _normal(surface, kind, x, y, 6)
    if normal is None:
        return None
    lean = rng.normal(0, 0.3 if outward else 0.15)
    cos, sin = np.cos(lean), np.sin(lean)
    inward = -np.array([cos * normal[0] - sin * normal[1], sin * normal[0] + cos * normal[1]])
    edge = np.array([x, y], dtype=np.float64)
    angle = float(np.arctan2(inward[1], inward[0]))
    if outward and chance(rng, OUTGROWN_SPURS):
        half = (size * 0.62, size * rng.uniform(0.22, 0.45))
        return _outline(rng, edge + inward * (size - half[0]), half, angle)
    depth = size * rng.uniform(0.3, 0.5)
    half = (depth, size * 0.52)
    return _outline(rng, edge + inward * depth * rng.uniform(0.1, 0.5), half, angle)


def _apply(
    rng: np.random.Generator,
    surface: Surface,
    copper: NDArray[np.uint8],
    label: str,
    outline: NDArray[np.float64],
    *,
    size: float,
    taken: Sequence[Planted],
    ragged: float,
) -> Planted | None:
    """Change the copper inside the outline if the result really is that defect at that size."""
    margin = round(0.22 * surface.px_per_mm)
    left, top = (np.floor(outline.min(axis=0)).astype(int) - margin).tolist()
    right, bottom = (np.ceil(outline.max(axis=0)).astype(int) + margin).tolist()
    height, width = copper.shape
    if left < 0 or top < 0 or right > width or bottom > height:
        return None
    if any(left < t.x1 and right > t.x0 and top < t.y1 and bottom > t.y0 for t in taken):
        return None
    window = (slice(top, bottom), slice(left, right))
    shape = np.zeros((bottom - top, right - left), dtype=np.uint8)
    fixed = np.rint((outline - np.array([left, top])) * 2**SUBPIXEL_BITS).astype(np.int32)
    cv2.fillPoly(shape, [fixed], 1, shift=SUBPIXEL_BITS)
    if ragged and rng.random() < ragged:
        shape &= _fray(rng, shape.shape)
    before = surface.copper[window]
    adds = label in ADDS_COPPER
    changed = shape & ((1 - np.maximum(before, surface.holes[window])) if adds else before)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    if not len(rows):
        return None
    x0, x1 = left + int(columns[0]), left + int(columns[-1]) + 1
    y0, y1 = top + int(rows[0]), top + int(rows[-1]) + 1
    after = np.asarray((before | changed) if adds else (before & (1 - changed)), np.uint8)
    crosses = label in {"open", "short"}
    if crosses and (shape & surface.holes[window]).any():
        return None
    long_side = max(x1 - x0, y1 - y0)
    right_size = long_side >= 0.98 * size and (crosses or long_side <= 1.25 * size)
    if not right_size or not _is_that_defect(label, before, after):
        return None
    copper[window] = after
    return Planted(label, x0, y0, x1, y1, int(changed.sum()))


def _fray(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return a mask with ragged holes, as a scratched or badly etched area has."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), float(rng.uniform(1.5, 3.0)))
    return np.asarray(smooth > np.quantile(smooth, rng.uniform(0.08, 0.3)), dtype=np.uint8)


def _is_that_defect(label: str, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    """Check by counting connected pieces of copper and of everything else in the neighbourhood."""
    copper_was, copper_is = _pieces(before), _pieces(after)
    gaps_were, gaps_are = _pieces(_inverse(before)), _pieces(_inverse(after))
    if label == "open":
        return copper_is > copper_was
    if label == "short":
        return gaps_are > gaps_were or copper_is < copper_was
    if label == "pin_hole":
        return gaps_are == gaps_were + 1 and copper_is == copper_was
    if label == "spurious_copper":
        return copper_is == copper_was + 1 and gaps_are == gaps_were
    return copper_is == copper_was and gaps_are == gaps_were


def _pieces(mask: NDArray[np.uint8]) -> int:
    return int(cv2.connectedComponents(mask, connectivity=4)[0])


def _inverse(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(1 - mask, dtype=np.uint8)
