"""The challenge test: due when it has to be, and the line held until it is passed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from inspector.domain import (
    AuditEntry,
    BadFrame,
    FaultCode,
    Frame,
    InspectionReport,
    Outcome,
    Person,
    Reason,
    StoreError,
    Trigger,
    Verdict,
)
from inspector.runtime.challenge import HELD_BY, Challenge, ChallengeFile, ChallengeResult, Due, Sample
from inspector.runtime.challenge_trail import ChallengeTrail

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
GOOD = ChallengeResult(1, NOW, "line", "never passed", 2, (), "fine", "v1")


def verdict(outcome: str) -> Verdict:
    if outcome == "fault":
        return Verdict.unknown(FaultCode.DETECTOR, "no answer")
    level = Outcome[outcome.upper()]
    return Verdict(level, (Reason(level, "above_usl", "length"),) if level else (), "fine")


class Rig:
    """A challenge over a line whose verdicts the test chooses."""

    def __init__(self, folder: Path, *, masters: dict[str, str] | None = None, due: Due | None = None) -> None:
        self.says = {"good": "pass", "bad": "fail", "edge": "review"}
        self.asked: list[str] = []
        self.held: list[str] = []
        self.released = 0
        self.now = NOW
        self.folder = folder
        self.due = due or Due()
        self.masters = masters or {}
        self.challenge = self.made("v1")

    def made(self, fingerprint: str) -> Challenge:
        challenge = Challenge(
            samples=[
                Sample("good", Path("good.png"), "pass"),
                Sample("bad", Path("bad.png"), "fail"),
                Sample("edge", Path("edge.png"), "review", "fine"),
            ],
            masters=self.masters,
            due=self.due,
            file=ChallengeFile(self.folder),
            fingerprint=fingerprint,
            station="cell-1",
            prove=self.prove,
            read=self.read,
            hold=self.held.append,
            release=self.release,
            clock=lambda: self.now,
        )
        challenge.recipe = "fine"
        return challenge

    async def prove(self, frame: Frame) -> InspectionReport:
        self.asked.append(frame.trigger.part_id)
        return InspectionReport(frame.trigger, verdict(self.says[frame.trigger.part_id]))

    def read(self, sample: Sample, trigger: Trigger) -> Frame:
        if self.says[sample.name] == "gone":
            raise BadFrame(f"{sample.image}: cannot be read")
        return Frame(trigger, np.zeros((4, 4), np.uint8), "sample", NOW)

    def release(self) -> None:
        self.released += 1


@pytest.mark.parametrize(
    ("due", "last", "changes", "why"),
    [
        (Due(), None, {}, "never passed"),
        (Due(), GOOD, {}, ""),
        (Due(), GOOD, {"fingerprint": "v2"}, "model, calibration or recipes changed"),
        (Due(), GOOD, {"recipe": "coarse"}, "changeover to coarse"),
        (Due(changeover=False), GOOD, {"recipe": "coarse"}, ""),
        (Due(every=timedelta(hours=8)), GOOD, {"now": NOW + timedelta(hours=7)}, ""),
        (Due(every=timedelta(hours=8)), GOOD, {"now": NOW + timedelta(hours=8)}, "8:00:00 since the last"),
        (Due(shift_start=lambda _: NOW - timedelta(hours=1)), GOOD, {}, ""),
        (Due(shift_start=lambda _: NOW + timedelta(hours=1)), GOOD, {"now": NOW + timedelta(hours=2)}, "shift start"),
        (Due(shift_start=lambda _: None), GOOD, {"now": NOW + timedelta(days=2)}, ""),
    ],
)
def test_when_it_is_due(due: Due, last: ChallengeResult | None, changes: dict[str, object], why: str) -> None:
    at = {"now": NOW, "fingerprint": "v1", "recipe": "fine", **changes}
    assert due.why(last, at.pop("now"), **at) == why  # type: ignore[arg-type]


async def test_a_passed_test_lets_the_line_work(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    assert rig.challenge.blocked == "never passed"
    assert rig.challenge.due()
    result = await rig.challenge.run()
    assert (result.passed, result.samples, result.why, rig.asked) == (True, 3, "never passed", ["good", "bad", "edge"])
    assert not rig.challenge.blocked
    assert not rig.challenge.due()
    assert (rig.held, rig.released) == ([], 0)


@pytest.mark.parametrize(
    ("sample", "says", "words"),
    [
        ("bad", "pass", "bad: pass, expected fail"),
        ("good", "review", "good: review, expected pass"),
        ("edge", "fail", "edge: fail, expected review"),
        ("bad", "fault", r"bad: not inspected \(DETECTOR: no answer\), expected fail"),
        ("bad", "gone", r"bad: bad\.png: cannot be read"),
    ],
)
async def test_one_wrong_sample_holds_the_line_until_it_is_right_again(
    sample: str, says: str, words: str, tmp_path: Path
) -> None:
    rig = Rig(tmp_path)
    rig.says[sample] = says
    result = await rig.challenge.run()
    assert not result.passed
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(rig.held[0])
    assert not rig.challenge.due()  # it is not run over and over
    rig.challenge.keep_held()
    assert len(rig.held) == 2  # somebody let it go: it is held again
    restarted = rig.made("v1")
    assert restarted.blocked.startswith("challenge test failed")
    rig.says = Rig(tmp_path / "other").says
    restarted.ask("kim")
    assert restarted.due()
    assert (await restarted.run()).by == "kim"
    assert not restarted.blocked
    assert rig.released == 1


async def test_a_changed_model_makes_even_a_failed_test_due_again(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.says["bad"] = "pass"
    await rig.challenge.run()
    assert rig.made("v2").due()


async def test_samples_of_another_recipe_are_left_out(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.challenge.recipe = "coarse"
    await rig.challenge.run()
    assert rig.asked == ["good", "bad"]


async def test_a_real_sample_part_that_is_judged_wrongly_holds_the_line(tmp_path: Path) -> None:
    rig = Rig(tmp_path, masters={"MASTER-7": "fail", "MASTER-8": "pass"})
    await rig.challenge.run()
    for part, outcome in (("A-1", "pass"), ("MASTER-7", "fail"), ("A-2", "fail")):
        rig.challenge.seen(InspectionReport(Trigger(part, "cell-1", 1, NOW), verdict(outcome)))
    # Where its lot is held a good sample part comes out as one that waits; it was judged rightly all the same.
    rig.challenge.seen(InspectionReport(Trigger("MASTER-8", "cell-1", 1, NOW), verdict("pass").withheld("L-9")))
    assert rig.held == []
    rig.challenge.seen(InspectionReport(Trigger("MASTER-7", "cell-1", 2, NOW), verdict("pass")))
    assert rig.held == ["challenge test failed: MASTER-7: pass, expected fail"]
    assert not rig.challenge.blocked  # a person lets it go: pictures do not prove the light
    assert [result.why for result in ChallengeFile(tmp_path).all()] == ["never passed", "master part"]


def test_a_result_that_cannot_be_read_is_a_failed_one(tmp_path: Path) -> None:
    ChallengeFile(tmp_path).add(GOOD)
    with ChallengeFile(tmp_path).path.open("a") as file:
        file.write("{half\n")
    assert Rig(tmp_path).challenge.blocked.startswith("challenge test failed")


class Trail:
    """An audit trail that may be away."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str, str]] = []
        self.away = False

    def add(self, person: Person, act: str, subject: str = "", detail: str = "") -> AuditEntry:
        if self.away:
            raise StoreError("away")
        self.entries.append((person.name, act, detail))
        return None  # type: ignore[return-value]


async def test_every_result_is_in_the_trail_once(tmp_path: Path) -> None:
    rig, trail, clock = Rig(tmp_path), Trail(), [100.0]

    def look() -> None:
        clock[0] += 100
        ChallengeTrail(tmp_path, trail, "line-1", clock=lambda: clock[0])()  # type: ignore[arg-type]

    await rig.challenge.run()
    trail.away = True
    look()
    trail.away = False
    look()
    rig.says["bad"] = "pass"
    rig.challenge.ask("kim")
    await rig.challenge.run()
    look()
    look()
    assert [(name, act) for name, act, _ in trail.entries] == [
        ("line", "challenge_passed"),
        ("kim", "challenge_failed"),
    ]
    assert trail.entries[1][2] == "run 2, asked, 3 samples: bad: pass, expected fail"
    assert HELD_BY
