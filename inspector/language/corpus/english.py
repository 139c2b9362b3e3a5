"""How English says it: patterns by what there is to say. ``N`` stands for first, second or third."""

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
    (
        Outcome.PASS,
        Count.NONE,
    ): "{part} (passed|passes|is good)(: | - )(nothing was found|no defect was found|the picture is clean).",
    (Outcome.PASS, Count.ONE): "{part} (passed|passes)(: what was found is|: there is a finding, but it is| with a"
    " finding that is) within (the|its) limits.",
    (Outcome.PASS, Count.FEW): "{part} (passed|passes)(: | with ){count} findings(, all of them|, all|, each of them)"
    " within (the|their) limits.",
    (Outcome.FAIL, Count.ONE): "{part} (failed|is rejected|fails)( because of| over| on account of) a"
    " (nonconformity|defect).",
    (Outcome.FAIL, Count.FEW): "{part} (failed|is rejected|fails) (with|because of|over) {count}"
    " (nonconformities|defects).",
    (Outcome.FAIL, Count.MANY): "{part} (failed|is rejected|fails) (with|because of|over) {count}"
    " (nonconformities|defects)(, the worst first|; the worst of them|, of which the worst follow).",
    (Outcome.REVIEW, Count.ONE): "{part} (needs review|must be reviewed|goes to review)( because of| over| for) a"
    " (finding|doubt).",
    (Outcome.REVIEW, Count.FEW): "{part} (needs review|must be reviewed|goes to review) (with|because of|over) {count}"
    " (findings|doubts).",
    (Outcome.REVIEW, Count.MANY): "{part} (needs review|must be reviewed|goes to review) (with|because of|over) {count}"
    " (findings|doubts)(, the worst first|; the worst of them|, of which the worst follow).",
}

CLOSINGS: Mapping[Outcome, str] = {
    Outcome.PASS: "(It|The part) (moves on|goes on|goes on to the next station|is released|may go on).",
    Outcome.FAIL: "(The line (rejects it|rejects the part|removes it)|(It|The part) is (rejected|removed from the line|"
    "taken off the line)).",
    Outcome.REVIEW: "((It|The part) (is held|stays held|is on hold|stays on hold) until (a person|an operator) decides|"
    "(A person|An operator) (has to decide|must decide)(; until then|, and until then) (it|the part) (is|stays)"
    " (held|on hold)).",
}

FAULT = (
    "{part} (was not inspected|could not be inspected|has not been inspected)(: {cause}|, because {cause}| - {cause})."
    " {remedy}(; the part is held|; it is held|; until then the part is held|. The part is held|. It stays on hold)."
)

LEADS: Mapping[Rank, str] = {
    Rank.ONLY: "(||Found: |Seen: |There is: )",
    Rank.FIRST: "(The worst: |Worst of them: |Most serious: |The most severe: |First and worst: )",
    Rank.NEXT: "(Next: |Then: |Also: |Further: |In addition: |And: )",
}

LARGEST: Mapping[Rank, str] = {
    Rank.ONLY: "(It is|Found:|Seen:) {class}WHERE(SIZE|).",
    Rank.FIRST: "(The largest|Largest|The longest of them)( is |: ){class}WHERE(SIZE|).",
}

WHERE: Mapping[tuple[bool, bool], str] = {
    (False, False): "",
    (True, False): "( in zone {zone}| in the {zone} zone|, zone {zone})",
    (False, True): "( at x {x}, y {y}|, at x {x} and y {y}| (around|near) x {x}, y {y})",
    (True, True): "( in zone {zone}| in the {zone} zone|, zone {zone})( at x {x}, y {y}|, at x {x} and y {y}|, x {x},"
    " y {y})",
}

SIZE = "(, {length} long|, length {length}|, {length} in length|, with a length of {length})"

HEAD_END = "(: |; | - )"
AND = "(; |, and |; also, |; moreover, )"

DEGREES: Mapping[Degree, str] = {
    Degree.UNKNOWN: "",
    Degree.SLIGHT: "(||slightly |just |marginally |narrowly )",
    Degree.CLEAR: "(||clearly |distinctly |noticeably )",
    Degree.FAR: "(||far |greatly |grossly )",
}

