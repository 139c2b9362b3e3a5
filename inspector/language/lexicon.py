"""Words by which the checker tells what a sentence claims, per language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from inspector.domain import Outcome
from inspector.language.brief import Degree

__all__ = ["LEXICONS", "Claim", "Lexicon"]


class Claim(StrEnum):
    """What a clause may say of a value or of the finding."""

    OVER = "over"
    UNDER = "under"
    OUTSIDE = "outside"
    INSIDE = "inside"
    DOUBT = "doubt"
    SURE = "sure"
    BAN = "ban"
    NO_RULE = "no rule"
    UNMEASURED = "unmeasured"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language's words; every pattern is searched in text whose slots are kept."""

    claims: Mapping[Claim, re.Pattern[str]]
    verdicts: Mapping[Outcome, re.Pattern[str]]
    degrees: Mapping[Degree, re.Pattern[str]]
    nothing_found: re.Pattern[str]
    all_inside: re.Pattern[str]
    not_inspected: re.Pattern[str]
    worst: re.Pattern[str]
    largest: re.Pattern[str]
    limit: re.Pattern[str]
    upper: re.Pattern[str]
    lower: re.Pattern[str]
    numbers: re.Pattern[str]
    units: re.Pattern[str]
    chatter: re.Pattern[str]
    foreign: re.Pattern[str]
    marks: re.Pattern[str]
    end: str
    pieces: re.Pattern[str]
    value_as_limit: re.Pattern[str]
    value_as_distance: re.Pattern[str]
    distance_said: re.Pattern[str]
    limit_said: re.Pattern[str]
    neutral: re.Pattern[str]


def _words(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)


def _either(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(parts))


_SLOT = r"\{[a-z.]+\}"
_VALUE = r"\{[a-z]+\.value\}"
_LIMIT = r"\{[a-z]+\.limit\}"
_DISTANCE = r"\{[a-z]+\.distance\}"
_EN_SIDE = r"(?:over|above|beyond|past|outside|under|below|short of|inside|within|too|more|less)"

ENGLISH = Lexicon(
    claims={
        Claim.OVER: _words("over", "above", r"exceed\w*", "more than", "greater", "larger than", "longer than"),
        Claim.UNDER: _words("under", "below", "short of", "less than", "smaller than", "lower", "shorter than"),
        Claim.OUTSIDE: _words("beyond", "outside", "past", r"out of (?:the )?limits?"),
        Claim.INSIDE: _words("inside", "within"),
        Claim.DOUBT: _words("uncertainty"),
        Claim.SURE: _words("sure", "certain", "confident", "confidence", "certainty"),
        Claim.BAN: _words("not allowed", "not permitted", "forbidden", "prohibited", "not tolerated"),
        Claim.NO_RULE: _words("no rule", "without a rule", "not covered"),
        Claim.UNMEASURED: _words(
            "not be measured", "not measured", "cannot be measured", "no measurement", "unmeasured"
        ),
    },
    verdicts={
        Outcome.PASS: _words(
            r"pass(?:es|ed)?", r"accept\w*", "good", "ok", "okay", "fine", r"conforms?", r"releas\w*", "moves on",
            "goes on", "go on", "may go on", "harmless", "approved", "flawless",
        ),
        Outcome.REVIEW: _words(
            r"reviews?", "reviewed", "held", "hold", "holds", r"decid\w*", "undecided", "operator", "person"
        ),
        Outcome.FAIL: _words(
            r"fail\w*", r"reject\w*", r"scrap\w*", "removed from the line", "removes it", "taken off the line"
        ),
    },
    degrees={
        Degree.SLIGHT: _words("slightly", "just", "marginally", "narrowly", "barely", "a little"),
        Degree.CLEAR: _words("clearly", "distinctly", "noticeably", "considerably", "well (?:over|under|above|below)"),
        Degree.FAR: _words("far", "greatly", "grossly", "massively", "heavily", "severely", "extremely"),
    },
    nothing_found=_words("nothing", "no defects?", "no findings?", "clean"),
    all_inside=_words("within (?:its|the|their) limits?", "within limits"),
    not_inspected=_words("not inspected", "not be inspected", "not been inspected"),
    worst=_words("worst", "most serious", "most severe"),
    largest=_words("largest", "longest", "biggest"),
    limit=_words("limit", "allowed", "permitted", "needed", "required", "tolerance"),
    upper=_words("at most", "upper", "maximum", "no more than"),
    lower=_words("at least", "lower limit", "minimum"),
    numbers=_words(
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        r"\w+teen", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred",
        "thousand", "million", "dozen", "half", "third of", "quarter", "twice", "thrice", "double", "triple", "once",
        "couple", "pair", "percent", "per cent",
    ),
    units=re.compile(
        r"\b(?:mm|cm|nm|mil|mils|inch(?:es)?|millimet\w+|centimet\w+|micromet\w+|microns?|degrees?|pixels?|px)\b|[%°µ²³]",
        re.IGNORECASE,
    ),
    chatter=_words(
        "I", "I'm", "we", "you", "your", "sorry", "sorry", "assistant", "here is", "here's", "as requested", "note",
        "language model", "ignore", "instructions?", "prompt", "json", "sentence", "of course",
    ),
    foreign=re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f\u0400-\u04ff\u3040-\u30ff\uac00-\ud7af]"),
    marks=re.compile(r"[^\w\s.,;:'’“”\-–—…]"),
    end=".",
    pieces=re.compile(r"[,;:–—…]| - |\.(?![a-z]+\})"),
    value_as_limit=re.compile(
        rf"{_VALUE}\s+limit|limit(?: of| is|:)?\s+{_VALUE}|{_VALUE} is (?:allowed|needed|required)"
    ),
    value_as_distance=re.compile(rf"{_VALUE}\s+{_EN_SIDE}\b|\bby\s+{_VALUE}|only\s+{_VALUE}(?! (?:sure|certain|conf))"),
    distance_said=re.compile(rf"{_DISTANCE}\s+{_EN_SIDE}\b|\bby\s+(?:only\s+|just\s+)?{_DISTANCE}"),
    limit_said=re.compile(
        rf"{_LIMIT}\s+(?:limit|is (?:allowed|needed|required)|(?:that )?(?:is )?required|needed|tolerance)"
        rf"|limit (?:of|is|:|=)\s*{_LIMIT}|(?:most|least|minimum|maximum)(?: of)? {_LIMIT}"
    ),
    # Less than the uncertainty is what a doubt is; it says nothing about the limit.
    neutral=re.compile(r"\b(?:less|smaller|lower) than (?=the (?:measurement )?uncertainty)"),
)  # fmt: skip

