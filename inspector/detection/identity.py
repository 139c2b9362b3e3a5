"""What a line asks of every detector beyond finding: who it is, what it may say, how generous its boxes are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from inspector.domain import Detector, ModelId

__all__ = ["LineDetector", "rule_id"]


@runtime_checkable
class LineDetector(Detector, Protocol):
    """A detector that can stand in a line."""

    @property
    def identity(self) -> ModelId:
        """Return who speaks: goes into every record."""
        ...

    @property
    def description(self) -> str:
        """Return who speaks, for people: name, version, what it runs on."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Return every label it may give."""
        ...

    @property
    def margins_px(self) -> Mapping[str, float]:
        """Return how far boxes reach beyond the finding on every side, in pixels, by label."""
        ...


def rule_id(name: str, *facts: object) -> ModelId:
    """Return the identity of a detector that learnt nothing: its hash covers what it was told.

    Arrays count with their bytes, everything else as it is printed.
    """
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(fact if isinstance(fact, bytes) else repr(fact).encode())
        digest.update(b"\0")
    return ModelId(name, "1", digest.hexdigest())
