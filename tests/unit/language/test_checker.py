"""The checker lets every sentence of the grammar and of the template pass, and no mutated one."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

from inspector.domain import Outcome
from inspector.language.brief import Brief, ClauseStatus, Count, Degree, Figures, Kind, Rank, briefs_of
from inspector.language.checker import Flaw, check_report, check_sentence
from inspector.language.corpus import random_brief, random_sentence
from inspector.language.corpus.grammar import expand
from inspector.language.engine import Request
from inspector.language.prompt import describe
from inspector.language.records import KNOWN_NAMES, UNSEEN_NAMES, random_report
from inspector.language.template import TemplateWriter

LANGUAGES = ("en", "zh")
ABOVE = Brief(
    Kind.FINDING,
    Outcome.FAIL,
    rank=Rank.FIRST,
    zone=True,
    clauses=(ClauseStatus("above_usl", Figures.ALL, Degree.SLIGHT),),
)
EN = "{class} in zone {zone}: {first} {first.value}, {first.distance} over the {first.limit} limit."
ZH = "{class}，区域 {zone}：{first} {first.value}，超出上限 {first.limit} 达 {first.distance}。"


def test_no_false_alarm_on_thousands_of_sentences_of_the_grammar() -> None:
    rng = random.Random(20)
    for _ in range(1500):
        brief = random_brief(rng)
        for language in LANGUAGES:
            text = random_sentence(brief, language, rng)
            assert check_sentence(brief, text, language) is None, f"{describe(Request(brief, language))}: {text}"


def test_no_false_alarm_on_the_template() -> None:
    rng, template = random.Random(21), TemplateWriter()
    for number in range(800):
        briefs = briefs_of(random_report(rng, (KNOWN_NAMES, UNSEEN_NAMES)[number % 2]))
        for language in LANGUAGES:
            for brief in briefs or ():
                text = template.slotted(brief, language)
                assert check_sentence(brief, text, language) is None, f"{describe(Request(brief, language))}: {text}"


# --- mutations: each must be caught wherever it can be applied ------------------------------------------------

Mutation = Callable[[str], str]


def swap(first: str, second: str) -> Mutation:
    def mutate(text: str) -> str:
        return text.replace(first, "\0").replace(second, first).replace("\0", second)

    return mutate


def replaced(pattern: str, by: str) -> Mutation:
    return lambda text: re.sub(pattern, by, text, count=1)


def before_the_end(words: str) -> Mutation:
    return lambda text: text[:-1] + words + text[-1]


def both(mutation: Mutation) -> tuple[Mutation, Mutation]:
    return mutation, mutation


VALUE, LIMIT, DISTANCE = (f"{{first.{each}}}" for each in ("value", "limit", "distance"))
VERDICTS = r"\b(failed|fails|is rejected|rejects|removes|needs review|goes to review|is held|stays held)"

MUTATIONS: dict[str, tuple[Mutation, Mutation]] = {
    "a digit": (before_the_end(" of 3"), before_the_end("3")),
    "a circled digit": (before_the_end(" ③"), before_the_end("③")),
    "a number word": (before_the_end(", two of them"), before_the_end("，共两处")),
    "a unit": (before_the_end(" mm"), before_the_end("毫米")),
    "a slot left out": both(replaced(r"\{first\.value\}|\{class\}|\{part\}", "")),
    "the class left out": (replaced(r"\{class\}", "defect"), replaced(r"\{class\}", "缺陷")),
    "the zone left out": (replaced(r"\{zone\}", "here"), replaced(r"\{zone\}", "此处")),
    "a slot said twice": (replaced(r"(\{[a-z.]+\})", r"\1, \1"), replaced(r"(\{[a-z.]+\})", r"\1，\1")),
    "a slot of no finding": (before_the_end(" {fourth.value}"), before_the_end("{fourth.value}")),
    "a broken slot": both(replaced(r"\{([a-z.]+)\}", r"{\1")),
    "value and limit swapped": both(swap(VALUE, LIMIT)),
    "value and distance swapped": both(swap(VALUE, DISTANCE)),
    "limit and distance swapped": both(swap(LIMIT, DISTANCE)),
    "two clauses swapped": both(swap(VALUE, "{second.value}")),
    "over becomes under": (
        replaced(r"\b(over|above|beyond|exceeds) ", "under "),
        replaced("超出|超过|高于|大于", "低于"),
    ),
    "under becomes over": (replaced(r"\b(under|below|short of) ", "over "), replaced("低于|小于", "高于")),
    "inside becomes beyond": (replaced(r"\b(inside|within) the", "beyond the"), replaced("距离?限值", "超出限值")),
    "beyond becomes inside": (
        replaced(r"\b(beyond|outside|past) the", "inside the"),
        replaced("(超出|超过)限值", "距限值"),
    ),
    "the doubt left out": (replaced("uncertainty", "noise"), replaced("不确定度", "误差")),
    "a ban invented": (before_the_end(", and it is not allowed"), before_the_end("，且不允许存在")),
    "the ban left out": (replaced("not (allowed|permitted)", "seen"), replaced("不允许", "发现")),
    "an acceptance": (before_the_end(", which is acceptable"), before_the_end("，可接受")),
    "the verdict turned": (
        replaced(VERDICTS, "passed"),
        replaced("不合格|剔除|待复检|暂扣", "放行"),
    ),
    "another language": (before_the_end(" 缺陷"), before_the_end("defect")),
    "markup": (lambda text: f"**{text}", lambda text: f"# {text}"),
    "a second line": both(lambda text: f"\n{text}"),
    "chatter": (lambda text: f"Here is the report: {text}", lambda text: f"好的，{text}"),
    "a stutter": (
        lambda text: re.sub(r"(\w+) (\w+)([.,;:])", r"\1 \2 \1 \2\3", text, count=1),
        lambda text: re.sub(r"([^\W_a-z]{2,4})", r"\1\1", text, count=1),
    ),
    "another degree": (
        replaced(r"\b(slightly|just|marginally|narrowly|clearly|distinctly|noticeably)\b", "grossly"),
        replaced("略微|略|稍|明显|显著", "大大"),
    ),
    "the limit's other side": (replaced("at most", "at least"), swap("上限", "下限")),
    "cut off": (lambda text: text[:-4], lambda text: text[:-3]),
    "endless": (before_the_end(" seen by the camera" * 40), before_the_end("由相机拍摄" * 200)),
    "nothing": (lambda _: "", lambda _: " "),
}  # fmt: skip


@pytest.mark.parametrize("kind", MUTATIONS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mutation_is_caught(kind: str, language: str) -> None:
    rng = random.Random(22)
    mutate = MUTATIONS[kind][LANGUAGES.index(language)]
    applied = 0
    for _ in range(700):
        brief = random_brief(rng)
        text = random_sentence(brief, language, rng)
        mutated = mutate(text)
        if mutated == text or not touches(kind, brief):
            continue
        applied += 1
        assert check_sentence(brief, mutated, language) is not None, f"{kind}: {mutated}"
    assert applied >= 8, f"only {applied} sentences to mutate: the test proves little"


def touches(kind: str, brief: Brief) -> bool:
    """Whether the mutation changes what is said, and not how."""
    codes = [clause.code for clause in brief.clauses]
    sides = {
        "over becomes under": {"above_usl"},
        "under becomes over": {"below_lsl"},
        "inside becomes beyond": {"guard_inside"},
        "beyond becomes inside": {"guard_beyond"},
    }
    if kind in sides:
        return set(codes) <= sides[kind] and bool(codes)
    if kind == "an acceptance":
        return brief.outcome is not Outcome.PASS
    if kind == "a ban invented":
        return brief.kind is Kind.FINDING and "not_allowed" not in codes
    if kind == "the ban left out":
        return codes == ["not_allowed"]
    if kind == "the limit's other side":
        return bool({"above_usl", "below_lsl"} & set(codes))
    return True


@pytest.mark.parametrize(
    ("text", "language", "flaw"),
    [
        (EN, "en", None),
        (ZH, "zh", None),
        ("", "en", Flaw.EMPTY),
        ("<html><body>502 Bad Gateway</body></html>", "en", Flaw.MARKUP),
        (EN[:-1], "en", Flaw.UNFINISHED),
        (EN.replace("{zone}", "here"), "en", Flaw.MISSING_SLOT),
        (EN.replace("{zone}", "{lot}"), "en", Flaw.UNKNOWN_SLOT),
        (EN.replace("{zone}", "{zone} {zone}"), "en", Flaw.REPEATED_SLOT),
        (EN.replace(":", " seven:"), "en", Flaw.NUMBER_WORD),
        (EN.replace(":", " Ⅳ:"), "en", Flaw.DIGIT),
        (EN.replace(" limit", " mm limit"), "en", Flaw.UNIT),
        (EN.replace("limit.", "限值."), "en", Flaw.LANGUAGE),
        (ZH.replace("超出", "exceeds"), "zh", Flaw.LANGUAGE),
        (EN.replace("over", "below"), "en", Flaw.WRONG_CLAIM),
        (EN.replace("over the", "from the"), "en", Flaw.MISSING_CLAIM),
        (EN.replace("zone {zone}", "zone {zone}, which passed"), "en", Flaw.VERDICT),
        (EN.replace("{first.value},", "{first.value}, far"), "en", Flaw.DEGREE),
        (ZH.replace("上限", "下限"), "zh", Flaw.WRONG_LIMIT),
        ("We see " + EN, "en", Flaw.CHATTER),
    ],
)
def test_each_flaw_is_called_by_its_name(text: str, language: str, flaw: Flaw | None) -> None:
    assert check_sentence(ABOVE, text, language) is flaw


def test_a_limit_told_as_the_value_is_the_wrong_role() -> None:
    swapped = swap("{first.value}", "{first.limit}")(EN)
    assert check_sentence(ABOVE, swapped, "en") is Flaw.WRONG_ROLE


def test_a_count_that_is_none_and_a_rank_that_is_not_its_own() -> None:
    clean, few = Brief(Kind.OPENING, Outcome.PASS, Count.NONE), Brief(Kind.OPENING, Outcome.PASS, Count.FEW)
    assert check_sentence(clean, "{part} passed.", "en") is Flaw.COUNT
    assert check_sentence(few, "{part} passed: nothing among {count} within limits.", "en") is Flaw.COUNT
    further = Brief(Kind.FINDING, Outcome.FAIL, rank=Rank.NEXT, clauses=(ClauseStatus("not_allowed"),))
    assert check_sentence(further, "The worst: {class}, not allowed on this part.", "en") is Flaw.RANK


def test_a_report_needs_a_sentence_for_each_brief() -> None:
    assert check_report((ABOVE,), (EN,), "en") is None
    assert check_report((ABOVE,), (), "en") is Flaw.EMPTY
    assert check_report((ABOVE,), (EN, EN), "en") is Flaw.TOO_LONG


def test_a_pattern_with_a_bracket_too_many_is_refused() -> None:
    for pattern in ("(a|b", "a)b", "a|b"):
        with pytest.raises(ValueError, match="bracket"):
            expand(pattern, random.Random(1))
