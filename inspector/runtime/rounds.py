"""Something that is looked after every so often, on a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from inspector.domain import InspectorError

__all__ = ["Rounds"]

log = logging.getLogger(__name__)


class Rounds:
    """Calls ``look`` every so often; what is wrong with it is logged once, and that it is right again.

    Parameters
    ----------
    what
        What the log says is not done, such as "the end of the shift".
    """

    def __init__(self, look: Callable[[], object], *, what: str, every_s: float) -> None:
        self._look, self._what, self._every_s = look, what, every_s
        self._troubled = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=what, daemon=True)

    def start(self) -> None:
        """Begin, after the first pause."""
        self._thread.start()

    def close(self) -> None:
        """End, after the look that is under way; safe to call twice."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self._look()
            except (InspectorError, OSError) as error:
                if str(error) != self._troubled:
                    log.warning("%s is not done with yet: %s", self._what, error)
                self._troubled = str(error)
            else:
                if self._troubled:
                    log.warning("%s is done with", self._what)
                self._troubled = ""
