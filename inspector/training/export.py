"""Trained weights -> ONNX with a dynamic batch and the raw head output."""

# mypy: disable-error-code="import-not-found, import-untyped, misc"
# torch, ultralytics, onnxslim and faster-coco-eval come with the train extra only.

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inspector.training.dataset import DatasetError

if TYPE_CHECKING:
    from torch import nn

OPSET = 17
LARGEST_DIFFERENCE = 2e-3


def export_onnx(
    model: nn.Module,
    target: Path,
    classes: Sequence[str],
    *,
    planes: int = 3,
    size: int | tuple[int, int] = 640,
    task: str = "detect",
) -> float:
    """Write ``target`` and return the largest difference to the model it came from.

    Input ``images``: float32 (batch, planes, height, width), 0..1; ``size`` is both, or width and height.
    Output ``output0``: float32 (batch, 4 + classes, anchors), boxes as centre x, centre y, width, height in px,
    scores 0..1. Task ``obb`` adds a row with the angle in rad; task ``segment`` adds 32 rows of coefficients, and
    beside the anchors a column for each cell of the prototypes (height / 4, width / 4), in those same rows: one
    output is what every backend can hand over.

    Raises
    ------
    DatasetError
        The exported network does not answer as the trained one does.

    """
    import onnx
    import onnxslim
    import torch

    width, height = (size, size) if isinstance(size, int) else size
    plain = _one_output(_fused(model)) if task == "segment" else _fused(model)
    example = torch.rand(2, planes, height, width)
    with torch.no_grad():
        expected = plain(example)
    half_written = target.with_suffix(".part")
    with warnings.catch_warnings():
        # Of the two exporters the older one keeps the graph that the backends were measured with.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            plain,
            (example,),
            str(half_written),
            opset_version=OPSET,
            input_names=["images"],
            output_names=["output0"],
            dynamic_axes={"images": {0: "batch"}, "output0": {0: "batch"}},
            dynamo=False,
        )
    slim = onnxslim.slim(onnx.load(str(half_written)))
    names = str(dict(enumerate(classes)))
    onnx.helper.set_model_props(slim, {"names": names, "stride": "32", "task": task})
    onnx.save(slim, str(target))
    half_written.unlink()
    difference = _difference(target, example.numpy(), expected.numpy())
    if difference > LARGEST_DIFFERENCE * max(width, height):
        raise DatasetError(f"{target}: differs from the trained network by {difference:.3g}; do not ship it")
    return difference


def _fused(model: nn.Module) -> Any:
    """Return a copy with batch normalisation folded in, that answers with the decoded head only."""
    import torch

    fused = copy.deepcopy(model).float().to(memory_format=torch.contiguous_format).eval()
    fused.fuse(verbose=False)
    for module in fused.modules():
        if hasattr(module, "export") and hasattr(module, "anchors"):
            module.export = True
            module.dynamic = False
            module.format = "onnx"
    return fused


def _one_output(network: Any) -> Any:
    """Return a network that lays the prototypes beside the anchors."""
    import torch

    class OneOutput(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            head, prototypes = self.network(images)
            cells = prototypes.flatten(2)
            above = torch.zeros_like(head[:, : head.shape[1] - cells.shape[1], :1]).expand(-1, -1, cells.shape[2])
            return torch.cat([head, torch.cat([above, cells], dim=1)], dim=2)

    return OneOutput().eval()


def _difference(weights: Path, images: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(weights), providers=["CPUExecutionProvider"])
    answer = np.asarray(session.run(None, {"images": images})[0])
    if answer.shape != expected.shape:
        raise DatasetError(f"{weights}: answers {answer.shape}, the trained network {expected.shape}")
    return float(np.abs(answer - expected).max())
