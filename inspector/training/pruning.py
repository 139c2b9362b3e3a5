"""Structured pruning: a trained network with fewer channels in every layer, to be trained on from there."""

# mypy: disable-error-code="import-not-found, import-untyped, misc"
# torch, ultralytics and torch-pruning come with the train extra only; this module is imported where it is asked for.

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import torch_pruning
from torch import nn
from ultralytics.nn.modules import C2PSA, Attention, C2f, Detect

from inspector.training.dataset import DatasetError

__all__ = ["prune", "save_pruned"]

LEFT_IN = 16  # multiples of so many channels are left: odd widths compute no faster, in bfloat16 even slower
MOST_DIFFERENCE = 1e-4  # of boxes, in image sides
_OF_A_CHANNEL = (("conv", "weight"), ("bn", "weight"), ("bn", "bias"), ("bn", "running_mean"), ("bn", "running_var"))


def save_pruned(weights: nn.Module, share: float, image_px: int, target: Path) -> None:
    """Write the pruned network as a checkpoint; it is whole or not there."""
    half_written = target.with_suffix(".part")
    torch.save({"model": prune(weights, share, image_px)}, half_written)
    half_written.replace(target)


def prune(network: nn.Module, share: float, image_px: int) -> nn.Module:
    """Return a copy without about this share of the channels of every layer, the weakest ones.

    How strong a channel is, its weights say, in all layers together that have it in common (DepGraph,
    arXiv:2301.12900). The last layers of the head keep their outputs, attention keeps its widths. The copy is made
    of ultralytics' own modules, and its attribute ``pruned`` says what was done to it.

    Parameters
    ----------
    share
        0 … 1.
    image_px
        Side of the images for which multiplications are counted.

    Raises
    ------
    DatasetError
        The network is built in a way that this cannot follow.
    """
    smaller = copy.deepcopy(network).float().eval().requires_grad_(True)
    example = torch.rand(1, 3, image_px, image_px)
    before = torch_pruning.utils.count_ops_and_params(smaller, example)
    apart = {block: _Apart(block) for block in smaller.modules() if isinstance(block, C2f)}
    _exchange(smaller, apart)
    torch_pruning.pruner.BasePruner(
        smaller,
        example,
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        pruning_ratio=share,
        ignored_layers=list(_untouched(smaller)),
        round_to=LEFT_IN,
    ).step()
    expected = _answer(smaller, example)
    for block, halves in apart.items():
        _join(block, halves)
    _exchange(smaller, {halves: block for block, halves in apart.items()})
    if float((_answer(smaller, example) - expected).abs().max()) > MOST_DIFFERENCE * image_px:
        raise _cannot()
    after = torch_pruning.utils.count_ops_and_params(smaller, example)
    smaller.pruned = {
        "share": share,
        "parameters": {"before": int(before[1]), "after": int(after[1])},
        "multiplications": {"before": int(before[0]), "after": int(after[0])},
    }
    return smaller


class _Apart(nn.Module):
    """A C2f block whose first convolution is two: what it cuts in half by number, the pruner can then follow."""

    def __init__(self, block: C2f) -> None:
        super().__init__()
        self.first, self.second = (_half(block.cv1, number) for number in range(2))
        self.m, self.cv2 = block.m, block.cv2
        self.i, self.f = block.i, block.f  # its place in the network, as ultralytics writes it on each layer

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        parts = [self.first(images), self.second(images)]
        for inner in self.m:
            parts.append(inner(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


def _half(convolution: nn.Module, number: int) -> nn.Module:
    half = copy.deepcopy(convolution)
    channels = convolution.conv.out_channels // 2
    for layer, name in _OF_A_CHANNEL:
        _set(half, layer, name, getattr(getattr(convolution, layer), name)[number * channels :][:channels].clone())
    half.conv.out_channels = half.bn.num_features = channels
    return half


def _join(block: C2f, halves: _Apart) -> None:
    """Put what is left of the two halves back into the block."""
    first, second, whole = halves.first, halves.second, block.cv1
    if first.conv.out_channels != second.conv.out_channels:
        raise _cannot()
    for layer, name in _OF_A_CHANNEL:
        both = [getattr(getattr(half, layer), name) for half in (first, second)]
        _set(whole, layer, name, torch.cat(both).detach())
    whole.conv.in_channels = first.conv.in_channels
    whole.conv.out_channels = whole.bn.num_features = 2 * first.conv.out_channels
    block.c = first.conv.out_channels


def _set(convolution: nn.Module, layer: str, name: str, values: torch.Tensor) -> None:
    trained = not name.startswith("running")
    setattr(getattr(convolution, layer), name, nn.Parameter(values) if trained else values)


def _exchange(network: nn.Module, new: Mapping[Any, nn.Module]) -> None:
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if child in new:
                setattr(parent, name, new[child])


def _untouched(network: nn.Module) -> Iterator[nn.Module]:
    for module in network.modules():
        if isinstance(module, C2PSA | Attention):
            yield module
        if isinstance(module, Detect):
            for branch in module.children():
                if isinstance(branch, nn.ModuleList):
                    yield from (scale[-1] for scale in branch)
                else:
                    yield branch


def _answer(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        answer = network(images)
    while isinstance(answer, tuple):  # the decoded head comes first, also where there are prototypes beside it
        answer = answer[0]
    return answer


def _cannot() -> DatasetError:
    return DatasetError("this architecture cannot be pruned", remedy="Train yolo11n or another one of its family")
