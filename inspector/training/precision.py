"""On what and in which numbers a network is trained: processor or GPU, bfloat16 where it is native."""

# mypy: disable-error-code="import-not-found, import-untyped"
# torch comes with the train extra only.

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from inspector.training.dataset import DatasetError

__all__ = ["chosen_device", "in_bf16", "in_half"]

_NATIVE_BF16 = {"amx_bf16", "avx512_bf16"}
_CPU_FLAGS = Path("/proc/cpuinfo")


def chosen_device(wanted: str, torch: Any) -> str:
    """Return ``cpu`` or ``cuda``, for ``auto`` where there is one; no GPU where one is wanted: ``DatasetError``."""
    there = bool(torch.cuda.is_available())
    if wanted == "cuda" and not there:
        raise DatasetError("device cuda: torch sees no GPU", remedy="Say --device cpu, or mend the driver")
    return "cuda" if there and wanted != "cpu" else "cpu"


def in_half(wanted: str, device: str, torch: Any) -> bool:
    """Return whether to train in bfloat16; ``auto`` does where the device computes it natively."""
    if wanted == "auto":
        return bool(torch.cuda.is_bf16_supported()) if device == "cuda" else _native_bf16()
    return wanted == "bf16"


def in_bf16(trainer: Any) -> None:
    """Let a trainer's network answer in bfloat16 on the processor, which ultralytics itself does on GPUs only.

    The loss, the averaged weights and their validation stay in float32; what is saved is a copy made before this.
    """
    import torch

    network = trainer.model
    network.to(memory_format=torch.channels_last)
    plain = network.predict

    def predict(images: Any, *arguments: Any, **named: Any) -> Any:
        if not network.training:
            return plain(images, *arguments, **named)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            answer = plain(images.contiguous(memory_format=torch.channels_last), *arguments, **named)
        return _as_float(answer)

    network.predict = predict


def _as_float(answer: Any) -> Any:
    """Return an answer of the network, tensors in containers, as float32."""
    if isinstance(answer, dict):
        return {key: _as_float(value) for key, value in answer.items()}
    if isinstance(answer, list | tuple):
        return type(answer)(_as_float(value) for value in answer)
    return answer.float() if hasattr(answer, "float") else answer


def _native_bf16() -> bool:
    with contextlib.suppress(OSError):
        return bool(_NATIVE_BF16 & set(_CPU_FLAGS.read_text(encoding="ascii", errors="ignore").split()))
    return False
