"""What people's decisions say about the line: false rejects, escapes, and the confusion between the two.

Interval of a share: E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal of
the American Statistical Association 22 (1927), 209-212, without continuity correction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scipy import stats

from inspector.domain import Decision, LotTally, PartKind, Reviewed
from inspector.reports.tables import Table, percent
from inspector.reports.words import ReportWords

__all__ = ["Found", "ReviewFigures", "Share", "lot_table", "review_figures", "review_tables"]

CONFIDENCE = 0.95
UNCLEAR = "unclear"
MOST_ROWS = 50


class Found(StrEnum):
    """What a person found in a part."""

    GOOD = "good"
    BAD = "bad"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Share:
    """A share of some parts with its two-sided 95 % interval; nothing where there are none."""

    number: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        """Low and high, 0 … 1; ``of`` is not zero."""
        found = stats.binomtest(self.number, self.of).proportion_ci(CONFIDENCE, method="wilson")
        return float(found.low), float(found.high)


@dataclass(frozen=True, slots=True)
class ReviewFigures:
    """What people found.

    Attributes
    ----------
    false_rejects
        Good ones of the clear cases among the parts that the line held or rejected.
    escapes
        Bad ones of the clear cases among the parts that the line passed.
    confusion
        Parts by (what the line said, what a person found).
    classes
        Parts by (class of a finding, what a person found); empty class: the part had no finding.
    """

    false_rejects: Share
    escapes: Share
    confusion: Mapping[tuple[PartKind, Found], int]
    classes: Mapping[tuple[str, Found], int]


def review_figures(reviewed: Sequence[Reviewed]) -> ReviewFigures:
    """Return what these decisions say; decisions to hold say nothing yet."""
    confusion: Counter[tuple[PartKind, Found]] = Counter()
    classes: Counter[tuple[str, Found]] = Counter()
    for part in reviewed:
        found = _found(part)
        if found is None:
            continue
        confusion[part.kind, found] += 1
        for label in part.labels or ("",):
            classes[label, found] += 1
    suspected = [
        sum(confusion[kind, found] for kind in (PartKind.REVIEW, PartKind.FAIL)) for found in (Found.GOOD, Found.BAD)
    ]
    passed = [confusion[PartKind.PASS, found] for found in (Found.BAD, Found.GOOD)]
    return ReviewFigures(Share(suspected[0], sum(suspected)), Share(passed[0], sum(passed)), confusion, classes)


def review_tables(figures: ReviewFigures, words: ReportWords) -> tuple[Table, ...]:
    """Return the estimates, and both tables of confusion."""
    estimates = tuple(
        (words[name], str(share.of), str(share.number), _estimate(share))
        for name, share in (("rejected_wrongly", figures.false_rejects), ("escaped", figures.escapes))
    )
    said = tuple(
        (words[f"said_{kind}"], *(str(figures.confusion.get((kind, found), 0)) for found in Found)) for kind in PartKind
    )
    labels = sorted({label for label, _ in figures.classes})
    by_class = tuple(
        (words.term(label) if label else words["no_class"], *(str(figures.classes.get((label, f), 0)) for f in Found))
        for label in labels[:MOST_ROWS]
    )
    head = tuple(words[f"found_{found}"] for found in Found)
    return (
        Table("reviews", words["reviews"], ("", words["looked_at"], words["number"], words["estimate"]), estimates),
        Table("confusion", words["confusion"], (words["line_said"], *head), said),
        Table(
            "confusion_classes", words["confusion"], (words["class"], *head), by_class, max(0, len(labels) - MOST_ROWS)
        ),
    )


def lot_table(tallies: Sequence[LotTally], words: ReportWords) -> Table:
    """Return the yield by lot; parts without a lot stand in no row."""
    lots: dict[str, Counter[PartKind]] = {}
    for tally in tallies:
        if tally.lot:
            lots.setdefault(tally.lot, Counter())[tally.kind] += tally.parts
    rows = tuple(
        (lot, str(n.total()), *(str(n[kind]) for kind in PartKind), percent(n[PartKind.PASS] / n.total()))
        for lot, n in lots.items()
    )
    head = tuple(words[name] for name in ("lot", "parts", "passed", "review", "failed", "faults", "yield"))
    return Table("lots", words["lots"], head, rows[:MOST_ROWS], max(0, len(rows) - MOST_ROWS))


def _found(part: Reviewed) -> Found | None:
    if part.reason_code == UNCLEAR:
        return Found.UNCLEAR
    known = {Decision.ACCEPT: Found.GOOD, Decision.REWORK: Found.BAD, Decision.SCRAP: Found.BAD}
    return known.get(part.decision)


def _estimate(share: Share) -> str:
    if not share.of:
        return "–"
    low, high = share.interval
    return f"{percent(share.number / share.of)} [{percent(low)}; {percent(high)}]"
