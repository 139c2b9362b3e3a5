"""The model card: what a model folder says of its weights, and the proof that it says so of these weights."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from inspector.detection.onnx_session import open_session
from inspector.domain import ModelError, ModelId

__all__ = [
    "CARD_NAME",
    "AnomalySpec",
    "InputSpec",
    "Model",
    "ModelCard",
    "find_model",
    "load_model",
    "models_folder",
    "read_card",
]

CARD_NAME = "card.yaml"

_LARGEST_MARGIN_PX = 100

_REMEDY_WEIGHTS = "Fetch the model folder again, or train it again with the command in its card"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Normalisation(_Section):
    """``(grey level - mean) / std`` on grey levels 0 … 255, the same for every channel."""

    mean: float = 0.0
    std: float = Field(default=255.0, gt=0)


class InputSpec(_Section):
    """What the weights want to see.

    Attributes
    ----------
    channels
        1 or 3: the frame; 2: the frame as grey levels and, laid on it, the golden part. Where a line has none, the
        second plane is empty.
    colour
        ``grey``: the frame as grey levels, repeated over the channels; ``rgb`` or ``bgr``: three planes
        in this order (a grey frame is repeated).
    pad_value
        Grey level 0 … 255 of the border where the frame is smaller than the input.
    """

    width: int = Field(ge=32, le=16384)
    height: int = Field(ge=32, le=16384)
    channels: Literal[1, 2, 3]
    layout: Literal["NCHW"] = "NCHW"
    colour: Literal["grey", "rgb", "bgr"] = "rgb"
    normalisation: Normalisation = Normalisation()
    pad_value: int = Field(default=114, ge=0, le=255)

    @model_validator(mode="after")
    def _grey_pair(self) -> Self:
        if self.sees_golden and self.colour != "grey":
            raise ValueError("two channels are the frame and the golden part, both grey: key colour must say grey")
        return self

    @property
    def sees_golden(self) -> bool:
        """Whether the second channel is the golden part."""
        return self.channels == 2  # noqa: PLR2004

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        return self.channels, self.height, self.width


class AnomalySpec(_Section):
    """How the heat map of a good-only model becomes findings.

    Attributes
    ----------
    method
        ``padim``: distance to the normal appearance, as a Gaussian; ``patchcore``: to the nearest remembered patch.
    placement
        ``fixed``: parts lie at one place, each place has a normal appearance of its own; ``free``: one for all.
    frame_width, frame_height
        Size of the good images in pixels; a frame of another size is refused, or of another scale where the
        placement is free.
    threshold
        Heat above which a region is a finding; heat is a distance without unit.
    location, spread
        Gumbel distribution of the highest heat of good parts; a finding's score is the share of good parts that
        stay cooler.
    """

    method: Literal["padim", "patchcore"]
    placement: Literal["fixed", "free"]
    threshold: float = Field(gt=0)
    frame_width: int = Field(ge=32, le=16384)
    frame_height: int = Field(ge=32, le=16384)
    location: float
    spread: float = Field(gt=0)


class ModelCard(_Section):
    """``card.yaml`` of a model folder.

    Attributes
    ----------
    task
        ``detect``: boxes and classes; ``segment``: the pixels of each finding too; ``obb``: oriented boxes, whose
        pixels are told as a mask; ``anomaly``: a heat map of what good parts do not have; ``features``: the
        network that anomaly models are made from, no detector by itself.
    weights
        File name of the weights, in the card's folder.
    classes
        Class names in the order of the head's score rows; one name for anomalies.
    confidence_floor
        Score below which the model's findings are not reported, 0 … 1; chosen on held-out data.
    floor_without_golden
        The floor where a model that sees the golden part is shown none; absent, it must be shown one.
    temperature
        Divides the log-odds of the scores, so that 0.9 means right in nine of ten; 1 leaves them as they are.
        The floors speak of scores after it.
    anomaly
        Only where the task is ``anomaly``.
    data, metrics, command
        What it was trained on, what it reached on held-out data, and the command that makes it again.
    """

    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    task: Literal["detect", "segment", "obb", "anomaly", "features"]
    weights: str = Field(pattern=r"^[^/\\]+\.onnx$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    input: InputSpec
    classes: tuple[str, ...] = ()
    confidence_floor: float = Field(default=0.0, ge=0, le=1)
    floor_without_golden: float | None = Field(default=None, ge=0, le=1)
    temperature: float = Field(default=1.0, ge=0.05, le=20)
    anomaly: AnomalySpec | None = None
    licence: str = Field(min_length=1)
    data: Any = None
    metrics: Mapping[str, Any] = Field(default_factory=dict)
    command: str = ""
    created: date | datetime | str | None = None

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(classes)) != len(classes) or not all(classes):
            raise ValueError("class names must be distinct and not empty")
        return classes

    @field_validator("metrics")
    @classmethod
    def _sound_margin(cls, metrics: Mapping[str, Any]) -> Mapping[str, Any]:
        margin = metrics.get("box_margin_px", 0.0)
        if not isinstance(margin, int | float) or not 0 <= margin < _LARGEST_MARGIN_PX:
            raise ValueError(f"box_margin_px must be a number of pixels from 0 on, got {margin!r}")
        return metrics

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.task == "features":
            return self
        needed = ["classes", "confidence_floor", *(["anomaly"] if self.task == "anomaly" else [])]
        missing = [key for key in needed if key not in self.model_fields_set]
        if missing:
            raise ValueError(f"key {', '.join(missing)}: missing, a model with task {self.task} needs it")
        if not self.classes or (self.task == "anomaly" and len(self.classes) != 1):
            wanted = "one class" if self.task == "anomaly" else "at least one class"
            raise ValueError(f"key classes: a model with task {self.task} has {wanted}, got {len(self.classes)}")
        return self

    @property
    def model_id(self) -> ModelId:
        """Identity that goes into every record."""
        return ModelId(self.name, self.version, self.sha256)

    @property
    def box_margin_px(self) -> float:
        """How far boxes reach beyond the defect on every side, in input pixels; 0 where the card is silent."""
        return float(self.metrics.get("box_margin_px", 0.0))


@dataclass(frozen=True, slots=True)
class Model:
    """A model folder whose weights were proven to be the ones of its card."""

    card: ModelCard
    folder: Path

    @property
    def weights(self) -> Path:
        """Path of the ONNX file."""
        return self.folder / self.card.weights


def models_folder() -> Path:
    """Return the folder of the models that come with the product."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "_shipped" / "models"
    return shipped if shipped.is_dir() else package.parent / "models"


