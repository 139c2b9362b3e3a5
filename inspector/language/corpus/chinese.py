"""How Chinese says it: patterns by what there is to say. ``N`` stands for first, second or third."""

from __future__ import annotations

from collections.abc import Mapping

from inspector.domain import Outcome
from inspector.language.brief import Count, Degree, Figures, Rank

__all__ = [
    "AND",
    "CLAUSES",
    "CLOSINGS",
    "DEGREES",
    "FAULT",
    "HEAD_END",
    "LARGEST",
    "LEADS",
    "OPENINGS",
    "SIZE",
    "WHERE",
]

OPENINGS: Mapping[tuple[Outcome, Count], str] = {
    (Outcome.PASS, Count.NONE): "{part}(合格|检测合格|判定合格)(：|，)(未发现缺陷|没有发现缺陷|未发现任何缺陷)。",
    (
        Outcome.PASS,
        Count.ONE,
    ): "{part}(合格|检测合格|判定合格)(：|，)(发现的缺陷|所见缺陷|检出的缺陷)在(限值|允许限值)以内。",
    (Outcome.PASS, Count.FEW): "{part}(合格|检测合格|判定合格)(：|，)(发现|检出) {count} 处(缺陷|)，(均在|都在|全部在)"
    "(限值|允许限值)以内。",
    (Outcome.FAIL, Count.ONE): "{part}(不合格|判定不合格|检测不合格)(：|，)(发现|存在|检出)(超差缺陷|不符合项|缺陷)。",
    (Outcome.FAIL, Count.FEW): "{part}(不合格|判定不合格|检测不合格)(：|，)(发现|共有|检出|共) {count} 处"
    "(缺陷|不符合项|问题)。",
    (Outcome.FAIL, Count.MANY): "{part}(不合格|判定不合格|检测不合格)(：|，)(发现|共有|检出|共) {count} 处"
    "(缺陷|不符合项|问题)，(最严重的如下|以下为最严重的几处|最严重的列在前面)。",
    (
        Outcome.REVIEW,
        Count.ONE,
    ): "{part}(待复检|需要复检|须复检|转入复检)(：|，)(发现|存在|检出)(疑点|可疑之处|未决之处)。",
    (Outcome.REVIEW, Count.FEW): "{part}(待复检|需要复检|须复检|转入复检)(：|，)(发现|共有|检出|共) {count} 处"
    "(疑点|可疑之处|未决之处)。",
    (Outcome.REVIEW, Count.MANY): "{part}(待复检|需要复检|须复检|转入复检)(：|，)(发现|共有|检出|共) {count} 处"
    "(疑点|可疑之处|未决之处)，(最严重的如下|以下为最严重的几处|最严重的列在前面)。",
}

CLOSINGS: Mapping[Outcome, str] = {
    Outcome.PASS: "(放行|该件放行|零件放行|该件继续流转|该件进入下道工序)。",
    Outcome.FAIL: "(产线将其剔除|该件被剔除|产线剔除该件|该件从产线剔除|零件由产线剔除)。",
    Outcome.REVIEW: "((该件|零件)(暂扣|先暂扣|予以暂扣)，(等待人工判定|由人工判定|待人工判定)"
    "|(该件|零件)(须|需)由人工判定，在此之前暂扣)。",
}

FAULT = (
    "{part}(未完成检测|未能检测|没有完成检测)(：|，原因是){cause}。{remedy}"
    "(；该件暂扣|；零件暂扣|，该件先暂扣|。该件暂扣)。"
)

LEADS: Mapping[Rank, str] = {
    Rank.ONLY: "(||缺陷为|检出|所见为：)",
    Rank.FIRST: "(最严重的是|最严重的为：|最严重的：|最主要的是)",
    Rank.NEXT: "(其次是|其次：|另有|还有|此外有|另外还有)",
}

LARGEST: Mapping[Rank, str] = {
    Rank.ONLY: "(该缺陷为|缺陷为|所见为){class}WHERE(SIZE|)。",
    Rank.FIRST: "(最大的是|最大的为|其中最大的是|最长的是){class}WHERE(SIZE|)。",
}

WHERE: Mapping[tuple[bool, bool], str] = {
    (False, False): "",
    (True, False): "(，位于区域 {zone}|，在 {zone} 区域|（区域 {zone}）|，区域 {zone})",
    (False, True): "(，位置 X {x}、Y {y}|（位置 X {x}、Y {y}）|，位于 X {x}、Y {y} 处)",
    (True, True): "(，位于区域 {zone}|，在 {zone} 区域|，区域 {zone})(，位置 X {x}、Y {y}|，X {x}、Y {y})",
}

