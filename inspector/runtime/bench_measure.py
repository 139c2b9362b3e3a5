"""How well findings are measured: the gauges against marks whose length and width are known exactly.

Everything that the stated uncertainty speaks of is really drawn: pixel noise, place on the pixel grid, edges of the
detector's box, and, mark by mark, an error of the scale, of the edge blur, of the part's height and of its
temperature. So the share of marks whose true value lies within the stated uncertainty can be counted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from inspector.capture.marks import Mark, render_mark
from inspector.domain import Box, Detection, Detections, Frame, Gauge, Measurement, ModelId, Trigger
from inspector.gauging import BoxGauge, RelativeEffects, SubpixelGauge, UniformPlane
from inspector.gauging.bar_fit import least_spread
from inspector.gauging.msa_variable import Reading, gauge_study
from inspector.gauging.subpixel import METHOD

__all__ = ["GOALS", "Accuracy", "MeasureFigures", "measure_marks"]

PX_PER_MM = 48.0
LENGTHS_MM = (0.1, 10.0)
WIDTHS_PX = (1.5, 12.0)
SLENDER = 3.0  # least length over width
LARGEST_BEND = 1.5
STATION_TOLERANCE_MM = 0.45
STATION_PARTS, STATION_TRIALS = 10, 3
# contrast, noise, blur: what three people make of one station
STATION_SET_UPS = {"A": (-80.0, 2.0, 0.78), "B": (-60.0, 3.0, 0.80), "C": (-100.0, 4.0, 0.82)}
TIGHTEST = 4.0  # least radius over width
NOISE_LEVELS = (1.0, 2.0, 4.0, 8.0)
ROUNDING = 12**-0.5  # what whole grey levels add to the noise
BLUR_PX, BLUR_UNCERTAINTY_PX = 0.8, 0.02
BOX_EDGE_PX = 0.5
REPEATABILITY_PX = 0.02
EFFECTS = RelativeEffects(
    scale=0.0005, off_plane_mm=0.1, working_distance_mm=300.0, temperature_span_k=5.0, expansion_per_k=14e-6
)
SIZE_BANDS_MM = ((0.1, 0.3), (0.3, 1.0), (1.0, 3.0), (3.0, 10.0))
LEVEL_CONTRAST = -80.0
CHARACTERISTICS = ("length", "width", "area")
GOALS = {
    "bias_px": 0.03,
    "width_std_px": 0.15,
    "length_std_px": 0.25,
    "coverage": (0.93, 0.97),
    "cpu_ms_per_defect": 15.0,
}
"""What the product promises for marks at least 1.5 px wide."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Errors of one characteristic by one method in one group of marks; an area's are in px2.

    ``coverage`` is the share of marks whose true value lies within the stated expanded uncertainty (k = 2),
    all effects included; bias and standard deviation are of the measured px alone, without the errors of the
    scale, of height and of temperature, which are the same for every method. ``least_std_px`` is what no unbiased
    measurement of lengths and widths from these very pixels can stay below (``least_spread``).
    """

    method: str
    characteristic: str
    group: str
    marks: int
    bias_px: float
    std_px: float
    least_std_px: float | None
    worst_px: float
    coverage: float
    mean_uncertainty_px: float


@dataclass(frozen=True, slots=True)
class StationStudy:
    """Gauge R&R of the virtual station: ten scratches, three set-ups of light, lens and camera, three placings each.

    The tolerance is that of the demonstration's recipe for the length of a mousebite: 0 to 0.45 mm.
    """

    tolerance_mm: float
    grr_mm: float
    percent_of_tolerance: float
    percent_of_total: float
    categories: int


@dataclass(frozen=True, slots=True)
class MeasureFigures:
    """What was measured.

    ``fallbacks`` counts, by reason, the marks that the sub-pixel gauge measured by their box;
    ``cpu_ms`` is process CPU time per mark by method, on one thread where the libraries are told so.
    """

    marks: int
    px_per_mm: float
    edge_sigma_px: float
    accuracy: tuple[Accuracy, ...]
    fallbacks: dict[str, int]
    cpu_ms: dict[str, float]
    round_end_bias_widths: float
    station: StationStudy

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, with the goals beside them."""
        return {**asdict(self), "goals": GOALS}


@dataclass(frozen=True, slots=True)
class _Sample:
    """One measured value: its error in px (px2) and whether the stated uncertainty covers the truth."""

    method: str
    characteristic: str
    size_mm: float
    noise: float
    error_px: float
    least_px: float | None
    uncertainty_px: float
    covered: bool


