"""Recorded images from a directory, one for each trigger."""

from __future__ import annotations

import logging
import random
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inspector.capture.image_file import SUFFIXES, read_image
from inspector.domain import BadFrame, CameraLost, ConfigurationError, Frame, Trigger

__all__ = ["FolderCamera", "Order"]

Order = Literal["name", "time", "random"]

_log = logging.getLogger(__name__)


class FolderCamera:
    """The images of one directory, in order, behind the ``Camera`` port; ``len`` tells how many there are.

    A bad file costs one trigger: the next one gets the next file.

    Parameters
    ----------
    folder
        Directory of PNG, JPEG, BMP, TIFF or WebP files; sub-directories are not looked at.
    order
        ``name``: as people count (2 before 10). ``time``: by time of change. ``random``: shuffled by ``seed``,
        anew in each round.
    pace_s
        Shortest time between two images in seconds; 0 waits for nothing.
    loop
        Start again after the last image; else the camera is lost then.
    size
        Expected (width, height) in pixels; None accepts any.
    bits
        How many of the 16 bits of deep files the camera used; the eight highest of them are inspected.
    read_ahead
        Decode the next image on another thread while this one is inspected.

    Raises
    ------
    ConfigurationError
        The folder is not there or holds no image.
    """

    def __init__(
        self,
        folder: Path,
        *,
        order: Order = "name",
        seed: int = 0,
        pace_s: float = 0.0,
        loop: bool = False,
        size: tuple[int, int] | None = None,
        bits: int | None = None,
        read_ahead: bool = True,
    ) -> None:
        self._folder = folder
        self._files = _listed(folder, order)
        self._queue = _endless(self._files, order, seed, loop=loop)
        self._pace_s = pace_s
        self._size = size
        self._read = partial(read_image, bits=bits)
        self._closed = threading.Event()
        self._next_at = time.monotonic()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="folder-camera") if read_ahead else None
        self._lost = False
        self._ahead = self._begin() if self._reader is not None else None

    def __len__(self) -> int:
        """Return the number of images in the folder."""
        return len(self._files)

    def grab(self, trigger: Trigger) -> Frame:
        """Return the next image.

        Raises
        ------
        BadFrame
            The file is unreadable, truncated, of another size, or deeper than it may be.
        CameraLost
            Every image has been shown, the folder has gone, or the camera is closed.
        """
        if self._closed.wait(max(0.0, self._next_at - time.monotonic())):
            raise self._is_closed()
        self._next_at = time.monotonic() + self._pace_s
        path, pixels = self._next()
        height, width = pixels.shape[:2]
        if self._size is not None and self._size != (width, height):
            raise BadFrame(
                f"{path}: is {width} x {height} px, expected {self._size[0]} x {self._size[1]} px",
                remedy="Correct `camera: {expect: ...}` of the line, or take the file out of the folder",
            )
        return Frame(trigger, pixels, f"folder:{path.name}", datetime.now(UTC))

    def close(self) -> None:
        """Stop reading ahead; safe to call twice, also while another thread waits in ``grab``."""
        self._closed.set()
        if self._reader is not None:
            self._reader.shutdown(cancel_futures=True)

    def _next(self) -> tuple[Path, NDArray[np.uint8]]:
        current = self._ahead or self._begin()
        self._ahead = None
        if current is None:
            raise CameraLost(
                f"{self._folder}: all {len(self._files)} images have been shown",
                remedy="Set `camera: {loop: true}` to start again after the last one",
            )
        path, reading = current
        try:
            pixels = reading.result()
        except BadFrame as error:
            self._check_folder(error)
            if not self._lost:
                raise
            pixels = self._read(path)  # read ahead while the folder was away
        except CancelledError as error:
            raise self._is_closed() from error
        finally:
            if self._reader is not None:
                self._ahead = self._begin()
        if self._lost:
            self._lost = False
            _log.info("%s: the image folder is back", self._folder)
        return path, pixels

    def _begin(self) -> tuple[Path, Future[NDArray[np.uint8]]] | None:
        path = next(self._queue, None)
        if path is None:
            return None
        if self._reader is not None:
            try:
                return path, self._reader.submit(self._read, path)
            except RuntimeError as error:  # shut down by another thread
                raise self._is_closed() from error
        reading: Future[NDArray[np.uint8]] = Future()
        try:
            reading.set_result(self._read(path))
        except BadFrame as error:
            reading.set_exception(error)
        return path, reading

    def _is_closed(self) -> CameraLost:
        return CameraLost(f"{self._folder}: the camera is closed")

    def _check_folder(self, error: BadFrame) -> None:
        if self._folder.is_dir():
            return
        if not self._lost:
            self._lost = True
            _log.warning("%s: the image folder has gone", self._folder)
        raise CameraLost(f"{self._folder}: the image folder has gone", remedy="Mount or restore it") from error


def _listed(folder: Path, order: Order) -> list[Path]:
    remedy = "Give `camera: {path: ...}` a directory of PNG, JPEG, BMP, TIFF or WebP images"
    try:
        files = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()]
    except OSError as error:
        raise ConfigurationError(f"{folder}: not a readable folder: {error.strerror}", remedy=remedy) from error
    if not files:
        raise ConfigurationError(f"{folder}: there is no image in this folder", remedy=remedy)
    if order == "time":
        return sorted(files, key=lambda path: (path.stat().st_mtime_ns, _natural(path)))
    return sorted(files, key=_natural)


def _natural(path: Path) -> tuple[list[tuple[bool, int, str]], str]:
    """Return a sort key in which runs of digits count as numbers: board2 comes before board10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", path.name.casefold())
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts], path.name


def _endless(files: list[Path], order: Order, seed: int, *, loop: bool) -> Iterator[Path]:
    shuffler = random.Random(seed)  # noqa: S311 - an order of images, not a secret
    while True:
        turn = list(files)
        if order == "random":
            shuffler.shuffle(turn)
        yield from turn
        if not loop:
            return
