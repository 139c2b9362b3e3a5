"""The adviser's opinions held against people's decisions, week by week: agreement, and what following them costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from itertools import groupby

from inspector.domain import AdvisedPart, Decision
from inspector.reports.reviews import Share
from inspector.reports.tables import Table, percent
from inspector.reports.words import ReportWords

__all__ = ["AdviceWeek", "Costs", "advice_table", "advice_weeks"]


@dataclass(frozen=True, slots=True)
class Costs:
    """What a wrong decision costs: a good part held, a good part scrapped, a bad part released."""

    false_hold: float
    scrap: float
    escape: float
    currency: str

    def of(self, decision: Decision, *, good: bool) -> float:
        """Return the cost of this decision about a part that a person found good, or not."""
        if decision is Decision.ACCEPT:
            return 0.0 if good else self.escape
        if not good:
            return 0.0
        return self.scrap if decision > Decision.HOLD else self.false_hold


@dataclass(frozen=True, slots=True)
class AdviceWeek:
    """One week, from its Monday on.

    Attributes
    ----------
    advised
        Parts that the adviser spoke on; ``released`` of them without a person, as the line allows.
    same
        Of the parts that a person decided about, those where the opinion was exactly that decision.
    alike
        The same for accept or not accept alone.
    classes
        Defect class -> ``alike`` among the parts that have it.
    cost_of_rules, cost_of_opinions
        Of the parts that a person decided about: what holding all of them cost, and what the opinions would have.
        None without costs.
    disagreements
        Parts where the opinion was accept and the person's decision not, or the other way round.
    """

    monday: date
    advised: int
    released: int
    same: Share
    alike: Share
    classes: Mapping[str, Share]
    cost_of_rules: float | None
    cost_of_opinions: float | None
    disagreements: tuple[AdvisedPart, ...]


def advice_weeks(parts: Iterable[AdvisedPart], zone: tzinfo, costs: Costs | None = None) -> list[AdviceWeek]:
    """Return the weeks in which parts were advised on, oldest first; ``parts`` are in the order of time."""

    def monday(part: AdvisedPart) -> date:
        day = part.at.astimezone(zone).date()
        return day - timedelta(days=day.weekday())

    return [_week(begins, list(group), costs) for begins, group in groupby(parts, key=monday)]


def _week(monday: date, parts: Sequence[AdvisedPart], costs: Costs | None) -> AdviceWeek:
    decided = [part for part in parts if part.person is not None]
    differ = [part for part in decided if not _alike(part)]
    seen = Counter(label for part in decided for label in part.labels or ("",))
    missed = Counter(label for part in differ for label in part.labels or ("",))
    good = [(part, part.person is Decision.ACCEPT) for part in decided]
    return AdviceWeek(
        monday=monday,
        advised=len(parts),
        released=sum(part.advised is Decision.ACCEPT and part.person is None for part in parts),
        same=Share(sum(part.opinion is part.person for part in decided), len(decided)),
        alike=Share(len(decided) - len(differ), len(decided)),
        classes={label: Share(seen[label] - missed[label], seen[label]) for label in sorted(seen)},
        cost_of_rules=sum(costs.of(Decision.HOLD, good=fine) for _, fine in good) if costs else None,
        cost_of_opinions=sum(costs.of(part.opinion, good=fine) for part, fine in good) if costs else None,
        disagreements=tuple(differ),
    )


def _alike(part: AdvisedPart) -> bool:
    return (part.opinion is Decision.ACCEPT) == (part.person is Decision.ACCEPT)


def advice_table(weeks: Sequence[AdviceWeek], words: ReportWords, currency: str = "") -> Table:
    """Return one row for each week; costs only where they are known."""
    head = ("week", "advised", "released", "looked_at", "agreed_exactly", "agreed_on_release")
    amounts = ("cost_of_rules", "cost_of_opinions") if currency else ()
    rows = tuple(
        (
            week.monday.isoformat(),
            str(week.advised),
            str(week.released),
            str(week.same.of),
            _share(week.same),
            _share(week.alike),
            *(
                f"{amount:.2f} {currency}"
                for amount in (week.cost_of_rules, week.cost_of_opinions)
                if amount is not None
            ),
        )
        for week in weeks
    )
    return Table("advice", words["advice"], tuple(words[name] for name in (*head, *amounts)), rows)


def _share(share: Share) -> str:
    return percent(share.number / share.of) if share.of else "–"
