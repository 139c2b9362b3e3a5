"""line_configs/*.yaml -> validated settings."""

from inspector.settings.cameras import GenICamCamera, VideoCamera
from inspector.settings.detectors import (
    BlobSettings,
    CaliperSettings,
    CodeSettings,
    ColourSettings,
    ComparedImages,
    Detector,
    GoldenImages,
    GoldenSettings,
    PresenceSettings,
    TextSettings,
)
from inspector.settings.explain import Finding
from inspector.settings.filechecks import kept_files, named_files
from inspector.settings.language import (
    AdvicePolicy,
    EmbeddedLanguage,
    EndpointLanguage,
    Language,
    TemplateLanguage,
    TransformersLanguage,
)
from inspector.settings.line import LineSettings
from inspector.settings.links import (
    EmbeddedMes,
    Identity,
    ImageArchive,
    MqttMes,
    NoMes,
    Screen,
    Sparkplug,
    Store,
)
from inspector.settings.loading import check_line, data_folder, load_line, settle
from inspector.settings.plc import ModbusPlc, OpcUaPlc, OpcUaServerPlc, PlcNodes, SimulatedPlc
from inspector.settings.recipes import CHARACTERISTICS, Recipe, Rule
from inspector.settings.reference import line_schema, reference_markdown
from inspector.settings.shifts import Break, Mail, Shift, Shifts
from inspector.settings.training import Training
from inspector.settings.triggers import (
    CameraTrigger,
    EncoderTrigger,
    MqttTrigger,
    NoPlc,
    PeriodicTrigger,
    SocketTrigger,
)
from inspector.settings.views import SeveralViews, View, image_size
from inspector.settings.vision import (
    Calibration,
    ExpectedImage,
    FolderCamera,
    Gauging,
    RealSenseCamera,
    VirtualCamera,
    Zone,
)
from inspector.settings.voice import EmbeddedEars, Voice, VoskEars, WhisperEars

__all__ = [
    "CHARACTERISTICS",
    "AdvicePolicy",
    "BlobSettings",
    "Break",
    "Calibration",
    "CaliperSettings",
    "CameraTrigger",
    "CodeSettings",
    "ColourSettings",
    "ComparedImages",
    "Detector",
    "EmbeddedEars",
    "EmbeddedLanguage",
    "EmbeddedMes",
    "EncoderTrigger",
    "EndpointLanguage",
    "ExpectedImage",
    "Finding",
    "FolderCamera",
    "Gauging",
    "GenICamCamera",
    "GoldenImages",
    "GoldenSettings",
    "Identity",
    "ImageArchive",
    "Language",
    "LineSettings",
    "Mail",
    "ModbusPlc",
    "MqttMes",
    "MqttTrigger",
    "NoMes",
    "NoPlc",
    "OpcUaPlc",
    "OpcUaServerPlc",
    "PeriodicTrigger",
    "PlcNodes",
    "PresenceSettings",
    "RealSenseCamera",
    "Recipe",
    "Rule",
    "Screen",
    "SeveralViews",
    "Shift",
    "Shifts",
    "SimulatedPlc",
    "SocketTrigger",
    "Sparkplug",
    "Store",
    "TemplateLanguage",
    "TextSettings",
    "Training",
    "TransformersLanguage",
    "VideoCamera",
    "View",
    "VirtualCamera",
    "Voice",
    "VoskEars",
    "WhisperEars",
    "Zone",
    "check_line",
    "data_folder",
    "image_size",
    "kept_files",
    "line_schema",
    "load_line",
    "named_files",
    "reference_markdown",
    "settle",
]
