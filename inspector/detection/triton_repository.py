"""The model repository of a Triton Inference Server, written from model folders."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from inspector.detection.card import Model
from inspector.detection.onnx_session import open_session
from inspector.domain import ConfigurationError, ModelError

__all__ = ["ENGINES", "HASH_PARAMETER", "Engine", "TritonServing", "write_repository"]

Engine = Literal["onnxruntime", "onnxruntime-gpu", "tensorrt", "python"]
ENGINES: tuple[Engine, ...] = ("onnxruntime", "onnxruntime-gpu", "tensorrt", "python")

HASH_PARAMETER = "sha256"
_VERSION = "1"
_SAFE = "abcdefghijklmnopqrstuvwxyz0123456789-_."


@dataclass(frozen=True, slots=True)
class TritonServing:
    """How a server runs a model.

    Attributes
    ----------
    engine
        ``onnxruntime``: the server's own ONNX Runtime backend on the processor; ``onnxruntime-gpu``: the same on
        CUDA; ``tensorrt``: the same with ONNX Runtime's TensorRT accelerator in half precision; ``python``: ONNX
        Runtime inside the server's Python backend, for servers that were built without the other.
    largest_batch
        Frames that the server may join into one call; 1 joins none.
    wait_us
        How long the first frame of a batch may wait for others, in microseconds.
    instances
        Copies of the model that run side by side.
    threads
        Processor threads of each.
    """

    engine: Engine = "onnxruntime"
    largest_batch: int = 8
    wait_us: int = 500
    instances: int = 1
    threads: int = 2

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise ConfigurationError(
                f"Triton engine {self.engine}: there is none", remedy=f"Choose one of {', '.join(ENGINES)}"
            )
        if min(self.largest_batch, self.instances, self.threads) < 1 or self.wait_us < 0:
            raise ConfigurationError(
                "batch, instances and threads must be at least 1, and the wait at least 0 microseconds",
                remedy="Correct the number",
            )


def served_name(model: Model) -> str:
    """Return the name under which a server holds this model: the card's, in letters that a folder may have."""
    name = "".join(sign if sign in _SAFE else "-" for sign in model.card.name.lower()).strip(".")
    return name or "model"


def write_repository(model: Model, repository: Path, serving: TritonServing) -> Path:
    """Write the model into the repository in place of what lay there, and return its folder.

    The weights' SHA-256 stands in the configuration, so that a client can tell which weights a server runs.

    Raises ``ModelError`` where the folder cannot be written or belongs to another model.
    """
    folder = repository / served_name(model)
    session = open_session(model.weights, optimise=False)
    entry, exit_ = session.get_inputs()[0], session.get_outputs()[0]
    batches = not isinstance(entry.shape[0], int)
    sizes: tuple[tuple[int, ...], tuple[int, ...]] = (
        model.card.input.shape,
        tuple(side if isinstance(side, int) else -1 for side in exit_.shape[1:]),
    )
    if not batches:  # exported for one frame: the batch is a dimension like any other, and nothing can be joined
        sizes = ((1, *sizes[0]), (1, *sizes[1]))
    text = _configuration(
        model, serving, names=(entry.name, exit_.name), sizes=sizes, largest=serving.largest_batch if batches else 0
    )
    try:
        if folder.exists() and not (folder / "config.pbtxt").is_file():
            raise ModelError(
                f"{folder}: is in the way and no model of a Triton repository", remedy="Name another folder"
            )
        shutil.rmtree(folder, ignore_errors=True)
        version = folder / _VERSION
        version.mkdir(parents=True)
        shutil.copyfile(model.weights, version / "model.onnx")
        if serving.engine == "python":
            shutil.copyfile(Path(__file__).parent / "triton_model.py", version / "model.py")
        # The configuration comes last: a polling server does not load half a model.
        (folder / "config.pbtxt").write_text(text, encoding="utf-8")
    except OSError as error:
        raise ModelError(
            f"{folder}: cannot be written: {error.strerror}", remedy="Check the folder's rights"
        ) from error
    return folder


def _configuration(
    model: Model,
    serving: TritonServing,
    *,
    names: tuple[str, str],
    sizes: tuple[tuple[int, ...], tuple[int, ...]],
    largest: int,
) -> str:
    """Return ``config.pbtxt``, after Triton's model configuration protocol (`model_config.proto`)."""
    kind = "KIND_GPU" if serving.engine in {"onnxruntime-gpu", "tensorrt"} else "KIND_CPU"
    blocks = [
        f'name: "{served_name(model)}"',
        f'backend: "{"python" if serving.engine == "python" else "onnxruntime"}"',
        f"max_batch_size: {largest}",
        *(
            f'{side} [ {{ name: "{name}" data_type: TYPE_FP32 dims: [ {", ".join(map(str, dims))} ] }} ]'
            for side, name, dims in zip(("input", "output"), names, sizes, strict=True)
        ),
        f"instance_group [ {{ count: {serving.instances} kind: {kind} }} ]",
    ]
    if largest > 1:
        blocks.append(f"dynamic_batching {{ max_queue_delay_microseconds: {serving.wait_us} }}")
    if serving.engine == "tensorrt":
        blocks.append(
            "optimization { execution_accelerators { gpu_execution_accelerator [ "
            '{ name: "tensorrt" parameters { key: "precision_mode" value: "FP16" } } ] } }'
        )
    facts = {HASH_PARAMETER: model.card.sha256, "version": model.card.version}
    if kind == "KIND_CPU":
        facts |= {"intra_op_thread_count": str(serving.threads), "inter_op_thread_count": "1"}
    blocks += [
        f'parameters {{ key: "{key}" value: {{ string_value: "{value}" }} }}' for key, value in sorted(facts.items())
    ]
    return "\n".join(["# Written by `inspector models triton`; changes are lost.", *blocks, ""])
