"""GenICam over the real GigE Vision protocol, against Aravis's fake camera."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from inspector.capture.aravis import found_cameras
from inspector.capture.genicam import GenICamDevice
from inspector.capture.genicam_setup import GenICamSetup, Region
from inspector.capture.reconnecting import ReconnectingCamera
from inspector.domain import BadFrame, CameraLost, ConfigurationError, Frame, Trigger, WatchedCamera
from tests.support.gige import ADDRESS, SERIAL, FakeGigE, needs_fake_gige

pytestmark = needs_fake_gige

PATIENCE_S = 60.0
SMALL = Region(256, 192)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeGigE]:
    camera = FakeGigE(tmp_path)
    yield camera
    camera.kill()


def opened(**changes: object) -> GenICamDevice:
    arguments: dict[str, object] = {"device": ADDRESS, "region": SMALL, "exposure_us": 10_000.0, "timeout_s": 20.0}
    return GenICamDevice(GenICamSetup(**{**arguments, **changes}))  # type: ignore[arg-type]


def trigger(sequence: int = 1) -> Trigger:
    return Trigger(f"{sequence:04d}", "cell-1", sequence, datetime.now(UTC))


def eventually(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_a_software_trigger_takes_a_frame_of_the_region(fake: FakeGigE) -> None:
    device = opened(region=Region(256, 192, 64, 32))
    before = datetime.now(UTC)
    frame = device.grab(trigger())
    assert frame.pixels.shape == (192, 256)
    assert before <= frame.captured_at <= datetime.now(UTC)
    assert ADDRESS in frame.camera
    device.close()
    device.close()


def test_every_frame_belongs_to_its_own_trigger(fake: FakeGigE) -> None:
    device = opened()
    taken = [(datetime.now(UTC), device.grab(trigger(n)), datetime.now(UTC)) for n in range(20)]
    assert all(before <= frame.captured_at <= after for before, frame, after in taken)
    health = device.health()
    assert (health.frames, health.incomplete, health.unasked, health.missing) == (20, 0, 0, 0)
    assert health.packets_lost == 0
    assert health.last_frame_at == taken[-1][1].captured_at
    device.close()


@pytest.mark.parametrize(
    ("pixel_format", "channels"), [("Mono8", ()), ("Mono16", ()), ("RGB8", (3,)), ("BayerRG8", (3,))]
)
def test_pixel_formats_of_the_camera(fake: FakeGigE, pixel_format: str, channels: tuple[int, ...]) -> None:
    device = opened(pixel_format=pixel_format)
    frame = device.grab(trigger())
    assert frame.pixels.shape == (192, 256, *channels)
    assert frame.pixels.max() > frame.pixels.min()
    device.close()


def test_features_are_set_by_their_names(fake: FakeGigE) -> None:
    device = opened(features={"TestRegister": 7, "ExposureTimeAbs": 2500, "TestBoolean": True})
    features = device.features()
    assert float(features["ExposureTimeAbs"]) == 2500
    assert features["TestRegister"] == "321"  # what TestBoolean writes
    assert features["DeviceID"] == SERIAL
    device.close()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pixel_format": "Mono12"}, "no pixel format Mono12.*Mono16"),
        ({"features": {"ExposureTimeAsb": 1}}, "no feature ExposureTimeAsb.*ExposureTimeAbs"),
        ({"features": {"PixelFormat": "Purple"}}, "PixelFormat: 'Purple' cannot be set"),
        ({"region": Region(4096, 192)}, "4096 x 192 px at 0, 0 cannot be set"),
        ({"trigger": "hardware", "trigger_line": "Line7"}, "triggered by Line7.*Line0"),
        ({"trigger": "hardware", "trigger_activation": "Sideways"}, "TriggerActivation: 'Sideways'"),
        ({"chunks": ("ExposureTime",)}, "sends no chunk data"),
    ],
)
def test_what_the_camera_does_not_have_is_named(fake: FakeGigE, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        opened(**changes)
    opened().close()  # it let the camera go


def test_nobody_there_is_a_lost_camera() -> None:
    with pytest.raises(CameraLost, match=r"127\.0\.0\.1"):
        opened()


def test_a_free_running_camera_gives_a_frame_of_after_the_trigger(fake: FakeGigE) -> None:
    device = opened(trigger="free", features={"AcquisitionMode": "Continuous"})
    for number in range(5):
        asked = datetime.now(UTC)
        assert device.grab(trigger(number)).captured_at >= asked
    device.close()


def test_a_hardware_triggered_camera_without_a_signal_is_missed_and_not_lost(fake: FakeGigE) -> None:
    device = opened(trigger="hardware", timeout_s=0.2)
    with pytest.raises(BadFrame, match=r"no frame within 0\.2 s.*trigger line"):
        device.grab(trigger())
    assert device.health().missing == 1
    device.check()
    device.close()


def test_two_frames_for_one_hardware_trigger_are_nobodys(fake: FakeGigE) -> None:
    # The fake camera has no electrical input: it runs freely, so that several frames wait for one trigger.
    device = opened(trigger="hardware")
    assert device._control is not None
    device._control.camera.clear_triggers()
    eventually(lambda: device.waiting() > 2)
    with pytest.raises(BadFrame, match="frames for one trigger"):
        device.grab(trigger())
    assert device.health().unasked >= 2  # of three or more, one was taken to be looked at
    device.close()


def test_lost_packets_are_counted_and_cost_their_frame_only(tmp_path: Path) -> None:
    fake = FakeGigE(tmp_path, lost_per_mille=3)
    device = opened(resend=False, region=Region(512, 512))
    bad: list[BadFrame] = []
    good: list[Frame] = []
    deadline = time.monotonic() + PATIENCE_S
    while (not bad or not good) and time.monotonic() < deadline:
        try:
            good.append(device.grab(trigger()))
        except BadFrame as error:
            bad.append(error)
    health = device.health()
    device.close()
    fake.kill()
    assert good
    assert "not whole" in str(bad[0])
    assert (health.frames, health.incomplete) == (len(good), len(bad))
    assert health.packets_lost > 0


def test_the_temperature_is_read_where_there_is_one(tmp_path: Path) -> None:
    warm = '<Float Name="DeviceTemperature" NameSpace="Standard"><Value>41.5</Value></Float>'
    fake = FakeGigE(tmp_path, extra={"DeviceTemperature": warm})
    device = opened()
    assert device.health().temperature_c is None
    device.check()
    assert device.health().temperature_c == 41.5
    device.close()
    fake.kill()


def test_a_camera_that_another_program_has_is_named(fake: FakeGigE) -> None:
    first = opened()
    with pytest.raises(CameraLost, match="another program controls it"):
        opened()
    assert isinstance(first.grab(trigger()), Frame)
    first.close()
    opened().close()


def test_a_lost_camera_costs_its_parts_and_comes_back_by_itself(
    fake: FakeGigE, caplog: pytest.LogCaptureFixture
) -> None:
    camera = ReconnectingCamera(opened, name="cam 1", check_every_s=0.05, back_off_s=(0.05,))
    assert isinstance(camera, WatchedCamera)
    camera.grab(trigger(1))
    fake.kill()
    with pytest.raises(CameraLost):
        camera.grab(trigger(2))
    begun = time.monotonic()
    with pytest.raises(CameraLost):
        camera.grab(trigger(3))
    assert time.monotonic() - begun < 0.5  # at once: nobody waits for a camera that is known to be gone
    assert not camera.health().connected
    fake.start()
    eventually(lambda: camera.health().connected)
    frame = camera.grab(trigger(4))
    assert frame.trigger.sequence == 4
    health = camera.health()
    assert (health.frames, health.reconnections) == (2, 1)
    camera.close()
    assert [record.message for record in caplog.records if record.message.startswith("cam 1")] == [
        "cam 1: the camera is back"
    ]


def test_a_line_may_start_before_its_camera(tmp_path: Path) -> None:
    camera = ReconnectingCamera(opened, name="cam 1", check_every_s=0.05, back_off_s=(0.05,))
    with pytest.raises(CameraLost):
        camera.grab(trigger(1))
    fake = FakeGigE(tmp_path)
    eventually(lambda: camera.health().connected)
    assert isinstance(camera.grab(trigger(2)), Frame)
    camera.close()
    fake.kill()


def test_cameras_on_the_network_are_listed(fake: FakeGigE) -> None:
    [found] = [camera for camera in found_cameras() if camera.serial == SERIAL]
    assert (found.vendor, found.model, found.address, found.protocol) == ("Aravis", "Fake", ADDRESS, "GigEVision")


def test_a_slow_frame_is_never_given_to_the_next_part(fake: FakeGigE) -> None:
    device = opened(timeout_s=0.3)
    device.grab(trigger(1))
    fake.pause(True)
    with pytest.raises((BadFrame, CameraLost)):
        device.grab(trigger(2))
    fake.pause(False)
    asked = datetime.now(UTC)
    try:
        frame = device.grab(trigger(3))
    except (BadFrame, CameraLost):
        pass  # it may be lost after that: then it comes back as a new device
    else:
        assert frame.captured_at >= asked
        assert np.isfinite(frame.pixels).all()
    device.close()
