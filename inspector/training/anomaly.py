"""Good images -> what is normal, and how hot a good part may get: PaDiM and PatchCore without labels.

PaDiM: arXiv:2011.08785; PatchCore: arXiv:2106.08265. Every good image is scored by statistics that it is no part
of, so that the threshold holds for parts that nobody has seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Features",
    "Method",
    "Normal",
    "Placement",
    "Plan",
    "fit",
    "folds",
    "gaussian_kernel",
    "held_out_peaks",
]

Method = Literal["padim", "patchcore"]
Placement = Literal["fixed", "free"]
Features = NDArray[np.float16]
"""Of shape (images, channels, grid height, grid width)."""

_LEAST_SHRINKAGE = 1e-3
_CANDIDATES = 20_000  # patches that the memory is chosen from


@dataclass(frozen=True, slots=True)
class Plan:
    """What to learn.

    Attributes
    ----------
    placement
        ``fixed``: parts lie at one place within a few pixels, each place has its own normal appearance.
        ``free``: one normal appearance for all places: textures, or parts of many designs.
    memory
        Patches that PatchCore remembers.
    smoothing
        Standard deviation of the Gaussian over the heat map, in its cells.
    """

    method: Method = "padim"
    placement: Placement = "fixed"
    memory: int = 1000
    smoothing: float = 1.0
    seed: int = 0


class Normal(Protocol):
    """What is normal."""

    def heat(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the distance from normal, (grid height, grid width), of one image's (channels, …) features."""
        ...


@dataclass(frozen=True, slots=True)
class Gaussians:
    """Normal as Gaussians: ``mean`` (1 or cells, d), ``whitening`` (1 or cells, d, d)."""

    mean: NDArray[np.float32]
    whitening: NDArray[np.float32]

    def heat(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the Mahalanobis distance of every cell."""
        channels, *grid = features.shape
        centred = features.reshape(channels, -1).T - self.mean
        if len(self.whitening) == 1:
            white = centred @ self.whitening[0].T
        else:
            white = np.matmul(self.whitening, centred[:, :, None])[:, :, 0]
        return np.asarray(np.linalg.norm(white, axis=1).reshape(grid), np.float32)


@dataclass(frozen=True, slots=True)
class Memory:
    """Normal as remembered patches: ``patches`` (m, d)."""

    patches: NDArray[np.float32]

    def heat(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the distance of every cell to the nearest patch."""
        channels, *grid = features.shape
        middle = self.patches.mean(axis=0)
        around, cells = self.patches - middle, features.reshape(channels, -1).T - middle
        squared = ((around**2).sum(axis=1) - 2 * cells @ around.T).min(axis=1) + (cells**2).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(squared, 0)).reshape(grid), np.float32)


def fit(features: Features, plan: Plan, shown: tuple[int, int]) -> Gaussians | Memory:
    """Return what is normal in these features; ``shown`` are the grid's rows and columns that hold image."""
    if plan.method == "patchcore":
        return _remember(features, plan, shown)
    return _one_gaussian(features, shown) if plan.placement == "free" else _gaussian_of_each_cell(features)


def folds(groups: Sequence[str], count: int = 5) -> Iterator[NDArray[np.bool_]]:
    """Yield masks of held-out images: every group is held out once, and whole; the folds are of similar size."""
    sizes = {group: groups.count(group) for group in dict.fromkeys(groups)}
    loads = [0] * min(count, len(sizes))
    place: dict[str, int] = {}
    for group in sorted(sizes, key=lambda name: -sizes[name]):
        place[group] = loads.index(min(loads))
        loads[place[group]] += sizes[group]
    for number in range(len(loads)):
        yield np.array([place[group] == number for group in groups], np.bool_)


def held_out_peaks(
    features: Features,
    plan: Plan,
    groups: Sequence[str],
    shown: tuple[int, int],
    progress: Callable[[str], None] = lambda _text: None,
) -> NDArray[np.float64]:
    """Return the highest smoothed heat of every image, by statistics of the other folds' images."""
    peaks = np.zeros(len(features))
    held = list(folds(groups))
    for number, mask in enumerate(held, start=1):
        progress(f"held-out images, part {number} of {len(held)}")
        normal = fit(features[~mask], plan, shown)
        for index in np.flatnonzero(mask):
            heat = smooth(normal.heat(features[index].astype(np.float32)), plan.smoothing)
            peaks[index] = heat[: shown[0], : shown[1]].max()
    return peaks


