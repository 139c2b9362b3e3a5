"""Trigger -> Frame: image sources."""

from inspector.capture.folder import FolderCamera
from inspector.capture.image_file import read_image
from inspector.capture.several import SeveralCameras
from inspector.capture.virtual import VirtualBoardCamera

__all__ = ["FolderCamera", "SeveralCameras", "VirtualBoardCamera", "read_image"]
