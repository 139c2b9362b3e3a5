"""pypylon on its own camera emulator, which the environment asks for."""

from __future__ import annotations

import warnings

import pytest

with warnings.catch_warnings():
    # The wheel's own modules warn when they are first loaded, and fall over where a warning is an error.
    warnings.simplefilter("ignore")
    pytest.importorskip("pypylon.pylon", reason="pip install pypylon (extra pylon; proprietary licence)")

from datetime import UTC, datetime
from pathlib import Path

from inspector.capture.genicam_setup import GenICamSetup, Region
from inspector.capture.pylon import PylonDevice
from inspector.domain import BadFrame, CameraLost, ConfigurationError, Trigger
from inspector.runtime.demo import shipped_lines
from inspector.runtime.wiring.cameras import build_camera
from inspector.settings import load_line

SERIAL = "0815-0000"


@pytest.fixture(autouse=True)
def emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYLON_CAMEMU", "1")


def opened(**changes: object) -> PylonDevice:
    arguments: dict[str, object] = {"device": SERIAL, "region": Region(320, 240), "timeout_s": 20.0}
    return PylonDevice(GenICamSetup(**{**arguments, **changes}))  # type: ignore[arg-type]


def trigger(sequence: int = 1) -> Trigger:
    return Trigger(f"{sequence:04d}", "cell-1", sequence, datetime.now(UTC))


@pytest.mark.parametrize(
    ("pixel_format", "shape"), [("Mono8", (240, 320)), ("Mono12", (240, 320)), ("BayerRG8", (240, 320, 3))]
)
def test_a_software_trigger_takes_a_frame(pixel_format: str, shape: tuple[int, ...]) -> None:
    device = opened(pixel_format=pixel_format, exposure_us=2000.0)
    frames = [device.grab(trigger(n)) for n in range(3)]
    assert {frame.pixels.shape for frame in frames} == {shape}
    assert frames[0].captured_at < frames[2].captured_at
    health = device.health()
    assert (health.frames, health.missing, health.incomplete) == (3, 0, 0)
    device.check()
    device.close()
    device.close()
    with pytest.raises(CameraLost):
        device.grab(trigger())


def test_a_free_camera_gives_frames() -> None:
    device = opened(trigger="free")
    assert device.grab(trigger()).pixels.shape == (240, 320)
    device.close()


def test_a_signal_that_never_comes_is_missed_and_the_camera_not_lost() -> None:
    device = opened(trigger="hardware", trigger_line="Line1", timeout_s=0.2)
    with pytest.raises(BadFrame, match="no frame within 200 ms"):
        device.grab(trigger())
    assert (device.health().missing, device.waiting(), device.discard()) == (1, 0, 0)
    device.close()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pixel_format": "Mono99"}, "no pixel format Mono99.*Mono8"),
        ({"features": {"Nonsense": 1}}, "no feature Nonsense"),
        ({"region": Region(99_999, 240)}, "Width: 99999 cannot be set"),
        ({"trigger": "hardware", "trigger_line": "Line77"}, "TriggerSource: 'Line77'"),
    ],
)
def test_what_the_camera_does_not_have_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        opened(**changes)
    opened().close()


def test_nobody_there_is_a_lost_camera() -> None:
    with pytest.raises(CameraLost, match="it is not there"):
        opened(device="no-such-camera")


def test_a_line_may_use_the_driver(tmp_path: Path) -> None:
    text = (shipped_lines() / "gige-camera.yaml").read_text(encoding="utf-8")
    changed = text.replace("  device: 127.0.0.1", f"  driver: pylon\n  device: '{SERIAL}'").replace(
        "  features: { BinningHorizontal: 1 }", "  features: { TestImageSelector: Testimage1 }"
    )
    (tmp_path / "line.yaml").write_text(changed, encoding="utf-8")
    camera = build_camera(load_line(tmp_path / "line.yaml", data=tmp_path))
    assert camera.grab(trigger()).pixels.shape == (512, 512)
    camera.close()
