"""Terms and their names per language; a line may add its own without a release."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["DEFAULT_GLOSSARY", "Glossary"]

_LONGEST_NAME = 64

DEFAULT_GLOSSARY: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "open": {"en": "open", "zh": "开路"},
        "short": {"en": "short", "zh": "短路"},
        "mousebite": {"en": "mousebite", "zh": "鼠咬"},
        "spur": {"en": "spur", "zh": "毛刺"},
        "spurious_copper": {"en": "spurious copper", "zh": "余铜"},
        "pin_hole": {"en": "pin-hole", "zh": "针孔"},
        "difference": {"en": "difference", "zh": "差异"},
        "missing": {"en": "missing", "zh": "缺件"},
        "wrong_colour": {"en": "wrong colour", "zh": "颜色错误"},
        "blob": {"en": "blob", "zh": "斑点"},
        "gap": {"en": "gap", "zh": "间隙"},
        "length": {"en": "length", "zh": "长度"},
        "width": {"en": "width", "zh": "宽度"},
        "area": {"en": "area", "zh": "面积"},
        "angle": {"en": "angle", "zh": "角度"},
        "depth": {"en": "depth", "zh": "深度"},
        "height": {"en": "height", "zh": "高度"},
        "volume": {"en": "volume", "zh": "体积"},
        "flatness": {"en": "flatness", "zh": "平面度"},
        "diameter": {"en": "diameter", "zh": "直径"},
        "roundness": {"en": "roundness", "zh": "圆度"},
        "straightness": {"en": "straightness", "zh": "直线度"},
        "distance": {"en": "distance", "zh": "距离"},
        "position_x": {"en": "position x", "zh": "X 位置"},
        "position_y": {"en": "position y", "zh": "Y 位置"},
        "confidence": {"en": "confidence", "zh": "置信度"},
    }
)


class Glossary:
    """Looks terms up; a term without a name in the language is passed through as it is.

    Parameters
    ----------
    terms
        Term -> language -> name, laid over ``DEFAULT_GLOSSARY``; looked up each time, so it may change meanwhile.
    """

    def __init__(self, terms: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._terms = DEFAULT_GLOSSARY if terms is None else terms

    def name(self, term: str, language: str) -> str:
        """Return the term's name in the language, or the term itself, made safe to print in one line."""
        shipped = DEFAULT_GLOSSARY.get(term, {}).get(language, term)
        return one_line(self._terms.get(term, {}).get(language, shipped))


def one_line(text: str) -> str:
    """Return foreign text without control and direction-changing characters, cut to 64 characters.

    Part ids, zones and classes come from PLCs, files and models: none may break a line, hide or reorder text.
    """
    kept = "".join(" " if character.isspace() else character for character in text)
    kept = "".join(character for character in kept if not unicodedata.category(character).startswith("C"))
    return kept if len(kept) <= _LONGEST_NAME else kept[: _LONGEST_NAME - 1] + "…"
