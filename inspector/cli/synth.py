"""`inspector data synth --part metal`: virtual metal parts as a labelled data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inspector.capture.metal import MetalSpec

__all__ = ["draw_metal"]

JPEG_QUALITY = 95


def draw_metal(target: Path, *, parts: int, held_out: int, seed: int, finishes: Sequence[str], outlines: bool) -> None:
    """Write parts to train on and parts held out, with boxes or outlines, and the manifest.

    Raises
    ------
    DatasetError
        The folder exists.
    """
    import dataclasses

    from inspector.capture.metal import HELD_OUT_METAL, METAL_CLASSES, TRAINING_METAL, Finish
    from inspector.cli.datasets import progress_bar
    from inspector.training.dataset import DatasetError, Manifest, write_manifest
    from inspector.training.versioning import version_of

    if target.exists():
        raise DatasetError(f"{target}: exists already", remedy="Name a new folder, or remove this one first")
    chosen = tuple(Finish(name) for name in finishes)
    stems: dict[str, str] = {}
    with progress_bar() as show:
        for split, number, start, spec in (
            ("train", parts, seed, TRAINING_METAL),
            ("val", held_out, seed + 1, HELD_OUT_METAL),
        ):
            for part in range(number):
                stem = f"{split[0]}{part:05d}"
                _write(
                    target,
                    split,
                    stem,
                    seed=start,
                    part=part,
                    spec=dataclasses.replace(spec, finishes=chosen),
                    outlines=outlines,
                )
                stems[stem] = stem
                show(f"drawing {split}", part + 1, number)
    manifest = Manifest(
        name="virtual metal",
        licence="Apache-2.0",
        source=f"inspector data synth --part metal, seed {seed}, {', '.join(chosen)}",
        classes=METAL_CLASSES,
        counts={"train": parts, "val": held_out},
        content_sha256=version_of(target),
        task="segment" if outlines else "detect",
        divided="drawn apart",
    )
    write_manifest(target, manifest, stems)


def _write(target: Path, split: str, stem: str, *, seed: int, part: int, spec: MetalSpec, outlines: bool) -> None:
    import cv2

    from inspector.capture.metal import METAL_CLASSES, render_metal

    pixels, defects = render_metal(seed, part, spec)
    encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    for folder in ("images", "labels"):
        (target / folder / split).mkdir(parents=True, exist_ok=True)
    (target / "images" / split / f"{stem}.jpg").write_bytes(encoded.tobytes())
    lines = [_line(METAL_CLASSES.index(defect.label), defect.mask, outlines=outlines) for defect in defects]
    (target / "labels" / split / f"{stem}.txt").write_text("".join(lines), encoding="ascii")


def _line(label: int, mask: NDArray[np.bool_], *, outlines: bool) -> str:
    import numpy as np

    from inspector.training.sources.outlines import outlines_of

    height, width = mask.shape
    points = max(outlines_of(mask.astype(np.uint8)), key=lambda outline: float(np.prod(np.ptp(outline, axis=0))))
    shares = points / np.array([width, height])
    low, high = shares.min(axis=0), shares.max(axis=0)
    values = shares.ravel() if outlines else np.concatenate([(low + high) / 2, high - low])
    return f"{label} {' '.join(f'{value:.6f}' for value in values.tolist())}\n"
