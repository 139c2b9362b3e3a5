"""Labelled data sets in, the folder of a search model with its card out; needs the extra `language`."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.detection import find_model, load_model
from inspector.domain import ConfigurationError
from inspector.language import DEFAULT_GLOSSARY
from inspector.language.brief import Brief, Kind
from inspector.language.corpus import random_brief, random_sentence
from inspector.language.glossary import Glossary
from inspector.language.slots import fill
from inspector.search import SearchCard
from inspector.search.card import load_search, sha256_of, write_card
from inspector.search.descriptions import LANGUAGES, Wish
from inspector.search.encoder import FeatureNetwork
from inspector.search.measure import measure
from inspector.search.samples import Labelled, gather, sighting, together
from inspector.training.dataset import Manifest, read_grey, read_manifest, read_split

__all__ = ["class_names", "make_search", "measure_search"]

log = logging.getLogger(__name__)

VERSION = "0.1.0"
FEATURES = "efficientnet-lite0"
VIEWS = 3
_GLOSSARY = Glossary()


def make_search(
    out: Path,
    folders: Sequence[Path],
    *,
    px_per_mm: float,
    margin_px: float,
    steps: int,
    seed: int,
    threads: int,
    command: str,
) -> Path:
    """Train both towers on the ``train`` split of the data sets, measure on ``val``, write all; return the card.

    Raises
    ------
    DatasetError
        A data set cannot be read.
    ConfigurationError
        The data sets have different classes.
    """
    from inspector.search.train import Teaching, teach, vocabulary

    manifests = [read_manifest(folder) for folder in folders]
    classes = manifests[0].classes
    if any(manifest.classes != classes for manifest in manifests):
        raise ConfigurationError("the data sets have different classes", remedy="Give data sets of one class list")
    features = load_model(find_model(FEATURES))
    network = FeatureNetwork(str(features.weights), threads=threads)
    parts = [
        gather(_pictures(folder, "train", px_per_mm, margin_px), network, views=VIEWS, seed=seed) for folder in folders
    ]
    samples, names = together(parts), class_names(classes)
    log.info("%d defects to learn from", len(samples.traits.label))
    report = _Reports(classes)
    tokens = vocabulary(classes, names, report, samples)
    weights = teach(
        samples,
        classes=classes,
        names=names,
        tokens=tokens,
        report=report,
        how=Teaching(steps=steps, seed=seed, threads=threads),
    )
    out.mkdir(parents=True, exist_ok=True)
    paths = out / "defect-search.npz", out / "tokens.json"
    np.savez_compressed(paths[0], **weights)  # type: ignore[arg-type, unused-ignore]
    paths[1].write_text(json.dumps(tokens, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    card = SearchCard(
        name="defect-search",
        version=VERSION,
        task="search",
        weights=paths[0].name,
        sha256=sha256_of(paths[0]),
        tokens=paths[1].name,
        tokens_sha256=sha256_of(paths[1]),
        features=FEATURES,
        features_sha256=features.card.sha256,
        dimensions=weights["text.tokens"].shape[1],
        classes=classes,
        languages=LANGUAGES,
        licence="Apache-2.0",
        data=[
            *(_said(manifest, split) for manifest in manifests for split in ("train", "val")),
            {
                "name": "descriptions",
                "licence": "Apache-2.0",
                "source": "inspector/search/descriptions.py and sentences of inspector/language/corpus",
                "use": "training; sentences of their own are held out",
            },
        ],
        command=command,
        created=datetime.now(UTC).date().isoformat(),
    )
    path = write_card(out, card)
    figures = measure_search(out, folders, px_per_mm=px_per_mm, margin_px=margin_px)
    write_card(out, card.model_copy(update={"metrics": figures}))
    return path


def measure_search(
    model: Path, folders: Sequence[Path], *, px_per_mm: float, margin_px: float
) -> dict[str, dict[str, Any]]:
    """Return the figures of a model on the ``val`` split of each data set, by the data set's name."""
    files = load_search(model)
    network = FeatureNetwork(str(files.features))
    names = class_names(files.card.classes)
    return {
        read_manifest(folder).name: measure(
            gather(_pictures(folder, "val", px_per_mm, margin_px), network),
            files.arrays(),
            files.tokens(),
            classes=files.card.classes,
            names=names,
        )
        for folder in folders
    }


def class_names(classes: Sequence[str]) -> Mapping[str, str]:
    """Return what the classes are called, in any language -> their names in the record."""
    return {name: label for label in classes for name in (label, *DEFAULT_GLOSSARY.get(label, {}).values())}


def _pictures(folder: Path, split: str, px_per_mm: float, margin_px: float) -> Iterator[Labelled]:
    for example in read_split(folder, split):
        if not len(example.labels):
            continue
        pixels: NDArray[np.uint8] = read_grey(example.image)
        frame = (pixels.shape[1], pixels.shape[0])
        seen = tuple(sighting(box, frame, px_per_mm=px_per_mm, margin_px=margin_px) for box in example.boxes)
        yield Labelled(pixels, seen, tuple(int(label) for label in example.labels))


class _Reports:
    """Sentences of reports about a finding: what the record says of it is a text that people search by."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = classes

    def __call__(self, wish: Wish, language: str, rng: random.Random) -> str:
        brief = random_brief(rng)
        while brief.kind not in (Kind.FINDING, Kind.LARGEST):
            brief = random_brief(rng)
        # Of the figures only the size is about what was seen; the rest is left empty.
        length = "" if wish.about_mm is None else f"{wish.about_mm:.2f} mm"
        values = dict.fromkeys(brief.offered, "") | {
            "class": "" if wish.label is None else self._classes[wish.label],
            "length": length,
        }
        told: Brief = replace(brief, values=values, terms=frozenset({"class"}))
        return fill(told, random_sentence(told, language, rng), language, _GLOSSARY)


def _said(manifest: Manifest, split: str) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "licence": manifest.licence,
        "source": manifest.source,
        "use": "training" if split == "train" else "held out",
        "images": manifest.counts.get(split, 0),
        **({"groups": manifest.groups[split]} if split in manifest.groups else {}),
    }
