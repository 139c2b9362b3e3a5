"""Detections -> Measurements in millimetres with an expanded uncertainty."""

from inspector.gauging.box import BoxGauge, Zone
from inspector.gauging.budget import Budget
from inspector.gauging.plane import Plane, RelativeEffects, UniformPlane
from inspector.gauging.subpixel import SubpixelGauge
from inspector.gauging.uncertainty import Scale

__all__ = ["BoxGauge", "Budget", "Plane", "RelativeEffects", "Scale", "SubpixelGauge", "UniformPlane", "Zone"]
