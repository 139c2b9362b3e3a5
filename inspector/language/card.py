"""The card of a report writer: what its folder says of the weights, and the proof that they are these."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from inspector.domain import ModelError, ModelId

__all__ = ["CARD_NAME", "WriterCard", "WriterModel", "load_writer", "write_card"]

CARD_NAME = "card.yaml"

_REMEDY = "Fetch the model folder again, or train it again with the command in its card"


class WriterCard(BaseModel):
    """``card.yaml`` of a folder with a report writer.

    Attributes
    ----------
    weights, tokens
        File names in the card's folder: the ONNX decoder and its vocabulary, a JSON list.
    heads, head_width, layers, longest
        Shape of the decoder's memory, and how many tokens it can hold.
    data, metrics, command
        What it learned from, what it reached on held-out records, and the command that makes it again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    task: str = Field(pattern="^report$")
    weights: str = Field(pattern=r"^[^/\\]+\.onnx$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    tokens: str = Field(pattern=r"^[^/\\]+\.json$")
    tokens_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    layers: int = Field(ge=1, le=64)
    heads: int = Field(ge=1, le=64)
    head_width: int = Field(ge=1, le=512)
    longest: int = Field(ge=32, le=4096)
    parameters: int = Field(ge=1)
    languages: tuple[str, ...]
    licence: str
    data: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, Any] = Field(default_factory=dict)
    command: str = ""
    created: str = ""


@dataclass(frozen=True, slots=True)
class WriterModel:
    """A folder whose files are those of its card."""

    folder: Path
    card: WriterCard

    @property
    def weights(self) -> Path:
        """The ONNX file."""
        return self.folder / self.card.weights

    @property
    def id(self) -> ModelId:
        """Which weights speak."""
        return ModelId(self.card.name, self.card.version, self.card.sha256)

    def tokens(self) -> list[str]:
        """Return the vocabulary; raises ``ModelError``."""
        path = self.folder / self.card.tokens
        try:
            tokens = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} cannot be read ({error})", remedy=_REMEDY) from error
        if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
            raise ModelError(f"{path} is not a list of tokens", remedy=_REMEDY)
        return tokens


def load_writer(folder: Path) -> WriterModel:
    """Return the model in a folder, its files proven by their hashes; raises ``ModelError``."""
    path = folder / CARD_NAME
    try:
        card = WriterCard.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ModelError(f"the card of the report writer {path} cannot be read", remedy=_REMEDY) from error
    except (YAMLError, ValidationError) as error:
        raise ModelError(f"{path} is not the card of a report writer: {error}", remedy=_REMEDY) from error
    for name, expected in ((card.weights, card.sha256), (card.tokens, card.tokens_sha256)):
        try:
            found = sha256_of(folder / name)
        except OSError as error:
            raise ModelError(f"{folder / name} cannot be read", remedy=_REMEDY) from error
        if found != expected:
            raise ModelError(f"{folder / name} is not the file of its card: {found[:12]}…", remedy=_REMEDY)
    return WriterModel(folder, card)


def write_card(folder: Path, card: WriterCard) -> Path:
    """Write ``card.yaml`` into the folder and return its path."""
    path = folder / CARD_NAME
    yaml = YAML()
    yaml.default_flow_style = False
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump(card.model_dump(mode="json"), stream)
    return path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
