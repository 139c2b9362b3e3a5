"""Several detectors on one frame, in one line."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from inspector.detection.identity import LineDetector
from inspector.domain import ConfigurationError, Detections, Frame, ModelId

__all__ = ["CombinedDetector"]


class CombinedDetector:
    """Frame -> the findings of all its detectors, one after the other.

    Nothing is merged away: where two detectors see the same flaw, both findings stand, because dropping either
    could make a verdict milder. Where one of them fails, the frame fails: silence of a broken detector is no
    good part.
    """

    def __init__(self, detectors: Sequence[LineDetector]) -> None:
        if not detectors:
            raise ConfigurationError("a line needs at least one detector", remedy="Name one under key detector")
        self._detectors = tuple(detectors)
        owners: dict[str, str] = {}
        for detector in self._detectors:
            for label in detector.classes:
                if label in owners:
                    raise ConfigurationError(
                        f"detectors {owners[label]} and {detector.identity.name} both give findings the label {label}",
                        remedy="Give one of them another label, so that a rule means one thing",
                    )
                owners[label] = detector.identity.name
        identities = [detector.identity for detector in self._detectors]
        self._identity = ModelId(
            "+".join(each.name for each in identities),
            "+".join(each.version for each in identities),
            hashlib.sha256("".join(each.sha256 for each in identities).encode()).hexdigest(),
        )

    @property
    def identity(self) -> ModelId:
        """All names and versions, and one hash over all."""
        return self._identity

    @property
    def description(self) -> str:
        """All descriptions."""
        return ", ".join(detector.description for detector in self._detectors)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels of all of them."""
        return tuple(label for detector in self._detectors for label in detector.classes)

    @property
    def margins_px(self) -> Mapping[str, float]:
        """The margins of all of them, by label."""
        return {label: margin for each in self._detectors for label, margin in each.margins_px.items()}

    def warm_up(self) -> None:
        """Warm all of them up."""
        for detector in self._detectors:
            detector.warm_up()

    def detect(self, frame: Frame) -> Detections:
        """Return the findings of all; raises ``DetectionError`` where one of them does."""
        found = [detector.detect(frame) for detector in self._detectors]
        part_id = next((each.part_id for each in found if each.part_id), "")
        return Detections(tuple(item for each in found for item in each.items), self._identity, part_id)

    def close(self) -> None:
        """Release all of them."""
        for detector in self._detectors:
            detector.close()
