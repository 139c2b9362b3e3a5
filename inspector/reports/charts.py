"""The charts of the report as inline SVG: no script, no foreign file, readable without colour."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from inspector.reports.shift import ParetoRow
from inspector.reports.spc import ControlChart
from inspector.reports.words import ReportWords

__all__ = ["control_svg", "pareto_svg"]

WIDTH, HEIGHT = 720, 190
LEFT, RIGHT, TOP, BOTTOM = 56, 96, 12, 30
MOST_POINTS = 200
HEADROOM = 0.08
INK, SOFT, LINE, BAD = "#1c2733", "#5b6b7c", "#2f6f9f", "#b3261e"
_LONGEST_NAME = 14


class _Plane:
    """Data coordinates -> pixels of the drawing."""

    def __init__(self, number: int, low: float, high: float, height: int = HEIGHT) -> None:
        self.number, self.height = max(number, 1), height
        margin = (high - low or abs(high) or 1.0) * HEADROOM
        self.low, self.high = low - margin, high + margin

    def x(self, index: float) -> float:
        return LEFT + (index + 0.5) * (WIDTH - LEFT - RIGHT) / self.number

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return TOP + (1 - share) * (self.height - TOP - BOTTOM)


def control_svg(
    chart: ControlChart, words: ReportWords, *, title: str, labels: Sequence[str] = (), share: bool = False
) -> str:
    """Return a control chart; special points are diamonds with a ring, the others dots.

    ``labels`` name the points along the axis; ``share`` writes values as percentages. Of more than 200 points the last
    200 are drawn.
    """
    first = max(0, len(chart.points) - MOST_POINTS)
    points, limits = chart.points[first:], chart.limits[first:]
    bounds = [chart.centre, *(limit.lower for limit in limits), *(limit.upper for limit in limits)]
    plane = _Plane(len(points), min(*bounds, float(points.min())), max(*bounds, float(points.max())))
    special = {signal.point - first: words[f"signal_{signal.kind}"] for signal in chart.signals}
    lines = [
        _steps(plane, [limit.upper for limit in limits], "6 4"),
        _steps(plane, [limit.lower for limit in limits], "6 4"),
        _steps(plane, [chart.centre] * len(points), "none"),
        _side(plane, limits[-1].upper, f"UCL {_value(limits[-1].upper, share)}"),
        _side(plane, chart.centre, f"CL {_value(chart.centre, share)}"),
        _side(plane, limits[-1].lower, f"LCL {_value(limits[-1].lower, share)}"),
    ]
    path = " ".join(f"{plane.x(index):.1f},{plane.y(point):.1f}" for index, point in enumerate(points.tolist()))
    marks = "".join(_mark(plane, index, point, special.get(index)) for index, point in enumerate(points.tolist()))
    every = max(1, len(labels) // 12)
    axis = "".join(_below(plane, index, label) for index, label in enumerate(labels) if index % every == 0)
    note = f" ({MOST_POINTS} {words['last_points']})" if first else ""
    return _drawing(
        f"{title}{note}",
        "".join(lines) + f'<polyline points="{path}" fill="none" stroke="{LINE}" stroke-width="1.3"/>' + marks + axis,
    )


def pareto_svg(rows: Sequence[ParetoRow], words: ReportWords, *, title: str) -> str:
    """Return the findings by class as bars, with the cumulative share as a line."""
    plane = _Plane(len(rows), 0.0, float(max(row.findings for row in rows)))
    plane.low = 0.0
    cumulative = _Plane(len(rows), 0.0, 1.0)
    cumulative.low = 0.0
    width = (WIDTH - LEFT - RIGHT) / len(rows) * 0.62
    bars = "".join(
        f'<rect x="{plane.x(i) - width / 2:.1f}" y="{plane.y(row.findings):.1f}" width="{width:.1f}" '
        f'height="{plane.y(0) - plane.y(row.findings):.1f}" fill="{LINE}" fill-opacity="0.75"/>'
        + _text(plane.x(i), plane.y(row.findings) - 3, str(row.findings), anchor="middle")
        + _below(plane, i, words.term(row.label))
        for i, row in enumerate(rows)
    )
    path = " ".join(f"{cumulative.x(i):.1f},{cumulative.y(row.cumulative):.1f}" for i, row in enumerate(rows))
    dots = "".join(
        f'<circle cx="{cumulative.x(i):.1f}" cy="{cumulative.y(row.cumulative):.1f}" r="2.6" fill="{INK}"/>'
        for i, row in enumerate(rows)
    )
    scale = "".join(_side(cumulative, share, f"{share:.0%}") for share in (0.0, 0.5, 1.0))
    return _drawing(title, f'{bars}<polyline points="{path}" fill="none" stroke="{INK}"/>{dots}{scale}')


def _drawing(title: str, inside: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg">'
        f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}" fill="none" '
        f'stroke="#c8d1da"/>{inside}</svg>'
    )


def _steps(plane: _Plane, values: Sequence[float], dash: str) -> str:
    half = plane.x(0.5) - plane.x(0)
    path = " ".join(
        f"{plane.x(index) + side * half:.1f},{plane.y(value):.1f}"
        for index, value in enumerate(values)
        for side in (-1, 1)
    )
    return f'<polyline points="{path}" fill="none" stroke="{SOFT}" stroke-dasharray="{dash}"/>'


def _mark(plane: _Plane, index: int, point: float, special: str | None) -> str:
    x, y = plane.x(index), plane.y(point)
    if special is None:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{LINE}"/>'
    return (
        f'<g><title>{escape(special)}</title><circle cx="{x:.1f}" cy="{y:.1f}" r="6.5" fill="none" stroke="{BAD}"/>'
        f'<path d="M{x:.1f} {y - 4:.1f}l4 4-4 4-4-4z" fill="{BAD}"/></g>'
    )


def _side(plane: _Plane, value: float, text: str) -> str:
    return _text(WIDTH - RIGHT + 5, plane.y(value) + 3, text)


def _below(plane: _Plane, index: int, text: str) -> str:
    shown = text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"
    return _text(plane.x(index), HEIGHT - BOTTOM + 14, shown, anchor="middle")


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="10" fill="{INK}" text-anchor="{anchor}">{escape(text)}</text>'


def _value(value: float, share: bool) -> str:
    return f"{value:.1%}" if share else np.format_float_positional(value, precision=4, trim="-", fractional=False)
