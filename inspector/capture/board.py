"""Virtual bare boards: a board design exposed by a camera, with defects planted at known places."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.capture.board_defects import DEFECT_CLASSES, Planted, Surface, plant, survey
from inspector.capture.board_layout import Layout, design
from inspector.domain import Box

OVERSAMPLING = 2
LAYOUTS_KEPT = 12
LABEL_MARGIN_PX = 9.5
MID_GREY = 127
ROUND_FILL = (0.7, 0.86)
ROUND_ASPECT = (0.7, 1.4)
WIDEST_HOLE_MM = 2.5


@dataclass(frozen=True, slots=True)
class Optics:
    """How the virtual camera sees a board.

    Grey levels are 0..255 before noise. ``blur_px`` is the standard deviation of the Gaussian point
    spread function in image px; ``read_noise`` is in grey levels; ``shot_noise`` the variance in grey
    levels squared that each grey level of signal adds; ``fall_off`` the largest relative change of the
    light from one side of the image to the other.
    """

    copper: tuple[float, float] = (40.0, 70.0)
    laminate: tuple[float, float] = (185.0, 215.0)
    hole: tuple[float, float] = (222.0, 245.0)
    blur_px: tuple[float, float] = (0.7, 1.0)
    read_noise: tuple[float, float] = (1.5, 3.0)
    shot_noise: tuple[float, float] = (0.02, 0.06)
    fall_off: float = 0.08
    grain: float = 2.5


VARIED_OPTICS = Optics(
    copper=(20.0, 95.0),
    laminate=(150.0, 230.0),
    hole=(150.0, 250.0),
    blur_px=(0.4, 1.4),
    read_noise=(0.5, 6.0),
    shot_noise=(0.0, 0.12),
    fall_off=0.2,
    grain=4.0,
)


@dataclass(frozen=True, slots=True)
class BoardSpec:
    """One virtual line.

    ``size_px`` is the side of the square image; ``layouts`` how many board designs the line makes in
    turn; ``defect_rate`` the share of parts with one to ``most_defects`` defects, whose sizes in mm
    are drawn log-uniformly from ``defect_mm``.
    """

    seed: int = 1
    size_px: int = 640
    px_per_mm: float = 48.0
    layouts: int = 4
    defect_rate: float = 0.3
    most_defects: int = 3
    defect_mm: tuple[float, float] = (0.15, 0.6)
    classes: tuple[str, ...] = DEFECT_CLASSES
    ragged: float = 0.15
    winding: float = 0.0
    optics: Optics = field(default_factory=Optics)

    def __post_init__(self) -> None:
        if not 0 <= self.defect_rate <= 1:
            msg = f"defect_rate must be 0 … 1, got {self.defect_rate}"
            raise ValueError(msg)
        if self.size_px < 1 or self.px_per_mm <= 0 or self.layouts < 1 or self.most_defects < 1:
            msg = f"size_px, px_per_mm, layouts and most_defects must be positive, got {self}"
            raise ValueError(msg)
        low, high = self.defect_mm
        if not 0 < low <= high:
            msg = f"defect_mm must be 0 < smallest <= largest, got {self.defect_mm}"
            raise ValueError(msg)
        unknown = set(self.classes) - set(DEFECT_CLASSES)
        if unknown or not self.classes:
            msg = f"classes must be some of {DEFECT_CLASSES}, got {self.classes}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class DefectTruth:
    """One planted defect, known by construction.

    ``box`` bounds the changed area in image px (exclusive right and lower edges); ``centre_mm`` is
    its centre from the upper left image corner; ``width_mm``, ``height_mm``, ``area_mm2`` describe the
    same changed area. ``size_mm`` is the longer side.
    """

    label: str
    box: Box
    centre_mm: tuple[float, float]
    width_mm: float
    height_mm: float
    area_mm2: float

    @property
    def size_mm(self) -> float:
        """The longer side of the changed area in mm."""
        return max(self.width_mm, self.height_mm)

    def labelled_box(self, size_px: int, margin_px: float = LABEL_MARGIN_PX) -> Box:
        """Return the box as an annotator draws it: with a margin, cut at the image border."""
        box = self.box
        return Box(
            max(box.x0 - margin_px, 0.0),
            max(box.y0 - margin_px, 0.0),
            min(box.x1 + margin_px, float(size_px)),
            min(box.y1 + margin_px, float(size_px)),
        )


ENDLESS_DESIGNS = 1_000_000
TRAINING_BOARDS = BoardSpec(
    layouts=ENDLESS_DESIGNS,
    defect_rate=0.9,
    most_defects=8,
    defect_mm=(0.14, 0.8),
    optics=VARIED_OPTICS,
)
HELD_OUT_BOARDS = BoardSpec(layouts=ENDLESS_DESIGNS, defect_rate=0.6, most_defects=3)
PAINTED_BOARDS = BoardSpec(defect_rate=1.0, most_defects=10, defect_mm=(0.15, 0.9), ragged=0.5)
HAIRLINE_BOARDS = BoardSpec(
    defect_rate=1.0,
    most_defects=14,
    defect_mm=(0.15, 0.9),
    classes=("open", "open", "open", "short", "short", *DEFECT_CLASSES),
    ragged=0.5,
    winding=0.8,
)


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """A design with everything that all its parts share."""

    layout: Layout
    surface: Surface


def render_board(seed: int, part: int, spec: BoardSpec) -> tuple[NDArray[np.uint8], tuple[DefectTruth, ...]]:
    """Return part number ``part`` of the line: grey pixels (size_px, size_px) uint8 and its defects.

    The same seed, part and spec always give the same pixels.
    """
    rng = np.random.default_rng([seed, part, 1])
    prepared = _prepared(seed, part % spec.layouts, spec.size_px, spec.px_per_mm)
    planted: tuple[Planted, ...] = ()
    copper = prepared.layout.copper
    if rng.random() < spec.defect_rate:
        copper = copper.copy()
        planted = _planted(rng, prepared.surface, copper, spec)
    pixels = expose(rng, Layout(copper, prepared.layout.holes, prepared.layout.px_per_mm), spec.optics)
    return pixels, tuple(truth_of(one, spec.px_per_mm) for one in planted)


def golden_board(seed: int, part: int, spec: BoardSpec) -> NDArray[np.uint8]:
    """Return the same design without defects, noise or uneven light; uint8 (size_px, size_px)."""
    layout = _prepared(seed, part % spec.layouts, spec.size_px, spec.px_per_mm).layout
    middle = Optics(
        copper=_fixed(spec.optics.copper),
        laminate=_fixed(spec.optics.laminate),
        hole=_fixed(spec.optics.hole),
        blur_px=_fixed(spec.optics.blur_px),
        read_noise=(0.0, 0.0),
        shot_noise=(0.0, 0.0),
        fall_off=0.0,
        grain=0.0,
    )
    return expose(np.random.default_rng(0), layout, middle)


def _fixed(span: tuple[float, float]) -> tuple[float, float]:
    middle = (span[0] + span[1]) / 2
    return middle, middle


@lru_cache(maxsize=LAYOUTS_KEPT)
def _prepared(seed: int, number: int, size_px: int, px_per_mm: float) -> _Prepared:
    scale = px_per_mm * OVERSAMPLING
    layout = design(np.random.default_rng([seed, number, 0]), size_px * OVERSAMPLING, scale)
    layout.copper.setflags(write=False)
    layout.holes.setflags(write=False)
    return _Prepared(layout, survey(layout.copper, layout.holes, scale))


def _planted(
    rng: np.random.Generator, surface: Surface, copper: NDArray[np.uint8], spec: BoardSpec
) -> tuple[Planted, ...]:
    """Plant one to ``most_defects``; a class the design has no room for is replaced by another."""
    planted: list[Planted] = []
    for _ in range(int(rng.integers(1, spec.most_defects + 1))):
        for label in rng.permutation(np.array(spec.classes)).tolist():
            low, high = spec.defect_mm
            size_mm = float(np.exp(rng.uniform(np.log(low), np.log(high))))
            found = plant(rng, surface, copper, label, size_mm, taken=planted, ragged=spec.ragged, winding=spec.winding)
            if found is not None:
                planted.append(found)
                break
    return tuple(planted)


def truth_of(planted: Planted, px_per_mm: float) -> DefectTruth:
    """Return what was planted in image pixels and millimetres."""
    scale = 1 / OVERSAMPLING
    box = Box(planted.x0 * scale, planted.y0 * scale, planted.x1 * scale, planted.y1 * scale)
    x, y = box.centre
    return DefectTruth(
        label=planted.label,
        box=box,
        centre_mm=(x / px_per_mm, y / px_per_mm),
        width_mm=box.width / px_per_mm,
        height_mm=box.height / px_per_mm,
        area_mm2=planted.area * (scale / px_per_mm) ** 2,
    )


def expose(rng: np.random.Generator, layout: Layout, optics: Optics) -> NDArray[np.uint8]:
    """Return the image of a layout: grey levels, grain, lens blur, light fall-off, shot and read noise."""
    levels = np.array(
        [rng.uniform(*optics.laminate), rng.uniform(*optics.copper), rng.uniform(*optics.hole)], dtype=np.float64
    )
    table = np.zeros(256, dtype=np.uint8)
    table[:3] = np.rint(levels)
    scene = cv2.LUT(np.asarray(layout.copper + 2 * layout.holes, np.uint8), table)
    side = layout.copper.shape[0] // OVERSAMPLING
    small = cv2.resize(scene, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    image = np.asarray(cv2.GaussianBlur(small, (0, 0), rng.uniform(*optics.blur_px)), np.float32)
    ramp = np.linspace(-0.5, 0.5, side, dtype=np.float32)
    slope = rng.uniform(-optics.fall_off, optics.fall_off, size=2).astype(np.float32)
    image *= 1 + slope[0] * ramp[:, None] + slope[1] * ramp[None, :]
    if optics.grain:
        coarse = rng.standard_normal((side // 8 + 1, side // 8 + 1), dtype=np.float32) * np.float32(optics.grain)
        image += cv2.resize(coarse, (side, side), interpolation=cv2.INTER_LINEAR)
    read, shot = rng.uniform(*optics.read_noise), rng.uniform(*optics.shot_noise)
    if read or shot:
        spread = np.sqrt(np.float32(read**2) + np.float32(shot) * image)
        image += spread * rng.standard_normal(image.shape, dtype=np.float32)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def paint_template(
    rng: np.random.Generator, template: NDArray[np.uint8], spec: BoardSpec
) -> tuple[NDArray[np.uint8], tuple[DefectTruth, ...]]:
    """Return a golden board image with planted defects: black copper on white, as the template shows it.

    ``template`` is grey, (size_px, size_px), copper darker than mid-grey. Shapes, classes and sizes
    follow ``spec``; the result is as sharp as the template, without noise.
    """
    large = cv2.resize(template, None, fx=OVERSAMPLING, fy=OVERSAMPLING, interpolation=cv2.INTER_LINEAR)
    copper = (large < MID_GREY).astype(np.uint8)
    holes = _drilled(copper, spec.px_per_mm * OVERSAMPLING)
    surface = survey(copper, holes, spec.px_per_mm * OVERSAMPLING, widest_mm=1.4)
    painted = copper.copy()
    planted = _planted(rng, surface, painted, spec)
    side = template.shape[0]
    share = cv2.resize(painted * np.uint8(255), (side, side), interpolation=cv2.INTER_AREA)
    pixels = np.where(share > MID_GREY, 0, 255).astype(np.uint8)
    unchanged = np.asarray(cv2.resize(painted ^ copper, (side, side), interpolation=cv2.INTER_AREA)) == 0
    pixels[unchanged] = template[unchanged]
    return pixels, tuple(truth_of(one, spec.px_per_mm) for one in planted)


def _drilled(copper: NDArray[np.uint8], px_per_mm: float) -> NDArray[np.uint8]:
    """Return round openings in the copper up to 2.5 mm wide, which are drilled holes and not laminate."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((1 - copper).astype(np.uint8), connectivity=4)
    holes = np.zeros_like(copper)
    for index in range(1, count):
        left, top, width, height, area = stats[index].tolist()
        inside = left > 0 and top > 0 and left + width < copper.shape[1] and top + height < copper.shape[0]
        filled, aspect = area / (width * height), width / height
        round_enough = ROUND_FILL[0] < filled < ROUND_FILL[1] and ROUND_ASPECT[0] < aspect < ROUND_ASPECT[1]
        if inside and round_enough and width < WIDEST_HOLE_MM * px_per_mm:
            holes[labels == index] = 1
    return holes
