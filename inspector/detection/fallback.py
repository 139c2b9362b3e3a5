"""A backend that goes on with the next one when the one that runs breaks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from inspector.detection.backend import Backend
from inspector.domain import DetectionError, ModelError

__all__ = ["FallbackBackend"]

_log = logging.getLogger(__name__)


class FallbackBackend:
    """Runs ``first``; where it fails on a frame, the same frame goes to the next that opens, for good.

    A device that has disappeared does not come back within a shift, so there is no way back but a restart.

    Parameters
    ----------
    others
        What opens the next ones, by name, in order of preference; nothing is opened before it is needed.
    """

    def __init__(self, first: Backend, others: Mapping[str, Callable[[], Backend]]) -> None:
        self._backend = first
        self._others = dict(others)
        self._closed = False

    @property
    def name(self) -> str:
        """Name of the backend that runs now."""
        return self._backend.name

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the raw output; raises ``DetectionError`` where no backend is left, or after ``close``."""
        while True:
            try:
                return self._backend.run(batch)
            except DetectionError as error:
                if self._closed or not self._move_on(error):
                    raise

    def close(self) -> None:
        """Release the backend that runs."""
        self._closed = True
        self._backend.close()

    def _move_on(self, error: DetectionError) -> bool:
        """Open the next backend; return whether there was one."""
        while self._others:
            label = next(iter(self._others))
            opener = self._others.pop(label)
            try:
                following = opener()
            except ModelError as unfit:
                _log.warning("backend %s cannot take over: %s", label, unfit)
                continue
            _log.error("backend %s is lost, %s takes over until the next start: %s", self.name, label, error)
            self._backend.close()
            self._backend = following
            return True
        return False
