"""What a report writer is worth, on records it has never seen: faults in figures, flaws, time, memory, variety."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

import psutil

from inspector.domain import InspectionReport, Outcome, ReportText
from inspector.language.author import TEMPLATE, ReportAuthor
from inspector.language.brief import briefs_of
from inspector.language.checker import check_sentence
from inspector.language.engine import Request, SentenceEngine
from inspector.language.glossary import DEFAULT_GLOSSARY
from inspector.language.records import KNOWN_NAMES, UNSEEN_NAMES, random_report
from inspector.language.template import TemplateWriter

__all__ = ["Figures", "Group", "measure_engine", "number_faults"]

_LANGUAGES = ("en", "zh")
_FIRST_SEED = 1_000_000  # training draws sentences, not records; its seeds are small
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_WORD = re.compile(r"[A-Za-z'’-]+|[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Group:
    """Figures of one kind of records; shares are 0 … 1."""

    texts: int
    first_draft_pass: float
    engine_share: float
    fallback_share: float
    number_faults: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What ``inspector bench language`` says; ``cpu`` is processor time, which other load does not stretch."""

    engine: str
    records: int
    number_faults: int
    seen: Group
    unseen: Group
    reasons: dict[str, int]
    p50_ms: float
    p95_ms: float
    worst_ms: float
    cpu_p50_ms: float
    cpu_p95_ms: float
    resident_mb: float
    variety: dict[str, dict[str, float]]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def measure_engine(
    engine: SentenceEngine, *, seen: int = 400, unseen: int = 100, seed: int = 0, deadline_s: float = 120.0
) -> Figures:
    """Return the engine's figures on records with the usual and with unseen names; closes the engine.

    The time of one report is that of all its languages together. The deadline is generous: the share of texts in time
    follows from the times, and a busy machine must not count as a flaw.
    """
    author = ReportAuthor(engine, deadline_s=deadline_s, niceness=0)
    rng = random.Random(_FIRST_SEED + seed)  # noqa: S311
    took: list[float] = []
    worked: list[float] = []
    texts: dict[str, list[str]] = {f"{who} {language}": [] for who in ("engine", "template") for language in _LANGUAGES}
    template = TemplateWriter()

    def group(names: tuple[Sequence[str], Sequence[str]], count: int) -> Group:
        written, drafts, faults = [], [], 0
        for number in range(count):
            report = random_report(rng, names, number=number)
            drafts += _first_drafts(engine, report, deadline_s)
            start, cpu = time.perf_counter(), time.process_time()
            told = author.compose(report, _LANGUAGES)
            took.append(1000 * (time.perf_counter() - start))
            worked.append(1000 * (time.process_time() - cpu))
            for language, text in told.items():
                written.append(text)
                faults += number_faults(report, text.text, names)
                if text.engine != TEMPLATE:
                    texts[f"engine {language}"].append(text.text)
                    texts[f"template {language}"].append(template.write(report, language))
        return _group(written, drafts, faults)

    try:
        known, unknown = group(KNOWN_NAMES, seen), group(UNSEEN_NAMES, unseen)
    finally:
        author.close()
    took.sort()
    worked.sort()
    return Figures(
        engine=engine.name,
        records=seen + unseen,
        number_faults=known.number_faults + unknown.number_faults,
        seen=known,
        unseen=unknown,
        reasons={reason: count for reason, count in author.counts.items() if reason != engine.name},
        p50_ms=round(_quantile(took, 0.5), 1),
        p95_ms=round(_quantile(took, 0.95), 1),
        worst_ms=round(took[-1], 1),
        cpu_p50_ms=round(_quantile(worked, 0.5), 1),
        cpu_p95_ms=round(_quantile(worked, 0.95), 1),
        resident_mb=round(psutil.Process().memory_info().rss / 2**20, 1),
        variety={name: _variety(written) for name, written in texts.items()},
    )


def number_faults(report: InspectionReport, text: str, names: tuple[Sequence[str], Sequence[str]] = KNOWN_NAMES) -> int:
    """Return how many numbers of a finished text are no figure of the record, rounded as they are printed."""
    bare = text.replace(report.trigger.part_id, "")
    for name in (*names[0], *names[1], *(term for names in DEFAULT_GLOSSARY.values() for term in names.values())):
        bare = bare.replace(name, "") if any(map(str.isdigit, name)) and not name.isdigit() else bare
    known = [Decimal(figure) for figure in _figures(report)] + [Decimal(name) for name in names[0] if name.isdigit()]
    faults = 0
    for token in _NUMBER.findall(bare):
        shown = Decimal(token)
        exponent = shown.as_tuple().exponent
        half = Decimal(10) ** int(exponent) / 2 * (1 + Decimal("1e-6"))
        faults += not any(abs(shown - figure) <= half for figure in known)
    return faults


def _figures(report: InspectionReport) -> Iterator[float]:
    verdict = report.verdict
    yield float(len(report.detections.items) if report.detections else 0)
    yield float(len({item.detection for item in verdict.reasons if item.outcome is not Outcome.PASS}))
    for item in report.measurements:
        yield from (item.value, item.uncertainty)
    for reason in verdict.reasons:
        scale = 100 if reason.characteristic == "confidence" else 1
        yield from (abs(each) * scale for each in (reason.value, reason.limit, reason.margin) if each is not None)


def _first_drafts(engine: SentenceEngine, report: InspectionReport, deadline_s: float) -> list[bool]:
    """Return per language whether the engine's first draft of the whole report has no flaw."""
    briefs = briefs_of(report)
    if briefs is None:
        return []
    requests = [Request(brief, language) for language in _LANGUAGES for brief in briefs]
    seed = report.id.int & 0xFFFFFFFFFFFFFFFF
    drafts = engine.write(requests, until=time.monotonic() + deadline_s, seed=seed, attempt=0)
    fine = [
        check_sentence(item.brief, text, item.language) is None for item, text in zip(requests, drafts, strict=True)
    ]
    return [all(fine[: len(briefs)]), all(fine[len(briefs) :])]


def _group(written: Sequence[ReportText], drafts: Sequence[bool], faults: int) -> Group:
    by_template = sum(text.engine == TEMPLATE for text in written)
    share = by_template / len(written) if written else 0.0
    return Group(
        texts=len(written),
        first_draft_pass=round(sum(drafts) / len(drafts), 4) if drafts else 0.0,
        engine_share=round(1 - share, 4),
        fallback_share=round(share, 4),
        number_faults=faults,
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _variety(texts: Sequence[str]) -> dict[str, float]:
    """Return how varied and how long texts are, figures and names aside.

    ``phrasings`` is the share of texts whose words occur in no other; ``bigrams`` the share of word pairs (characters
    in Chinese) that are distinct; ``sentence_words`` the mean length of a sentence.
    """
    if not texts:
        return {}
    bare = [tuple(_WORD.findall(text)) for text in texts]
    pairs = [pair for words in bare for pair in pairwise(words)]
    times: Counter[tuple[str, ...]] = Counter(bare)
    sentences = [part for text in texts for part in re.split(r"(?<=。)|(?<=\.) ", text) if part.strip()]
    length: Callable[[str], int] = lambda text: len(_WORD.findall(text))  # noqa: E731
    return {
        "phrasings": round(sum(1 for count in times.values() if count == 1) / len(texts), 3),
        "bigrams": round(len(set(pairs)) / max(1, len(pairs)), 4),
        "sentence_words": round(sum(map(length, sentences)) / max(1, len(sentences)), 1),
        "text_words": round(sum(map(len, bare)) / len(texts), 1),
    }
