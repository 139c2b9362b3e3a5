"""A detector for each view of a station with several cameras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from inspector.detection.identity import LineDetector, rule_id
from inspector.domain import DetectionError, Detections, Frame, ModelId, View

__all__ = ["ViewsDetector"]


class ViewsDetector:
    """Frame of several views -> the findings of all, each named after its view and placed in the picture of all.

    Where the detector of one view fails, the frame fails.

    Parameters
    ----------
    detectors
        By the name of their view; the same label means the same in all of them.
    views
        Where each view's picture lies in the picture of all.
    """

    def __init__(self, detectors: Mapping[str, LineDetector], views: Sequence[View]) -> None:
        self._detectors, self._views = dict(detectors), tuple(views)
        named = {name: detector.identity for name, detector in self._detectors.items()}
        facts = [fact for name, each in named.items() for fact in (name, each.name, each.version, each.sha256)]
        self._identity = ModelId(
            "+".join(dict.fromkeys(each.name for each in named.values())),
            "+".join(dict.fromkeys(each.version for each in named.values())),
            rule_id("views", *facts).sha256,
        )

    @property
    def identity(self) -> ModelId:
        """All names and versions, and one hash over all views."""
        return self._identity

    @property
    def description(self) -> str:
        """What looks at each view."""
        return "; ".join(f"{name}: {detector.description}" for name, detector in self._detectors.items())

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels of all of them, each once."""
        return tuple(dict.fromkeys(label for each in self._detectors.values() for label in each.classes))

    @property
    def margins_px(self) -> Mapping[str, float]:
        """The margins of all of them, by ``view/label``."""
        return {
            f"{name}/{label}": margin
            for name, detector in self._detectors.items()
            for label, margin in detector.margins_px.items()
        }

    def warm_up(self) -> None:
        """Warm all of them up."""
        for detector in self._detectors.values():
            detector.warm_up()

    def detect(self, frame: Frame) -> Detections:
        """Return the findings of all views; raises ``DetectionError``, which names the view."""
        items, part_id = [], ""
        for view in self._views:
            try:
                found = self._detectors[view.name].detect(view.of(frame))
            except DetectionError as error:
                raise DetectionError(f"view {view.name}: {error.message}", remedy=error.remedy) from error
            except ValueError as error:
                raise DetectionError(str(error), remedy="Use a picture that this line has recorded") from error
            items += [replace(item, box=view.placed(item.box), view=view.name) for item in found.items]
            part_id = part_id or found.part_id
        return Detections(tuple(items), self._identity, part_id)

    def close(self) -> None:
        """Release all of them."""
        for detector in self._detectors.values():
            detector.close()
