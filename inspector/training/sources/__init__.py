"""Labelled folders as other tools write them, read into one form and written as our own data set."""

from inspector.training.sources.detect import FORMATS, detect_format, read_source
from inspector.training.sources.labelled import LabelledImage, Shape, ShapeKind, Source, Task
from inspector.training.sources.writing import Imported, ImportPlan, import_source

__all__ = [
    "FORMATS",
    "ImportPlan",
    "Imported",
    "LabelledImage",
    "Shape",
    "ShapeKind",
    "Source",
    "Task",
    "detect_format",
    "import_source",
    "read_source",
]
