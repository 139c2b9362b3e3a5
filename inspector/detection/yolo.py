"""The detector of the line: a YOLO model behind the ``Detector`` port, on whatever backend it is given."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inspector.detection.backend import Backend
from inspector.detection.card import Model
from inspector.detection.decode import BOX_ROWS, HeadError, decode
from inspector.detection.letterbox import Letterbox
from inspector.detection.temperature import with_temperature
from inspector.domain import Box, Detection, DetectionError, Detections, Frame, ModelError, ModelId

__all__ = ["YoloDetector"]

_OVERLAP = 0.6


class YoloDetector:
    """Frame -> Detections in raw-image pixels; for one thread.

    Parameters
    ----------
    floor
        Lowest score that is reported; None takes the card's.
    overlap
        Intersection over union above which the weaker of two boxes of one class is dropped.
    """

    def __init__(
        self, model: Model, backend: Backend, *, floor: float | None = None, overlap: float = _OVERLAP
    ) -> None:
        self._model = model
        self._backend = backend
        self._temperature = model.card.temperature
        # The floor speaks of calibrated scores, the head gives raw ones.
        self._floor = with_temperature(model.card.confidence_floor if floor is None else floor, 1 / self._temperature)
        self._overlap = overlap
        self._letterbox = Letterbox(model.card.input)
        self._rows = BOX_ROWS + len(model.card.classes)

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
        """The classes of the card."""
        return self._model.card.classes

    @property
    def margins_px(self) -> Mapping[str, float]:
        """How far boxes reach beyond the defect, in pixels, by class."""
        return dict.fromkeys(self.classes, self._model.card.box_margin_px)

    def warm_up(self) -> None:
        """Run once on an empty frame; raises ``ModelError`` where the head does not fit the card's classes."""
        spec = self._model.card.input
        batch, _ = self._letterbox(np.zeros((spec.height, spec.width), np.uint8))
        shape = self._backend.run(batch).shape
        if len(shape) != batch.ndim - 1 or shape[1] != self._rows:
            raise ModelError(
                f"{self._model.weights}: the output has shape {tuple(shape)}, expected (1, {self._rows}, anchors): "
                f"{BOX_ROWS} box rows and {len(self._model.card.classes)} classes",
                remedy="Correct key classes of the card, or export the weights without built-in NMS",
            )

    def detect(self, frame: Frame) -> Detections:
        """Return every finding at or above the floor; raises ``DetectionError``."""
        batch, place = self._letterbox(frame.pixels)
        output = self._backend.run(batch)
        if output.shape[:2] != (1, self._rows):
            raise DetectionError(
                f"{self._backend.name}: the output has shape {output.shape}, expected (1, {self._rows}, anchors)",
                remedy="Run `inspector models verify`",
            )
        try:
            found = decode(
                output[0],
                floor=self._floor,
                overlap=self._overlap,
                scale=place.scale,
                width=frame.width,
                height=frame.height,
            )
        except HeadError as error:
            raise DetectionError(
                f"{self._backend.name}: unsound output of model {self._model.card.name}: {error}",
                remedy="Choose another backend in the line's settings and run `inspector models verify`",
            ) from error
        classes = self._model.card.classes
        items = tuple(
            Detection(classes[label], with_temperature(score, self._temperature), Box(*box))
            for box, score, label in zip(
                found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True
            )
        )
        return Detections(items, self._model.card.model_id)

    def close(self) -> None:
        """Release the backend."""
        self._backend.close()
