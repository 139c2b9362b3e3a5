"""The yield's trend as a small chart: every point so many parts, the dashed line the yield of the whole run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from hmi.words import Words
from inspector.domain import TREND_BLOCK

__all__ = ["trend"]

_LEAST_SPAN = 0.1  # of the axis: a step of one part must not look like a cliff
_LEAST_SLOTS = 8  # points that the width is made for while there are fewer


def trend(points: Sequence[float], whole: float | None, words: Words) -> str:
    """Draw it as HTML; ``points`` are shares of parts, oldest first, ``whole`` is that of all parts of the run."""
    head = f'<span class="trend-head">{escape(words["trend"].format(parts=TREND_BLOCK))}</span>'
    if not points or whole is None:
        return f'{head}<p class="trend-plot quiet">{escape(words["no_trend"].format(parts=TREND_BLOCK))}</p>'
    low, high = _axis([*points, whole])
    step = 100 / (max(len(points), _LEAST_SLOTS) - 1)
    places = [(number * step, 100 * (high - point) / (high - low)) for number, point in enumerate(points)]
    x, y = places[-1]
    drawn = " ".join(f"{left:.2f},{top:.2f}" for left, top in places)
    level = f"{100 * (high - whole) / (high - low):.2f}"
    said = f"{words['yield']}: {', '.join(f'{point * 100:.0f} %' for point in points)}"
    return (
        f'{head}<span class="trend-plot" role="img" aria-label="{escape(said)}">'
        '<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<polygon points="0,100 {drawn} {x:.2f},100"/><line x1="0" x2="100" y1="{level}" y2="{level}"/>'
        f'<polyline points="{drawn}"/></svg>'
        f'<i class="trend-now" style="left:{x:.2f}%;top:{y:.2f}%"></i></span>'
        f'<span class="trend-axis"><span>{high * 100:.0f} %</span><span>{low * 100:.0f} %</span></span>'
    )


def _axis(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the axis: whole tenths around the values, within 0 … 1."""
    low, high = math.floor(min(values) * 10) / 10, math.ceil(max(values) * 10) / 10
    if high - low < _LEAST_SPAN:
        low, high = (low, low + _LEAST_SPAN) if low + _LEAST_SPAN <= 1 else (low - _LEAST_SPAN, high)
    return low, high
