"""Trigger -> Frame: image sources."""

from inspector.capture.folder import FolderCamera
from inspector.capture.image_file import read_image
from inspector.capture.virtual import VirtualBoardCamera

__all__ = ["FolderCamera", "VirtualBoardCamera", "read_image"]
