"""Recorded images become frames; every bad file is named and costs one trigger, not the line."""

from __future__ import annotations

import itertools
import logging
import os
import shutil
import struct
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.capture import FolderCamera, read_image
from inspector.domain import BadFrame, CameraLost, ConfigurationError, Trigger

TRIGGER = Trigger("0001", "cell-1", 1, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


def picture(seed: int = 0, *, width: int = 80, height: int = 60) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def write(path: Path, pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (10, 2, 1):
        write(tmp_path / "images" / f"board{number}.png", picture(number))
    return tmp_path / "images"


@pytest.fixture(params=[True, False], ids=["read-ahead", "on-demand"])
def read_ahead(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def names(camera: FolderCamera, count: int) -> list[str]:
    return [camera.grab(TRIGGER).camera.removeprefix("folder:") for _ in range(count)]


def test_images_come_as_people_count_and_end_with_a_clear_word(folder: Path, read_ahead: bool) -> None:
    with closing(FolderCamera(folder, read_ahead=read_ahead)) as camera:
        assert len(camera) == 3
        assert names(camera, 3) == ["board1.png", "board2.png", "board10.png"]
        for _ in range(2):
            with pytest.raises(CameraLost, match=r"images: all 3 images have been shown\. Set .*loop: true"):
                camera.grab(TRIGGER)


def test_the_frame_is_the_image(folder: Path, read_ahead: bool) -> None:
    with closing(FolderCamera(folder, read_ahead=read_ahead)) as camera:
        np.testing.assert_array_equal(camera.grab(TRIGGER).pixels, picture(1))


def test_a_loop_starts_again(folder: Path, read_ahead: bool) -> None:
    with closing(FolderCamera(folder, loop=True, read_ahead=read_ahead)) as camera:
        assert names(camera, 7)[3:] == ["board1.png", "board2.png", "board10.png", "board1.png"]


def test_order_by_time_of_change(folder: Path) -> None:
    for age, name in enumerate(["board2.png", "board10.png", "board1.png"]):
        os.utime(folder / name, (1_000_000 + age, 1_000_000 + age))
    with closing(FolderCamera(folder, order="time")) as camera:
        assert names(camera, 3) == ["board2.png", "board10.png", "board1.png"]


def test_random_order_is_the_seeds_and_complete_in_each_round(folder: Path) -> None:
    for number in range(20, 30):
        write(folder / f"board{number}.png", picture(number))
    rounds = []
    for seed in (5, 5, 6):
        with closing(FolderCamera(folder, order="random", seed=seed, loop=True)) as camera:
            rounds.append(names(camera, 26))
    assert rounds[0] == rounds[1] != rounds[2]
    assert sorted(rounds[0][:13]) == sorted(rounds[0][13:])
    assert rounds[0][:13] != rounds[0][13:]


def test_other_files_and_sub_folders_are_not_images(folder: Path) -> None:
    (folder / "notes.txt").write_text("no image", encoding="utf-8")
    write(folder / "more" / "board3.png", picture())
    (folder / "folder.png").mkdir()
    with closing(FolderCamera(folder)) as camera:
        assert len(camera) == 3


def test_the_pace_keeps_images_apart(folder: Path) -> None:
    pace_s = 0.05
    with closing(FolderCamera(folder, pace_s=pace_s)) as camera:
        times = [camera.grab(TRIGGER).captured_at for _ in range(3)]
    assert all((later - sooner).total_seconds() > pace_s / 2 for sooner, later in itertools.pairwise(times))


def test_closing_ends_a_wait_for_the_pace(folder: Path) -> None:
    camera = FolderCamera(folder, pace_s=3600)
    camera.grab(TRIGGER)
    errors: list[CameraLost] = []

    def wait() -> None:
        try:
            camera.grab(TRIGGER)
        except CameraLost as error:
            errors.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    camera.close()
    waiting.join(timeout=10)
    assert not waiting.is_alive()
    assert "closed" in str(errors[0])


# --- what is no folder of images --------------------------------------------------------------------------


def test_a_missing_folder_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere: not a readable folder: No such file.*camera: \{path"):
        FolderCamera(tmp_path / "nowhere")


def test_a_file_instead_of_a_folder_stops_the_start(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"board1\.png: not a readable folder: Not a directory"):
        FolderCamera(folder / "board1.png")


def test_an_empty_folder_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no image in this folder"):
        FolderCamera(tmp_path)


def test_a_folder_that_goes_away_is_a_lost_camera_until_it_is_back(
    folder: Path, read_ahead: bool, caplog: pytest.LogCaptureFixture
) -> None:
    away = folder.with_name("away")
    with closing(FolderCamera(folder, loop=True, read_ahead=read_ahead)) as camera, caplog.at_level(logging.INFO):
        camera.grab(TRIGGER)
        shutil.move(folder, away)
        for _ in range(4):  # one image may have been read before
            try:
                camera.grab(TRIGGER)
            except CameraLost as error:
                assert "the image folder has gone" in str(error)  # noqa: PT017
        shutil.move(away, folder)
        assert len(names(camera, 4)) == 4
    assert [record.message.rsplit(" ", 1)[1] for record in caplog.records] == ["gone", "back"]


# --- what is no image -------------------------------------------------------------------------------------


def spoiled(folder: Path, kind: str) -> str:
    """Put one bad file first into the folder and return what must be said about it."""
    path = folder / "board0.png"
    sound = write(path, picture()).read_bytes()
    contents = {
        "empty": (b"", "the file is empty"),
        "text": (b"this is not an image at all", "not an image"),
        "truncated": (sound[: len(sound) // 2], "truncated"),
        "altered": (sound[:200] + b"\x00\x00\x00\x00" + sound[204:], "truncated or altered"),
        "last chunk missing": (sound[:-12], "truncated"),
    }
    content, says = contents[kind]
    path.write_bytes(content)
    return says


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "altered", "last chunk missing"])
def test_a_bad_file_is_named_and_costs_one_trigger(folder: Path, read_ahead: bool, kind: str) -> None:
    says = spoiled(folder, kind)
    with closing(FolderCamera(folder, read_ahead=read_ahead)) as camera:
        with pytest.raises(BadFrame, match=rf"board0\.png: .*{says}.*\. Copy the file again"):
            camera.grab(TRIGGER)
        assert names(camera, 3) == ["board1.png", "board2.png", "board10.png"]


def test_a_file_that_vanished_is_a_bad_frame(folder: Path) -> None:
    with closing(FolderCamera(folder, read_ahead=False)) as camera:
        (folder / "board1.png").unlink()
        with pytest.raises(BadFrame, match=r"board1\.png: cannot be read: No such file"):
            camera.grab(TRIGGER)
        assert names(camera, 1) == ["board2.png"]


def test_another_size_is_a_bad_frame(folder: Path) -> None:
    write(folder / "board0.png", picture(width=81))
    with closing(FolderCamera(folder, size=(80, 60))) as camera:
        with pytest.raises(BadFrame, match=r"board0\.png: is 81 x 60 px, expected 80 x 60 px\. Correct"):
            camera.grab(TRIGGER)
        assert names(camera, 1) == ["board1.png"]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_a_bad_frame(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"deep{suffix}", picture().astype(np.uint16) * 257)
    with pytest.raises(BadFrame, match=r"has 16 bits per channel, and how many .* Add `bits: 12`"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("colour", [False, True])
def test_of_deep_pixels_the_eight_highest_bits_are_kept(tmp_path: Path, suffix: str, bits: int, colour: bool) -> None:
    shape = (60, 80, 3) if colour else (60, 80)
    deep = np.random.default_rng(bits).integers(0, 1 << bits, shape, dtype=np.uint16)
    path = write(tmp_path / f"deep{suffix}", deep)
    expected = np.floor(deep / 2.0 ** (bits - 8))
    np.testing.assert_array_equal(read_image(path, bits), expected)


def test_a_dim_picture_stays_dim(tmp_path: Path) -> None:
    path = write(tmp_path / "deep.png", np.full((60, 80), 400, np.uint16))
    assert read_image(path, 12).max() == 25


def test_a_pixel_that_the_camera_cannot_give_is_a_bad_frame(tmp_path: Path) -> None:
    path = write(tmp_path / "deep.png", np.full((60, 80), 4096, np.uint16))
    with pytest.raises(BadFrame, match=r"has grey level 4096, more than 12 bits hold\. Correct `camera: {bits"):
        read_image(path, 12)


def test_pixels_of_other_kinds_are_a_bad_frame(tmp_path: Path) -> None:
    path = write(tmp_path / "float.tif", np.ones((60, 80), np.float32))
    with pytest.raises(BadFrame, match=r"has 32 bits per channel \(float32\), expected 8 or 16"):
        read_image(path, 12)


def test_a_folder_of_deep_images_is_read_as_the_line_says(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"{name}.png", np.full((60, 80), 0xFFF, np.uint16))
    for read_ahead in (True, False):
        with closing(FolderCamera(tmp_path, bits=12, read_ahead=read_ahead)) as camera:
            assert [int(camera.grab(TRIGGER).pixels.min()) for _ in range(2)] == [255, 255]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".webp"])
def test_a_truncated_image_of_any_format_is_a_bad_frame(tmp_path: Path, suffix: str, share: float) -> None:
    path = write(tmp_path / f"board{suffix}", picture(width=640, height=480))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(BadFrame, match="truncated"):
        read_image(path)


def test_a_jpeg_cut_off_after_its_thumbnail_is_a_bad_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "photo.jpg", picture(width=640, height=480))
    thumbnail = write(tmp_path / "thumbnail.jpg", picture()).read_bytes()
    content = path.read_bytes()
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 8) + b"Exif\x00\x00" + thumbnail
    whole = content[:2] + segment + content[2:]
    path.write_bytes(whole)
    assert read_image(path).shape == (480, 640)
    # OpenCV 4 fills the missing rows with grey and says nothing.
    monkeypatch.setattr(cv2, "imdecode", lambda *_: picture())
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(BadFrame, match="truncated"):
        read_image(path)


def test_bytes_after_the_end_of_a_jpeg_do_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path / "board.jpg", picture())
    path.write_bytes(path.read_bytes() + b"\x00" * 100)
    assert read_image(path).shape == (60, 80)


