"""Reading the raw data of a line before anybody knows that it is right, and saying what is wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from pydantic_core import InitErrorDetails, PydanticCustomError

Data = Mapping[str, Any]
Loc = tuple[str | int, ...]
LARGEST = 1e15  # larger ones are out of every bound, and some of them no float holds
Problems = Iterator[InitErrorDetails]


def table(data: Any, *path: str) -> Data:
    """Return the mapping at this path; empty where there is none."""
    for key in path:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def entries(data: Data, key: str) -> Sequence[Any]:
    """Return the list under this key; empty where there is none."""
    value = data.get(key)
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def number(data: Data, key: str, default: float | None = None) -> float | None:
    """Return the number under this key; None where it is something else, or beyond all reason."""
    value = data.get(key, default)
    return value if is_number(value) else None


def is_number(value: Any) -> TypeGuard[float]:
    """Return whether this is a finite number of reasonable size."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -LARGEST < value < LARGEST


def text(data: Data, key: str) -> str | None:
    """Return the text under this key; None where it is something else."""
    value = data.get(key)
    return value if isinstance(value, str) else None


def problem(loc: Loc, code: str, message: str, remedy: str, given: Any = None) -> InitErrorDetails:
    """Return an error with a place, a message and a remedy."""
    # The texts go in as values, because braces in them would be read as a template.
    error = PydanticCustomError(code, "{message}", {"message": message, "remedy": remedy})
    return InitErrorDetails(type=error, loc=loc, input=given)


def choose_from(wrong: str, known: Iterable[str]) -> str:
    """Return the sentence that offers the known names, the nearest first."""
    names = list(known)
    if not names:
        return "There is none to choose from yet."
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    listed = f"Use one of: {', '.join(names)}."
    return f"Did you mean '{near[0]}'? {listed}" if near else listed
