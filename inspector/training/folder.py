"""A network and its facts -> a model folder: weights, their hash, and the card."""

# mypy: disable-error-code="import-not-found, import-untyped"
# onnx comes with the anomaly and train extras only.

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inspector.domain import ModelError
from inspector.training.card import save_card

__all__ = ["write_model_folder"]


def write_model_folder(folder: Path, model: Any, facts: Mapping[str, Any]) -> Path:
    """Write ``<name>.onnx`` and ``card.yaml`` and return the path of the card.

    Parameters
    ----------
    facts
        Everything of the card but ``weights``, ``sha256`` and ``created``; ``name`` names the weights too.

    Raises
    ------
    ModelError
        The folder cannot be written.
    """
    content = model.SerializeToString()
    weights = folder / f"{facts['name']}.onnx"
    head = {key: facts[key] for key in ("name", "version", "task")}
    rest = {key: value for key, value in facts.items() if key not in head}
    card = {
        **head,
        "weights": weights.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        **rest,
        "created": datetime.now(UTC).date().isoformat(),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        weights.write_bytes(content)
        path = save_card(folder, card)
    except OSError as error:
        raise ModelError(
            f"{folder}: the model cannot be written: {error.strerror}", remedy="Check the folder and its rights"
        ) from error
    return path
