"""The challenge test of a running line: when it is due, what came of it, and the hold until it is passed."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from inspector.domain import CaptureError, FaultCode, Frame, InspectionReport, Outcome, StoreError, Trigger

__all__ = ["BY_PLC", "HELD_BY", "Challenge", "ChallengeFile", "ChallengeResult", "Due", "Sample"]

log = logging.getLogger(__name__)

HELD_BY = "challenge test"
MASTER = "master part"
BY_PLC = "PLC"


@dataclass(frozen=True, slots=True)
class Sample:
    """A kept picture and the verdict it has to get: ``pass``, ``review`` or ``fail``."""

    name: str
    image: Path
    expect: str
    recipe: str = ""


@dataclass(frozen=True, slots=True)
class ChallengeResult:
    """One run.

    Attributes
    ----------
    why
        What made it due, or ``asked``; ``master part`` for a real sample part.
    wrong
        Each sample that was not judged as expected, in words; empty where the run was passed.
    fingerprint
        Of model, calibration and recipes at the time.
    """

    number: int
    at: datetime
    by: str
    why: str
    samples: int
    wrong: tuple[str, ...]
    recipe: str
    fingerprint: str

    @property
    def passed(self) -> bool:
        """Whether every sample was judged as expected."""
        return not self.wrong


class ChallengeFile:
    """Every result of a line, one JSON object a line; the last one counts, the others are history."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "challenge.jsonl"

    def add(self, result: ChallengeResult) -> None:
        """Append a result; raises ``StoreError``."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({**asdict(result), "at": result.at.isoformat()}) + "\n")
        except OSError as error:
            raise StoreError(
                f"{self.path}: the challenge test cannot be written down: {error.strerror}",
                remedy="Check the folder's permissions and the free space",
            ) from error

    def all(self) -> list[ChallengeResult]:
        """Return every result, oldest first; a line that cannot be read counts as a failed run."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [_result(line, number) for number, line in enumerate(lines, start=1) if line.strip()]

    def last(self) -> ChallengeResult | None:
        """Return the newest result, None where there is none."""
        found = self.all()
        return found[-1] if found else None


def _result(line: str, number: int) -> ChallengeResult:
    try:
        body = json.loads(line)
        return ChallengeResult(**{**body, "at": datetime.fromisoformat(body["at"]), "wrong": tuple(body["wrong"])})
    except (ValueError, KeyError, TypeError):
        lost = ("the result of this run cannot be read",)
        return ChallengeResult(number, datetime.fromtimestamp(0, UTC), "", "", 0, lost, "", "")


@dataclass(frozen=True, slots=True)
class Due:
    """When the samples are due again.

    Parameters
    ----------
    every
        Longest time between two runs.
    shift_start
        Returns when the shift of a moment began, None outside every shift.
    changeover
        Whether another recipe makes them due.
    """

    every: timedelta | None = None
    shift_start: Callable[[datetime], datetime | None] | None = None
    changeover: bool = True

    def why(self, last: ChallengeResult | None, now: datetime, *, fingerprint: str, recipe: str) -> str:
        """Return why they are due, empty where they are not."""
        if last is None:
            return "never passed"
        if last.fingerprint != fingerprint:
            return "model, calibration or recipes changed"
        if self.changeover and last.recipe != recipe:
            return f"changeover to {recipe}"
        if self.every is not None and now - last.at >= self.every:
            return f"{self.every} since the last"
        began = self.shift_start(now) if self.shift_start is not None else None
        return "shift start" if began is not None and last.at < began else ""


