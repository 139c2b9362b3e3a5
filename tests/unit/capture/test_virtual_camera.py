"""The virtual line behind the camera port."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from inspector.capture import VirtualBoardCamera
from inspector.domain import Camera, CameraLost, ConfigurationError, Trigger


def trigger(sequence: int) -> Trigger:
    return Trigger(f"{sequence:08d}", "cell-1", sequence, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


@pytest.fixture(scope="module")
def camera() -> VirtualBoardCamera:
    return VirtualBoardCamera(seed=2, defect_rate=0.5, layouts=2)


def test_it_is_a_camera(camera: VirtualBoardCamera) -> None:
    assert isinstance(camera, Camera)


def test_the_part_depends_on_the_sequence_number_only(camera: VirtualBoardCamera) -> None:
    first, other, again = (camera.grab(trigger(sequence)) for sequence in (4, 5, 4))

    assert np.array_equal(first.pixels, again.pixels)
    assert not np.array_equal(first.pixels, other.pixels)
    assert first.camera == "virtual"


def test_the_truth_is_asked_for_apart_from_the_frame(camera: VirtualBoardCamera) -> None:
    truths = [camera.truth(sequence) for sequence in range(20)]

    assert any(truths)
    assert not all(truths)
    assert camera.truth(7) == truths[7]


def test_designs_can_be_drawn_ahead() -> None:
    VirtualBoardCamera(seed=2, layouts=2).warm_up()


def test_a_closed_camera_is_lost() -> None:
    camera = VirtualBoardCamera()
    camera.close()
    camera.close()

    with pytest.raises(CameraLost, match="closed"):
        camera.grab(trigger(1))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"width": 640, "height": 480}, "640 x 480"),
        ({"defect_rate": 2.0}, "defect_rate"),
        ({"px_per_mm": 0.0}, "px_per_mm"),
    ],
)
def test_a_line_that_cannot_be_drawn_is_refused(arguments: dict[str, float], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        VirtualBoardCamera(**arguments)  # type: ignore[arg-type]
