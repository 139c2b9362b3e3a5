"""A gauge that measures only while its calibration holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from inspector.domain import ConfigurationError, Detections, Frame, Gauge, GaugingError, Measurement
from inspector.gauging.calibration import Calibration

__all__ = ["CalibratedGauge"]


class CalibratedGauge:
    """Refuses frames of another size than the calibration's, and every frame after the calibration has expired.

    A line does not start with such a calibration; this is for the camera whose size shows with its first image
    only, and for the line that runs past midnight.

    Parameters
    ----------
    gauge
        What measures.
    calibration
        What it measures by.
    now
        The clock, with time zone.
    """

    def __init__(
        self, gauge: Gauge, calibration: Calibration, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._gauge = gauge
        self._calibration = calibration
        self._now = now

    def measure(self, frame: Frame, detections: Detections) -> tuple[Measurement, ...]:
        """Return what the gauge says; raises ``GaugingError`` where the calibration does not hold."""
        try:
            self._calibration.require_valid(self._now(), frame.width, frame.height)
        except ConfigurationError as error:
            raise GaugingError(error.message, remedy=error.remedy) from error
        return self._gauge.measure(frame, detections)