_DOUBT = (
    "(and too close to it for the measurement uncertainty|which is less than the measurement uncertainty"
    "|and the measurement uncertainty leaves it open|closer than the measurement uncertainty can tell)"
)


def _beyond_limit(side: str, verb: str, most: str) -> dict[Figures, str]:
    """Patterns for a limit that is broken; ``DEG`` is where the degree goes."""
    return {
        Figures.ALL: f"({{N}} {{N.value}}, {{N.distance}} {side} the (|permitted ){{N.limit}} limit"
        f"|(its|the) {{N}} of {{N.value}} is {{N.distance}} {side} the {{N.limit}} limit"
        f"|(its|the) {{N}} of {{N.value}} is DEG{side} the {{N.limit}} limit, by {{N.distance}}"
        f"|(its|the) {{N}} of {{N.value}} DEG{verb} the (limit of {{N.limit}}|{{N.limit}} limit) by {{N.distance}}"
        f"|at {{N.value}} (its|the) {{N}} is DEG{side} the (limit of {{N.limit}}|{{N.limit}} limit)"
        f"|{{N}} {{N.value}} against a limit of {{N.limit}}, DEG{side} it by {{N.distance}}"
        f"|{{N}} {{N.value}} where {most} {{N.limit}} is allowed, {{N.distance}} {side} that"
        f"|(its|the) {{N}} measures {{N.value}}, DEG{side} the {{N.limit}} limit)",
        Figures.LIMIT: f"({{N}} {{N.value}}, {side} the {{N.limit}} limit"
        f"|(its|the) {{N}} of {{N.value}} {verb} the {{N.limit}} limit"
        f"|at {{N.value}} (its|the) {{N}} is {side} the limit of {{N.limit}})",
        Figures.VALUE: f"({{N}} {{N.value}}, {side} the limit|(its|the) {{N}} of {{N.value}} {verb} the limit)",
        Figures.NONE: f"((its|the) {{N}} is {side} the limit|(its|the) {{N}} {verb} the limit)",
    }


def _near_limit(side: str) -> dict[Figures, str]:
    return {
        Figures.ALL: f"({{N}} {{N.value}}, {{N.distance}} {side} the {{N.limit}} limit, {_DOUBT}"
        f"|(its|the) {{N}} of {{N.value}} is {side} the {{N.limit}} limit by {{N.distance}}, {_DOUBT}"
        f"|(its|the) {{N}} of {{N.value}} is only {{N.distance}} {side} the limit of {{N.limit}}, {_DOUBT})",
        Figures.LIMIT: f"({{N}} {{N.value}}, {side} the {{N.limit}} limit, {_DOUBT}"
        f"|(its|the) {{N}} of {{N.value}} is {side} the limit of {{N.limit}}, {_DOUBT})",
        Figures.VALUE: f"{{N}} {{N.value}}, {side} the limit, {_DOUBT}",
        Figures.NONE: f"(its|the) {{N}} is {side} the limit, {_DOUBT}",
    }


_SURE = (
    "(the model is only {N.value} (sure|certain), {N.limit} is (needed|required)"
    "|the model is {N.value} (sure|certain), but {N.limit} is (needed|required)"
    "|(its|the) confidence is {N.value}, below the {N.limit} that is required"
    "|confidence {N.value}, while {N.limit} is (needed|required))"
)

CLAUSES: Mapping[str, Mapping[Figures, str]] = {
    "above_usl": _beyond_limit("(over|above|beyond)", "exceeds", "at most"),
    "below_lsl": _beyond_limit("(under|below|short of)", "falls below", "at least"),
    "guard_inside": _near_limit("(inside|within)"),
    "guard_beyond": _near_limit("(beyond|outside|past)"),
    "confidence": {
        Figures.LIMIT: _SURE,
        Figures.NONE: "(the model is not (sure|certain)(| enough)|the confidence is too low)",
    },
    "not_allowed": {
        Figures.NONE: "(not allowed on this part|not permitted on this part"
        "|this kind of defect is not (allowed|permitted)|it is not (allowed|permitted) here)"
    },
    "unlisted": {Figures.NONE: "(no rule covers it|there is no rule for it|no rule applies to it)"},
    "not_measured": {
        Figures.NONE: "({N} could not be measured|(its|the) {N} could not be measured"
        "|no measurement of (its|the) {N} was possible)"
    },
}
