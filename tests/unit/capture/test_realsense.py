"""The RealSense camera over the SDK's own software device: alignment, averaging, loss and return."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyrealsense2", reason="pip install pyrealsense2")

from inspector.capture.realsense import PipelineSource, RealSenseDevice
from inspector.capture.reconnecting import ReconnectingCamera
from inspector.domain import BadFrame, CameraLost, ConfigurationError, Trigger
from tests.support.realsense import FOCAL, HEIGHT, WIDTH, Scene, SoftwareSource, plain

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def trigger(sequence: int = 1) -> Trigger:
    return Trigger(f"{sequence:04d}", "cell-1", sequence, NOW)


def test_a_frame_has_colour_depth_in_mm_and_the_lens() -> None:
    source = SoftwareSource(plain(200.0))
    camera = RealSenseDevice(source, average=8)
    frame = camera.grab(trigger())
    assert frame.pixels.shape == (HEIGHT, WIDTH, 3)
    assert (frame.pixels == 90).all()
    assert frame.depth is not None
    assert frame.depth.shape == (HEIGHT, WIDTH)
    assert float(np.nanmedian(frame.depth)) == pytest.approx(200.0, abs=0.02)
    assert frame.intrinsics is not None
    assert frame.intrinsics.fx == pytest.approx(FOCAL)


def test_averaging_takes_the_noise_down() -> None:
    single = RealSenseDevice(SoftwareSource(plain()), average=1).grab(trigger()).depth
    many = RealSenseDevice(SoftwareSource(plain()), average=16).grab(trigger()).depth
    assert single is not None
    assert many is not None
    middle = np.s_[20:-20, 20:-20]
    assert float(np.nanstd(many[middle])) < 0.4 * float(np.nanstd(single[middle]))


def test_what_is_not_seen_stays_unknown() -> None:
    scene = plain()
    scene.depth_mm[100:120, 100:150] = 0
    frame = RealSenseDevice(SoftwareSource(scene), average=4).grab(trigger())
    assert frame.depth is not None
    assert np.isnan(frame.depth[105:115, 105:145]).all()
    assert np.isfinite(frame.depth[30:80, 30:80]).mean() > 0.97  # aligning leaves single holes
    nothing = Scene(scene.colour, np.zeros((HEIGHT, WIDTH)))
    blind = RealSenseDevice(SoftwareSource(nothing), average=4).grab(trigger())
    assert blind.depth is not None
    assert np.isnan(blind.depth).all()


def test_a_repeated_frame_counts_once() -> None:
    source = SoftwareSource(plain())
    source.repeat = True
    frame = RealSenseDevice(source, average=8).grab(trigger())
    assert frame.depth is not None
    assert float(np.nanstd(frame.depth[20:-20, 20:-20])) > 0.08


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that a thread of the camera does."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_lost_camera_costs_the_trigger_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    source = SoftwareSource(plain())
    camera = ReconnectingCamera(
        lambda: RealSenseDevice(source, average=2), name="RealSense", check_every_s=0.01, back_off_s=(0.01,)
    )
    camera.grab(trigger(1))
    source.lose = source.refused = 1
    with pytest.raises(CameraLost, match="no frame came"), caplog.at_level("INFO"):
        camera.grab(trigger(2))
    with caplog.at_level("INFO"):
        until(lambda: camera.health().connected)
    assert camera.grab(trigger(3)).depth is not None
    health = camera.health()
    camera.close()
    assert source.started == 3, "one try was refused"
    assert (health.frames, health.missing, health.reconnections) == (2, 1, 1)
    assert [record.message for record in caplog.records] == [
        "software: no frame came",
        "RealSense: the camera is back",
    ]


def test_a_camera_that_is_not_there_at_the_start_is_one_that_is_lost() -> None:
    source = SoftwareSource(plain())
    source.refused = 1
    camera = ReconnectingCamera(lambda: RealSenseDevice(source, average=2), name="RealSense", back_off_s=(0.01,))
    until(lambda: camera.health().connected)
    assert camera.grab(trigger(1)).depth is not None
    camera.close()


def test_it_says_how_warm_it_is_and_what_it_has_seen() -> None:
    source = SoftwareSource(plain())
    device = RealSenseDevice(source, average=2)
    device.grab(trigger(1))
    source.without_depth = True
    with pytest.raises(BadFrame):
        device.grab(trigger(2))
    device.check()
    health = device.health()
    assert (health.connected, health.frames, health.incomplete, health.temperature_c) == (True, 1, 1, 41.5)
    assert health.last_frame_at is not None


def test_bad_frames_and_settings_are_refused() -> None:
    source = SoftwareSource(plain())
    with pytest.raises(BadFrame, match="320 x 240 px, expected"):
        RealSenseDevice(source, average=1, size=(640, 480)).grab(trigger())
    source.without_depth = True
    with pytest.raises(BadFrame, match="without colour or depth"):
        RealSenseDevice(source, average=1).grab(trigger())
    with pytest.raises(ConfigurationError, match="average"):
        RealSenseDevice(source, average=0)


def test_a_recording_is_played_back_through_the_pipeline(tmp_path: Path) -> None:
    file = tmp_path / "recording.db3"
    source = SoftwareSource(plain(200.0), record=file)
    for _ in range(12):
        source.next(1.0, fresh=False)
    source.finish()
    del source
    camera = RealSenseDevice(PipelineSource(recording=file), average=2)
    frame = camera.grab(trigger())
    camera.close()
    assert frame.depth is not None
    assert float(np.nanmedian(frame.depth)) == pytest.approx(200.0, abs=0.1)


def test_without_a_camera_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(CameraLost, match="cannot be opened"):
        RealSenseDevice(PipelineSource(recording=tmp_path / "none.db3"))
