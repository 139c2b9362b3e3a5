"""The RealSense camera over the SDK's own software device: alignment, averaging, loss and return."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyrealsense2", reason="pip install pyrealsense2")

from inspector.capture.realsense import PipelineSource, RealSenseCamera
from inspector.domain import BadFrame, Camera, CameraLost, ConfigurationError, Trigger
from tests.support.realsense import FOCAL, HEIGHT, WIDTH, Scene, SoftwareSource, plain

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def trigger(sequence: int = 1) -> Trigger:
    return Trigger(f"{sequence:04d}", "cell-1", sequence, NOW)


def test_a_frame_has_colour_depth_in_mm_and_the_lens() -> None:
    source = SoftwareSource(plain(200.0))
    camera = RealSenseCamera(source, average=8)
    assert isinstance(camera, Camera)
    frame = camera.grab(trigger())
    assert frame.pixels.shape == (HEIGHT, WIDTH, 3)
    assert (frame.pixels == 90).all()
    assert frame.depth is not None
    assert frame.depth.shape == (HEIGHT, WIDTH)
    assert float(np.nanmedian(frame.depth)) == pytest.approx(200.0, abs=0.02)
    assert frame.intrinsics is not None
    assert frame.intrinsics.fx == pytest.approx(FOCAL)


def test_averaging_takes_the_noise_down() -> None:
    single = RealSenseCamera(SoftwareSource(plain()), average=1).grab(trigger()).depth
    many = RealSenseCamera(SoftwareSource(plain()), average=16).grab(trigger()).depth
    assert single is not None
    assert many is not None
    middle = np.s_[20:-20, 20:-20]
    assert float(np.nanstd(many[middle])) < 0.4 * float(np.nanstd(single[middle]))


def test_what_is_not_seen_stays_unknown() -> None:
    scene = plain()
    scene.depth_mm[100:120, 100:150] = 0
    frame = RealSenseCamera(SoftwareSource(scene), average=4).grab(trigger())
    assert frame.depth is not None
    assert np.isnan(frame.depth[105:115, 105:145]).all()
    assert np.isfinite(frame.depth[30:80, 30:80]).mean() > 0.97  # aligning leaves single holes
    nothing = Scene(scene.colour, np.zeros((HEIGHT, WIDTH)))
    blind = RealSenseCamera(SoftwareSource(nothing), average=4).grab(trigger())
    assert blind.depth is not None
    assert np.isnan(blind.depth).all()


def test_a_repeated_frame_counts_once() -> None:
    source = SoftwareSource(plain())
    source.repeat = True
    frame = RealSenseCamera(source, average=8).grab(trigger())
    assert frame.depth is not None
    assert float(np.nanstd(frame.depth[20:-20, 20:-20])) > 0.08


def test_a_lost_camera_costs_the_trigger_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    source = SoftwareSource(plain())
    camera = RealSenseCamera(source, average=2)
    camera.grab(trigger(1))
    source.lose = 1
    with pytest.raises(CameraLost, match="no frame came"), caplog.at_level("INFO"):
        camera.grab(trigger(2))
    # It is not hammered: until the time of the next try, triggers fail at once.
    with pytest.raises(CameraLost, match="tried again soon"):
        camera.grab(trigger(3))
    assert source.started == 1
    camera._next_try = 0.0
    source.refused = 1
    with pytest.raises(CameraLost, match="cannot be opened"):
        camera.grab(trigger(4))
    camera._next_try = 0.0
    with caplog.at_level("INFO"):
        assert camera.grab(trigger(5)).depth is not None
    assert [record.message for record in caplog.records] == [
        "RealSense: the camera is lost",
        "RealSense: the camera is back",
    ]


def test_bad_frames_and_settings_are_refused() -> None:
    source = SoftwareSource(plain())
    with pytest.raises(BadFrame, match="320 x 240 px, expected"):
        RealSenseCamera(source, average=1, size=(640, 480)).grab(trigger())
    source.without_depth = True
    with pytest.raises(BadFrame, match="without colour or depth"):
        RealSenseCamera(source, average=1).grab(trigger())
    with pytest.raises(ConfigurationError, match="average"):
        RealSenseCamera(source, average=0)
    closed = RealSenseCamera(SoftwareSource(plain()), average=1)
    closed.close()
    closed.close()
    with pytest.raises(CameraLost, match="closed"):
        closed.grab(trigger())


def test_a_recording_is_played_back_through_the_pipeline(tmp_path: Path) -> None:
    file = tmp_path / "recording.db3"
    source = SoftwareSource(plain(200.0), record=file)
    for _ in range(12):
        source.next(1.0, fresh=False)
    source.finish()
    del source
    camera = RealSenseCamera(PipelineSource(recording=file), average=2)
    frame = camera.grab(trigger())
    camera.close()
    assert frame.depth is not None
    assert float(np.nanmedian(frame.depth)) == pytest.approx(200.0, abs=0.1)


def test_without_a_camera_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(CameraLost, match="cannot be opened"):
        RealSenseCamera(PipelineSource(recording=tmp_path / "none.db3"))
