from __future__ import annotations

import errno
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inspector.domain import DiskFull, FaultCode, InspectionReport, Outcome, StoreError, Verdict
from inspector.runtime import spool as spool_module
from inspector.runtime.spool import RESERVE, RESERVE_BYTES, SLICE_BYTES, Spool
from tests.unit.runtime.fakes import frame, trigger


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def opened(sequence: int = 1) -> InspectionReport:
    return InspectionReport(trigger(sequence), Verdict.unknown(FaultCode.CRASH, "unfinished"))


def passed(report: InspectionReport) -> InspectionReport:
    return replace(report, verdict=Verdict(Outcome.PASS, (), "default"))


def test_an_answered_part_is_handed_over_with_its_frame_and_then_forgotten(folder: Path) -> None:
    spool, report = Spool(folder), opened()
    spool.opened(report)
    spool.judged(passed(report))
    assert list(spool.finished()) == []
    spool.answered(passed(report), frame(report.trigger))

    (entry,) = Spool(folder).finished()
    assert entry.report.id == report.id
    assert entry.report.verdict.outcome is Outcome.PASS
    assert np.array_equal(spool.pixels(entry), frame(report.trigger).pixels)  # type: ignore[arg-type]
    spool.discard(entry)
    spool.discard(entry)
    assert [path.name for path in folder.iterdir()] == [RESERVE]


def test_parts_come_out_in_the_order_they_went_in_across_restarts(folder: Path) -> None:
    for sequence in range(30):
        spool, report = Spool(folder), opened(sequence)
        spool.opened(report)
        spool.answered(report, None)
    assert [entry.report.trigger.sequence for entry in spool.finished()] == list(range(30))
    assert spool.backlog() == 30


def test_a_restarted_line_finds_what_was_open_and_what_was_judged(folder: Path) -> None:
    spool, first, second, third = Spool(folder), opened(1), opened(2), opened(3)
    for report in (first, second, third):
        spool.opened(report)
    spool.judged(passed(second))
    spool.answered(third, None)

    restarted = Spool(folder)
    entries = restarted.unfinished()
    assert [(e.report.trigger.sequence, e.report.verdict.fault) for e in entries] == [
        (1, FaultCode.CRASH),
        (2, FaultCode.NONE),
    ]
    for entry in entries:
        restarted.answered(entry.report, None)
    assert restarted.unfinished() == []
    assert [e.report.trigger.sequence for e in restarted.finished()] == [1, 2, 3]


@pytest.mark.parametrize("stage", ["judged", "answered"])
def test_killed_between_two_steps_the_later_one_counts(folder: Path, stage: str) -> None:
    spool, report = Spool(folder), opened()
    spool.opened(report)
    before = next(folder.glob("*.opened"))
    text = before.read_text()
    getattr(spool, stage)(*([passed(report)] if stage == "judged" else [passed(report), None]))
    before.write_text(text)

    entries = Spool(folder).unfinished()
    assert [e.report.verdict.outcome for e in entries] == ([Outcome.PASS] if stage == "judged" else [])


def test_a_part_is_in_work_from_its_trigger_until_the_plc_knows(folder: Path) -> None:
    line, office = Spool(folder), Spool(folder)
    first, second = opened(1), opened(2)
    seen = [office.in_work()]
    for step in (
        lambda: line.opened(first),
        lambda: line.opened(second),
        lambda: line.judged(passed(first)),
        lambda: line.answered(passed(first), None),
        lambda: line.judged(passed(second)),
        lambda: line.answered(passed(second), None),
    ):
        step()
        seen.append(office.in_work())
    assert seen == [False, True, True, True, True, True, False]


def test_the_office_waits_for_the_line_and_not_longer_than_it_may(folder: Path) -> None:
    spool, report = Spool(folder), opened()
    spool.opened(report)
    until = time.monotonic() + 0.05
    spool.let_line_through(until)
    assert time.monotonic() >= until, "the part was still in work"

    through = threading.Event()

    def office() -> None:
        spool.let_line_through(time.monotonic() + 60)
        through.set()

    waiting = threading.Thread(target=office, daemon=True)
    waiting.start()
    assert not through.is_set()
    spool.answered(passed(report), None)
    assert through.wait(30)


def test_a_dead_line_keeps_nobody_waiting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(folder)
    spool.opened(opened())
    monkeypatch.setattr(spool_module, "DEAD_AFTER_S", 0.0)
    assert not spool.in_work()
    spool_without_folder = Spool(folder / "gone")
    (folder / "gone" / RESERVE).unlink()
    (folder / "gone").rmdir()
    assert not spool_without_folder.in_work()


def test_a_damaged_entry_is_set_aside_and_does_not_stop_the_next(folder: Path) -> None:
    spool, report = Spool(folder), opened()
    (folder / "00000000000000000001-000000.answered").write_text('{"format":1')
    spool.opened(report)
    spool.answered(report, None)
    assert [e.report.id for e in spool.finished()] == [report.id]
    assert len(list(folder.glob("*.damaged"))) == 1


def test_a_torn_frame_costs_the_picture_not_the_part(folder: Path) -> None:
    spool, report = Spool(folder), opened()
    spool.opened(report)
    spool.answered(report, frame(report.trigger))
    picture = next(folder.glob("*.npy"))
    picture.write_bytes(picture.read_bytes()[:-10])
    (entry,) = spool.finished()
    assert spool.pixels(entry) is None


def test_a_full_disk_uses_the_reserve_for_the_parts_under_way_then_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, first, second = Spool(folder), opened(1), opened(2)
    reserve, real = folder / RESERVE, spool_module._replace

    def taken_by_others(path: Path, text: str) -> None:
        # Somebody else fills the disk: of ten slices that come free, the line gets one.
        if reserve.stat().st_size % (10 * SLICE_BYTES):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, text)

    monkeypatch.setattr(spool_module, "_replace", taken_by_others)
    assert spool.room()
    spool.opened(first)
    spool.answered(first, None)
    assert [e.report.trigger.sequence for e in spool.finished()] == [1]
    assert 0 < reserve.stat().st_size < RESERVE_BYTES

    monkeypatch.setattr(spool_module, "_replace", _no_room)
    with pytest.raises(DiskFull, match="Free disk space"):
        spool.opened(second)
    assert reserve.stat().st_size < SLICE_BYTES, "all of it was given up for the part"
    assert spool.room()  # the disk of this test has room for a new reserve
    assert reserve.stat().st_size == RESERVE_BYTES


def _no_room(path: Path, text: str) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file/journal"):
        Spool(tmp_path / "file" / "journal")
