"""Finding past defects by words: pictures are read aside and slowly, descriptions are held against what was read."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.domain import BadFrame, DefectVectors, FoundDefects, KeptVector, StoreError, UnreadPicture
from inspector.search import SearchModel, Sighting
from inspector.search.words import read_words

__all__ = ["DefectReader", "WordSearch"]

log = logging.getLogger(__name__)

MOST = 200_000
"""So many of the newest findings are searched: 51 MB of vectors."""

BLOCK = 20
LOOK_EVERY_S = 2.0
NICER = 10


class WordSearch:
    """A ``DefectFinder``: descriptions against the vectors of the record, in memory; safe to use from several threads.

    Parameters
    ----------
    names, zones
        Return what a class or a zone is called, in any language -> its name in the record; asked at each search.
    """

    def __init__(
        self,
        vectors: DefectVectors,
        model: SearchModel,
        *,
        names: Callable[[], Mapping[str, str]],
        zones: Callable[[], Mapping[str, str]],
    ) -> None:
        self._vectors, self._model = vectors, model
        self._names, self._zones = names, zones
        self._turn = threading.Lock()
        self._last = 0
        self._kept: list[KeptVector] = []
        self._matrix = np.zeros((0, model.card.dimensions), np.float32)

    def find(self, words: str, *, limit: int = 10) -> FoundDefects:
        """Return the findings that are likest to the description; raises ``StoreError``.

        A zone is taken at its word, and so is a class that the model never learned: only findings there, or of it,
        are looked through.
        """
        reading = read_words(words, self._names(), self._zones())
        foreign = reading.labels - set(self._model.card.classes)
        with self._turn:
            self._learn()
            kept, matrix = self._kept, self._matrix
        wanted = self._model.of_words(reading)
        if not wanted.any() and not foreign and not reading.zones:
            return FoundDefects((), understood=False, searched=len(kept))
        rows = [
            row
            for row, item in enumerate(kept)
            if (not foreign or item.label in foreign) and (not reading.zones or item.zone in reading.zones)
        ]
        scores = matrix[rows] @ wanted
        first = np.argsort(-scores, kind="stable")[:limit]
        shown = self._vectors.shown([(kept[rows[at]].key, kept[rows[at]].detection) for at in first])
        found = [replace(item, likeness=float(scores[at])) for item, at in zip(shown, first, strict=True)]
        return FoundDefects(tuple(found), understood=True, searched=len(rows))

    def close(self) -> None:
        """Release the model."""
        self._model.close()

    def _learn(self) -> None:
        """Take what was read since the last time."""
        fresh = self._vectors.newest(self._model.name, after=self._last, limit=MOST)
        if not fresh:
            return
        self._last = fresh[-1].key
        self._kept = [*self._kept, *fresh][-MOST:]
        self._matrix = np.concatenate([self._matrix, np.stack([item.vector for item in fresh])])[-MOST:]


class DefectReader:
    """Reads the pictures of the record one by one, on a thread of its own at low priority.

    It stands behind everything: a part is recorded, shown and told first, and found by words some seconds later.

    Parameters
    ----------
    read_image
        File -> pixels; raises ``BadFrame``.
    """

    def __init__(
        self, vectors: DefectVectors, model: SearchModel, *, read_image: Callable[[Path], NDArray[np.uint8]]
    ) -> None:
        self._vectors, self._model, self._read_image = vectors, model, read_image
        self._after = 0
        self._stop = threading.Event()
        self._lost = False
        self._thread = threading.Thread(target=self._work, name="defect reader", daemon=True)

    def start(self) -> None:
        """Begin with whatever has no vectors yet, the oldest first."""
        self._thread.start()

    def read_some(self) -> int:
        """Read one block of pictures; return how many it took. Raises ``StoreError``."""
        pictures = self._vectors.unread(self._model.name, after=self._after, limit=BLOCK)
        for picture in pictures:
            if self._stop.is_set():
                break
            self._read(picture)
            self._after = picture.key
        return len(pictures)

    def close(self) -> None:
        """Stop after the picture at hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        # On Linux a priority belongs to a thread: recording and serving go first.
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICER)
        while not self._stop.is_set():
            taken = 0
            try:
                taken = self.read_some()
                if self._lost:
                    log.warning("defects are read for the search again")
                self._lost = False
            except StoreError as error:
                if not self._lost:
                    log.warning("defects are not read for the search, the record does not answer: %s", error)
                self._lost = True
            if not taken:
                self._stop.wait(LOOK_EVERY_S)

    def _read(self, picture: UnreadPicture) -> None:
        if picture.image is None:
            return
        try:
            pixels = self._read_image(picture.image)
        except BadFrame as error:
            log.warning("a picture is left out of the search: %s", error)
            return
        frame = (pixels.shape[1], pixels.shape[0])
        seen = [Sighting(item.box, frame, item.size_mm) for item in picture.findings]
        rows = self._model.of_findings(pixels, seen)
        numbers = [item.detection for item in picture.findings]
        self._vectors.add(picture.key, self._model.name, list(zip(numbers, rows, strict=True)))