def find_model(model: str | Path, folder: Path | None = None) -> Path:
    """Return the model folder named ``model`` under ``folder`` (default: the shipped models), or that path.

    Raises ``ModelError`` where neither has a card.
    """
    folder = models_folder() if folder is None else folder
    candidates = [Path(model)] if Path(model).parent != Path() else [folder / model, Path(model)]
    for candidate in candidates:
        if (candidate / CARD_NAME).is_file():
            return candidate
    known = ", ".join(sorted(path.parent.name for path in folder.glob(f"*/{CARD_NAME}"))) or "none"
    raise ModelError(
        f"model {model}: there is no {CARD_NAME} in {' or '.join(str(path) for path in candidates)}",
        remedy=f"Name one of the models in {folder} ({known}) or the path of a folder with a {CARD_NAME}",
    )


def read_card(folder: Path) -> ModelCard:
    """Return the card of a model folder without looking at the weights; raises ``ModelError``."""
    path = folder / CARD_NAME
    try:
        raw = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{path}: there is no such card", remedy=_REMEDY_WEIGHTS) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: the card cannot be read: {error}", remedy="Check the file and its rights") from error
    except YAMLError as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        line = f":{mark.line + 1}" if mark else ""
        raise ModelError(f"{path}{line}: the card is not YAML", remedy="Correct the line") from error
    if not isinstance(raw, dict):
        raise ModelError(f"{path}: the card is not a mapping of keys to values", remedy="See models/bare-board")
    try:
        return ModelCard.model_validate(raw)
    except ValidationError as error:
        problems = "; ".join(
            f"key {'.'.join(map(str, item['loc']))}: {item['msg']}"
            if item["loc"]
            else item["msg"].removeprefix("Value error, ")
            for item in error.errors()
        )
        raise ModelError(f"{path}: {problems}", remedy="Correct these keys; models/bare-board is an example") from error


def load_model(folder: Path, *, classes: Sequence[str] | None = None) -> Model:
    """Return the model of a folder after proving hash, class list and input of its weights.

    Parameters
    ----------
    classes
        Class names that the line speaks of; each must be one of the card's. None: do not compare.

    Raises
    ------
    ModelError
        A file is missing, altered or unreadable, or the classes differ.
    """
    card = read_card(folder)
    path = folder / CARD_NAME
    weights = folder / card.weights
    try:
        content = weights.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{weights}: the weights that key weights of {path} names cannot be read: {error.strerror}",
            remedy=_REMEDY_WEIGHTS,
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256:
        raise ModelError(
            f"{weights}: SHA-256 is {found[:12]}…, key sha256 of {path} says {card.sha256[:12]}…",
            remedy=f"The weights were altered or half copied. {_REMEDY_WEIGHTS}",
        )
    _check_metadata(card, path, weights)
    unknown = [name for name in classes or () if name not in card.classes]
    if unknown:
        raise ModelError(
            f"{path}: key classes has no {', '.join(unknown)}; the model knows {', '.join(card.classes)}",
            remedy="Name only classes of the model in the line's rules, or choose another model",
        )
    return Model(card, folder)


def _check_metadata(card: ModelCard, path: Path, weights: Path) -> None:
    session = open_session(weights, optimise=False)
    named = _names(session.get_modelmeta().custom_metadata_map.get("names", ""))
    if named is not None and named != card.classes:
        raise ModelError(
            f"{path}: key classes says {', '.join(card.classes)}; {weights.name} itself says {', '.join(named)}",
            remedy="Write the weights' own class names into the card, in their order",
        )
    inputs = session.get_inputs()
    wanted = card.input.shape
    shape = list(inputs[0].shape[1:]) if inputs else []
    fits = len(shape) == len(wanted) and all(
        not isinstance(side, int) or side == want for side, want in zip(shape, wanted, strict=True)
    )
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or not fits:
        raise ModelError(
            f"{path}: key input says float32 (N, {', '.join(map(str, wanted))}); {weights.name} takes "
            f"{', '.join(f'{item.type} {item.shape}' for item in inputs)}",
            remedy="Correct key input of the card, or export the weights with one float32 NCHW input",
        )


def _names(text: str) -> tuple[str, ...] | None:
    """Return the class names of ultralytics' ``names`` metadata, a dict of index to name written as text."""
    if not text:
        return None
    try:
        names = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
    if isinstance(names, dict):
        names = [names[key] for key in sorted(names)]
    return tuple(str(name) for name in names) if isinstance(names, list | tuple) else None
