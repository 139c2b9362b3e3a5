"""Trigger -> Frame: image sources."""

from inspector.capture.folder import FolderCamera
from inspector.capture.image_file import read_image

__all__ = ["FolderCamera", "read_image"]
