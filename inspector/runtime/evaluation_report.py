"""The figures of an evaluation as Markdown and as one HTML page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["as_html", "as_markdown"]

_SIDE = 260
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1b2733}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{text-align:left;padding:.3rem .9rem .3rem 0;"
    "border-bottom:1px solid #d5dde5}td{font-variant-numeric:tabular-nums}h2{margin-top:2rem}"
)

Table = tuple[str, tuple[str, ...], Sequence[Sequence[str]]]
"""Heading, column names, rows."""


def as_markdown(facts: Mapping[str, Any]) -> str:
    """Return the figures as Markdown."""
    lines = [f"# {_title(facts)}", "", _about(facts), ""]
    for heading, columns, rows in _tables(facts):
        lines += [f"## {heading}", "", f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
        lines += [f"| {' | '.join(row)} |" for row in rows]
        lines.append("")
    return "\n".join(lines)


def as_html(facts: Mapping[str, Any]) -> str:
    """Return the figures as one page without any reference to elsewhere."""
    parts = [f"<h1>{escape(_title(facts))}</h1><p>{escape(_about(facts))}</p>"]
    for heading, columns, rows in _tables(facts):
        head = "".join(f"<th>{escape(column)}</th>" for column in columns)
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        parts.append(f"<h2>{escape(heading)}</h2><table><tr>{head}</tr>{body}</table>")
        if heading == _RELIABILITY:
            parts.append(_diagram(facts["calibration"]))
    title = escape(_title(facts))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"{''.join(parts)}</html>\n"
    )


_RELIABILITY = "Reliability: are scores what they say?"


def _title(facts: Mapping[str, Any]) -> str:
    return f"{facts['model']['name']} {facts['model']['version']} on {facts['data']['folder']}"


def _about(facts: Mapping[str, Any]) -> str:
    data = facts["data"]
    return (
        f"{data['images']} images of {data['groups']} lots: {data['defective']} defective, {data['good']} good. "
        f"Backend {facts['backend']}, weights {facts['model']['sha256'][:12]}, {facts['created']}."
    )


def _tables(facts: Mapping[str, Any]) -> Iterator[Table]:
    if "map50" in facts:
        rows = [("all", _number(facts["map50"]), _number(facts["map50_95"]))]
        rows += [(name, _number(each["map50"]), _number(each["map50_95"])) for name, each in facts["per_class"].items()]
        rows += [
            (f"{name} boxes ({each['boxes']})", _number(each["map50"]), _number(each["map50_95"]))
            for name, each in facts["per_size"].items()
        ]
        yield "Average precision", ("of", "mAP50", "mAP50-95"), rows
    if "heat" in facts:
        heat = facts["heat"]
        yield (
            f"Heat map (truth: {heat['truth']})",
            ("figure", "value"),
            [
                ("image AUROC", _number(heat["image_auroc"])),
                ("pixel AUROC", _number(heat["pixel_auroc"])),
                ("per-region overlap up to 0.3 false positives", _number(heat["pro"])),
            ],
        )
    for key, heading in (("parts", "Parts at the gate {gate}"), ("line", "Parts by line {line}, recipe {recipe}")):
        if key in facts:
            yield heading.format_map(facts[key]), ("parts", "count", "share", "95 % interval"), _counts(facts[key])
    if "calibration" in facts:
        calibration = facts["calibration"]
        rows = [
            (_number(each["mean_score"]), _number(each["share_right"]), str(each["findings"]))
            for each in calibration["bins"]
        ]
        yield _RELIABILITY, ("mean score", "share right", "findings"), rows
        yield (
            "Temperature",
            ("", "temperature", "calibration error"),
            [
                ("now", _number(calibration["temperature_now"]), _number(calibration["error_now"])),
                (
                    "fitted; error on lots left out",
                    _number(calibration["temperature"]),
                    _number(calibration["error_after"]),
                ),
            ],
        )


def _counts(counts: Mapping[str, Any]) -> list[tuple[str, ...]]:
    rows = [_share("defective, passed: escapes", counts["escapes"])]
    rows += [("defective, held for review", str(counts["defective_held"]), "", "")]
    rows += [("defective, failed", str(counts["defective_failed"]), "", "")]
    rows += [_share("good, failed: false rejects", counts["false_rejects"])]
    rows += [("good, held for review", str(counts["good_held"]), "", "")]
    rows += [("good, passed", str(counts["good_passed"]), "", "")]
    return rows


def _share(name: str, share: Mapping[str, Any]) -> tuple[str, ...]:
    if share["share"] is None:
        return name, "0 of 0", "-", "-"
    low, high = share["interval_95"]
    return name, f"{share['count']} of {share['of']}", f"{share['share']:.1%}", f"{low:.1%} to {high:.1%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _diagram(calibration: Mapping[str, Any]) -> str:
    """Return the reliability diagram as SVG: share right over mean score, before and after."""

    def curve(bins: Sequence[Mapping[str, float]], colour: str, name: str) -> str:
        points = [(each["mean_score"] * _SIDE, _SIDE - each["share_right"] * _SIDE) for each in bins]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in points)
        return f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}<!-- {name} -->'

    return (
        f'<svg role="img" aria-label="Reliability diagram" width="{_SIDE + 60}" height="{_SIDE + 60}" '
        f'viewBox="-40 -10 {_SIDE + 60} {_SIDE + 60}"><rect width="{_SIDE}" height="{_SIDE}" fill="none" '
        f'stroke="#9aa7b4"/><line x1="0" y1="{_SIDE}" x2="{_SIDE}" y2="0" stroke="#9aa7b4" stroke-dasharray="4"/>'
        f"{curve(calibration['bins'], '#c2410c', 'now')}{curve(calibration['bins_after'], '#0f766e', 'after')}"
        f'<text x="{_SIDE / 2}" y="{_SIDE + 30}" text-anchor="middle">mean score</text>'
        f'<text x="{-_SIDE / 2}" y="-15" text-anchor="middle" transform="rotate(-90)">share right</text></svg>'
        '<p><span style="color:#c2410c">now</span>, <span style="color:#0f766e">after the temperature fitted on the '
        "other lots</span>; on the dashed line, scores are what they say.</p>"
    )
