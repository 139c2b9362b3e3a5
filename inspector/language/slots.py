"""Slotted text: finding the slots in it, and filling them from the record through the glossary."""

from __future__ import annotations

import re
from collections.abc import Mapping

from inspector.domain import FaultCode
from inspector.language.brief import Brief, Kind
from inspector.language.chinese import FAULTS as CHINESE_FAULTS
from inspector.language.chinese import part_name as chinese_part
from inspector.language.english import FAULTS as ENGLISH_FAULTS
from inspector.language.english import part_name as english_part
from inspector.language.glossary import Glossary, one_line

__all__ = ["SLOT", "fill", "join_sentences", "printed", "slots_in"]

SLOT = re.compile(r"\{([a-z.]+)\}")

_FAULTS: Mapping[str, Mapping[FaultCode, tuple[str, str]]] = {"en": ENGLISH_FAULTS, "zh": CHINESE_FAULTS}
_OTHER_FAULT = {"en": ("the inspection failed", "Inspect it again"), "zh": ("检测失败", "请重新检测")}
_PART_NAMES = {"en": english_part, "zh": chinese_part}


def slots_in(text: str) -> list[str]:
    """Return the names of the slots in the order of the text."""
    return SLOT.findall(text)


def printed(brief: Brief, language: str, glossary: Glossary) -> dict[str, str]:
    """Return what is printed in place of each slot that the brief offers."""
    values = {slot: one_line(value) for slot, value in brief.values.items()}
    for slot in brief.terms:
        values[slot] = glossary.name(brief.values[slot], language)
    if "part" in brief.values:
        values["part"] = _PART_NAMES[language](brief.values["part"])
    if brief.kind is Kind.FAULT:
        values["cause"], values["remedy"] = _FAULTS[language].get(brief.fault, _OTHER_FAULT[language])
    return {slot: values[slot] for slot in brief.offered}


def fill(brief: Brief, text: str, language: str, glossary: Glossary) -> str:
    """Return the text with every slot replaced; values are inserted once and never read again.

    Raises ``KeyError`` for a slot the brief does not offer: check the text first.
    """
    values = printed(brief, language, glossary)
    filled = SLOT.sub(lambda match: values[match[1]], text)
    return filled[:1].upper() + filled[1:] if language == "en" else filled


def join_sentences(sentences: list[str], language: str) -> str:
    """Return the sentences as one paragraph."""
    return (" " if language == "en" else "").join(sentences)
