"""line_configs/*.yaml -> validated settings."""

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
from inspector.settings.recipes import CHARACTERISTICS, Recipe, Rule
from inspector.settings.vision import Calibration, Detector, ExpectedImage, FolderCamera, VirtualCamera, Zone

__all__ = [
    "CHARACTERISTICS",
    "Calibration",
    "Detector",
    "EmbeddedMes",
    "ExpectedImage",
    "FolderCamera",
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
    "SimulatedPlc",
    "Store",
    "VirtualCamera",
    "Zone",
]
