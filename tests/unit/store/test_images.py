"""The picture archive: names, retention and a disk that fills."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from inspector.domain import OutboxMessage, StoreError
from inspector.store import Database, ImageArchive, RecordStore, Room
from tests.support.reports import failed, held, passed

PIXELS: NDArray[np.uint8] = np.random.default_rng(3).integers(0, 256, (40, 50, 3), np.uint8)


class Disk:
    """Free space as the test says, less what lies in the folder, each picture as one megabyte."""

    def __init__(self, free_mb: float) -> None:
        self.free_mb = free_mb

    def __call__(self, folder: Path) -> float:
        return self.free_mb - len(list(folder.rglob("*.png")))


def pictures(archive: ImageArchive) -> list[str]:
    return sorted(path.name for path in archive.folder.rglob("*.png"))


def read(archive: ImageArchive, name: str | None) -> NDArray[np.uint8]:
    path = archive.path(name)
    assert path is not None
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return np.asarray(image, np.uint8)


@pytest.mark.parametrize("pixels", [PIXELS, PIXELS[..., 0]], ids=["colour", "grey"])
def test_the_picture_is_the_one_that_was_seen(tmp_path: Path, pixels: NDArray[np.uint8]) -> None:
    archive = ImageArchive(tmp_path, min_free_mb=0)
    report = failed(7)
    picture = archive.save(report, pixels)
    assert picture is not None
    assert picture.name == f"2026-03-01/PART-00007-{report.id}.png"
    assert picture.sha256 == sha256((tmp_path / picture.name).read_bytes()).hexdigest()
    assert np.array_equal(read(archive, picture.name), pixels)
    assert [path.suffix for path in tmp_path.rglob("*.*") if path.is_file()] == [".png"]


@pytest.mark.parametrize(("keep", "kept"), [("all", 3), ("not_passed", 2), ("none", 0)])
def test_only_what_is_wanted_is_kept(tmp_path: Path, keep: str, kept: int) -> None:
    archive = ImageArchive(tmp_path, keep=keep, min_free_mb=0)  # type: ignore[arg-type]
    names = [archive.save(report, PIXELS) for report in (passed(1), failed(2), held(3))]
    assert sum(name is not None for name in names) == kept == len(pictures(archive))


@given(
    part_id=st.text(max_size=300) | st.sampled_from(["../../etc/passwd", "/etc/passwd", "..", ".", "", "a\0b", "CON"])
)
def test_no_part_id_leaves_its_folder(part_id: str) -> None:
    archive = ImageArchive(Path("/tmp"), min_free_mb=0)  # noqa: S108  (nothing is written)
    report = failed(1, part_id=part_id)
    day, file = archive.name(report).split("/")
    assert day == "2026-03-01"
    assert str(report.id) in file
    assert len(file.encode()) < 128
    assert set(file) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.")
    assert file[0] != "."


def test_the_oldest_day_goes_first_by_age(tmp_path: Path) -> None:
    archive = ImageArchive(tmp_path, keep_days=30, min_free_mb=0)
    for day in ("2026-01-01", "2026-01-29", "2026-01-30", "not-ours", "2026-99-99"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "a.png").touch()
    assert archive.expire(date(2026, 3, 1)) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-01-30", "2026-99-99", "not-ours"]


def test_retention_happens_by_itself(tmp_path: Path) -> None:
    (tmp_path / "2001-01-01").mkdir()
    archive = ImageArchive(tmp_path, keep_days=30, min_free_mb=0)
    archive.save(failed(), PIXELS)
    assert not (tmp_path / "2001-01-01").exists()


def test_the_newest_pictures_take_the_place_of_the_oldest(tmp_path: Path) -> None:
    archive = ImageArchive(tmp_path, keep_days=0, min_free_mb=100, free_mb=Disk(103))
    saved = [archive.save(failed(number), PIXELS) for number in range(10)]
    names = [picture.name for picture in saved if picture is not None]
    assert len(names) == 10
    assert [archive.path(name) is not None for name in names] == [False] * 6 + [True] * 4


def test_without_room_pictures_stop_and_come_back_with_one_line_each(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "inspector.store")
    disk = Disk(90)
    archive = ImageArchive(tmp_path, min_free_mb=100, reserve_mb=20, free_mb=disk)
    assert [archive.save(failed(number), PIXELS) for number in range(3)] == [None, None, None]
    disk.free_mb = 200
    assert archive.save(failed(4), PIXELS) is not None
    assert [record.getMessage().split(" ")[2] for record in caplog.records] == ["not", "archived"]
    assert "less than 100 MB free" in caplog.records[0].getMessage()


@pytest.mark.parametrize(
    ("free_mb", "room"),
    [(500, Room.PICTURES), (100, Room.PICTURES), (99, Room.ROWS), (20, Room.ROWS), (19, Room.NOTHING)],
)
def test_room_says_what_still_fits(tmp_path: Path, free_mb: float, room: Room) -> None:
    assert ImageArchive(tmp_path, min_free_mb=100, reserve_mb=20, free_mb=Disk(free_mb)).room() is room


def test_a_folder_that_vanished_has_no_room(tmp_path: Path) -> None:
    archive = ImageArchive(tmp_path / "images")
    (tmp_path / "images").rmdir()
    assert archive.room() is Room.NOTHING


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "images").touch()
    with pytest.raises(StoreError, match=r"picture folder .*images cannot be made.*store\.images\.folder"):
        ImageArchive(tmp_path / "images")


def test_an_unwritable_picture_does_not_stop_the_record(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    archive = ImageArchive(tmp_path / "images", min_free_mb=0)
    (tmp_path / "images" / "2026-03-01").touch()  # a file where the day's folder belongs
    database = Database(f"sqlite:///{tmp_path / 'record.db'}")
    record = RecordStore(database, archive)
    assert record.record(failed(), pixels=PIXELS, texts={}, messages=[])
    assert record.latest(1)[0].image is None
    assert "the record goes on" in caplog.text
    database.close()


def test_the_record_finds_its_picture_and_notices_when_it_has_expired(tmp_path: Path) -> None:
    archive = ImageArchive(tmp_path / "images", min_free_mb=0)
    database = Database(f"sqlite:///{tmp_path / 'record.db'}")
    record = RecordStore(database, archive)
    report = failed()
    record.record(report, pixels=PIXELS, texts={}, messages=[])
    image = record.latest(1)[0].image
    assert image is not None
    assert image.is_file()
    image.unlink()
    assert record.latest(1)[0].image is None
    database.close()


def test_a_row_that_was_not_written_leaves_no_picture(tmp_path: Path) -> None:
    archive = ImageArchive(tmp_path / "images", min_free_mb=0)
    database = Database(f"sqlite:///{tmp_path / 'record.db'}")
    record = RecordStore(database, archive)
    message = OutboxMessage("same", "t", "{}")
    record.record(passed(1), pixels=None, texts={}, messages=[message])
    with pytest.raises(StoreError):
        record.record(failed(2), pixels=PIXELS, texts={}, messages=[message])
    assert pictures(archive) == []
    database.close()


def test_the_day_is_that_of_the_trigger_in_utc(tmp_path: Path) -> None:
    report = failed()
    assert report.trigger.at == datetime(2026, 3, 1, 6, 0, 1, tzinfo=UTC)
    assert ImageArchive(tmp_path).name(report).startswith("2026-03-01/")
