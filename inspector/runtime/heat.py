"""The heat map of one image, as a picture a person can judge."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2

from inspector.capture import read_image
from inspector.detection import AnomalyDetector, find_model, load_model, open_backend
from inspector.domain import ConfigurationError, Frame, Trigger
from inspector.runtime.overlays import shaded

__all__ = ["show_heat"]


def show_heat(model: str, image: Path, out: Path) -> dict[str, Any]:
    """Write the image with its heat over it; return peak (in thresholds) and findings as plain values.

    Raises ``ModelError``, ``BadFrame``, ``DetectionError`` or ``ConfigurationError`` where ``out`` cannot be written.
    """
    found = load_model(find_model(model))
    detector = AnomalyDetector(found, open_backend(found, "onnxruntime"))
    now = datetime.now(UTC)
    frame = Frame(Trigger(image.stem, "show", 0, now), read_image(image), str(image), now)
    detections, heat = detector.detect(frame), detector.heat_map(frame)
    detector.close()
    picture = frame.pixels if frame.pixels.ndim == 3 else cv2.cvtColor(frame.pixels, cv2.COLOR_GRAY2BGR)  # noqa: PLR2004
    blended = cv2.addWeighted(picture, 0.6, shaded(heat), 0.4, 0)
    for item in detections.items:
        corners = [round(side) for side in (item.box.x0, item.box.y0, item.box.x1, item.box.y1)]
        cv2.rectangle(blended, corners[:2], corners[2:], (255, 255, 255), 1)
    written, content = cv2.imencode(".png", blended)
    try:
        out.write_bytes(content.tobytes() if written else b"")
    except OSError as error:
        raise ConfigurationError(f"{out}: cannot be written: {error.strerror}", remedy="Choose another file") from error
    return {
        "image": str(image),
        "peak": float(heat.max()),
        "findings": [
            {
                "label": item.label,
                "score": item.score,
                "box": [item.box.x0, item.box.y0, item.box.x1, item.box.y1],
            }
            for item in detections.items
        ],
    }