_ZH_OVER = "超出|超过|越过|超限|超差"

CHINESE = Lexicon(
    claims={
        Claim.OVER: _either("高于", "大于", "超上限", "超出上限", "超过上限"),
        Claim.UNDER: _either("低于", "小于", "未达", "不足", "不到"),
        Claim.OUTSIDE: _either(_ZH_OVER),
        Claim.INSIDE: _either("距", "以内", "之内", "范围内"),
        Claim.DOUBT: _either("不确定度"),
        Claim.SURE: _either("置信度", "把握", "确信"),
        Claim.BAN: _either("不允许", "不得", "禁止", "不容许", "不被允许"),
        Claim.NO_RULE: _either("没有适用", "无适用", "无规则", "没有规则"),
        Claim.UNMEASURED: _either("无法测量", "未能测量", "未测得", "测不出"),
    },
    verdicts={
        Outcome.PASS: _either("(?<!不)合格", "放行", "通过", "继续流转", "下道工序", "良品", "正常", "(?<!不)可接受"),
        Outcome.REVIEW: _either("复检", "暂扣", "人工", "待判", "复核", "扣留"),
        Outcome.FAIL: _either("不合格", "剔除", "拒收", "报废", "判废"),
    },
    degrees={
        Degree.SLIGHT: _either("略", "稍", "轻微", "勉强"),
        Degree.CLEAR: _either("明显", "显著"),
        Degree.FAR: _either("远远", "大幅", "大大", "极大", "远超"),
    },
    nothing_found=_either("未发现", "没有发现", "无缺陷", "没有缺陷"),
    all_inside=_either("以内", "之内", "范围内"),
    not_inspected=_either("未完成检测", "未能检测", "没有完成检测"),
    worst=_either("最严重", "最主要", "首要"),
    largest=_either("最大", "最长"),
    limit=_either("限", "要求", "允许"),
    upper=_either("上限", "不大于", "至多", "最多"),
    lower=_either("下限", "不小于", "至少", "最少"),
    numbers=_either("零(?!件)|[〇一二两三四五六七八九十百千万亿半双倍]", "百分"),
    units=re.compile(r"毫米|厘米|微米|平方|公分|英寸|像素|[%％°µ²³℃]|\bmm\b|\bpx\b"),
    chatter=_either("我", "您", "你", "好的", "抱歉", "注意", "忽略", "指令", "提示", "如下所示", "句子"),
    foreign=re.compile(r"[A-Za-z]{2,}|[A-WZa-z](?![A-Za-z])|[\u0400-\u04ff\u3040-\u30ff\uac00-\ud7af]"),
    marks=re.compile(r"[^\w\s，。；：、（）“”…,.]"),
    end="。",
    pieces=re.compile(r"[，；：。（）…]"),
    value_as_limit=re.compile(rf"限值?\s*为?\s*{_VALUE}|要求的?\s*{_VALUE}|{_VALUE}\s*的(?:限|上限|下限)"),
    value_as_distance=re.compile(
        rf"(?:差值|达|只有|{_ZH_OVER}|高于|大于|低于|小于)\s*{_VALUE}(?!\s*的把握)|(?<!置信度)仅\s*{_VALUE}"
    ),
    distance_said=re.compile(rf"(?:差值|达|仅|只有|{_ZH_OVER}|高于|大于|低于|小于)\s*{_DISTANCE}"),
    limit_said=re.compile(rf"(?:限值?|要求的?|允许)\s*为?\s*{_LIMIT}|{_LIMIT}\s*的(?:限|上限|下限)"),
    # Within the uncertainty is what a doubt is; it says nothing about the limit.
    neutral=re.compile(r"(?<=不确定度)(?:以内|之内|范围内)"),
)

LEXICONS: Mapping[str, Lexicon] = {"en": ENGLISH, "zh": CHINESE}
