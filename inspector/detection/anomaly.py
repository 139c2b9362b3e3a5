"""Good-only detection: a heat map of what good parts do not have, and its hot regions as findings."""

from __future__ import annotations

import math
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.detection.backend import Backend
from inspector.detection.card import AnomalySpec, Model
from inspector.detection.letterbox import Letterbox, Placement
from inspector.detection.regions import Region, hot_regions
from inspector.domain import Box, Detection, DetectionError, Detections, Frame, ModelError, ModelId

__all__ = ["AnomalyDetector"]

_HEAT_DIMENSIONS = 4
_SCALE_TOLERANCE = 0.01


class AnomalyDetector:
    """Frame -> Detections of one class, with masks, in raw-image pixels; for one thread.

    A finding's score is the share of good parts that stay cooler than its hottest place (Gumbel distribution of
    the highest heat of good parts, fitted in training on images held out).
    """

    def __init__(self, model: Model, backend: Backend) -> None:
        if model.card.anomaly is None:
            raise ModelError(
                f"{model.folder}: a model with task {model.card.task} has no heat map",
                remedy="Choose a model that `inspector anomaly train` made",
            )
        self._model = model
        self._spec: AnomalySpec = model.card.anomaly
        self._backend = backend
        self._letterbox = Letterbox(model.card.input)

    @property
    def model(self) -> Model:
        """The model folder and card it speaks for."""
        return self._model

    @property
    def backend(self) -> str:
        """Name of the backend that runs."""
        return self._backend.name

    @property
    def identity(self) -> ModelId:
        """Name, version and hash of the weights."""
        return self._model.card.model_id

    @property
    def description(self) -> str:
        """Model, version and backend, for people."""
        return f"{self._model.card.name} {self._model.card.version} ({self._backend.name})"

    @property
    def classes(self) -> tuple[str, ...]:
        """The one class of its findings."""
        return self._model.card.classes

    @property
    def margins_px(self) -> Mapping[str, float]:
        """How far boxes reach beyond the defect, in raw-image pixels, by class."""
        return dict.fromkeys(self.classes, self._model.card.box_margin_px)

    def warm_up(self) -> None:
        """Run once on an empty frame; raises ``ModelError`` where the output is no heat map."""
        batch, _ = self._letterbox(np.zeros((self._spec.frame_height, self._spec.frame_width), np.uint8))
        shape = self._backend.run(batch).shape
        if len(shape) != _HEAT_DIMENSIONS or shape[:2] != (1, 1):
            raise ModelError(
                f"{self._model.weights}: the output has shape {tuple(shape)}, expected (1, 1, rows, columns)",
                remedy="Train the model again with `inspector anomaly train`",
            )

    def detect(self, frame: Frame) -> Detections:
        """Return every hot region; raises ``DetectionError``."""
        heat, place = self._heat(frame)
        scale_x, scale_y = place.scale
        items = [
            self._detection(region, scale_x, scale_y, frame)
            for region in hot_regions(heat, self._step(heat), self._spec.threshold, (place.width, place.height))
        ]
        return Detections(tuple(items), self._model.card.model_id)

    def heat_map(self, frame: Frame) -> NDArray[np.float32]:
        """Return the heat of every pixel over the threshold, float32 (H, W): above 1 is a finding.

        Raises ``DetectionError``.
        """
        heat, place = self._heat(frame)
        relative = heat / np.float32(self._spec.threshold)
        step = self._step(heat)
        stretched = cv2.resize(relative, (relative.shape[1] * step, relative.shape[0] * step))
        shown = stretched[: place.height, : place.width]
        return np.asarray(cv2.resize(shown, (frame.width, frame.height)), np.float32)

    def peak(self, frame: Frame) -> float:
        """Return the highest heat of the frame; raises ``DetectionError``."""
        heat, place = self._heat(frame)
        step = self._step(heat)
        return float(heat[: math.ceil(place.height / step), : math.ceil(place.width / step)].max())

    def score(self, peak: float) -> float:
        """Return the share of good parts that stay cooler than this heat, 0 … 1."""
        return math.exp(-math.exp(min(700.0, (self._spec.location - peak) / self._spec.spread)))

    def close(self) -> None:
        """Release the backend."""
        self._backend.close()

    def _step(self, heat: NDArray[np.float32]) -> int:
        return int(self._model.card.input.height // heat.shape[0])

    def _heat(self, frame: Frame) -> tuple[NDArray[np.float32], Placement]:
        self._check_size(frame)
        batch, place = self._letterbox(frame.pixels)
        output = self._backend.run(batch)
        if output.ndim != _HEAT_DIMENSIONS or output.shape[:2] != (1, 1) or not np.isfinite(output).all():
            # Not-a-number is above no threshold: an unsound model must not look like "no findings".
            raise DetectionError(
                f"{self._backend.name}: unsound heat map of model {self._model.card.name}, shape {output.shape}",
                remedy="Choose another backend in the line's settings and run `inspector models verify`",
            )
        return output[0, 0], place

    def _check_size(self, frame: Frame) -> None:
        spec = self._spec
        known = self._letterbox.placement(spec.frame_width, spec.frame_height).scale
        fits = (frame.width, frame.height) == (spec.frame_width, spec.frame_height) or (
            # One normal appearance for all places: any size will do, as long as things look equally large.
            spec.placement == "free"
            and np.allclose(self._letterbox.placement(frame.width, frame.height).scale, known, rtol=_SCALE_TOLERANCE)
        )
        if not fits:
            raise DetectionError(
                f"the frame has {frame.width} x {frame.height} pixels, model {self._model.card.name} knows good parts "
                f"of {spec.frame_width} x {spec.frame_height}",
                remedy="Set the camera to the size of the training images, or train again with images of this size",
            )

    def _detection(self, region: Region, scale_x: float, scale_y: float, frame: Frame) -> Detection:
        left, top, right, bottom = region.box
        box = Box(
            left / scale_x,
            top / scale_y,
            min(right / scale_x, float(frame.width)),
            min(bottom / scale_y, float(frame.height)),
        )
        size = max(1, round(box.width)), max(1, round(box.height))
        mask = region.mask
        if mask.shape != (size[1], size[0]):
            mask = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(np.bool_)
        return Detection(self.classes[0], self.score(region.peak), box, mask)
