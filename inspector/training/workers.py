# mypy: disable-error-code="import-not-found, import-untyped"
# torch comes with the train extra only.
"""Training processes side by side: each takes its share of every batch, gradients are averaged.

One single-threaded process per core meets the others once a step. Threads of one process would meet at every
layer, which on a machine with other work to do costs several times the speed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn


def side_by_side(count: int, work: Callable[[int], None]) -> None:
    """Run ``work(number)`` in ``count`` forked processes; number 0 is the one that saves and validates.

    What the caller has loaded is shared, not copied; the caller itself must not have computed with torch, whose
    threads do not survive a fork. An error in one process ends all and is raised here.
    """
    import torch.multiprocessing as processes

    with tempfile.TemporaryDirectory() as folder:
        meeting = Path(folder) / "meeting"
        processes.start_processes(_worker, (count, meeting, work), nprocs=count, start_method="fork")


def _worker(number: int, count: int, meeting: Path, work: Callable[[int], None]) -> None:
    import cv2
    import torch
    import torch.distributed as group

    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.set_num_threads(max((os.cpu_count() or 1) // count, 1))
    cv2.setNumThreads(0)
    group.init_process_group("gloo", init_method=meeting.as_uri(), rank=number, world_size=count)
    try:
        work(number)
        group.barrier()
    finally:
        group.destroy_process_group()


def average_gradients(model: nn.Module, count: int) -> None:
    """Replace the gradients by their mean over all processes; does nothing where there is one."""
    if count == 1:
        return
    import torch
    import torch.distributed as group

    gradients: list[torch.Tensor] = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    group.all_reduce(flat)
    flat /= count
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))
