"""Labelled crops as the training takes them: features, geometry and traits of every defect of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.domain import Box
from inspector.search.crops import Sighting, crop, geometry
from inspector.search.descriptions import Traits
from inspector.search.encoder import FeatureNetwork

__all__ = ["Labelled", "Samples", "gather", "sighting", "together"]

_BLOCK = 64


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One picture with its true defects; ``labels`` are numbers of the class list."""

    pixels: NDArray[np.uint8]
    seen: tuple[Sighting, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """n defects, each in ``views``: features float32 (n, views, f), geometry float32 (n, g), and their traits."""

    features: NDArray[np.float32]
    geometry: NDArray[np.float32]
    traits: Traits


def gather(pictures: Iterable[Labelled], network: FeatureNetwork, *, views: int = 1, seed: int = 1) -> Samples:
    """Return the samples; views beyond the first are turned, mirrored and of other contrast."""
    rng = np.random.default_rng(seed)
    crops: list[NDArray[np.uint8]] = []
    features: list[NDArray[np.float32]] = []
    sizes: list[NDArray[np.float32]] = []
    rows: list[tuple[float, ...]] = []
    for picture in pictures:
        for seen, label in zip(picture.seen, picture.labels, strict=True):
            crops += _views(crop(picture.pixels, seen.box), views, rng)
            sizes.append(geometry(seen))
            rows.append((label, seen.length_mm or 0.0, seen.box.width / seen.box.height, *seen.place))
        if len(crops) >= _BLOCK:
            features.append(network(crops))
            crops = []
    features.append(network(crops))
    table = np.array(rows, np.float64).reshape(-1, 5)
    traits = Traits(table[:, 0].astype(np.int64), *table[:, 1:].T)
    return Samples(np.concatenate(features).reshape(len(rows), views, -1), np.stack(sizes), traits)


def _views(seen: NDArray[np.uint8], count: int, rng: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    yield seen
    for _ in range(count - 1):
        # Mirrored, not turned: how a defect lies is told by its box and has to stay true.
        view = seen[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))].astype(np.float32)
        view = (view - 127.0) * rng.uniform(0.7, 1.2) + 127.0 + rng.uniform(-20, 20)
        yield np.clip(view + rng.normal(0, 3, view.shape), 0, 255).astype(np.uint8)


def sighting(box: NDArray[np.float32], frame: tuple[int, int], *, px_per_mm: float, margin_px: float) -> Sighting:
    """Return a labelled box as a finding that was measured: its margin taken off, one pixel the least."""
    x0, y0, x1, y1 = map(float, box)
    longer = max(max(x1 - x0, y1 - y0) - 2 * margin_px, 1.0)
    return Sighting(Box(x0, y0, x1, y1), frame, longer / px_per_mm)


def together(parts: Sequence[Samples]) -> Samples:
    """Return the samples of several data sets as one."""

    def all_of(name: str) -> NDArray[np.float64]:
        return np.concatenate([getattr(part.traits, name) for part in parts])

    traits = Traits(all_of("label"), *(all_of(name) for name in ("length_mm", "shape", "across", "down")))  # type: ignore[arg-type]
    features = np.concatenate([part.features for part in parts])
    return Samples(features, np.concatenate([part.geometry for part in parts]), traits)
