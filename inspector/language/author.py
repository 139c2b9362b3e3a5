"""The report's author: an engine's sentences where they are in time and right, the template otherwise."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass

from inspector.domain import InspectionReport, LanguageError, ReportText, Writing
from inspector.language.brief import Brief, briefs_of
from inspector.language.checker import check_sentence
from inspector.language.engine import Request, SentenceEngine
from inspector.language.glossary import Glossary
from inspector.language.slots import fill, join_sentences
from inspector.language.template import TemplateWriter

__all__ = ["TEMPLATE", "ReportAuthor"]

log = logging.getLogger(__name__)

TEMPLATE = "template"

# Reasons for the template that are not a flaw of a sentence.
LATE, BUSY, DOWN, HURRY, OUTSIDE = "late", "busy", "engine error", "hurry", "outside the contract"

Sentences = dict[str, "list[str] | str"]


@dataclass(frozen=True, slots=True)
class _Job:
    run: Callable[[], Sentences]
    done: Future[Sentences]


class ReportAuthor:
    """Writes a report in several languages within one deadline.

    The engine works on a thread of its own at low priority; whoever asks never waits longer than the deadline,
    even where the engine hangs. Every sentence is checked while its slots are still empty; a text with a flaw is
    the template's, whole, and counted by its reason.

    Parameters
    ----------
    engine
        None for the template alone. ``close`` closes it.
    glossary
        Term -> language -> name, laid over the built-in names.
    deadline_s
        Time for all languages of one report together.
    niceness
        How far the engine's thread stands back behind others, 0 … 19; on Linux.
    """

    def __init__(
        self,
        engine: SentenceEngine | None = None,
        *,
        glossary: Mapping[str, Mapping[str, str]] | None = None,
        deadline_s: float = 0.3,
        niceness: int = 19,
    ) -> None:
        self._engine, self._deadline_s, self._niceness = engine, deadline_s, niceness
        self._template, self._glossary = TemplateWriter(glossary), Glossary(glossary)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._running: Future[Sentences] | None = None
        self._counts: Counter[str] = Counter()
        self._lost = False
        self._thread = threading.Thread(target=self._work, name="report engine", daemon=True)
        if engine is not None:
            self._thread.start()

    @property
    def counts(self) -> Mapping[str, int]:
        """How many texts the engine wrote (by its name), and how many the template did, by reason."""
        return dict(self._counts)

    @property
    def writing(self) -> Writing:
        """The same for the screen."""
        counts, name = self.counts, self._engine.name if self._engine is not None else TEMPLATE
        return Writing(name, counts.get(name, 0), {reason: n for reason, n in counts.items() if reason != name})

    def compose(
        self, report: InspectionReport, languages: Sequence[str], *, hurry: bool = False
    ) -> Mapping[str, ReportText]:
        """Return the report's text in each language; a language nobody speaks is left out.

        Parameters
        ----------
        hurry
            True where parts are waiting: the template writes at once.
        """
        spoken = [language for language in languages if self._template.speaks(language)]
        told = self._by_engine(report, spoken, hurry=hurry)
        texts = {}
        for language in spoken:
            sentences = told[language]
            if isinstance(sentences, str):
                texts[language] = ReportText(self._template.write(report, language), TEMPLATE, sentences)
                self._counts[sentences if self._engine is not None else TEMPLATE] += 1
            else:
                assert self._engine is not None  # noqa: S101
                texts[language] = ReportText(join_sentences(sentences, language), self._engine.name)
                self._counts[self._engine.name] += 1
        return texts

    def close(self) -> None:
        """Stop the engine's thread and say who wrote how many texts; an engine that hangs is left behind."""
        if self._engine is not None:
            log.info("report texts by author and reason: %s", dict(self._counts))
            self._jobs.put(None)
            self._thread.join(self._deadline_s + 1)
            if not self._thread.is_alive():
                self._engine.close()

    # --- the engine ---------------------------------------------------------------------------------------

    def _by_engine(self, report: InspectionReport, languages: Sequence[str], *, hurry: bool) -> Sentences:
        """Return the filled sentences by language, or why there are none."""
        engine, briefs = self._engine, briefs_of(report)
        why = ""
        if hurry:
            why = HURRY
        elif self._running is not None and not self._running.done():
            why = BUSY
        elif briefs is None:
            why = OUTSIDE
        if engine is None or briefs is None or why:
            return dict.fromkeys(languages, why)
        return self._in_time(engine, report, briefs, languages)

    def _in_time(
        self, engine: SentenceEngine, report: InspectionReport, briefs: Sequence[Brief], languages: Sequence[str]
    ) -> Sentences:
        until = time.monotonic() + self._deadline_s
        seed = report.id.int & 0xFFFFFFFFFFFFFFFF
        job = _Job(lambda: self._write(engine, briefs, languages, until=until, seed=seed), Future())
        self._running = job.done
        self._jobs.put(job)
        try:
            told = job.done.result(timeout=self._deadline_s)
        except NotInTime:
            self._gone(f"it takes longer than {self._deadline_s:g} s")
            return dict.fromkeys(languages, LATE)
        except LanguageError as error:
            self._gone(str(error))
            return dict.fromkeys(languages, LATE if time.monotonic() >= until else DOWN)
        if self._lost:
            self._lost = False
            log.warning("the report engine %s answers again", engine.name)
        return told

    def _gone(self, why: str) -> None:
        if not self._lost:
            log.warning("the template writes the reports, the engine does not: %s", why)
        self._lost = True

    def _write(
        self, engine: SentenceEngine, briefs: Sequence[Brief], languages: Sequence[str], *, until: float, seed: int
    ) -> Sentences:
        wanted = {language: [Request(brief, language) for brief in briefs] for language in languages}
        requests = [request for each in wanted.values() for request in each]
        texts: list[str] = [""] * len(requests)
        flaws: list[str] = []
        asked = list(range(len(requests)))
        for attempt in range(engine.attempts):
            answer = engine.write([requests[index] for index in asked], until=until, seed=seed, attempt=attempt)
            if len(answer) != len(asked):
                raise LanguageError(f"{engine.name} wrote {len(answer)} sentences where {len(asked)} were asked for")
            for index, text in zip(asked, answer, strict=True):
                texts[index] = text
            flaws = [
                found.value if (found := check_sentence(item.brief, text, item.language)) is not None else ""
                for item, text in zip(requests, texts, strict=True)
            ]
            asked = [index for index, flaw in enumerate(flaws) if flaw]
            if not asked:
                break
        told: Sentences = {}
        for number, (language, each) in enumerate(wanted.items()):
            here = slice(number * len(briefs), (number + 1) * len(briefs))
            flaw = next((flaw for flaw in flaws[here] if flaw), "")
            told[language] = flaw or [
                fill(item.brief, text, language, self._glossary) for item, text in zip(each, texts[here], strict=True)
            ]
        return told

    def _work(self) -> None:
        # On Linux a priority belongs to a thread: the verdict path's processes go first.
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._niceness)
        while (job := self._jobs.get()) is not None:
            try:
                job.done.set_result(job.run())
            except LanguageError as error:
                job.done.set_exception(error)
            except Exception as error:  # noqa: BLE001 - an engine of others may raise anything; it costs its sentence
                job.done.set_exception(LanguageError(f"the report engine failed: {error!r}"))
