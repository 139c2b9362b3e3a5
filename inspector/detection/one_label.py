"""What detectors that learn nothing and give one label have in common: identity, description, being closed."""

from __future__ import annotations

from collections.abc import Mapping

from inspector.detection.identity import rule_id
from inspector.domain import DetectionError, ModelId

__all__ = ["OneLabelDetector"]


class OneLabelDetector:
    """A rule with one label whose boxes end where the finding does; the rest of a ``LineDetector`` is ``detect``.

    Parameters
    ----------
    kind
        What sort of rule it is: ``blob``, ``colour`` …
    facts
        Everything the rule was told; the identity's hash covers it.
    """

    def __init__(self, kind: str, label: str, *facts: object) -> None:
        self._kind, self._label = kind, label
        self._identity = rule_id(kind, label, *facts)
        self._open = True

    @property
    def identity(self) -> ModelId:
        """Hash over what it was told."""
        return self._identity

    @property
    def description(self) -> str:
        """For people."""
        return f"{self._kind} ({self._label})"

    @property
    def classes(self) -> tuple[str, ...]:
        """The one label."""
        return (self._label,)

    @property
    def margins_px(self) -> Mapping[str, float]:
        """No margin: the box is the finding."""
        return {self._label: 0.0}

    def warm_up(self) -> None:
        """Nothing to warm up."""

    def close(self) -> None:
        """Take no more frames."""
        self._open = False

    def _require_open(self) -> None:
        if not self._open:
            raise DetectionError(f"{self._kind}: the detector is closed")
