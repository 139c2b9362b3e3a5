"""Several cameras are one: all of them see a part at the same trigger, or nobody has seen it."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.capture import SeveralCameras
from inspector.domain import BadFrame, Camera, CameraHealth, CameraLost, CaptureError, Frame, Trigger, side_by_side

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TRIGGER = Trigger("0001", "cell-1", 1, NOW)
PLACES = side_by_side({"top": (40, 30), "side": (20, 50)})


def picture(width: int, height: int, level: int) -> NDArray[np.uint8]:
    return np.full((height, width), level, np.uint8)


class Fake:
    """Gives one picture, or one error; waits for the others where there is a barrier."""

    def __init__(self, given: NDArray[np.uint8] | Exception, barrier: threading.Barrier | None = None) -> None:
        self.given, self.barrier, self.closed = given, barrier, False

    def grab(self, trigger: Trigger) -> Frame:
        if self.barrier is not None:
            self.barrier.wait()
        if isinstance(self.given, Exception):
            raise self.given
        return Frame(trigger, self.given, "fake", NOW, chunks={"Gain": 1.5})

    def close(self) -> None:
        self.closed = True


class Warm(Fake):
    def __init__(self, health: CameraHealth) -> None:
        super().__init__(picture(40, 30, 1))
        self._health = health

    def health(self) -> CameraHealth:
        return self._health


def several(top: Camera, side: Camera) -> SeveralCameras:
    return SeveralCameras({"top": top, "side": side}, PLACES)


def test_all_views_are_grabbed_at_the_same_time_and_shown_side_by_side() -> None:
    meeting = threading.Barrier(2, timeout=60)  # one after the other would never meet
    top, side = Fake(picture(40, 30, 100), meeting), Fake(picture(20, 50, 200), meeting)
    camera = several(top, side)
    frame = camera.grab(TRIGGER)
    camera.close()
    assert isinstance(camera, Camera)
    assert frame.pixels.shape == (50, 60)
    assert (frame.pixels[:30, :40] == 100).all()
    assert (frame.pixels[:, 40:] == 200).all()
    assert not frame.pixels[30:, :40].any()
    assert frame.chunks == {"top.Gain": 1.5, "side.Gain": 1.5}
    assert [view.of(frame).pixels.shape for view in PLACES] == [(30, 40), (50, 20)]
    assert top.closed
    assert side.closed


def test_a_kept_picture_has_the_same_views() -> None:
    camera = several(Fake(picture(40, 30, 100)), Fake(picture(20, 50, 200)))
    frame = camera.grab(TRIGGER)
    camera.close()
    kept = replace(frame, pixels=frame.pixels.copy(), views={})
    for view in PLACES:
        assert (view.of(kept).pixels == view.of(frame).pixels).all()
    with pytest.raises(ValueError, match="no view top"):
        PLACES[0].of(Frame(TRIGGER, picture(10, 10, 0), "small", NOW))


def test_one_coloured_view_makes_the_whole_coloured() -> None:
    coloured = np.zeros((50, 20, 3), np.uint8)
    coloured[:] = (10, 20, 30)
    camera = several(Fake(picture(40, 30, 100)), Fake(coloured))
    pixels = camera.grab(TRIGGER).pixels
    camera.close()
    assert pixels[0, 0].tolist() == [100, 100, 100]
    assert pixels[0, 50].tolist() == [10, 20, 30]


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        (CameraLost("the cable is out"), CameraLost, "view side: the cable is out"),
        (BadFrame("a packet is missing"), BadFrame, "view side: a packet is missing"),
        (picture(21, 50, 0), BadFrame, "view side: the picture has 21 x 50 px, not 20 x 50"),
    ],
)
def test_a_part_that_one_view_has_missed_was_not_seen(
    given: NDArray[np.uint8] | Exception, kind: type[CaptureError], said: str
) -> None:
    camera = several(Fake(picture(40, 30, 100)), Fake(given))
    with pytest.raises(kind, match=said):
        camera.grab(TRIGGER)
    camera.close()


def test_every_lost_view_is_named_and_a_lost_camera_counts_more_than_a_bad_frame() -> None:
    camera = several(Fake(BadFrame("torn")), Fake(CameraLost("gone")))
    with pytest.raises(CameraLost, match="view top: torn; view side: gone"):
        camera.grab(TRIGGER)
    camera.close()


def test_they_fare_as_the_worst_of_them() -> None:
    top = Warm(CameraHealth(True, frames=9, packets_lost=2, temperature_c=41.0))
    side = Warm(CameraHealth(False, "no answer", frames=7, missing=1, temperature_c=55.0))
    camera = several(top, side)
    health = camera.health()
    camera.close()
    assert not health.connected
    assert health.detail == "view side: no answer"
    assert (health.frames, health.missing, health.packets_lost, health.temperature_c) == (7, 1, 2, 55.0)


@pytest.mark.parametrize("count", range(1, 10))
def test_views_never_overlap(count: int) -> None:
    rng = np.random.default_rng(count)
    sizes = {f"v{number}": (int(rng.integers(32, 200)), int(rng.integers(32, 200))) for number in range(count)}
    places = side_by_side(sizes)
    taken = np.zeros((2000, 2000), int)
    for view in places:
        taken[view.top : view.top + view.height, view.left : view.left + view.width] += 1
    assert taken.max() == 1
    assert taken.sum() == sum(width * height for width, height in sizes.values())
