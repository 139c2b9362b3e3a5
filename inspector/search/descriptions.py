"""How people describe a defect, in English and Chinese: what a text can ask for, and many ways to ask for it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["LANGUAGES", "Lie", "Size", "Traits", "Wish", "describe", "wish_about"]

LANGUAGES = ("en", "zh")

_SMALL_MM, _LARGE_MM = 0.3, 0.5
_LONGISH = 1.2  # sides of the box
_ABOUT = 1.25  # "about 0.3 mm": this factor up or down

Flags = NDArray[np.bool_]


class Size(IntEnum):
    """The longer side of a finding: up to 0.3 mm, up to 0.5 mm, or more."""

    SMALL = 0
    MEDIUM = 1
    LARGE = 2


class Lie(IntEnum):
    """How a finding lies: clearly wider than high, clearly higher than wide, or neither."""

    ACROSS = 0
    UPRIGHT = 1
    ROUND = 2


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """What is true of n findings: everything that a description can be held against."""

    label: NDArray[np.int64]
    length_mm: NDArray[np.float64]
    shape: NDArray[np.float64]  # width over height of the box
    across: NDArray[np.float64]
    down: NDArray[np.float64]
    size: NDArray[np.int64] = field(init=False)
    lie: NDArray[np.int64] = field(init=False)
    column: NDArray[np.int64] = field(init=False)
    row: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        size = np.digitize(self.length_mm, [_SMALL_MM, _LARGE_MM])
        lie = np.where(self.shape > _LONGISH, Lie.ACROSS, np.where(self.shape < 1 / _LONGISH, Lie.UPRIGHT, Lie.ROUND))
        thirds = [np.minimum((share * 3).astype(np.int64), 2) for share in (self.across, self.down)]
        for name, value in (("size", size), ("lie", lie), ("column", thirds[0]), ("row", thirds[1])):
            object.__setattr__(self, name, value.astype(np.int64))


@dataclass(frozen=True, slots=True)
class Wish:
    """What a description asks for; what is None is not spoken of.

    ``column`` and ``row`` are thirds of the picture.
    """

    label: int | None = None
    size: Size | None = None
    about_mm: float | None = None
    lie: Lie | None = None
    column: int | None = None
    row: int | None = None

    def met_by(self, traits: Traits) -> Flags:
        """Return which findings are all of this."""
        met = np.ones(len(traits.label), np.bool_)
        for wanted, found in (
            (self.label, traits.label),
            (self.size, traits.size),
            (self.lie, traits.lie),
            (self.column, traits.column),
            (self.row, traits.row),
        ):
            if wanted is not None:
                met &= found == wanted
        if self.about_mm is not None:
            met &= np.abs(np.log2(traits.length_mm / self.about_mm)) <= np.log2(_ABOUT)
        return met


def wish_about(traits: Traits, index: int, rng: random.Random, *, whole: bool = False) -> Wish:
    """Return a description that fits this finding; ``whole``: its class, size, shape and place, all of them."""
    told = 1.1 if whole else 0.55
    size: Size | None = Size(int(traits.size[index])) if rng.random() < told else None
    about = None
    if not whole and rng.random() < 0.25:  # noqa: PLR2004
        size, about = None, round(float(traits.length_mm[index]) * 2 ** rng.uniform(-0.2, 0.2), 2) or 0.02
    placed = rng.random() < told
    return Wish(
        label=int(traits.label[index]) if whole or rng.random() < 0.85 else None,  # noqa: PLR2004
        size=size,
        about_mm=about,
        lie=Lie(int(traits.lie[index])) if rng.random() < (1.1 if whole else 0.35) else None,
        column=int(traits.column[index]) if placed else None,
        row=int(traits.row[index]) if placed else None,
    )


def describe(wish: Wish, classes: Sequence[str], language: str, rng: random.Random, *, held_out: bool = False) -> str:
    """Return one of many texts that say this; ``held_out`` takes sentences that training never sees.

    A class is told by its name in the record (the encoder has every language's names put there) or in other words.
    """
    said = _SAID[language]
    kind = _one(said.anything, rng)
    if wish.label is not None:
        label = classes[wish.label]
        kind = label if rng.random() < 0.6 or label not in said.classes else _one(said.classes[label], rng)  # noqa: PLR2004
    parts = {
        "kind": kind,
        "size": _one(said.sizes[wish.size], rng) if wish.size is not None else "",
        "about": _one(said.about, rng).format(f"{wish.about_mm:.2f}") if wish.about_mm is not None else "",
        "lie": _one(said.lies[wish.lie], rng) if wish.lie is not None else "",
        "where": _where(wish, said, rng),
    }
    pattern = _one(said.held_out if held_out else said.patterns, rng)
    return " ".join(pattern.format(**parts).split())


def _where(wish: Wish, said: _Language, rng: random.Random) -> str:
    if wish.column is None or wish.row is None:
        return ""
    return _one(said.places[wish.row][wish.column], rng)


def _one(options: Sequence[str], rng: random.Random) -> str:
    return rng.choice(options)


@dataclass(frozen=True, slots=True)
class _Language:
    anything: Sequence[str]
    classes: Mapping[str, Sequence[str]]
    sizes: Mapping[Size, Sequence[str]]
    about: Sequence[str]
    lies: Mapping[Lie, Sequence[str]]
    places: Sequence[Sequence[Sequence[str]]]
    patterns: Sequence[str]
    held_out: Sequence[str]


_SAID: Mapping[str, _Language] = {
    "en": _Language(
        anything=("defect", "finding", "flaw", "something", "fault"),
        classes={
            "open": ("gap in a track", "broken track", "interrupted trace", "cut conductor", "broken trace"),
            "short": ("bridge between tracks", "bridged tracks", "connected traces", "tracks joined", "solid bridge"),
            "mousebite": ("nick in a track", "bite out of a track", "notch in the edge", "nibbled edge", "mouse bite"),
            "spur": ("burr on a track", "spike on the edge", "protrusion", "whisker", "bump on a track"),
            "spurious_copper": (
                "island of copper",
                "stray copper",
                "extra copper",
                "leftover copper",
                "copper residue",
            ),
            "pin_hole": ("hole in the copper", "pinhole", "void in the copper", "small hole in a pad", "pin hole"),
        },
        sizes={
            Size.SMALL: ("small", "tiny", "little", "minor"),
            Size.MEDIUM: ("medium", "medium sized", "middling", "average sized"),
            Size.LARGE: ("large", "big", "long", "huge"),
        },
        about=("about {} mm", "{} mm long", "of {} mm", "around {} mm", "roughly {} mm"),
        lies={
            Lie.ACROSS: ("wide", "lying", "horizontal", "flat", "sideways"),
            Lie.UPRIGHT: ("upright", "vertical", "standing", "tall", "high"),
            Lie.ROUND: ("round", "square", "compact", "roundish", "dot shaped"),
        },
        places=(
            (
                ("top left", "upper left corner", "at the top on the left"),
                ("top middle", "upper centre", "at the top in the middle"),
                ("top right", "upper right corner", "at the top on the right"),
            ),
            (
                ("middle left", "left of the centre", "at the left edge, half way down"),
                ("centre", "in the middle of the board", "center", "in the very middle"),
                ("middle right", "right of the centre", "at the right edge, half way down"),
            ),
            (
                ("bottom left", "lower left corner", "at the bottom on the left"),
                ("bottom middle", "lower centre", "at the bottom in the middle"),
                ("bottom right", "lower right corner", "at the bottom on the right"),
            ),
        ),
        patterns=(
            "{size} {lie} {kind} {about} {where}",
            "{kind} {about}, {size}, {lie}, {where}",
            "{where}: {size} {lie} {kind} {about}",
            "parts with a {size} {kind} {about} that is {lie}, {where}",
            "{kind} {where} {size} {lie} {about}",
            "show me the {lie} {size} {kind} {where} {about}",
        ),
        held_out=(
            "have we ever had a {size}, {lie} {kind} {about} {where}?",
            "{lie} {kind}, rather {size}, {where}, {about}",
            "find every {kind} {where} which was {size} and {lie} {about}",
        ),
    ),
    "zh": _Language(
        anything=("缺陷", "不良", "异常", "瑕疵"),
        classes={
            "open": ("断线", "线路断开", "走线缺口断开", "导线中断"),
            "short": ("桥接", "线路相连", "搭桥", "两线相连"),
            "mousebite": ("缺口", "线边缺损", "鼠啮", "边缘凹坑"),
            "spur": ("凸起", "突刺", "线边凸出", "尖刺"),
            "spurious_copper": ("残铜", "多余的铜", "孤立铜", "铜渣"),
            "pin_hole": ("小孔", "铜面孔洞", "砂眼", "空洞"),
        },
        sizes={
            Size.SMALL: ("小", "微小", "很小", "细小"),
            Size.MEDIUM: ("中等", "中等大小", "不大不小"),
            Size.LARGE: ("大", "很大", "较长", "大块"),
        },
        about=("约{}毫米", "长{} mm", "大约{} mm", "{}毫米左右"),
        lies={
            Lie.ACROSS: ("横向", "扁", "水平", "横着"),
            Lie.UPRIGHT: ("竖向", "竖直", "垂直", "竖着"),
            Lie.ROUND: ("圆形", "方形", "近圆", "点状"),
        },
        places=(
            (("左上", "左上角"), ("上方中间", "正上方"), ("右上", "右上角")),
            (("左侧中间", "左边"), ("中间", "正中央", "板中心"), ("右侧中间", "右边")),
            (("左下", "左下角"), ("下方中间", "正下方"), ("右下", "右下角")),
        ),
        patterns=(
            "{where}的{size}的{lie}{kind}{about}",
            "{size}{lie}{kind}，{where}，{about}",
            "{kind}{about}，{size}，{lie}，在{where}",
            "有{size}{kind}的零件，{lie}，{where}{about}",
            "查找{where}{lie}的{kind}{size}{about}",
        ),
        held_out=(
            "以前有没有出现过{where}{size}而且{lie}的{kind}{about}？",
            "{lie}的{kind}，比较{size}，位于{where}{about}",
            "请把{where}所有{size}的{kind}找出来，{lie}{about}",
        ),
    ),
}
