"""Detections -> Measurements in millimetres with an expanded uncertainty."""

from inspector.gauging.box import BoxGauge, Zone
from inspector.gauging.budget import Budget
from inspector.gauging.calibrated import CalibratedGauge
from inspector.gauging.calibration import Calibration, load_calibration, save_calibration
from inspector.gauging.depth import DepthGauge
from inspector.gauging.plane import Plane, RelativeEffects, UniformPlane
from inspector.gauging.several import ViewsGauge
from inspector.gauging.subpixel import SubpixelGauge
from inspector.gauging.uncertainty import Scale

__all__ = [
    "BoxGauge",
    "Budget",
    "CalibratedGauge",
    "Calibration",
    "DepthGauge",
    "Plane",
    "RelativeEffects",
    "Scale",
    "SubpixelGauge",
    "UniformPlane",
    "ViewsGauge",
    "Zone",
    "load_calibration",
    "save_calibration",
]
