"""Native-scale training crops: defects keep their size in pixels, the appearance varies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.training.dataset import ABSENT_GREY, BOARD_CLASSES, Example, View, read_view

FULL_SCALE = 255.0
MIRROR = {
    "open": "short",
    "short": "open",
    "mousebite": "spur",
    "spur": "mousebite",
    "spurious_copper": "pin_hole",
    "pin_hole": "spurious_copper",
}
MIRRORED_CLASS = np.array([BOARD_CLASSES.index(MIRROR[name]) for name in BOARD_CLASSES])
BLURRED, RELEVELLED, SHADED, NOISY = 0.35, 0.6, 0.35, 0.5
MISPLACED_PX, BADLY_MISPLACED_PX, BADLY = 0.4, 1.5, 0.15


@dataclass(frozen=True, slots=True)
class CropSettings:
    """How crops are cut and varied.

    ``size`` is the side in px; ``on_defect`` the share of crops cut around a defect; ``zoom`` the
    range of the scale factor; ``min_visible`` the share of a box that must lie inside to stay a
    target; ``plain`` the share of crops whose grey levels are left as they are; ``inverted`` the share of bare-board
    crops of which the negative is shown: copper and laminate change places, and every defect becomes the
    one it mirrors. ``paired``: crops show the golden board as a second plane; ``without_golden`` is the share of
    them where that plane is empty, as on a line that has no golden board.
    """

    size: int = 320
    on_defect: float = 0.8
    zoom: tuple[float, float] = (0.85, 1.2)
    zoom_share: float = 0.5
    min_visible: float = 0.45
    plain: float = 0.4
    inverted: float = 0.0
    paired: bool = False
    without_golden: float = 0.0


@dataclass(frozen=True, slots=True)
class Crop:
    """Grey pixels, boxes (n, 4) float32 in crop pixels and labels (n,) int64.

    Pixels are uint8 (size, size), or (size, size, 2) with the golden board.
    """

    pixels: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]


class CropSource:
    """Endless crops from labelled images kept decoded in memory."""

    def __init__(self, examples: Sequence[Example], settings: CropSettings) -> None:
        """Decode every image once (about 0.4 MB each at 640 px)."""
        self._examples = list(examples)
        view = View.PAIR if settings.paired else View.IMAGE
        self._pixels = [read_view(example, view) for example in self._examples]
        self._settings = settings

    def __len__(self) -> int:
        """Return the number of images behind the crops."""
        return len(self._examples)

    def draw(self, rng: np.random.Generator) -> Crop:
        """Return one random crop, turned, mirrored and varied in grey levels."""
        index = int(rng.integers(len(self._examples)))
        example, pixels = self._examples[index], self._pixels[index]
        settings = self._settings
        factor = rng.uniform(*settings.zoom) if rng.random() < settings.zoom_share else 1.0
        side = round(settings.size / factor)
        left, top = _corner(rng, example, pixels.shape[:2], side, settings.on_defect)
        window = pixels[max(top, 0) : top + side, max(left, 0) : left + side]
        if window.shape[:2] != (side, side):
            window = _padded(window, side, left, top)
        if side != settings.size:
            mode = cv2.INTER_AREA if side > settings.size else cv2.INTER_LINEAR
            window = np.asarray(cv2.resize(window, (settings.size, settings.size), interpolation=mode), np.uint8)
        shift = np.array([left, top, left, top], dtype=np.float32)
        boxes = (example.boxes - shift) * np.float32(settings.size / side)
        crop = _visible(Crop(window, boxes, example.labels), settings.min_visible)
        crop = turned(crop, quarter_turns=int(rng.integers(4)), mirrored=bool(round(rng.random())))
        if settings.inverted and rng.random() < settings.inverted:
            crop = negative(crop)
        if settings.paired:
            return Crop(_varied_pair(crop.pixels, rng, settings), crop.boxes, crop.labels)
        if rng.random() < settings.plain:
            return Crop(np.ascontiguousarray(crop.pixels), crop.boxes, crop.labels)
        return Crop(vary_grey(crop.pixels, rng), crop.boxes, crop.labels)


def _varied_pair(pixels: NDArray[np.uint8], rng: np.random.Generator, settings: CropSettings) -> NDArray[np.uint8]:
    """Vary image and golden board each by itself; the golden one lies a little off, as registration leaves it."""
    image, golden = (np.ascontiguousarray(pixels[:, :, plane]) for plane in (0, 1))
    if rng.random() < settings.without_golden:
        golden = np.full_like(golden, ABSENT_GREY)
    else:
        spread = BADLY_MISPLACED_PX if rng.random() < BADLY else MISPLACED_PX
        matrix = np.array([[1, 0, rng.normal(0, spread)], [0, 1, rng.normal(0, spread)]])
        golden = np.asarray(
            cv2.warpAffine(golden, matrix, golden.shape[::-1], borderMode=cv2.BORDER_REPLICATE), np.uint8
        )
        if rng.random() >= settings.plain:
            golden = vary_grey(golden, rng)
    if rng.random() >= settings.plain:
        image = vary_grey(image, rng)
    return np.stack([image, golden], axis=2)


def _corner(
    rng: np.random.Generator, example: Example, shape: tuple[int, ...], side: int, on_defect: float
) -> tuple[int, int]:
    """Return left and top of a window; it may start outside only where the image is too small."""
    height, width = shape
    if len(example.boxes) and rng.random() < on_defect:
        box = example.boxes[int(rng.integers(len(example.boxes)))]
        centre = (box[:2] + box[2:]) / 2
        offset = rng.uniform(0.08, 0.92, size=2) * side
        left, top = (centre - offset).astype(int).tolist()
    else:
        left = int(rng.integers(0, max(width - side, 0) + 1))
        top = int(rng.integers(0, max(height - side, 0) + 1))
    return min(max(left, 0), max(width - side, 0)), min(max(top, 0), max(height - side, 0))


def _padded(window: NDArray[np.uint8], side: int, left: int, top: int) -> NDArray[np.uint8]:
    canvas = np.full((side, side, *window.shape[2:]), ABSENT_GREY, dtype=np.uint8)
    y, x = max(-top, 0), max(-left, 0)
    canvas[y : y + window.shape[0], x : x + window.shape[1]] = window
    return canvas


def _visible(crop: Crop, min_visible: float) -> Crop:
    """Clip boxes to the crop and drop those of which too little is left to recognise."""
    if not len(crop.boxes):
        return crop
    size = crop.pixels.shape[0]
    clipped = np.clip(crop.boxes, 0, size)
    area = np.prod(crop.boxes[:, 2:] - crop.boxes[:, :2], axis=1)
    left = np.prod(np.maximum(clipped[:, 2:] - clipped[:, :2], 0), axis=1)
    keep = left >= min_visible * area
    return Crop(crop.pixels, clipped[keep], crop.labels[keep])


def turned(crop: Crop, *, quarter_turns: int, mirrored: bool) -> Crop:
    """Return the crop turned counter-clockwise by quarter turns, then mirrored left to right."""
    size = crop.pixels.shape[0]
    pixels = np.rot90(crop.pixels, quarter_turns)
    x1, y1, x2, y2 = crop.boxes.T
    for _ in range(quarter_turns % 4):
        x1, y1, x2, y2 = y1, size - x2, y2, size - x1
    if mirrored:
        pixels = pixels[:, ::-1]
        x1, x2 = size - x2, size - x1
    boxes = np.stack([x1, y1, x2, y2], axis=1).astype(np.float32)
    return Crop(pixels, boxes, crop.labels)


def negative(crop: Crop) -> Crop:
    """Return the board with copper and laminate exchanged: an open is a short of the negative, and so on."""
    return Crop(np.invert(crop.pixels), crop.boxes, MIRRORED_CLASS[crop.labels])


def vary_grey(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the pixels as another camera might see them: levels, focus, light fall-off, noise."""
    image = pixels.astype(np.float32)
    if rng.random() < BLURRED:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6)), np.float32)
    if rng.random() < RELEVELLED:
        dark, bright = rng.uniform(0, 100), rng.uniform(140, FULL_SCALE)
        image = dark + image * np.float32((bright - dark) / FULL_SCALE)
    if rng.random() < SHADED:
        slope = rng.uniform(-0.2, 0.2, size=2)
        ramp = np.linspace(-0.5, 0.5, len(image), dtype=np.float32)
        image = image * (1 + slope[0] * ramp[:, None] + slope[1] * ramp[None, :])
    if rng.random() < NOISY:
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        image = image + noise * np.float32(rng.uniform(1, 9))
    return np.clip(np.rint(image), 0, FULL_SCALE).astype(np.uint8)
