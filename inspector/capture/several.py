"""Several cameras as one: each trigger is seen by all of them at once, and by all or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import cv2
import numpy as np

from inspector.domain import (
    BadFrame,
    Camera,
    CameraHealth,
    CameraLost,
    CaptureError,
    Frame,
    Trigger,
    View,
    WatchedCamera,
)

__all__ = ["SeveralCameras"]

_COLOURED = 3


class SeveralCameras:
    """A ``Camera`` of several views: it grabs them in parallel and lays their pictures side by side in one frame.

    The frame's ``views`` have what each camera saw, with its depth and lens. Where one camera gives no frame, there is
    none: a part that was not seen from every side is not inspected.

    Parameters
    ----------
    cameras
        By the name of their view.
    views
        Where each view's picture lies in the picture of all; a picture of another size is a bad frame.
    """

    def __init__(self, cameras: Mapping[str, Camera], views: Sequence[View]) -> None:
        self._cameras, self._views = dict(cameras), tuple(views)
        self._width = max(view.left + view.width for view in self._views)
        self._height = max(view.top + view.height for view in self._views)
        self._pool = ThreadPoolExecutor(max_workers=len(self._cameras), thread_name_prefix="view")

    def grab(self, trigger: Trigger) -> Frame:
        """Return the frame of this trigger; raises ``BadFrame`` or ``CameraLost``, which name the view."""
        under_way = {name: self._pool.submit(camera.grab, trigger) for name, camera in self._cameras.items()}
        # All of them are waited for, so that no camera is still busy with this part when the next one comes.
        wait(under_way.values())
        frames = _all_of(under_way)
        for view in self._views:
            frame = frames[view.name]
            if (frame.width, frame.height) != (view.width, view.height):
                raise BadFrame(
                    f"view {view.name}: the picture has {frame.width} x {frame.height} px, "
                    f"not {view.width} x {view.height}",
                    remedy="Correct the size in this view's camera settings",
                )
        return self._together(trigger, frames)

    def health(self) -> CameraHealth:
        """Return the sums over all cameras and the warmest; connected only where all of them are."""
        seen = {name: camera.health() for name, camera in self._cameras.items() if isinstance(camera, WatchedCamera)}
        if not seen:
            return CameraHealth(connected=True)
        each = list(seen.values())
        temperatures = [one.temperature_c for one in each if one.temperature_c is not None]
        moments = [one.last_frame_at for one in each if one.last_frame_at is not None]
        return CameraHealth(
            connected=all(one.connected for one in each),
            detail="; ".join(f"view {name}: {one.detail}" for name, one in seen.items() if one.detail),
            frames=min(one.frames for one in each),
            incomplete=sum(one.incomplete for one in each),
            unasked=sum(one.unasked for one in each),
            missing=sum(one.missing for one in each),
            packets_resent=sum(one.packets_resent for one in each),
            packets_lost=sum(one.packets_lost for one in each),
            reconnections=sum(one.reconnections for one in each),
            temperature_c=max(temperatures, default=None),
            last_frame_at=min(moments, default=None),
        )

    def close(self) -> None:
        """Release every camera."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for camera in self._cameras.values():
            camera.close()

    def _together(self, trigger: Trigger, frames: Mapping[str, Frame]) -> Frame:
        coloured = any(frame.pixels.ndim == _COLOURED for frame in frames.values())
        pixels = np.zeros((self._height, self._width, 3) if coloured else (self._height, self._width), np.uint8)
        for view in self._views:
            own = frames[view.name].pixels
            if coloured and own.ndim != _COLOURED:
                own = np.asarray(cv2.cvtColor(own, cv2.COLOR_GRAY2BGR), np.uint8)
            pixels[view.top : view.top + view.height, view.left : view.left + view.width] = own
        return Frame(
            trigger,
            pixels,
            "+".join(frame.camera for frame in frames.values()),
            max(frame.captured_at for frame in frames.values()),
            chunks={f"{name}.{key}": value for name, frame in frames.items() for key, value in frame.chunks.items()},
            views=frames,
        )


def _all_of(taken: Mapping[str, Future[Frame]]) -> Mapping[str, Frame]:
    """Return every frame; raises one error for all views without a frame, of a lost camera where there is one."""
    errors = {name: error for name, future in taken.items() if (error := future.exception()) is not None}
    for error in errors.values():
        if not isinstance(error, CaptureError):
            raise error
    if errors:
        said = "; ".join(f"view {name}: {error}" for name, error in errors.items())
        lost = any(isinstance(error, CameraLost) for error in errors.values())
        raise (CameraLost if lost else BadFrame)(said) from next(iter(errors.values()))
    return {name: future.result() for name, future in taken.items()}
