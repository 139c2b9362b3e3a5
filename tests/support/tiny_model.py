"""A model folder of a few kilobytes whose answer can be worked out by hand.

Each cell of 32 x 32 px is an anchor with a box of the cell's size; its score for class ``k`` is the cell's mean
grey level (0 … 1) times ``gains[k]``. A white square on black is therefore one finding, exactly there.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from ruamel.yaml import YAML

CELL = 32
CLASSES = ("open", "short")
GAINS = (1.0, 0.5)


def write_tiny_model(
    folder: Path,
    *,
    width: int = 128,
    height: int = 96,
    classes: tuple[str, ...] = CLASSES,
    named: tuple[str, ...] | None = CLASSES,
    gains: tuple[float, ...] = GAINS,
    planes: int = 3,
    **card: Any,
) -> Path:
    """Write weights and card into ``folder`` and return it; ``card`` replaces keys of the card, None drops one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tiny.onnx"
    path.write_bytes(_network(width, height, gains, named, planes).SerializeToString())
    keys: dict[str, Any] = {
        "name": "tiny",
        "version": "1.0.0",
        "task": "detect",
        "weights": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "input": {
            "width": width,
            "height": height,
            "channels": 3,
            "layout": "NCHW",
            "colour": "grey",
            "normalisation": {"mean": 0.0, "std": 255.0},
            "pad_value": 0,
        },
        "classes": list(classes),
        "confidence_floor": 0.25,
        "licence": "Apache-2.0",
        "metrics": {"held_out": {"map50": 0.5}, "box_margin_px": 2},
        **card,
    }
    with (folder / "card.yaml").open("w", encoding="utf-8") as out:
        YAML().dump({key: value for key, value in keys.items() if value is not None}, out)
    return folder


def board(*cells: tuple[int, int], width: int = 128, height: int = 96, level: int = 255) -> NDArray[np.uint8]:
    """Return a black picture with these (column, row) cells at a grey level."""
    pixels = np.zeros((height, width), np.uint8)
    for column, row in cells:
        pixels[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL] = level
    return pixels


def _network(
    width: int, height: int, gains: tuple[float, ...], named: tuple[str, ...] | None, planes: int
) -> onnx.ModelProto:
    columns, rows = width // CELL, height // CELL
    x, y = np.meshgrid((np.arange(columns) + 0.5) * CELL, (np.arange(rows) + 0.5) * CELL)
    side = np.full(x.size, CELL)
    boxes = np.stack([x.ravel(), y.ravel(), side, side])[None].astype(np.float32)
    constants = {
        "boxes": boxes,
        "zero": np.zeros((1, 1, 1), np.float32),
        "shape": np.array([0, 1, -1], np.int64),
        "gains": np.array(gains, np.float32).reshape(1, -1, 1),
    }
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("AveragePool", ["grey"], ["cells"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]),
        helper.make_node("Reshape", ["cells", "shape"], ["means"]),
        helper.make_node("Mul", ["means", "gains"], ["scores"]),
        helper.make_node("Mul", ["means", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "boxes"], ["batched"]),
        helper.make_node("Concat", ["batched", "scores"], ["output0"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", planes, height, width])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["batch", 4 + len(gains), columns * rows])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if named is not None:
        helper.set_model_props(model, {"names": str(dict(enumerate(named))), "task": "detect"})
    return model
