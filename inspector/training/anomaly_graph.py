"""Backbone plus what was learnt from good parts -> one ONNX graph from image to heat map.

The distance is part of the graph, so every backend that runs a detector runs an anomaly model too, and one hash
covers all of it.
"""

# mypy: disable-error-code="import-not-found, import-untyped"
# onnx comes with the anomaly and train extras only.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.domain import ModelError

__all__ = ["FeatureCut", "features_graph", "heat_graph"]

HEAT = "heat"
FEATURES = "features"
_INT = np.int64


@dataclass(frozen=True, slots=True)
class FeatureCut:
    """Which of the backbone's features, on what grid.

    ``blocks`` are outputs of the backbone; the first one's grid is the grid of the heat map, the others are resized
    to it. ``channels`` are indices into the blocks' channels one after the other; empty takes all.
    """

    blocks: tuple[str, ...]
    height: int
    width: int
    channels: tuple[int, ...] = ()


class _Builder:
    """A copy of the backbone that nodes are appended to."""

    def __init__(self, backbone: Path, cut: FeatureCut) -> None:
        import onnx

        try:
            self.model: Any = onnx.load(str(backbone))
        except (OSError, ValueError) as error:
            raise ModelError(f"{backbone}: not a readable ONNX model: {error}") from error
        known = [output.name for output in self.model.graph.output]
        missing = [block for block in cut.blocks if block not in known]
        if missing:
            raise ModelError(
                f"{backbone}: there is no output {', '.join(missing)}", remedy=f"Choose of {', '.join(known)}"
            )
        del self.model.graph.output[:]
        # The inferred shapes of the open sizes would contradict the fixed ones below.
        del self.model.graph.value_info[:]

    def constant(self, name: str, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.model.graph.node.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def cut(self, cut: FeatureCut) -> str:
        """Add the chosen features on one grid; return the name of (N, channels, grid height, grid width)."""
        first, *others = cut.blocks
        parts = [first]
        grid = ""
        if others:
            shape = self.node("Shape", [first], "grid.shape")
            grid = self.node(
                "Slice",
                [
                    shape,
                    self.constant("grid.two", np.array([2], _INT)),
                    self.constant("grid.four", np.array([4], _INT)),
                ],
                "grid.sides",
            )
        for block in others:
            size = self.node(
                "Slice",
                [
                    self.node("Shape", [block], f"{block}.shape"),
                    self.constant(f"{block}.zero", np.array([0], _INT)),
                    self.constant(f"{block}.two", np.array([2], _INT)),
                ],
                f"{block}.front",
            )
            sizes = self.node("Concat", [size, grid], f"{block}.sizes", axis=0)
            parts.append(
                self.node(
                    "Resize",
                    [block, "", "", sizes],
                    f"{block}.resized",
                    mode="linear",
                    coordinate_transformation_mode="half_pixel",
                )
            )
        joined = self.node("Concat", parts, "joined", axis=1)
        if cut.channels:
            joined = self.node(
                "Gather", [joined, self.constant("channels", np.array(cut.channels, _INT))], "chosen", axis=1
            )
        return joined

    def finish(self, name: str, channels: int, cut: FeatureCut, grid: tuple[int, int]) -> Any:
        """Return the model with one output of (N, channels, *grid) and an input of the fixed size."""
        import onnx
        from onnx import TensorProto, helper

        graph = self.model.graph
        shape = graph.input[0].type.tensor_type.shape
        shape.dim[2].dim_value, shape.dim[3].dim_value = cut.height, cut.width
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", channels, *grid]))
        _drop_unused(graph)
        onnx.checker.check_model(self.model)
        return self.model


def features_graph(backbone: Path, cut: FeatureCut, channels: int, grid: tuple[int, int]) -> Any:
    """Return the graph from image to features (N, channels, grid height, grid width), for training.

    Raises
    ------
    ModelError
        The backbone cannot be read or lacks a block.
    """
    builder = _Builder(backbone, cut)
    builder.node("Identity", [builder.cut(cut)], FEATURES)
    return builder.finish(FEATURES, channels, cut, grid)


def heat_graph(
    backbone: Path,
    cut: FeatureCut,
    grid: tuple[int, int],
    *,
    mean: NDArray[np.float32] | None = None,
    whitening: NDArray[np.float32] | None = None,
    memory: NDArray[np.float32] | None = None,
    kernel: NDArray[np.float32],
) -> Any:
    """Return the graph from image to heat map (N, 1, grid height, grid width).

    Parameters
    ----------
    mean, whitening
        Of one Gaussian (1, d) and (1, d, d), or of one for each cell (cells, d) and (cells, d, d); heat is the
        Mahalanobis distance ``|whitening (x - mean)|``.
    memory
        (m, d) features of good patches; heat is the Euclidean distance to the nearest.
    kernel
        (k,), odd and summing to 1: smooths the heat map along both axes, mirrored at its edges.
    """
    builder = _Builder(backbone, cut)
    features = builder.cut(cut)
    flat = builder.node("Reshape", [features, builder.constant("flat.shape", np.array([0, 0, -1], _INT))], "flat")
    if memory is not None:
        distance = _nearest(builder, flat, memory)
    elif mean is not None and whitening is not None:
        distance = _mahalanobis(builder, flat, mean, whitening)
    else:
        raise ValueError("a heat map needs mean and whitening, or a memory")
    to_map = builder.constant("map.shape", np.array([-1, 1, *grid], _INT))
    sharp = builder.node("Reshape", [distance, to_map], "sharp")
    _smooth(builder, sharp, kernel)
    return builder.finish(HEAT, 1, cut, grid)


def _mahalanobis(builder: _Builder, flat: str, mean: NDArray[np.float32], whitening: NDArray[np.float32]) -> str:
    """Add |W (x - mean)| of (N, d, cells); return the name of (N, cells)."""
    # (N, d, cells) -> (cells, d, N): the batch is the last axis, so that each cell has a matrix of its own.
    by_cell = builder.node("Transpose", [flat], "by.cell", perm=[2, 1, 0])
    centred = builder.node("Sub", [by_cell, builder.constant("mean", mean[:, :, None])], "centred")
    white = builder.node("MatMul", [builder.constant("whitening", whitening), centred], "white")
    length = builder.node("ReduceL2", [white], "length", axes=[1], keepdims=0)
    return builder.node("Transpose", [length], "distance", perm=[1, 0])


def _nearest(builder: _Builder, flat: str, memory: NDArray[np.float32]) -> str:
    """Add the distance of (N, d, cells) to the nearest of (m, d); return the name of (N, cells)."""
    # |x - m|² = |x|² - 2 x·m + |m|², around the memory's middle: large equal parts would eat the float's digits.
    middle = memory.mean(axis=0)
    centred = builder.node("Sub", [flat, builder.constant("middle", middle[None, :, None])], "centred")
    around = memory - middle
    products = builder.node("MatMul", [builder.constant("memory", -2 * around), centred], "products")
    lengths = builder.constant("lengths", (around**2).sum(axis=1)[None, :, None])
    sums = builder.node("Add", [products, lengths], "sums")
    nearest = builder.node("ReduceMin", [sums], "nearest", axes=[1], keepdims=0)
    own = builder.node("ReduceSumSquare", [centred], "own", axes=[1], keepdims=0)
    squared = builder.node("Add", [nearest, own], "squared")
    # ReLU: rounding may leave a little less than nothing.
    return builder.node("Sqrt", [builder.node("Relu", [squared], "positive")], "distance")


def _smooth(builder: _Builder, sharp: str, kernel: NDArray[np.float32]) -> None:
    side = len(kernel) // 2
    pads = builder.constant("mirror", np.array([0, 0, side, side, 0, 0, side, side], _INT))
    wider = builder.node("Pad", [sharp, pads], "mirrored", mode="reflect")
    plane = np.outer(kernel, kernel)[None, None].astype(np.float32)
    builder.node("Conv", [wider, builder.constant("kernel", plane)], HEAT, kernel_shape=[len(kernel), len(kernel)])


def _drop_unused(graph: Any) -> None:
    """Remove nodes and constants that no output needs: blocks below the chosen ones."""
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input)
    constants = [constant for constant in graph.initializer if constant.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(constants)
