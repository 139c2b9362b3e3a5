"""line_configs/*.yaml -> validated settings."""

from inspector.settings.explain import Finding
from inspector.settings.line import LineSettings
from inspector.settings.links import (
    EmbeddedMes,
    Identity,
    ImageArchive,
    MqttMes,
    NoMes,
    OpcUaPlc,
    PlcNodes,
    Screen,
    SimulatedPlc,
    Store,
)
from inspector.settings.loading import check_line, data_folder, load_line, settle
from inspector.settings.recipes import CHARACTERISTICS, Recipe, Rule
from inspector.settings.reference import line_schema, reference_markdown
from inspector.settings.shifts import Break, Shift, Shifts
from inspector.settings.vision import Calibration, Detector, ExpectedImage, FolderCamera, Gauging, VirtualCamera, Zone

__all__ = [
    "CHARACTERISTICS",
    "Break",
    "Calibration",
    "Detector",
    "EmbeddedMes",
    "ExpectedImage",
    "Finding",
    "FolderCamera",
    "Gauging",
    "Identity",
    "ImageArchive",
    "LineSettings",
    "MqttMes",
    "NoMes",
    "OpcUaPlc",
    "PlcNodes",
    "Recipe",
    "Rule",
    "Screen",
    "Shift",
    "Shifts",
    "SimulatedPlc",
    "Store",
    "VirtualCamera",
    "Zone",
    "check_line",
    "data_folder",
    "line_schema",
    "load_line",
    "reference_markdown",
    "settle",
]
