"""The second opinion on parts that the rules left open, inside an envelope that the line's description sets."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from inspector.domain import (
    ConfigurationError,
    Decision,
    Disposition,
    FaultCode,
    InspectionReport,
    LanguageError,
    Outcome,
    Reason,
    ReviewedPart,
    would,
)
from inspector.language.doubts import GUARD, Recurrences, doubts_of, uncertainty_of
from inspector.language.precedents import ALONE, Precedents

__all__ = ["DispositionAdvisor", "Envelope", "Opinion", "PolicyRule", "Release", "conformity"]

_EVEN = 0.5
POLICY = "policy"
_MOST_REMEMBERED = 1000

Seen = frozenset[tuple[str, str]]
"""The (class, zone) pairs of one part's nonconformities."""


@dataclass(frozen=True, slots=True)
class Release:
    """Doubtful values of this characteristic may be released.

    ``inside`` is how far inside its limit the value must lie at least, in expanded uncertainties, 0 … 1.
    """

    characteristic: str
    inside: float

    def __post_init__(self) -> None:
        if not 0 <= self.inside <= 1:
            raise ConfigurationError(
                f"disposition.may_release: {self.characteristic} inside {self.inside} is not 0 … 1",
                remedy="1 is the whole guard band, 0 is the limit itself",
            )


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """What happens to an open part whose defect was on ``repeats`` of the latest ``of`` parts, itself among them.

    Without a defect or a zone, any is meant.
    """

    decision: Decision
    defect: str | None = None
    zone: str | None = None
    repeats: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.repeats <= self.of <= _MOST_REMEMBERED:
            raise ConfigurationError(
                f"disposition.policy: {self.repeats} parts of the latest {self.of} cannot be",
                remedy=f"repeats is at most of, and of at most {_MOST_REMEMBERED}",
            )
        if self.decision < Decision.HOLD:
            raise ConfigurationError(
                f"disposition.policy: a rule cannot {self.decision.name.lower()}, which is milder than the rules' hold",
                remedy="What may be released stands under may_release; rework is for a person to decide",
            )

    @property
    def told(self) -> str:
        """The rule in words."""
        where = f" in {self.zone}" if self.zone else ""
        return f"{self.defect or 'a defect'}{where} on {self.repeats} of the latest {self.of} parts"

    def applies(self, latest: Sequence[Seen]) -> bool:
        """Return whether it holds for the last of these parts."""
        window = latest[-self.of :]
        return bool(latest) and self._matches(latest[-1]) and sum(map(self._matches, window)) >= self.repeats

    def _matches(self, seen: Seen) -> bool:
        return any(self.defect in {None, label} and self.zone in {None, zone} for label, zone in seen)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What an adviser would do, before the envelope; ``because`` is for people."""

    decision: Decision
    reason_code: str
    because: str = ""


class Envelope:
    """What an opinion may do to a part at REVIEW: tighten to hold; more, or less, only where the line says so."""

    def __init__(self, releases: Iterable[Release] = (), policy: Iterable[PolicyRule] = ()) -> None:
        self._releases = {release.characteristic: release.inside for release in releases}
        self.policy = tuple(policy)

    def bound(self, report: InspectionReport, opinion: Opinion, latest: Sequence[Seen]) -> Opinion:
        """Return the opinion, or what the envelope leaves of it.

        ``latest`` are the latest parts, this one last. The result is hold unless

        - a rule of the line's policy applies: then its decision, the most severe of them;
        - the opinion is accept, every open reason is a doubtful value of a characteristic that may be released, each
          far enough inside its limit, and no rule of the policy applies.

        Raises ``LanguageError`` for a part that is not at REVIEW: the rules have decided, or nothing was inspected.
        """
        verdict = report.verdict
        if verdict.outcome is not Outcome.REVIEW or verdict.fault is not FaultCode.NONE:
            raise LanguageError("there is nothing to advise: the part is not at REVIEW")
        if applying := [rule for rule in self.policy if rule.applies(latest)]:
            severest = max(applying, key=lambda rule: rule.decision)
            return Opinion(severest.decision, POLICY, severest.told)
        if opinion.decision is Decision.ACCEPT and self._may_release(report):
            return opinion
        if opinion.decision is Decision.HOLD:
            return opinion
        return Opinion(Decision.HOLD, would(opinion.decision))

    def _may_release(self, report: InspectionReport) -> bool:
        reasons = _open_reasons(report)
        return bool(reasons) and all(map(self._releases_reason, [report] * len(reasons), reasons))

    def _releases_reason(self, report: InspectionReport, reason: Reason) -> bool:
        inside, uncertainty = self._releases.get(reason.characteristic), uncertainty_of(report, reason)
        if reason.code != GUARD or inside is None or reason.margin is None or uncertainty is None:
            return False
        # Written so that a figure which is no number releases nothing.
        return math.isfinite(reason.margin) and uncertainty > 0 and reason.margin >= inside * uncertainty


class DispositionAdvisor:
    """An ``Advisor``: weighs what people decided about similar parts, how likely the part conforms, and what recurs.

    Parameters
    ----------
    envelope
        What it may decide.
    precedents
        What people decided before; fed by ``learn``.
    remembered
        How many parts it remembers; at least as many as the policy's rules look at.
    """

    name = "advisor"

    def __init__(self, envelope: Envelope, *, precedents: Precedents | None = None, remembered: int = 50) -> None:
        self._envelope = envelope
        self._precedents = Precedents() if precedents is None else precedents
        needed = max((rule.of for rule in envelope.policy), default=1)
        self._latest: deque[Seen] = deque(maxlen=max(remembered, needed))
        self._recurrences = Recurrences()
        self._last: UUID | None = None

    def remember(self, report: InspectionReport) -> None:
        """Take a part into the history; call it for every part, in order, before ``advise``.

        The same inspection twice in a row, as after a record that refused it, counts once.
        """
        if report.id == self._last:
            return
        self._last = report.id
        self._latest.append(frozenset((reason.label, reason.zone) for reason in _open_reasons(report)))
        self._recurrences.remember(report)

    def start_anew(self) -> None:
        """Let the policy count from here, as after a stop that it caused."""
        self._latest.clear()

    def learn(self, part: ReviewedPart) -> None:
        """Take what a person decided about a part."""
        doubts = doubts_of(part.report, lambda finding: part.recurrences.get(finding, 1))
        if doubts is not None:
            self._precedents.add(doubts, part.decision)

    def opinion(self, report: InspectionReport) -> Opinion:
        """Return what it would do if nothing bound it.

        Each open reason gets the vote of the precedents; alone, a doubtful value is accepted where conformity is
        likelier than not and anything else is held. The part is accepted where that is likelier than not for all its
        reasons together; else the most severe vote stands.
        """
        reasons, doubts = _open_reasons(report), doubts_of(report, self._recurrences.seen)
        other = next((reason.code for reason in reasons if reason.code != GUARD), None)
        if not reasons or doubts is None:
            return Opinion(Decision.HOLD, other or "no_figures")
        votes = [
            self._precedents.vote(doubt, _alone(report, reason)) for reason, doubt in zip(reasons, doubts, strict=True)
        ]
        accepted = math.prod(vote.shares.get(Decision.ACCEPT, 0.0) for vote in votes)
        likeliest = max(vote.decision for vote in votes)
        decision = Decision.ACCEPT
        if accepted <= _EVEN:
            decision = Decision.HOLD if likeliest is Decision.ACCEPT else likeliest
        if min(vote.weight for vote in votes) >= ALONE:
            share = min(vote.shares.get(decision, 0.0) for vote in votes)
            return Opinion(decision, "similar_parts", f"similar reviewed parts: {_NAMES[decision]} {share:.0%}")
        return Opinion(decision, other or ("likely_conforming" if accepted > _EVEN else "likely_nonconforming"))

    def advise(self, report: InspectionReport) -> Disposition:
        """Return the opinion inside the envelope; raises ``LanguageError`` for a part that is not at REVIEW."""
        opinion = self.opinion(report)
        bound = self._envelope.bound(report, opinion, tuple(self._latest))
        text = opinion.because or opinion.reason_code.replace("_", " ")
        if bound.decision is not opinion.decision:
            by = f"the policy ({bound.because})" if bound.reason_code == POLICY else "the line"
            text = f"{text}: it would {_NAMES[opinion.decision]}, {by} says {_NAMES[bound.decision]}"
        return Disposition(bound.decision, bound.reason_code, text, self.name)


_NAMES = {decision: decision.name.lower().replace("_", " the ") for decision in Decision}


def _alone(report: InspectionReport, reason: Reason) -> dict[Decision, float]:
    """Return what is thought of an open reason without any precedent."""
    accept = _likelihood(report, reason) if reason.code == GUARD else 0.0
    return {Decision.ACCEPT: accept, Decision.HOLD: 1 - accept}


def conformity(margin: float, uncertainty: float) -> float:
    """Return the probability that a value with this margin conforms: a Gaussian whose 2 σ is the uncertainty.

    JCGM 106:2012, 7.3: conformance probability of one tolerance limit. Figures that are no numbers give 0.
    """
    if not (math.isfinite(margin) and math.isfinite(uncertainty) and uncertainty > 0):
        return 0.0
    return 0.5 * (1 + math.erf(2 * margin / uncertainty / math.sqrt(2)))


def _likelihood(report: InspectionReport, reason: Reason) -> float:
    uncertainty = uncertainty_of(report, reason)
    return 0.0 if reason.margin is None or uncertainty is None else conformity(reason.margin, uncertainty)


def _open_reasons(report: InspectionReport) -> list[Reason]:
    return [reason for reason in report.verdict.reasons if reason.outcome is not Outcome.PASS]