def gaussian_kernel(sigma: float) -> NDArray[np.float32]:
    """Return the weights of a Gaussian over cells, three standard deviations to each side."""
    side = math.ceil(3 * sigma)
    weights = np.exp(-0.5 * (np.arange(-side, side + 1) / sigma) ** 2) if sigma else np.ones(1)
    return np.asarray(weights / weights.sum(), np.float32)


def smooth(heat: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return the heat map as the exported graph smooths it."""
    kernel = gaussian_kernel(sigma)
    return np.asarray(cv2.sepFilter2D(heat, -1, kernel, kernel, borderType=cv2.BORDER_REFLECT_101), np.float32)


def _one_gaussian(features: Features, shown: tuple[int, int]) -> Gaussians:
    channels = features.shape[1]
    total, products, count = np.zeros(channels), np.zeros((channels, channels)), 0
    for image in features:
        cells = image[:, : shown[0], : shown[1]].reshape(channels, -1).astype(np.float32)
        total += cells.sum(axis=1)
        products += cells @ cells.T
        count += cells.shape[1]
    mean = total / count
    covariance = products / count - np.outer(mean, mean)
    return Gaussians(mean[None].astype(np.float32), _whitening(covariance, _LEAST_SHRINKAGE)[None])


def _gaussian_of_each_cell(features: Features) -> Gaussians:
    images, channels, height, width = features.shape
    cells = height * width
    mean = np.empty((cells, channels), np.float32)
    whitening = np.empty((cells, channels, channels), np.float32)
    flat = features.reshape(images, channels, cells)
    for cell in range(cells):
        here = flat[:, :, cell].astype(np.float64)
        mean[cell] = here.mean(axis=0)
        covariance, shrinkage = _shrunk(here - here.mean(axis=0))
        whitening[cell] = _whitening(covariance, max(shrinkage, _LEAST_SHRINKAGE))
    return Gaussians(mean, whitening)


def _shrunk(centred: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return the covariance and how far to shrink it: Ledoit and Wolf, J. Multivar. Anal. 88 (2004) 365."""
    count, channels = centred.shape
    covariance = centred.T @ centred / count
    scale = np.trace(covariance) / channels
    squares = centred**2
    spread = float((squares.T @ squares).sum() / count - (covariance**2).sum())
    distance = float((covariance**2).sum() - channels * scale**2)
    return covariance, min(1.0, max(0.0, spread / count / distance)) if distance > 0 else 1.0


def _whitening(covariance: NDArray[np.float64], shrinkage: float) -> NDArray[np.float32]:
    """Return W so that |W x| is the Mahalanobis length of x, after shrinking towards a multiple of the unit matrix."""
    channels = len(covariance)
    scale = max(float(np.trace(covariance)) / channels, float(np.finfo(np.float32).tiny))
    shrunk = (1 - shrinkage) * covariance + shrinkage * scale * np.eye(channels)
    return np.asarray(np.linalg.inv(np.linalg.cholesky(shrunk)), np.float32)


def _remember(features: Features, plan: Plan, shown: tuple[int, int]) -> Memory:
    rng = np.random.default_rng(plan.seed)
    images, channels = features.shape[:2]
    inside = features[:, :, : shown[0], : shown[1]].reshape(images, channels, -1)
    each = max(1, min(inside.shape[2], _CANDIDATES // images))
    patches = np.concatenate([image[:, rng.choice(image.shape[1], each, replace=False)].T for image in inside]).astype(
        np.float32
    )
    return Memory(_coreset(patches, min(plan.memory, len(patches)), rng))


def _coreset(patches: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return ``count`` patches, each the farthest from those before it (greedy k-centre, Gonzalez 1985)."""
    lengths = (patches**2).sum(axis=1)
    chosen = [int(rng.integers(len(patches)))]
    nearest = np.full(len(patches), np.inf, np.float32)
    for _ in range(count - 1):
        latest = patches[chosen[-1]]
        np.minimum(nearest, lengths - 2 * patches @ latest + latest @ latest, out=nearest)
        chosen.append(int(nearest.argmax()))
    return patches[chosen]
