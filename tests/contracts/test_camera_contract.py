"""What every camera promises the flow, recorded or drawn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector import capture
from inspector.capture import FolderCamera
from inspector.capture.genicam import GenICamDevice
from inspector.capture.genicam_setup import GenICamSetup, Region
from inspector.capture.reconnecting import ReconnectingCamera
from inspector.capture.video import VideoFile
from inspector.domain import Camera, CameraLost, Trigger
from tests.support.gige import ADDRESS, FakeGigE, needs_fake_gige

BEFORE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SIZE = 320


def folder_camera(folder: Path) -> Camera:
    for seed in range(3):
        pixels = np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{seed}.png"), pixels)
    return FolderCamera(folder, loop=True)


def virtual_camera(_folder: Path) -> Camera:
    make = getattr(capture, "VirtualBoardCamera", None)
    if make is None:
        pytest.skip("the virtual line is not here")
    camera: Camera = make(seed=7, px_per_mm=24, width=SIZE, height=SIZE, defect_rate=0.5, min_defect_mm=0.15)
    return camera


def genicam_camera(folder: Path) -> Camera:
    """Return the fake GigE Vision camera through the real protocol."""
    fake = FakeGigE(folder)
    setup = GenICamSetup(device=ADDRESS, region=Region(SIZE, SIZE), exposure_us=10_000, timeout_s=20)
    camera = ReconnectingCamera(lambda: GenICamDevice(setup), name="fake")
    camera.close, closed = lambda: (closed(), fake.kill()), camera.close  # type: ignore[method-assign,func-returns-value]
    return camera


def video_camera(folder: Path) -> Camera:
    """Return a recording whose pictures differ."""
    file = folder / "parts.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 25, (SIZE, SIZE))
    for seed in range(3):
        writer.write(np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8))
    writer.release()
    return VideoFile(file, loop=True)


CAMERAS = [
    pytest.param(video_camera, id="video"),
    pytest.param(folder_camera, id="folder"),
    pytest.param(virtual_camera, id="virtual"),
    pytest.param(genicam_camera, id="genicam", marks=needs_fake_gige),
]


@pytest.fixture(params=CAMERAS)
def camera(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Camera]:
    made: Camera = request.param(tmp_path)
    yield made
    made.close()


def trigger(sequence: int) -> Trigger:
    return Trigger(f"{sequence:04d}", "cell-1", sequence, BEFORE)


def test_it_is_a_camera(camera: Camera) -> None:
    assert isinstance(camera, Camera)


def test_a_frame_belongs_to_its_trigger(camera: Camera) -> None:
    for sequence in (1, 2, 7):
        frame = camera.grab(trigger(sequence))
        assert frame.trigger == trigger(sequence)
        assert frame.camera


def test_pixels_are_eight_bits_of_the_expected_size_and_cannot_be_changed(camera: Camera) -> None:
    frame = camera.grab(trigger(1))
    assert frame.pixels.dtype == np.uint8
    assert frame.pixels.shape[:2] == (SIZE, SIZE)
    assert not frame.pixels.flags.writeable


def test_frames_differ_and_stay_what_they_were(camera: Camera) -> None:
    first = camera.grab(trigger(1))
    copy = first.pixels.copy()
    second = camera.grab(trigger(2))
    assert (first.pixels != second.pixels).any()
    np.testing.assert_array_equal(first.pixels, copy)


def test_the_time_of_capture_has_a_zone(camera: Camera) -> None:
    first, second = camera.grab(trigger(1)), camera.grab(trigger(2))
    assert first.captured_at.tzinfo is not None
    assert first.captured_at <= second.captured_at


def test_a_closed_camera_is_a_lost_one(camera: Camera) -> None:
    camera.grab(trigger(1))
    camera.close()
    camera.close()
    with pytest.raises(CameraLost):
        camera.grab(trigger(2))
