"""Video through OpenCV: files frame by frame, and live pictures from V4L2, RTSP or HTTP by their time of arrival."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import BadFrame, CameraHealth, CameraLost, ConfigurationError, Frame, Trigger

__all__ = ["LiveVideo", "VideoFile"]

_MS_PER_S = 1000
_JOIN_S = 10.0


class VideoFile:
    """A recording as a ``Camera``: each trigger takes the next frame, none is left out.

    Parameters
    ----------
    path
        Anything FFmpeg reads.
    loop
        Begin again after the last frame; else the camera is lost then.
    size
        Expected (width, height); None accepts any.
    grey
        Give grey pixels: for recordings of a grey camera.

    Raises
    ------
    ConfigurationError
        The file is not there or is no video.
    """

    def __init__(
        self, path: Path, *, loop: bool = False, size: tuple[int, int] | None = None, grey: bool = False
    ) -> None:
        if not path.is_file():
            raise ConfigurationError(f"{path}: there is no such file", remedy="Correct `camera: {file: …}`")
        self._path, self._loop, self._size, self._grey = path, loop, size, grey
        self._closed = False
        self._source = self._opened()

    def grab(self, trigger: Trigger) -> Frame:
        """Return the next frame; raises ``CameraLost`` after the last one, ``BadFrame`` for one of another size."""
        if self._closed:
            raise CameraLost(f"{self._path}: the recording is closed")
        there, pixels = self._source.read()
        if not there and self._loop:
            self._source.release()
            self._source = self._opened()
            there, pixels = self._source.read()
        if not there:
            raise CameraLost(f"{self._path}: the recording is at its end", remedy="Write `loop: true` to begin again")
        checked = _checked(np.asarray(pixels, np.uint8), str(self._path), self._size, self._grey)
        return Frame(trigger, checked, self._path.name, datetime.now(UTC))

    def close(self) -> None:
        """Let the file go; safe to call twice."""
        self._closed = True
        self._source.release()

    def _opened(self) -> cv2.VideoCapture:
        source = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        if not source.isOpened():
            raise ConfigurationError(f"{self._path}: cannot be read as a video", remedy="Convert it, or check the file")
        return source


class _Arrived(NamedTuple):
    pixels: NDArray[np.uint8]
    at_s: float
    at: datetime


class LiveVideo:
    """One connection to a live picture; wrap it in ``ReconnectingCamera`` to make a ``Camera`` of it.

    A thread reads without pause, so that nothing old waits in a buffer, and a trigger takes the first frame that
    arrives ``latency_s`` or more after it. Such cameras are not triggered: parts must stand still, and how late their
    pictures are has to be measured (a flash, a clock in the picture).

    Parameters
    ----------
    source
        ``/dev/video0``, ``rtsp://…``, ``http://…``, with user and password where it needs them.
    name
        The camera in messages; without the password.
    width, height, fps
        Asked of a V4L2 camera; width and height are expected of every one, None accepts any.
    latency_s
        Time from exposure to arrival at most.
    timeout_s
        Longest wait for a frame, and for the connection.
    grey
        Give grey pixels.

    Raises
    ------
    CameraLost
        Nobody answers, or what answers sends no video.
    """

    def __init__(
        self,
        source: str,
        *,
        name: str,
        width: int | None = None,
        height: int | None = None,
        fps: float | None = None,
        latency_s: float = 0.0,
        timeout_s: float = 2.0,
        grey: bool = False,
    ) -> None:
        self._name, self._size = name, (width, height) if width and height else None
        self._latency_s, self._timeout_s, self._grey = latency_s, timeout_s, grey
        self._health = CameraHealth(connected=True)
        self._news = threading.Condition()
        self._latest: _Arrived | None = None
        self._over = False
        self._source = self._opened(source, width, height, fps)
        self._reader = threading.Thread(target=self._read, name=f"reader of {name}", daemon=True)
        self._reader.start()

    def grab(self, trigger: Trigger) -> Frame:
        """Return the first frame of after the trigger; raises ``BadFrame`` or ``CameraLost``."""
        since = time.monotonic() + self._latency_s
        with self._news:
            self._news.wait_for(
                lambda: self._over or (self._latest is not None and self._latest.at_s >= since),
                timeout=self._latency_s + self._timeout_s,
            )
            latest = self._latest
            if self._over:
                raise CameraLost(f"{self._name}: the pictures have stopped", remedy="Check cable, power and network")
            if latest is None or latest.at_s < since:
                self._health = replace(self._health, missing=self._health.missing + 1)
                raise CameraLost(f"{self._name}: no picture within {self._timeout_s:g} s", remedy="Check the network")
            self._health = replace(self._health, frames=self._health.frames + 1, last_frame_at=latest.at)
        return Frame(trigger, _checked(latest.pixels, self._name, self._size, self._grey), self._name, latest.at)

    def check(self) -> None:
        """Raise ``CameraLost`` where the pictures have stopped."""
        with self._news:
            still_s = time.monotonic() - self._latest.at_s if self._latest else 0.0
        if self._over or still_s > self._timeout_s:
            raise CameraLost(f"{self._name}: the pictures have stopped", remedy="Check cable, power and network")

    def waiting(self) -> int:
        """Return 0: such a camera has no line of its own."""
        return 0

    def discard(self) -> int:
        """Return 0: nothing waits."""
        return 0

    def health(self) -> CameraHealth:
        """Return how this connection fares."""
        return replace(self._health, connected=not self._over)

    def close(self) -> None:
        """Stop reading; safe to call twice."""
        self._over = True
        with self._news:
            self._news.notify_all()
        self._reader.join(_JOIN_S)

    def _opened(self, source: str, width: int | None, height: int | None, fps: float | None) -> cv2.VideoCapture:
        # Who is away is said once, by the camera; OpenCV would say it at every attempt.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        wait_ms = max(round(self._timeout_s * _MS_PER_S), 1)
        if source.startswith("/dev/"):
            opened = cv2.VideoCapture(source, cv2.CAP_V4L2)
            for key, value in (
                (cv2.CAP_PROP_FRAME_WIDTH, width),
                (cv2.CAP_PROP_FRAME_HEIGHT, height),
                (cv2.CAP_PROP_FPS, fps),
            ):
                if value is not None:
                    opened.set(key, value)
        else:
            limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, wait_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, wait_ms]
            opened = cv2.VideoCapture(source, cv2.CAP_FFMPEG, limits)
        if not opened.isOpened():
            opened.release()
            raise CameraLost(f"{self._name}: cannot be opened", remedy="Check address, login, cable and power")
        return opened

    def _read(self) -> None:
        while not self._over:
            there, pixels = self._source.read()
            if not there:
                break
            with self._news:
                self._latest = _Arrived(np.asarray(pixels, np.uint8), time.monotonic(), datetime.now(UTC))
                self._news.notify_all()
        self._over = True
        self._source.release()
        with self._news:
            self._news.notify_all()


def _checked(pixels: NDArray[np.uint8], name: str, size: tuple[int, int] | None, grey: bool) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if size not in {None, (width, height)}:
        raise BadFrame(f"{name}: {width} x {height} px, expected {size}", remedy="Correct `camera:` of the line")
    if grey and pixels.ndim == 3:  # noqa: PLR2004
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    return pixels
