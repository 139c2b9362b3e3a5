"""Charts of a study as SVG, and the page that carries them: one HTML file without anything from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from inspector.gauging.msa_variable import GaugeStudy, Linearity, Reading, Stability

__all__ = ["components_chart", "linearity_chart", "page", "parts_chart", "stability_chart"]

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 34, 40
COLOURS = ("#0b6e99", "#c2571a", "#4c7a34", "#7a4c8f", "#8a6d1a", "#333333")
TICKS = 5

Series = Sequence[tuple[float, float]]


class _Chart:
    """Axes over the range of the data, and what is drawn on them."""

    def __init__(self, title: str, x: Sequence[float], y: Sequence[float], *, x_names: Sequence[str] = ()) -> None:
        self._x0, self._x1 = _span(x)
        self._y0, self._y1 = _span(y)
        self._parts = [
            f'<text x="{LEFT}" y="20" font-size="14" font-weight="600">{escape(title)}</text>',
            f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="#777"/>',
        ]
        for step in range(TICKS):
            value = self._y0 + (self._y1 - self._y0) * step / (TICKS - 1)
            self._label(LEFT - 6, self._py(value) + 4, f"{value:.4g}", "end")
        names = dict(enumerate(x_names)) if x_names else {value: f"{value:g}" for value in sorted(set(x))}
        stride = max(len(names) // 20, 1)
        for value, name in list(names.items())[::stride]:
            self._label(self._px(value), HEIGHT - BOTTOM + 16, name, "middle")

    def line(self, points: Series, colour: str, *, dashed: bool = False) -> None:
        path = " ".join(f"{self._px(x):.1f},{self._py(y):.1f}" for x, y in points)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self._parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}"{dash}/>')

    def dots(self, points: Series, colour: str) -> None:
        self._parts += [
            f'<circle cx="{self._px(x):.1f}" cy="{self._py(y):.1f}" r="2.6" fill="{colour}"/>' for x, y in points
        ]

    def level(self, value: float, colour: str, *, dashed: bool = False) -> None:
        self.line([(self._x0, value), (self._x1, value)], colour, dashed=dashed)

    def bar(self, index: int, value: float, colour: str) -> None:
        left, top = self._px(index - 0.3), self._py(value)
        size = f'width="{self._px(index + 0.3) - left:.1f}" height="{max(self._py(0) - top, 0):.1f}"'
        self._parts.append(f'<rect x="{left:.1f}" y="{top:.1f}" {size} fill="{colour}"/>')
        self._label(self._px(index), top - 4, f"{value:.3g}", "middle")

    def legend(self, names: Sequence[str]) -> None:
        for index, name in enumerate(names):
            x = WIDTH - RIGHT - 90 * (len(names) - index)
            self._parts.append(f'<circle cx="{x}" cy="16" r="4" fill="{COLOURS[index % len(COLOURS)]}"/>')
            self._label(x + 8, 20, name, "start")

    def svg(self) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            f'font-family="system-ui,sans-serif" font-size="11">{"".join(self._parts)}</svg>'
        )

    def _label(self, x: float, y: float, text: str, anchor: str) -> None:
        self._parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>')

    def _px(self, x: float) -> float:
        return LEFT + 14 + (x - self._x0) / (self._x1 - self._x0) * (WIDTH - LEFT - RIGHT - 28)

    def _py(self, y: float) -> float:
        return HEIGHT - BOTTOM - (y - self._y0) / (self._y1 - self._y0) * (HEIGHT - TOP - BOTTOM)


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    return low - margin, high + margin


def components_chart(study: GaugeStudy) -> str:
    """Return the components of variation, in percent of the total variation (standard deviations)."""
    shares = {
        "gauge R&R": study.grr,
        "repeatability": study.repeatability,
        "reproducibility": study.reproducibility,
        "parts": study.part_variation,
    }
    values = [100 * share / study.total if study.total else 0.0 for share in shares.values()]
    chart = _Chart("Components of variation, % of total", [-0.5, 3.5], [0, 100], x_names=tuple(shares))
    for index, value in enumerate(values):
        chart.bar(index, value, COLOURS[index])
    return chart.svg()


def parts_chart(readings: Sequence[Reading]) -> str:
    """Return each appraiser's averages, part by part, with all readings as dots."""
    parts = list(dict.fromkeys(reading.part for reading in readings))
    appraisers = list(dict.fromkeys(reading.appraiser for reading in readings))
    chart = _Chart(
        "Readings by part", [0, max(len(parts) - 1, 1)], [reading.value for reading in readings], x_names=parts
    )
    for number, appraiser in enumerate(appraisers):
        own = [(parts.index(r.part), r.value) for r in readings if r.appraiser == appraiser]
        means = [(x, _mean([y for at, y in own if at == x])) for x in sorted({at for at, _ in own})]
        chart.dots(own, COLOURS[number % len(COLOURS)])
        chart.line(means, COLOURS[number % len(COLOURS)])
    chart.legend(appraisers)
    return chart.svg()


def linearity_chart(pairs: Sequence[tuple[float, float]], result: Linearity) -> str:
    """Return bias over reference, with the fit, its 95 % band and the line of zero bias."""
    points = [(x, y - x) for x, y in pairs]
    band = [limit for limits in result.band.values() for limit in limits]
    chart = _Chart("Bias over reference", [x for x, _ in points], [*(y for _, y in points), *band, 0.0])
    chart.level(0.0, "#777")
    chart.dots(points, COLOURS[0])
    chart.line([(x, result.intercept + result.slope * x) for x in result.band], COLOURS[1])
    for side in (0, 1):
        chart.line([(x, limits[side]) for x, limits in result.band.items()], COLOURS[1], dashed=True)
    return chart.svg()


def stability_chart(result: Stability) -> str:
    """Return the chart of averages over that of standard deviations, with their limits."""
    charts = []
    for title, values, limits in (
        ("Averages", result.means, result.mean_limits),
        ("Standard deviations", result.spreads, result.spread_limits),
    ):
        chart = _Chart(title, [0, len(values) - 1], [*values, *limits], x_names=result.names)
        for limit in limits:
            chart.level(limit, COLOURS[1], dashed=True)
        chart.level(_mean(values), "#777")
        chart.line(list(enumerate(values)), COLOURS[0])
        chart.dots(list(enumerate(values)), COLOURS[0])
        charts.append(chart.svg())
    return "".join(charts)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def page(title: str, verdict: str, figures: Mapping[str, str], charts: Sequence[str]) -> str:
    """Return the report as one HTML page."""
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in figures.items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>'
        "body{font:14px system-ui,sans-serif;max-width:46em;margin:2em auto;color:#222}"
        "th{text-align:left;font-weight:400;padding:.15em 1.5em .15em 0}td{font-variant-numeric:tabular-nums}"
        "svg{max-width:100%;height:auto;margin:1em 0}</style></head>"
        f"<body><h1>{escape(title)}</h1><p><strong>{escape(verdict)}</strong></p><table>{rows}</table>"
        f"{''.join(charts)}<p>After AIAG, Measurement Systems Analysis, 4th edition (2010).</p></body></html>\n"
    )
