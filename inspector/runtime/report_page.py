"""One HTML page that needs nothing else: headings, tables, pictures and drawings are inside."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["STYLE", "gallery", "heading", "page", "paragraph", "picture", "table"]

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1b2733}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{text-align:left;padding:.3rem .9rem .3rem 0;"
    "border-bottom:1px solid #d5dde5}td{font-variant-numeric:tabular-nums}h2{margin-top:2rem}"
    "figure{display:inline-block;margin:0 1rem 1rem 0;max-width:100%;vertical-align:top}"
    "figure img{display:block;max-width:100%}figcaption{font-size:.85rem;color:#3d4f60;max-width:24rem}"
    ".error{color:#b3261e;font-weight:600}.warning{color:#8a5a00;font-weight:600}"
)
_JPEG_QUALITY = 88


def page(title: str, parts: Iterable[str]) -> str:
    """Return a whole page."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style><h1>{escape(title)}</h1>{''.join(parts)}</html>\n"
    )


def heading(text: str) -> str:
    """Return a second-level heading."""
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str) -> str:
    """Return a paragraph of plain text."""
    return f"<p>{escape(text)}</p>"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of plain texts."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def picture(pixels: NDArray[np.uint8], caption: str) -> str:
    """Return a picture, grey or BGR, with its caption; the caption is what a reader without eyes gets too."""
    encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
    source = base64.b64encode(encoded.tobytes()).decode("ascii")
    text = escape(caption, quote=True)
    return f'<figure><img alt="{text}" src="data:image/jpeg;base64,{source}"><figcaption>{text}</figcaption></figure>'


def gallery(title: str, figures: Sequence[str], *, empty: str = "None.") -> str:
    """Return a heading with figures below it, or a word that there are none."""
    return heading(title) + ("".join(figures) if figures else paragraph(empty))
