"""Calibration targets to print at true scale: PDF and SVG, with a bar to measure after printing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from inspector.domain import ConfigurationError
from inspector.gauging.target import Target

__all__ = ["PAGES", "print_target"]

PAGES = {"a3": (420.0, 297.0), "a4": (297.0, 210.0), "letter": (279.4, 215.9)}
"""Landscape pages, width and height in mm."""

_POINTS_PER_MM = 72 / 25.4
_MARGIN_MM = 8.0
_BAR_MM = 100.0
_FOOT_MM = 14.0
_TEXT_MM = 3.0

Rectangle = tuple[float, float, float, float]


def print_target(target: Target, path: Path, *, page: str = "a4") -> None:
    """Write the target to a ``.pdf`` or ``.svg`` file; raises ``ConfigurationError`` where it does not fit the page.

    Below it stands a bar of 100 mm: printers scale, so it is measured, and ``square_mm`` corrected, before use.
    """
    if page not in PAGES:
        raise ConfigurationError(f"there is no page {page}", remedy=f"Use one of: {', '.join(PAGES)}")
    width, height = PAGES[page]
    needed_x, needed_y = target.size_mm
    if needed_x > width - 2 * _MARGIN_MM or needed_y > height - 2 * _MARGIN_MM - _FOOT_MM:
        raise ConfigurationError(
            f"the target of {needed_x:g} x {needed_y:g} mm does not fit on {page} ({width:g} x {height:g} mm)",
            remedy="Choose a larger page, fewer squares or smaller ones",
        )
    write = {".pdf": _pdf, ".svg": _svg}.get(path.suffix.lower())
    if write is None:
        raise ConfigurationError(f"{path}: targets are written as .pdf or .svg", remedy="Name the file board.pdf")
    content = write(list(_drawing(target, width, height)), _caption(target), width, height)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be written: {error.strerror}", remedy="Choose another place"
        ) from error


def _drawing(target: Target, width: float, height: float) -> Iterator[Rectangle]:
    """Yield black rectangles on the page, x y from its top-left corner, width, height; mm."""
    left, top = (width - target.size_mm[0]) / 2, (height - _FOOT_MM - target.size_mm[1]) / 2
    for x, y, w, h in target.black_mm():
        yield left + x, top + y, w, h
    foot, start = height - _FOOT_MM, (width - _BAR_MM) / 2
    yield start, foot + 2, _BAR_MM, 0.2
    yield start, foot, 0.2, 4.2
    yield start + _BAR_MM - 0.2, foot, 0.2, 4.2


def _caption(target: Target) -> str:
    marker = f", markers {target.marker_mm:g} mm ({target.dictionary})" if target.kind == "charuco" else ""
    return (
        f"{target.kind} {target.columns} x {target.rows}, squares {target.square_mm:g} mm{marker}. "
        "Print at 100 %; the bar is 100 mm between its outer edges: measure it."
    )


def _svg(rectangles: list[Rectangle], caption: str, width: float, height: float) -> bytes:
    boxes = "".join(f'<rect x="{x:.4f}" y="{y:.4f}" width="{w:.4f}" height="{h:.4f}"/>\n' for x, y, w, h in rectangles)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" '
        f'viewBox="0 0 {width:g} {height:g}" shape-rendering="crispEdges">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{boxes}'
        f'<text x="{_MARGIN_MM:g}" y="{height - 4:g}" font-size="{_TEXT_MM:g}" font-family="Helvetica">'
        f"{caption}</text>\n</svg>\n"
    ).encode()


def _pdf(rectangles: list[Rectangle], caption: str, width: float, height: float) -> bytes:
    """Return a PDF 1.4 file of one page (ISO 32000-1, 7.5: objects, cross-reference table, trailer)."""
    points = _POINTS_PER_MM
    boxes = "".join(
        f"{x * points:.4f} {(height - y - h) * points:.4f} {w * points:.4f} {h * points:.4f} re\n"
        for x, y, w, h in rectangles
    )
    text = caption.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    stream = (
        f"0 g\n{boxes}f\nBT /F1 {_TEXT_MM * points:.2f} Tf {_MARGIN_MM * points:.2f} {4 * points:.2f} Td ({text}) Tj ET"
    )
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width * points:.4f} {height * points:.4f}] "
        "/Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body, offsets = "%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    count = len(objects) + 1
    trailer = f"trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return f"{body}xref\n0 {count}\n0000000000 65535 f \n{table}{trailer}".encode("ascii")