def measure_marks(count: int = 500, *, seed: int = 1, on_mark: Callable[[], None] = lambda: None) -> MeasureFigures:
    """Draw ``count`` marks of 0.1 to 10 mm at four noise levels and measure each with both gauges."""
    rng = np.random.default_rng(seed)
    nominal = Mark(10, 3, blur=BLUR_PX).edge_sigma
    plane = UniformPlane(PX_PER_MM)
    box = BoxGauge(px_per_mm=PX_PER_MM, scale_uncertainty=EFFECTS.combined, edge_uncertainty_px=BOX_EDGE_PX)
    fine = SubpixelGauge(
        box=box,
        plane=plane,
        edge_sigma_px=nominal,
        edge_sigma_uncertainty_px=BLUR_UNCERTAINTY_PX,
        repeatability_px=REPEATABILITY_PX,
        effects=EFFECTS,
    )
    gauges: dict[str, Gauge] = {"box": box, "subpixel": fine}
    samples: list[_Sample] = []
    fallbacks: dict[str, int] = {}
    cpu = dict.fromkeys(gauges, 0.0)
    for number in range(count):
        mark = _draw(rng, NOISE_LEVELS[number % len(NOISE_LEVELS)])
        frame, found = _look(rng, mark)
        stretch = _relative_error(rng)
        for name, gauge in gauges.items():
            started = time.process_time()
            measured = gauge.measure(frame, found)
            cpu[name] += time.process_time() - started
            if name == "subpixel" and (reason := _fallback(measured)):
                fallbacks[reason] = fallbacks.get(reason, 0) + 1
                continue
            samples += _samples(rng, name, mark, measured, stretch)
        on_mark()
    return MeasureFigures(
        marks=count,
        px_per_mm=PX_PER_MM,
        edge_sigma_px=nominal,
        accuracy=tuple(_accuracy(samples)),
        fallbacks=fallbacks,
        cpu_ms={name: 1000 * total / count for name, total in cpu.items()},
        round_end_bias_widths=_round_ends(rng, fine),
        station=_station(rng, fine),
    )


def _draw(rng: np.random.Generator, noise: float) -> Mark:
    length = float(np.exp(rng.uniform(*np.log(LENGTHS_MM)))) * PX_PER_MM
    width = float(np.exp(rng.uniform(math.log(WIDTHS_PX[0]), math.log(max(min(WIDTHS_PX[1], length / SLENDER), 1.51)))))
    bend = rng.uniform(0, min(LARGEST_BEND, length / (TIGHTEST * width))) if rng.random() < 0.5 else 0.0  # noqa: PLR2004
    return Mark(
        length=length,
        width=width,
        bend=float(bend),
        angle=float(rng.uniform(0, math.pi)),
        contrast=LEVEL_CONTRAST,
        blur=float(rng.normal(BLUR_PX, BLUR_UNCERTAINTY_PX)),
        noise=noise,
    )


def _look(rng: np.random.Generator, mark: Mark) -> tuple[Frame, Detections]:
    """Return the frame, and the finding with a box whose edges are as uncertain as a detector's."""
    pixels, exact = render_mark(rng, mark)
    x0, y0, x1, y1 = np.array([exact.x0, exact.y0, exact.x1, exact.y1]) + rng.normal(0, BOX_EDGE_PX, 4)
    box = Box(float(x0), float(y0), float(max(x1, x0 + 1)), float(max(y1, y0 + 1)))
    now = datetime.now(UTC)
    found = Detections((Detection("scratch", 0.9, box),), ModelId("truth", "1", ""))
    return Frame(Trigger("mark", "bench", 1, now), pixels, "virtual", now), found


def _relative_error(rng: np.random.Generator) -> float:
    """Return how much longer than it is the line believes a part to be: scale, height and temperature."""
    heat = EFFECTS.expansion_per_k * EFFECTS.temperature_span_k * rng.uniform(-1, 1)
    return float(rng.normal(0, EFFECTS.scale) + rng.normal(0, EFFECTS.off_plane) + heat)


def _fallback(measured: Sequence[Measurement]) -> str:
    methods = {item.method for item in measured}
    return "" if methods == {METHOD} else min(methods)


