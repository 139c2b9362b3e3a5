"""A gauge for each view of a station with several cameras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from inspector.domain import Detections, Frame, Gauge, GaugingError, Measurement, View

__all__ = ["ViewsGauge"]


class ViewsGauge:
    """Measures each view's findings by its own gauge, in that camera's own picture and calibration.

    Parameters
    ----------
    gauges
        By the name of their view.
    views
        Where each view's picture lies in the picture of all.
    """

    def __init__(self, gauges: Mapping[str, Gauge], views: Sequence[View]) -> None:
        self._gauges, self._views = dict(gauges), tuple(views)

    def measure(self, frame: Frame, detections: Detections) -> tuple[Measurement, ...]:
        """Return the measurements of all views, positions from the corner of the view that saw them.

        A view without findings is gone through too, because its calibration has to hold all the same. Raises
        ``GaugingError``, which names the view.
        """
        measured: list[Measurement] = []
        for view in self._views:
            own = [index for index, item in enumerate(detections.items) if item.view == view.name]
            items = tuple(replace(detections.items[index], box=view.cut(detections.items[index].box)) for index in own)
            try:
                found = self._gauges[view.name].measure(view.of(frame), replace(detections, items=items))
            except GaugingError as error:
                raise GaugingError(f"view {view.name}: {error.message}", remedy=error.remedy) from error
            measured += [
                item if item.detection is None else replace(item, detection=own[item.detection]) for item in found
            ]
        return tuple(measured)
