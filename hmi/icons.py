"""The signs of the pages: a shape for each meaning, so that colour is never needed to tell them apart.

Circle = good, octagon = bad, triangle = look at it, diamond = not inspected.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

__all__ = ["icon"]

_FOLDER = Path(__file__).parent / "static" / "signs"


@cache
def icon(name: str, css: str = "") -> str:
    """Return the sign as decorative inline SVG; the word beside it carries the meaning for screen readers."""
    drawing = re.sub(r"\s*\n\s*", "", (_FOLDER / f"{name}.svg").read_text("utf-8"))
    inside = drawing[drawing.index(">") + 1 : drawing.rindex("</svg>")]
    classes = f"sign {css}".strip()
    return f'<svg class="{classes}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{inside}</svg>'