def _samples(
    rng: np.random.Generator, method: str, mark: Mark, measured: Sequence[Measurement], stretch: float
) -> Iterator[_Sample]:
    truths = {"length": mark.length, "width": mark.width, "area": mark.area}
    least = dict(zip(("length", "width"), _least(mark), strict=True)) if method == "subpixel" else {}
    for item in measured:
        if item.characteristic not in truths:
            continue
        power = 2 if item.characteristic == "area" else 1
        scale = PX_PER_MM**power
        value, uncertainty = item.value * scale, item.uncertainty * scale
        truth = truths[item.characteristic]
        spread = REPEATABILITY_PX * (math.hypot(mark.length, mark.width) if power > 1 else 1.0)
        again = rng.normal(0, spread) if method == "subpixel" else 0.0
        believed = value * (1 + stretch) ** power + again
        yield _Sample(
            method=method,
            characteristic=item.characteristic,
            size_mm=mark.length / PX_PER_MM,
            noise=mark.noise,
            error_px=value - truth,
            least_px=least.get(item.characteristic),
            uncertainty_px=uncertainty,
            covered=abs(believed - truth) <= uncertainty,
        )


def _least(mark: Mark) -> tuple[float, float]:
    """Return the least standard deviation of the mark's length and width, px; bent, it has as much edge to see."""
    return least_spread(
        mark.length,
        mark.width,
        contrast=mark.contrast,
        noise=math.hypot(mark.noise, ROUNDING),
        sigma=mark.edge_sigma,
        sigma_uncertainty=BLUR_UNCERTAINTY_PX,
    )


def _accuracy(samples: Sequence[_Sample]) -> Iterator[Accuracy]:
    groups: dict[str, Callable[[_Sample], bool]] = {"all": lambda _: True}
    for low, high in SIZE_BANDS_MM:
        groups[f"{low:g}-{high:g} mm"] = lambda s, low=low, high=high: low <= s.size_mm < high  # type: ignore[misc]
    for noise in NOISE_LEVELS:
        groups[f"noise {noise:g}"] = lambda s, noise=noise: s.noise == noise  # type: ignore[misc]
    for method in ("box", "subpixel"):
        for characteristic in CHARACTERISTICS:
            own = [s for s in samples if (s.method, s.characteristic) == (method, characteristic)]
            for name, belongs in groups.items():
                chosen = [s for s in own if belongs(s)]
                if not chosen:
                    continue
                errors = np.array([s.error_px for s in chosen])
                least = [s.least_px for s in chosen if s.least_px is not None]
                yield Accuracy(
                    method=method,
                    characteristic=characteristic,
                    group=name,
                    marks=len(chosen),
                    bias_px=float(errors.mean()),
                    std_px=float(errors.std()),
                    least_std_px=float(np.sqrt(np.mean(np.square(least)))) if least else None,
                    worst_px=float(np.abs(errors).max()),
                    coverage=float(np.mean([s.covered for s in chosen])),
                    mean_uncertainty_px=float(np.mean([s.uncertainty_px for s in chosen])),
                )


def _round_ends(rng: np.random.Generator, gauge: SubpixelGauge) -> float:
    """Return by how many widths a mark with round ends reads longer (shorter: negative) than from tip to tip."""
    errors = []
    for width in (2.0, 4.0, 8.0):
        mark = Mark(length=20 * width, width=width, angle=0.5, noise=1.0, blur=BLUR_PX, round_ends=True)
        frame, found = _look(rng, mark)
        lengths = [item.value for item in gauge.measure(frame, found) if item.characteristic == "length"]
        errors += [(value * PX_PER_MM - mark.length) / width for value in lengths]
    return float(np.mean(errors))


def _station(rng: np.random.Generator, gauge: SubpixelGauge) -> StationStudy:
    readings = []
    for part, size_mm in enumerate(np.linspace(0.15, 0.6, STATION_PARTS)):
        for who, (contrast, noise, blur) in STATION_SET_UPS.items():
            for _ in range(STATION_TRIALS):
                length = float(size_mm) * PX_PER_MM
                angle = float(rng.uniform(0, math.pi))
                mark = Mark(length, max(length / 6, 2.0), angle=angle, contrast=contrast, noise=noise, blur=blur)
                frame, found = _look(rng, mark)
                (value,) = (m.value for m in gauge.measure(frame, found) if m.characteristic == "length")
                readings.append(Reading(str(part), who, value))
    study = gauge_study(readings, tolerance=STATION_TOLERANCE_MM)
    return StationStudy(
        tolerance_mm=STATION_TOLERANCE_MM,
        grr_mm=study.grr,
        percent_of_tolerance=study.percent_of_tolerance or 0.0,
        percent_of_total=study.percent_of_total,
        categories=study.categories,
    )
