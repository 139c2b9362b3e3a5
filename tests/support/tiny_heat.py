"""An anomaly model of a few kilobytes whose heat is the grey level, 0 … 1, pixel by pixel."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from onnx import TensorProto, helper
from ruamel.yaml import YAML


def write_tiny_heat(folder: Path, *, width: int = 128, height: int = 96, heat: str = "Identity", **card: Any) -> Path:
    """Write weights and card into ``folder`` and return it; ``heat`` is an ONNX operation put behind the heat."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["images"], ["grey"], axes=[1], keepdims=1),
            helper.make_node(heat, ["grey"], ["heat"]),
        ],
        "tiny-heat",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, height, width])],
        [helper.make_tensor_value_info("heat", TensorProto.FLOAT, ["batch", 1, height, width])],
    )
    path = folder / "tiny-heat.onnx"
    path.write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    )
    keys: dict[str, Any] = {
        "name": "tiny-heat",
        "version": "1.0.0",
        "task": "anomaly",
        "weights": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "input": {
            "width": width,
            "height": height,
            "channels": 3,
            "colour": "grey",
            "normalisation": {"mean": 0.0, "std": 255.0},
            "pad_value": 0,
        },
        "classes": ["open"],
        "confidence_floor": 0.25,
        "anomaly": {
            "method": "padim",
            "placement": "free",
            "frame_width": width,
            "frame_height": height,
            "threshold": 0.25,
            "location": 0.1,
            "spread": 0.2,
        },
        "licence": "Apache-2.0",
        **card,
    }
    with (folder / "card.yaml").open("w", encoding="utf-8") as out:
        YAML().dump({key: value for key, value in keys.items() if value is not None}, out)
    return folder
