"""A teacher's sentences for briefs drawn at random, kept where the checker accepts them: a file of examples."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from inspector.domain import ConfigurationError, LanguageError
from inspector.language.corpus import random_brief
from inspector.language.engine import Request, SentenceEngine
from inspector.language.examples import Entry, Example, Refusal, as_line, flaw_of, read_entries

__all__ = ["FAILED", "distil", "drawn_tasks"]

FAILED = "engine error"
"""Why there are no sentences where an answer could not be read at all."""

_LANGUAGES = ("en", "zh")
_TOGETHER = 4
"""Sentences asked for at once, in one language: about those of a report."""
_MOST_FAILURES = 3


def drawn_tasks(briefs: int, seed: int) -> list[Request]:
    """Return what a teacher is asked for; of a larger number, the first are the same.

    A text seeds the draws: training and measurement, whose seeds are numbers, never draw the same.
    """
    rng = random.Random(f"distil {seed}")  # noqa: S311 - sentences, not secrets
    return [Request(random_brief(rng), _LANGUAGES[number // _TOGETHER % 2]) for number in range(briefs)]


def distil(
    teacher: SentenceEngine,
    out: Path,
    *,
    briefs: int,
    seed: int = 1,
    timeout_s: float = 120.0,
    show: Callable[[int, int], None] = lambda _done, _of: None,
) -> None:
    """Write one line for each brief: an example, or why there is none. Goes on behind the lines that are there.

    Every answer is in the file before the next is asked for, so it may be stopped at any time.

    Parameters
    ----------
    timeout_s
        Time for one answer.
    show
        Called with how many briefs are done, and of how many.

    Raises
    ------
    LanguageError
        The teacher failed several times in a row; what it was asked then is asked again the next time.
    ConfigurationError
        The file cannot be written, or holds something else.
    """
    tasks = drawn_tasks(briefs, seed)
    done = _lines_there(out, tasks, teacher.name)
    answered, failures = False, 0
    held_back: list[Entry] = []
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("a", encoding="utf-8", newline="\n") as stream:
            show(done, briefs)
            while done < briefs:
                asked = tasks[done : done + _TOGETHER - done % _TOGETHER]
                done += len(asked)
                try:
                    held_back += _answer(teacher, asked, seed=seed + done, until=time.monotonic() + timeout_s)
                    answered, failures = True, 0
                except LanguageError as error:
                    # A wrong answer costs its sentences, a teacher that is away costs none: that shows later.
                    held_back += [Refusal(FAILED, teacher.name)] * len(asked)
                    failures += 1
                    if failures == _MOST_FAILURES or (done == briefs and not answered):
                        raise LanguageError(
                            f"{teacher.name} failed {failures} times in a row, the last time so: {error}",
                            remedy="See to the teacher; the same command goes on from there",
                        ) from error
                if not failures or done == briefs:
                    stream.write("".join(map(as_line, held_back)))
                    stream.flush()
                    held_back.clear()
                show(done, briefs)
    except OSError as error:
        raise ConfigurationError(f"{out} cannot be written: {error}", remedy="Choose another --out") from error


def _answer(teacher: SentenceEngine, asked: Sequence[Request], *, seed: int, until: float) -> list[Entry]:
    texts = teacher.write(asked, until=until, seed=seed, attempt=0)
    entries: list[Entry] = []
    for request, text in zip(asked, texts, strict=True):
        example = Example(request.brief, request.language, text, teacher.name)
        flaw = flaw_of(example)
        entries.append(example if flaw is None else Refusal(flaw.value, teacher.name))
    return entries


def _lines_there(out: Path, tasks: Sequence[Request], teacher: str) -> int:
    """Return how many tasks the file is done with; raises ``ConfigurationError`` where they are others."""
    if not out.exists():
        return 0
    there = read_entries(out)
    for number, (entry, task) in enumerate(zip(there, tasks, strict=False), start=1):
        asked = isinstance(entry, Refusal) or (entry.brief, entry.language) == (task.brief, task.language)
        if entry.source != teacher or not asked:
            raise ConfigurationError(
                f"{out}:{number}: this came from another teacher ({entry.source}) or another seed",
                remedy="Choose another --out, or the teacher and the --seed of this file",
            )
    return len(there)