SIZE = "(，长度 {length}|，长 {length}|，长度为 {length})"

HEAD_END = "(：|，|；)"
AND = "(；|，且|，并且|；另外，)"

DEGREES: Mapping[Degree, str] = {
    Degree.UNKNOWN: "",
    Degree.SLIGHT: "(||略|稍|略微)",
    Degree.CLEAR: "(||明显|显著)",
    Degree.FAR: "(||远远|大幅|大大)",
}

_DOUBT = "(在测量不确定度以内|小到测量不确定度无法分辨|测量不确定度使其无法判定|尚在测量不确定度范围内)"


def _beyond_limit(verb: str, limit: str) -> dict[Figures, str]:
    """Patterns for a limit that is broken; ``DEG`` is where the degree goes."""
    return {
        Figures.ALL: f"({{N}} {{N.value}}，DEG{verb}{limit} {{N.limit}}(|，差值 {{N.distance}}| 达 {{N.distance}})"
        f"|{{N}}为 {{N.value}}，DEG{verb} {{N.limit}} 的{limit}，差值 {{N.distance}}"
        f"|{limit} {{N.limit}}，实测{{N}} {{N.value}}，{verb} {{N.distance}}"
        f"|实测{{N}} {{N.value}}，DEG{verb}{limit} {{N.limit}}"
        f"|{{N}}实测 {{N.value}}，与{limit} {{N.limit}} 相比DEG{verb} {{N.distance}})",
        Figures.LIMIT: f"({{N}} {{N.value}}，{verb}{limit} {{N.limit}}"
        f"|实测{{N}} {{N.value}}，{verb}{limit} {{N.limit}})",
        Figures.VALUE: f"({{N}} {{N.value}}，{verb}{limit}|实测{{N}} {{N.value}}，{verb}{limit})",
        Figures.NONE: f"{{N}}{verb}{limit}",
    }


_NEAR_INSIDE = {
    Figures.ALL: f"({{N}} {{N.value}}，距限值 {{N.limit}} 仅 {{N.distance}}，{_DOUBT}"
    f"|{{N}}为 {{N.value}}，距离限值 {{N.limit}} 只有 {{N.distance}}，{_DOUBT})",
    Figures.LIMIT: f"{{N}} {{N.value}}，(距|距离)限值 {{N.limit}} 很近，{_DOUBT}",
    Figures.VALUE: f"{{N}} {{N.value}}，(距|距离)限值很近，{_DOUBT}",
    Figures.NONE: f"{{N}}(距|距离)限值很近，{_DOUBT}",
}
_NEAR_BEYOND = {
    Figures.ALL: f"({{N}} {{N.value}}，(超出|超过)限值 {{N.limit}} 仅 {{N.distance}}，{_DOUBT}"
    f"|{{N}}为 {{N.value}}，(超出|超过)限值 {{N.limit}} 只有 {{N.distance}}，{_DOUBT})",
    Figures.LIMIT: f"{{N}} {{N.value}}，(超出|超过)限值 {{N.limit}}，但{_DOUBT}",
    Figures.VALUE: f"{{N}} {{N.value}}，(超出|超过)限值，但{_DOUBT}",
    Figures.NONE: f"{{N}}(超出|超过)限值，但{_DOUBT}",
}

CLAUSES: Mapping[str, Mapping[Figures, str]] = {
    "above_usl": _beyond_limit("(超出|超过|高于)", "上限"),
    "below_lsl": _beyond_limit("(低于|小于)", "下限"),
    "guard_inside": _NEAR_INSIDE,
    "guard_beyond": _NEAR_BEYOND,
    "confidence": {
        Figures.LIMIT: "(模型置信度仅 {N.value}，要求 {N.limit}|模型置信度为 {N.value}，未达要求的 {N.limit}"
        "|置信度 {N.value}，低于要求的 {N.limit}|模型只有 {N.value} 的把握，要求 {N.limit})",
        Figures.NONE: "(模型置信度不足|模型把握不足|模型的置信度不够)",
    },
    "not_allowed": {Figures.NONE: "(该缺陷不允许存在|此类缺陷不允许存在|不允许出现该缺陷|按规定不允许)"},
    "unlisted": {Figures.NONE: "(没有适用的判定规则|无适用规则|没有适用的规则)"},
    "not_measured": {Figures.NONE: "({N}无法测量|{N}未能测量|其{N}无法测量)"},
}
