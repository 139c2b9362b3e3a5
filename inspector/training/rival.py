"""ultralytics' own predict on exported weights: what our detect call is measured against."""

# mypy: disable-error-code="import-not-found, import-untyped"
# torch and ultralytics come with the train extra only.

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["ultralytics_predict"]


def ultralytics_predict(
    weights: Path, pixels: NDArray[np.uint8], *, floor: float, threads: int
) -> Callable[[], object] | None:
    """Return a call of their predict on this picture, (H, W) grey; None where ultralytics is not installed."""
    if importlib.util.find_spec("ultralytics") is None:
        return None
    import torch
    import ultralytics

    torch.set_num_threads(threads)
    model = ultralytics.YOLO(str(weights), task="detect")
    colour = np.ascontiguousarray(np.dstack([pixels] * 3))
    return partial(model.predict, colour, imgsz=list(pixels.shape), conf=floor, verbose=False, device="cpu")