class Challenge:
    """Runs the samples when they are due or asked for, and says whether the line may work.

    Parameters
    ----------
    prove
        Inspects a kept picture with the line's own detector, gauge and judge.
    read
        Reads a picture; raises ``CaptureError``.
    masters
        Verdicts that real sample parts have to get, by part id.
    fingerprint
        Of model, calibration and recipes.
    hold, release
        Hold the line for a reason; let it go where this test had held it.
    """

    def __init__(
        self,
        *,
        samples: Sequence[Sample],
        masters: Mapping[str, str],
        due: Due,
        file: ChallengeFile,
        fingerprint: str,
        station: str,
        prove: Callable[[Frame], Awaitable[InspectionReport]],
        read: Callable[[Sample, Trigger], Frame],
        hold: Callable[[str], None],
        release: Callable[[], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._samples, self._masters, self._due, self._file = tuple(samples), dict(masters), due, file
        self._fingerprint, self._station, self._prove, self._read = fingerprint, station, prove, read
        self._hold, self._release, self._clock = hold, release, clock
        before = file.all()
        self._last = next((one for one in reversed(before) if one.why != MASTER), None)
        self._number = len(before)
        self._asked: str | None = None
        self.recipe = ""

    @property
    def last(self) -> ChallengeResult | None:
        """The newest result."""
        return self._last

    @property
    def blocked(self) -> str:
        """Why the line must not work, empty where it may."""
        last = self._last
        if last is not None and not last.passed:
            return f"challenge test failed: {last.wrong[0]}"
        return self._why()

    @property
    def has_samples(self) -> bool:
        """Whether there is anything to run; a line may have master parts alone."""
        return bool(self._samples)

    def ask(self, by: str) -> None:
        """Have the samples run as soon as no part is in work."""
        self._asked = by

    def due(self) -> bool:
        """Return whether a run is asked for or due; a failed one is repeated only when asked for."""
        if self._asked is not None:
            return True
        return bool(self._why()) and (
            self._last is None or self._last.passed or self._last.fingerprint != self._fingerprint
        )

    async def run(self) -> ChallengeResult:
        """Run the samples, write the result down, and hold or release the line; raises ``StoreError``."""
        by, why = self._asked or "line", "asked" if self._asked is not None else self._why()
        self._asked = None
        wrong: list[str] = []
        mine = [sample for sample in self._samples if sample.recipe in {"", self.recipe}]
        for number, sample in enumerate(mine, start=1):
            trigger = Trigger(sample.name, self._station, number, self._clock(), sample.recipe or self.recipe)
            try:
                report = await self._prove(self._read(sample, trigger))
            except CaptureError as error:
                wrong.append(f"{sample.name}: {error}")
                continue
            if said := _differs(report, sample.expect):
                wrong.append(f"{sample.name}: {said}")
        return self._concluded(by, why, len(mine), tuple(wrong))

    def seen(self, report: InspectionReport) -> None:
        """Hold the line where a real sample part got another verdict than it has to; raises ``StoreError``.

        Kept pictures cannot prove that camera and light are well again, so a person has to let the line go.
        """
        expect = self._masters.get(report.trigger.part_id)
        if expect is None:
            return
        said = _differs(report, expect)
        if said:
            self._concluded(BY_PLC, MASTER, 1, (f"{report.trigger.part_id}: {said}",))
            return
        log.info("master part %s was judged as it has to be", report.trigger.part_id)

    def keep_held(self) -> None:
        """Hold the line again where somebody let it go before the samples were passed."""
        if self._last is not None and not self._last.passed:
            self._hold(self.blocked)

    def _why(self) -> str:
        if not self._samples:
            return ""
        return self._due.why(self._last, self._clock(), fingerprint=self._fingerprint, recipe=self.recipe)

    def _concluded(self, by: str, why: str, count: int, wrong: tuple[str, ...]) -> ChallengeResult:
        self._number += 1
        result = ChallengeResult(self._number, self._clock(), by, why, count, wrong, self.recipe, self._fingerprint)
        self._file.add(result)
        before = self._last
        if why != MASTER:
            self._last = result
        if result.passed:
            log.info("challenge test %d passed: %d samples (%s)", result.number, count, why)
            if before is not None and not before.passed:
                self._release()
        else:
            log.error("challenge test %d failed (%s): %s", result.number, why, "; ".join(wrong))
            self._hold(f"challenge test failed: {wrong[0]}")
        return result


def _differs(report: InspectionReport, expect: str) -> str:
    """Return how a verdict differs from the expected one, empty where it does not."""
    verdict = report.verdict
    if verdict.fault is not FaultCode.NONE:
        note = next((reason.note for reason in verdict.reasons if reason.note), "")
        return f"not inspected ({verdict.fault.name}: {note}), expected {expect}"
    got = (Outcome.PASS if verdict.held_lot else verdict.outcome).name.lower()  # what its lot waits for, it has passed
    return "" if got == expect else f"{got}, expected {expect}"
