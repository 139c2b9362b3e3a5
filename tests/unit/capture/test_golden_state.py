"""A camera that drifts, loses focus or gets dirty is noticed; different parts are not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.capture.board import BoardSpec, render_board
from inspector.capture.golden_state import ConditionWatch, Deviation, golden_state, load_golden_state
from inspector.domain import Camera, CameraLost, ConfigurationError, Frame, Trigger, WatchedCamera
from inspector.runtime.camera_watch import ConditionGuard, SeenCamera

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SPEC = BoardSpec(size_px=320, layouts=4, defect_rate=0.3)
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def boards() -> list[Pixels]:
    return [render_board(7, number, SPEC)[0] for number in range(60)]


def after(boards: list[Pixels], change: Callable[[Pixels], Pixels]) -> Deviation:
    watch = ConditionWatch(golden_state(boards[:30]))
    for pixels in boards[30:]:
        deviation = watch.take(change(pixels))
    assert watch.settled
    return deviation


def dirty(pixels: Pixels) -> Pixels:
    spot = np.zeros(pixels.shape, np.float32)
    cv2.circle(spot, (200, 90), 14, 1.0, -1)
    return (pixels * (1 - 0.5 * cv2.GaussianBlur(spot, (0, 0), 3))).astype(np.uint8)


def test_other_parts_alone_are_no_deviation(boards: list[Pixels]) -> None:
    assert after(boards, lambda pixels: pixels).beyond(0.15) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda pixels: (pixels * 0.7).astype(np.uint8), "the light has changed"),
        (lambda pixels: np.clip(pixels * 1.3, 0, 255).astype(np.uint8), "the light has changed"),
        (lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 1.6), "the picture is less sharp"),
        (lambda pixels: cv2.blur(pixels, (9, 1)), "the picture is less sharp"),
        (dirty, "a dark spot stays in one place"),
    ],
)
def test_what_is_wrong_is_named(boards: list[Pixels], change: Callable[[Pixels], Pixels], words: str) -> None:
    assert words in "; ".join(after(boards, change).beyond(0.15))


def test_the_state_survives_its_file(boards: list[Pixels], tmp_path: Path) -> None:
    state = golden_state(boards[:5])
    state.save(tmp_path / "golden.json")
    again = load_golden_state(tmp_path / "golden.json")
    assert (again.level, again.width) == (pytest.approx(state.level), 320)
    np.testing.assert_allclose(again.mean_picture, state.mean_picture, atol=0.01)
    (tmp_path / "golden.json").write_text("{}")
    with pytest.raises(ConfigurationError, match=r"golden\.json.*camera golden"):
        load_golden_state(tmp_path / "golden.json")


class Shown:
    """A camera that shows what it is given."""

    def __init__(self) -> None:
        self.pixels: Pixels | None = None

    def grab(self, trigger: Trigger) -> Frame:
        if self.pixels is None:
            raise CameraLost("away")
        return Frame(trigger, self.pixels, "shown", NOW)

    def close(self) -> None:
        pass


def test_the_line_is_warned_and_then_held_once(boards: list[Pixels], caplog: pytest.LogCaptureFixture) -> None:
    shown, held = Shown(), list[str]()
    camera = SeenCamera(shown)
    assert isinstance(camera, Camera)
    assert isinstance(camera, WatchedCamera)
    guard = ConditionGuard(ConditionWatch(golden_state(boards[:30])), warn=0.15, hold=0.3, on_hold=held.append)

    def see(pixels: Pixels) -> None:
        shown.pixels = pixels
        camera.grab(Trigger("1", "cell-1", 1, NOW))
        frame = camera.taken()
        assert frame is not None
        assert camera.taken() is None
        guard.look(frame)

    for pixels in boards[:30]:
        see(pixels)
    assert guard.words == ""
    for pixels in boards:
        see((pixels * 0.8).astype(np.uint8))
    assert guard.words.startswith("the light has changed (")
    assert held == []
    for pixels in boards:
        see((pixels * 0.6).astype(np.uint8))
    assert len(held) == 1
    assert "the light has changed" in held[0]
    for pixels in [*boards, *boards]:
        see(pixels)
    assert guard.words == ""
    assert caplog.records[-1].message == "camera: as it was set up again"


def test_another_size_is_not_compared(boards: list[Pixels]) -> None:
    guard = ConditionGuard(ConditionWatch(golden_state(boards[:3])), warn=0.1, hold=0.3, on_hold=pytest.fail)
    assert guard.look(Frame(Trigger("1", "c", 1, NOW), np.zeros((10, 10), np.uint8), "x", NOW)) is None
