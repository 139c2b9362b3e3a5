"""Detections -> Measurements in millimetres with an expanded uncertainty."""
