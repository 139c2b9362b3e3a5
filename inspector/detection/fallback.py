"""A backend that goes on with the next one when the one that runs breaks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Self

import numpy as np
from numpy.typing import NDArray

from inspector.detection.backend import Backend
from inspector.domain import ConfigurationError, DetectionError, InspectorError

__all__ = ["FallbackBackend", "Opener"]

Opener = Callable[[], Backend]

_log = logging.getLogger(__name__)


def _unheard(told: str) -> None:
    """Nobody asked to be told."""


class FallbackBackend:
    """Runs ``first``; where it fails on a frame, the same frame goes to the next that opens, for good.

    A device that has disappeared does not come back within a shift, so there is no way back but a restart.

    Parameters
    ----------
    others
        What opens the next ones, by name, in order of preference.
    spare
        Open the next one now, so that the frame on which the first breaks does not wait for a start: for devices
        and servers that may vanish. Without it nothing is opened before it is needed.
    on_loss
        Called once per loss with a sentence for people, from the thread that runs the frame.
    """

    def __init__(
        self,
        first: Backend,
        others: Mapping[str, Opener],
        *,
        spare: bool = False,
        on_loss: Callable[[str], None] = _unheard,
    ) -> None:
        self._backend = first
        self._others = dict(others)
        self._on_loss = on_loss
        self._closed = False
        self._spare = self._next() if spare else None

    @classmethod
    def opened(
        cls,
        first: str,
        openers: Mapping[str, Opener],
        *,
        spare: bool = False,
        on_loss: Callable[[str], None] = _unheard,
    ) -> Self:
        """Return the backend named ``first`` with the others behind it; where its device is gone, the next one runs.

        A line that is started again while a server is away must not stand still for it.

        Raises ``ConfigurationError`` where the first can never run here, and ``DetectionError`` where none runs.
        """
        others = {name: opener for name, opener in openers.items() if name != first}
        try:
            return cls(openers[first](), others, spare=spare, on_loss=on_loss)
        except DetectionError as error:
            made = cls(_Absent(first, error), others, on_loss=on_loss)
            if not made._move_on(error):
                raise
            return made

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
        """Release what runs, and the spare."""
        self._closed = True
        self._backend.close()
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.close()

    def _move_on(self, error: DetectionError) -> bool:
        """Go on with the spare or the next that opens; return whether there was one."""
        spare, self._spare = self._spare, None
        following = spare or self._next()
        if following is None:
            return False
        lost, self._backend = self._backend, following
        told = f"{lost.name} is lost, {following.name} takes over until the next start: {error}"
        _log.error("backend %s", told)
        lost.close()
        self._on_loss(told)
        return True

    def _next(self) -> Backend | None:
        while self._others:
            label = next(iter(self._others))
            opener = self._others.pop(label)
            try:
                return opener()
            except (ConfigurationError, DetectionError) as unfit:
                _log.warning("backend %s cannot take over: %s", label, unfit)
        return None


class _Absent:
    """Stands for a backend whose device was not there at the start."""

    def __init__(self, name: str, error: InspectorError) -> None:
        self.name = name
        self._told = str(error)

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raise ``DetectionError``."""
        raise DetectionError(self._told)

    def close(self) -> None:
        """Nothing was opened."""
