"""The results that the vision system still has, and the handles under which clients hold them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from itertools import count

__all__ = ["Handles", "Result", "ResultState", "ResultStore"]

_MOST_HANDLES = 1000


class ResultState(IntEnum):
    """How far an inspection got (OPC 40100-1, 12.19); whether the part is good is in the content."""

    UNDEFINED = 0
    COMPLETED = 1
    PROCESSING = 2
    ABORTED = 3
    FAILED = 4


@dataclass(frozen=True, slots=True)
class Result:
    """One inspection.

    Attributes
    ----------
    id, job, recipe
        Ours.
    part, meas, product
        The client's; empty where it named none.
    content
        JSON text of the inspection, with the verdict.
    processing_ms
        From trigger to verdict; None where it was not inspected to the end.
    """

    id: str
    state: ResultState
    job: str
    recipe: str
    started: datetime
    created: datetime
    content: str
    part: str = ""
    meas: str = ""
    product: str = ""
    simulated: bool = False
    processing_ms: float | None = None


class ResultStore:
    """The newest results, at most ``limit``; the oldest goes when one too many comes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._results: OrderedDict[str, Result] = OrderedDict()

    def add(self, result: Result) -> None:
        """Keep this result; one of the same id is replaced."""
        self._results[result.id] = result
        while len(self._results) > self._limit:
            self._results.popitem(last=False)

    def get(self, number: str) -> Result | None:
        """Return the result of this id, None where there is none (any more)."""
        return self._results.get(number)

    def filtered(self, wanted: Mapping[str, object]) -> list[Result]:
        """Return every result whose attributes are these, oldest first."""
        return [each for each in self._results.values() if all(getattr(each, key) == wanted[key] for key in wanted)]


class Handles:
    """Numbers under which clients hold what they asked for, until they give it back.

    Nothing is locked by a handle; the oldest is forgotten when clients never give theirs back.
    """

    def __init__(self) -> None:
        self._next: Iterator[int] = count(1)
        self._held: OrderedDict[int, None] = OrderedDict()

    def take(self) -> int:
        """Return a new handle, never 0."""
        handle = next(self._next) % 2**32 or next(self._next)
        self._held[handle] = None
        if len(self._held) > _MOST_HANDLES:
            self._held.popitem(last=False)
        return handle

    def release(self, handle: int) -> bool:
        """Give a handle back; False where nobody holds it."""
        return self._held.pop(handle, 0) is None
