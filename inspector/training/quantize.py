"""Float weights -> 8-bit weights with NNCF, the arithmetic that makes boxes out of the head's answers left in float."""

# mypy: disable-error-code="import-not-found, import-untyped"
# onnx and nncf come with the quantize extra only.

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inspector.domain import ConfigurationError, ModelError, require_extra

__all__ = ["KEPT", "Kept", "float_nodes", "quantized"]

Kept = Literal["decoding", "answers", "head"]
KEPT: tuple[Kept, ...] = ("decoding", "answers", "head")
"""What stays in float, from little to much."""


def quantized(weights: Path, batches: Sequence[NDArray[np.float32]], *, kept: Kept) -> Any:
    """Return the network (an ONNX model with quantise and dequantise pairs) in 8 bits.

    Parameters
    ----------
    batches
        What the network saw on the line's own images, each (1, C, H, W) as it was handed over.
    kept
        ``decoding``: what turns the head's answers into boxes stays in float; ``answers``: the convolutions that
        give those answers too; ``head``: the whole detection head.

    Raises
    ------
    ConfigurationError
        The extra is not installed, or there are no images.
    ModelError
        The network has no such parts, or NNCF cannot quantise it.
    """
    require_extra("quantize", "nncf", needed_by="quantisation")
    if not batches:
        raise ConfigurationError("there are no images to learn the ranges from", remedy="Name a split that has images")
    import nncf
    import onnx

    logging.getLogger("nncf").setLevel(logging.ERROR)
    model = onnx.load(weights)
    entry = model.graph.input[0].name
    ignored = nncf.IgnoredScope(names=float_nodes(model, kept))
    try:
        return nncf.quantize(
            model,
            nncf.Dataset([{entry: batch} for batch in batches]),
            # Symmetric: TensorRT reads no other kind, nor does OpenVINO where the rest is bfloat16.
            preset=nncf.QuantizationPreset.PERFORMANCE,
            subset_size=len(batches),
            ignored_scope=ignored,
        )
    except (RuntimeError, ValueError, nncf.ValidationError, nncf.UnsupportedModelError, nncf.InternalError) as error:
        raise ModelError(
            f"{weights}: NNCF cannot quantise it: {str(error).splitlines()[0]}", remedy="Keep the float weights"
        ) from error


def float_nodes(model: Any, kept: Kept) -> list[str]:
    """Return the names of the nodes that stay in float.

    The decoding is what lies between the output and the last convolutions with learnt weights; a convolution right
    behind a softmax is the fixed sum over distances of a distribution (DFL, arXiv:2006.04388) and belongs to it.
    """
    maker = {output: node for node in model.graph.node for output in node.output}
    decoding: dict[str, Any] = {}
    answers: dict[str, Any] = {}
    waiting = [maker[output.name] for output in model.graph.output if output.name in maker]
    while waiting:
        node = waiting.pop()
        if node.name in decoding or node.name in answers:
            continue
        before = [maker[name] for name in node.input if name in maker]
        if node.op_type == "Conv" and not any(each.op_type == "Softmax" for each in before):
            answers[node.name] = node
            continue
        decoding[node.name] = node
        waiting += before
    if not answers:
        raise ModelError("the network has no convolution before its output", remedy="Only YOLO heads are quantised")
    if kept == "decoding":
        return sorted(decoding)
    if kept == "answers":
        return sorted([*decoding, *answers])
    # Exporters name a node after its module, such as /model.23/cv2.0/…: the head is the module of its answers.
    modules = {"/".join(name.split("/")[:2]) for name in answers}
    return sorted(node.name for node in model.graph.node if "/".join(node.name.split("/")[:2]) in modules)
