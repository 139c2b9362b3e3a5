"""`inspector anomaly train`: a folder of good images in, a model folder with its threshold out."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from inspector.capture import read_image
from inspector.capture.image_file import SUFFIXES
from inspector.detection import InputSpec, Model, OnnxRuntimeBackend, find_model, load_model
from inspector.detection.letterbox import Letterbox
from inspector.domain import ConfigurationError
from inspector.training.anomaly import Gaussians, Plan, fit, gaussian_kernel, held_out_peaks
from inspector.training.anomaly_graph import FeatureCut, features_graph, heat_graph
from inspector.training.folder import write_model_folder

__all__ = ["DEFAULT_SIZE", "LEAST_IMAGES", "WANTED_IMAGES", "Trained", "train_anomaly"]

BACKBONE = "efficientnet-lite0"
CLASS = "anomaly"
LEAST_IMAGES = 20
WANTED_IMAGES = 150
MOST_IMAGES = 400
DEFAULT_SIZE = {"fixed": 256, "free": 640}
_MULTIPLE = 32
_BLOCKS = {"fixed": ("block2", "block4"), "free": ("block2", "block1")}
_STEP = 8  # input pixels per cell of block2
_CHANNELS = {"fixed": 64, "free": 64}
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Trained:
    """What came out.

    Attributes
    ----------
    rejected
        How many of the held-out good images lie above the threshold.
    false_reject
        The 95 % confidence interval of that share (Clopper and Pearson, Biometrika 26 (1934) 404).
    """

    card: Path
    images: int
    groups: int
    threshold: float
    rejected: int
    false_reject: tuple[float, float]


def train_anomaly(
    images: Path,
    out: Path,
    *,
    plan: Plan,
    size: int | None = None,
    false_reject: float = 0.01,
    group: str = "",
    licence: str = "proprietary",
    backbone: str | Path = BACKBONE,
    threads: int = 2,
    command: str = "",
    progress: Callable[[str, int, int], None] = lambda _what, _done, _of: None,
) -> Trained:
    """Learn what good parts look like and write the model folder ``out``.

    Parameters
    ----------
    images
        Folder of good images, all of one size.
    size
        Longer side of what the network sees, in pixels; None: 256 for fixed parts, 640 for free ones. Images are
        never enlarged.
    false_reject
        Share of good parts that may be stopped, 0 … 0.5; the threshold is set on images held out.
    group
        Regular expression; its match in a file name is the lot or board that must not be divided between the
        images that are learnt from and those held out. Empty: each image is its own.
    progress
        Called with what is being done, how much is done and of how many.

    Raises
    ------
    ConfigurationError
        Too few images, images of different sizes, or a broken expression.
    BadFrame
        An image cannot be read.
    """
    files = _files(images)
    groups = _groups(files, group)
    first = read_image(files[0])
    spec, cut, grid, shown = _geometry(first.shape[1], first.shape[0], size or DEFAULT_SIZE[plan.placement], plan)
    base = load_model(find_model(backbone))
    features = _features(files, base, spec, cut, grid, threads=threads, progress=progress)
    peaks = held_out_peaks(features, plan, groups, shown, lambda what: progress(what, 0, 0))
    progress("all images", 0, 0)
    normal = fit(features, plan, shown)
    kernel = gaussian_kernel(plan.smoothing)
    if isinstance(normal, Gaussians):
        model = heat_graph(base.weights, cut, grid, mean=normal.mean, whitening=normal.whitening, kernel=kernel)
    else:
        model = heat_graph(base.weights, cut, grid, memory=normal.patches, kernel=kernel)
    threshold, rejected = _threshold(peaks, false_reject)
    location, spread = _gumbel(peaks, threshold, rejected)
    interval = stats.binomtest(rejected, len(peaks)).proportion_ci(_CONFIDENCE, method="exact")
    floor = float(np.exp(-np.exp((location - threshold) / spread)))
    card = write_model_folder(
        out,
        model,
        {
            "name": out.name,
            "version": datetime.now(UTC).strftime("%Y.%m.%d"),
            "task": "anomaly",
            "input": spec.model_dump(),
            "classes": [CLASS],
            "confidence_floor": round(floor, 4),
            "anomaly": {
                "method": plan.method,
                "placement": plan.placement,
                "frame_width": int(first.shape[1]),
                "frame_height": int(first.shape[0]),
                "threshold": round(threshold, 5),
                "location": round(location, 5),
                "spread": round(spread, 5),
            },
            "licence": licence,
            "data": [{"name": images.name, "use": "training", "images": len(files), "groups": len(set(groups))}],
            "metrics": {
                "held_out_good": {
                    "images": len(files),
                    "rejected": rejected,
                    "false_reject_wanted": false_reject,
                    "false_reject_95": [round(float(interval.low), 5), round(float(interval.high), 5)],
                },
                "backbone": {"name": base.card.name, "sha256": base.card.sha256},
            },
            "command": command,
        },
    )
    load_model(out)
    return Trained(card, len(files), len(set(groups)), threshold, rejected, (float(interval.low), float(interval.high)))


def _files(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if len(found) < LEAST_IMAGES:
        raise ConfigurationError(
            f"{folder}: {len(found)} images; good-only training needs {LEAST_IMAGES}, better {WANTED_IMAGES}",
            remedy="Collect images of good parts over several lots and shifts",
        )
    step = len(found) / min(len(found), MOST_IMAGES)
    return [found[int(index * step)] for index in range(min(len(found), MOST_IMAGES))]


def _groups(files: Sequence[Path], expression: str) -> list[str]:
    if not expression:
        return [path.stem for path in files]
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise ConfigurationError(f"group {expression!r}: not a regular expression: {error}") from error
    matches = [(path, pattern.search(path.stem)) for path in files]
    odd = [path.name for path, match in matches if match is None]
    if odd:
        raise ConfigurationError(
            f"group {expression!r} matches nothing in {odd[0]} and {len(odd) - 1} more",
            remedy="Write an expression that finds the lot or board in every file name",
        )
    groups = [match[0] for _, match in matches if match]
    if len(set(groups)) < 2:  # noqa: PLR2004
        raise ConfigurationError(
            f"group {expression!r}: all images are of group {groups[0]}", remedy="None could be held out; leave it out"
        )
    return groups


def _geometry(
    width: int, height: int, size: int, plan: Plan
) -> tuple[InputSpec, FeatureCut, tuple[int, int], tuple[int, int]]:
    """Return the input, the features, their grid, and the rows and columns of the grid that show the image."""
    scale = min(1.0, size / max(width, height))
    shown = max(_MULTIPLE, round(width * scale)), max(_MULTIPLE, round(height * scale))
    full_width, full_height = (-(-side // _MULTIPLE) * _MULTIPLE for side in shown)
    spec = InputSpec.model_validate(
        {
            "width": full_width,
            "height": full_height,
            "channels": 3,
            "colour": "rgb",
            "normalisation": {"mean": 127.0, "std": 128.0},
            "pad_value": 127,
        }
    )
    place = Letterbox(spec).placement(width, height)
    blocks = _BLOCKS[plan.placement]
    total = {"block1": 24, "block2": 40, "block4": 112}
    channels = sum(total[block] for block in blocks)
    chosen = np.sort(np.random.default_rng(plan.seed).permutation(channels)[: _CHANNELS[plan.placement]])
    cut = FeatureCut(blocks, full_height, full_width, tuple(int(index) for index in chosen))
    grid = full_height // _STEP, full_width // _STEP
    return spec, cut, grid, (-(-place.height // _STEP), -(-place.width // _STEP))


def _features(
    files: Sequence[Path],
    base: Model,
    spec: InputSpec,
    cut: FeatureCut,
    grid: tuple[int, int],
    *,
    threads: int,
    progress: Callable[[str, int, int], None],
) -> NDArray[np.float16]:
    letterbox = Letterbox(spec)
    graph = features_graph(base.weights, cut, len(cut.channels), grid)
    features = np.empty((len(files), len(cut.channels), *grid), np.float16)
    size: tuple[int, ...] | None = None
    with tempfile.TemporaryDirectory(prefix="inspector-features-") as folder:
        write_model_folder(
            Path(folder),
            graph,
            {
                "name": "features",
                "version": "0",
                "task": "features",
                "input": spec.model_dump(),
                "licence": base.card.licence,
            },
        )
        backend = OnnxRuntimeBackend(load_model(Path(folder)), threads=threads)
        for index, path in enumerate(files):
            progress("looking at good images", index, len(files))
            pixels = read_image(path)
            size = size or pixels.shape[:2]
            if pixels.shape[:2] != size:
                raise ConfigurationError(
                    f"{path}: {pixels.shape[1]} x {pixels.shape[0]} pixels, the images before it {size[1]} x {size[0]}",
                    remedy="Take images of one camera at one setting; keep those of another size in another folder",
                )
            features[index] = backend.run(letterbox(pixels)[0])[0]
        backend.close()
    progress("looking at good images", len(files), len(files))
    return features


def _threshold(peaks: NDArray[np.float64], false_reject: float) -> tuple[float, int]:
    """Return the heat that at most this share of the good images exceeds, and how many do."""
    allowed = int(false_reject * len(peaks) + 1e-9)
    ordered = np.sort(peaks)
    coolest_rejected = ordered[len(peaks) - allowed] if allowed else ordered[-1]
    hottest_kept = ordered[len(peaks) - allowed - 1]
    threshold = float((hottest_kept + coolest_rejected) / 2)
    return threshold, int((peaks > threshold).sum())


def _gumbel(peaks: NDArray[np.float64], threshold: float, rejected: int) -> tuple[float, float]:
    """Return location and spread of the Gumbel distribution through the median of the peaks and the threshold.

    The threshold stands for the share of good images below it, one more added to both sides for those unseen.
    A fit of all peaks would let the many cool images decide the shape of the hot end, which is what counts.
    """
    median = float(np.median(peaks))
    share = 1 - (rejected + 1) / (len(peaks) + 1)
    reduced = [-math.log(-math.log(probability)) for probability in (0.5, share)]
    spread = max((threshold - median) / (reduced[1] - reduced[0]), 1e-6)
    return median - spread * reduced[0], spread


def describe(trained: Trained) -> dict[str, Any]:
    """Return plain values for JSON."""
    return {
        "card": str(trained.card),
        "images": trained.images,
        "groups": trained.groups,
        "threshold": trained.threshold,
        "rejected": trained.rejected,
        "false_reject_95": list(trained.false_reject),
    }
