"""The card of a search model: what its folder says of the weights, and the proof that they are these."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from inspector.domain import ModelError

__all__ = ["CARD_NAME", "SearchCard", "SearchFiles", "load_search", "sha256_of", "write_card"]

CARD_NAME = "card.yaml"
_REMEDY = "Fetch the model folder again, or train it again with the command in its card"
_ARRAYS = frozenset(
    {f"image.{name}" for name in ("mean", "std", "w1", "b1", "w2", "b2")}
    | {f"text.{name}" for name in ("tokens", "w1", "b1", "w2")}
)


class SearchCard(BaseModel):
    """``card.yaml`` of a folder with a search model.

    Attributes
    ----------
    weights, tokens
        File names in the card's folder: the two towers, and the words of the text tower.
    features, features_sha256
        The feature network below both, a model folder beside this one, and the hash of its weights.
    data, metrics, command
        What it learned from, what it reached on held-out defects, and the command that makes it again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    task: str = Field(pattern="^search$")
    weights: str = Field(pattern=r"^[^/\\]+\.npz$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    tokens: str = Field(pattern=r"^[^/\\]+\.json$")
    tokens_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    features: str = Field(pattern=r"^[^/\\]+$")
    features_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    dimensions: int = Field(ge=8, le=1024)
    classes: tuple[str, ...]
    languages: tuple[str, ...]
    licence: str
    data: list[dict[str, Any]] = Field(default_factory=list)
    metrics: dict[str, Any] = Field(default_factory=dict)
    command: str = ""
    created: str = ""


@dataclass(frozen=True, slots=True)
class SearchFiles:
    """A folder whose files are those of its card; ``features`` is the ONNX file of the feature network."""

    folder: Path
    features: Path
    card: SearchCard

    def tokens(self) -> list[str]:
        """Return the words of the text tower; raises ``ModelError``."""
        path = self.folder / self.card.tokens
        try:
            tokens = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} cannot be read ({error})", remedy=_REMEDY) from error
        if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
            raise ModelError(f"{path} is not a list of tokens", remedy=_REMEDY)
        return tokens

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights by name, float32; raises ``ModelError``."""
        path = self.folder / self.card.weights
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {name: archive[name].astype(np.float32) for name in archive.files}
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} cannot be read ({error})", remedy=_REMEDY) from error
        if missing := _ARRAYS - set(arrays):
            raise ModelError(f"{path} lacks {', '.join(sorted(missing))}", remedy=_REMEDY)
        return arrays


def load_search(folder: Path) -> SearchFiles:
    """Return the model in a folder, its files and its feature network proven by hashes; raises ``ModelError``."""
    path = folder / CARD_NAME
    try:
        card = SearchCard.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ModelError(f"the card of the search model {path} cannot be read", remedy=_REMEDY) from error
    except (YAMLError, ValidationError) as error:
        raise ModelError(f"{path} is not the card of a search model: {error}", remedy=_REMEDY) from error
    network = folder.parent / card.features
    features = network / f"{card.features}.onnx"
    for file, expected in (
        (folder / card.weights, card.sha256),
        (folder / card.tokens, card.tokens_sha256),
        (features, card.features_sha256),
    ):
        try:
            found = sha256_of(file)
        except OSError as error:
            raise ModelError(f"{file} cannot be read", remedy=_REMEDY) from error
        if found != expected:
            raise ModelError(f"{file} is not the file that {path} means: {found[:12]}…", remedy=_REMEDY)
    return SearchFiles(folder, features, card)


def write_card(folder: Path, card: SearchCard) -> Path:
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
