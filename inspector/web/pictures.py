"""Small pictures of archived images, made once and kept while they are likely to be asked for again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

import cv2

from inspector.domain import StoreError

__all__ = ["Thumbnails"]


class Thumbnails:
    """Makes and keeps JPEG thumbnails of archived pictures.

    Parameters
    ----------
    side
        Longer side in pixels.
    keep
        How many are kept in memory, the least recently used dropped first.
    """

    def __init__(self, *, side: int = 240, keep: int = 256) -> None:
        self._side = side
        self._keep = keep
        self._lock = threading.Lock()
        self._cache: OrderedDict[Path, bytes] = OrderedDict()

    def jpeg(self, path: Path) -> bytes:
        """Return the thumbnail as JPEG bytes; raises ``StoreError`` where the picture cannot be read."""
        with self._lock:
            if path in self._cache:
                self._cache.move_to_end(path)
                return self._cache[path]
        encoded = self._make(path)
        with self._lock:
            self._cache[path] = encoded
            while len(self._cache) > self._keep:
                self._cache.popitem(last=False)
        return encoded

    def _make(self, path: Path) -> bytes:
        try:
            pixels = cv2.imread(str(path), cv2.IMREAD_REDUCED_COLOR_2)
            if pixels is None:
                raise StoreError(
                    f"archived picture {path} is unreadable", remedy="It may have expired or been cut off."
                )
            scale = self._side / max(pixels.shape[:2])
            if scale < 1:
                pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 82])
        except cv2.error as error:
            raise StoreError(f"archived picture {path} is unreadable: {error}") from error
        return encoded.tobytes()
