"""Detections -> Measurements in millimetres with an expanded uncertainty."""

from inspector.gauging.box import BoxGauge, Zone
from inspector.gauging.uncertainty import Scale

__all__ = ["BoxGauge", "Scale", "Zone"]