# --- what an image may be ---------------------------------------------------------------------------------


def test_grey_stays_grey_and_colour_comes_as_bgr(tmp_path: Path) -> None:
    assert read_image(write(tmp_path / "grey.png", picture())).shape == (60, 80)
    colour = np.dstack([picture(1), picture(2), picture(3)])
    np.testing.assert_array_equal(read_image(write(tmp_path / "colour.png", colour)), colour)


def test_an_alpha_channel_is_dropped(tmp_path: Path) -> None:
    colour = np.dstack([picture(1), picture(2), picture(3), np.full((60, 80), 255, np.uint8)])
    np.testing.assert_array_equal(read_image(write(tmp_path / "alpha.png", colour)), colour[:, :, :3])


def exif_oriented(path: Path, orientation: int) -> Path:
    """Give a JPEG an EXIF orientation (tag 0x0112)."""
    tiff = b"II*\x00\x08\x00\x00\x00\x01\x00" + struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0) + bytes(4)
    body = b"Exif\x00\x00" + tiff
    content = path.read_bytes()
    path.write_bytes(content[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + content[2:])
    return path


def test_a_turned_photograph_stands_as_viewers_show_it(tmp_path: Path) -> None:
    pixels = np.zeros((60, 80), np.uint8)
    pixels[:30, :40] = 255
    path = exif_oriented(write(tmp_path / "photo.jpg", pixels), orientation=6)
    turned = read_image(path)
    assert turned.shape == (80, 60)
    assert turned[20, 45] > 200
    assert turned[20, 15] < 50


@pytest.fixture
def real_boards(shared_data: Path) -> Iterator[FolderCamera]:
    with closing(FolderCamera(shared_data / "deeppcb" / "images", size=(640, 640))) as camera:
        yield camera


def test_real_boards_are_read(real_boards: FolderCamera) -> None:
    assert len(real_boards) == 1000
    assert [real_boards.grab(TRIGGER).pixels.shape for _ in range(3)] == [(640, 640)] * 3
