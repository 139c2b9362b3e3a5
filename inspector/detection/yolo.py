"""The detector of the line: a YOLO model behind the ``Detector`` port, on whatever backend it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from inspector.detection.backend import Backend
from inspector.detection.card import Model
from inspector.detection.decode import BOX_ROWS, HeadError, decode
from inspector.detection.golden_parts import GoldenSource
from inspector.detection.identity import rule_id
from inspector.detection.letterbox import Letterbox
from inspector.detection.outlines import HeadLayout
from inspector.detection.temperature import with_temperature
from inspector.domain import Box, ConfigurationError, Detection, DetectionError, Detections, Frame, ModelError, ModelId

__all__ = ["YoloDetector"]

_OVERLAP = 0.6


class YoloDetector:
    """Frame -> Detections in raw-image pixels; for one thread.

    Parameters
    ----------
    floor
        Lowest score that is reported; None takes the card's.
    golden
        Golden parts that the model compares with, where its weights see them.
    overlap
        Intersection over union above which the weaker of two boxes of one class is dropped.
    """

    def __init__(
        self,
        model: Model,
        backend: Backend,
        *,
        floor: float | None = None,
        overlap: float = _OVERLAP,
        golden: GoldenSource | None = None,
    ) -> None:
        self._model = model
        self._backend = backend
        self._temperature = model.card.temperature
        self.floor = _card_floor(model, golden) if floor is None else floor
        # The floor speaks of calibrated scores, the head gives raw ones.
        self._floor = with_temperature(self.floor, 1 / self._temperature)
        self._golden = golden
        self._overlap = overlap
        self._letterbox = Letterbox(model.card.input)
        self._layout = HeadLayout(model.card)
        self._identity = model.card.model_id
        if golden is not None:
            shown = rule_id("golden", *golden.facts).sha256[:8]
            self._identity = replace(self._identity, version=f"{self._identity.version}+golden.{shown}")

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
        """Name, version and hash of the weights; the version says which golden parts they are shown."""
        return self._identity

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
        if not self._layout.fits(shape):
            raise ModelError(
                f"{self._model.weights}: the output has shape {tuple(shape)}, expected {self._layout.described}: "
                f"{BOX_ROWS} box rows and {len(self._model.card.classes)} classes",
                remedy="Correct key classes of the card, or export the weights without built-in NMS",
            )

    def detect(self, frame: Frame) -> Detections:
        """Return every finding at or above the floor; raises ``DetectionError``."""
        golden = self._golden.laid_on(frame) if self._golden is not None else None
        batch, place = self._letterbox(frame.pixels, golden)
        output = self._backend.run(batch)
        if not self._layout.fits(output.shape):
            raise DetectionError(
                f"{self._backend.name}: the output has shape {output.shape}, expected {self._layout.described}",
                remedy="Run `inspector models verify`",
            )
        try:
            found = decode(
                self._layout.scored(output[0]),
                floor=self._floor,
                overlap=self._overlap,
                scale=place.scale,
                width=frame.width,
                height=frame.height,
                angles=self._layout.angles(output[0]),
            )
        except HeadError as error:
            raise DetectionError(
                f"{self._backend.name}: unsound output of model {self._model.card.name}: {error}",
                remedy="Choose another backend in the line's settings and run `inspector models verify`",
            ) from error
        classes = self._model.card.classes
        items = tuple(
            Detection(
                classes[label],
                with_temperature(score, self._temperature),
                Box(*box),
                self._layout.mask(output[0], anchor, Box(*box), place.scale),
            )
            for box, score, label, anchor in zip(
                found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), found.anchors.tolist(), strict=True
            )
        )
        return Detections(items, self._identity)

    def close(self) -> None:
        """Release the backend."""
        self._backend.close()


def _card_floor(model: Model, golden: GoldenSource | None) -> float:
    """Return the floor of the card; raises ``ConfigurationError`` where golden parts do not go with the weights."""
    card = model.card
    if golden is not None and not card.input.sees_golden:
        raise ConfigurationError(
            f"detector: model {card.name} looks at the part alone, it cannot use a golden image",
            remedy="Leave out 'golden:', or choose a model whose card says channels: 2",
        )
    if golden is None and card.input.sees_golden:
        if card.floor_without_golden is None:
            raise ConfigurationError(
                f"detector: model {card.name} compares with a golden part and has none",
                remedy="Add 'golden: {image: ...}' with a picture of a good part",
            )
        return card.floor_without_golden
    return card.confidence_floor
