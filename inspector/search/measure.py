"""How well descriptions find held-out defects, beside what the record's columns, plain words and chance do."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.search.descriptions import LANGUAGES, Wish, describe, wish_about
from inspector.search.encoder import image_vectors, text_vector
from inspector.search.samples import Samples
from inspector.search.words import LABEL, read_words

__all__ = ["measure"]

FIRST = 10
_SEED = 20_000  # training draws its texts from other seeds


def measure(
    gallery: Samples,
    weights: Mapping[str, NDArray[np.float32]],
    tokens: Sequence[str],
    *,
    classes: Sequence[str],
    names: Mapping[str, str],
) -> dict[str, Any]:
    """Return recall@10 over a gallery of held-out defects, each described once in each language.

    A description tells class, size, shape and place of one defect in a sentence that training never saw.

    - ``recall``: among the first ten is a defect that is all of this; ``itself``: that very defect is.
    - ``columns``: the same where the traits themselves, no text, are held against the record's columns, the most in
      common first: what a form with fields for everything could do with columns that are right.
    - ``plain_words``: a word search that knows the names of the classes and nothing else.
    - ``chance``: ten defects at random.
    - ``class_by_picture``: share of defects whose crop alone, without size and place, is nearest to the name of its
      own class: what the picture part knows.
    """
    numbers = {token: number for number, token in enumerate(tokens)}
    rng = random.Random(_SEED)  # noqa: S311 - sentences, not secrets
    vectors = image_vectors(np.hstack([gallery.features[:, 0], gallery.geometry]), weights)
    tallies: dict[str, list[bool]] = {}
    for language in LANGUAGES:
        for index in range(len(vectors)):
            wish = wish_about(gallery.traits, index, rng, whole=True)
            said = read_words(describe(wish, classes, language, rng, held_out=True), names)
            met = wish.met_by(gallery.traits)
            ties = np.array([rng.random() for _ in vectors])
            named = np.isin(np.array(classes)[gallery.traits.label], list(said.labels))
            for name, scores in (
                (language, vectors @ _vector(said.tokens, numbers, weights)),
                ("columns", _in_common(wish, gallery) + ties / 2),
                ("plain_words", named + ties / 2),
                ("chance", ties),
            ):
                first = np.argsort(-scores)[:FIRST]
                tallies.setdefault(f"recall_{name}", []).append(bool(met[first].any()))
                tallies.setdefault(f"itself_{name}", []).append(index in first)
    unplaced = np.tile(gallery.geometry.mean(axis=0), (len(vectors), 1))
    crops = image_vectors(np.hstack([gallery.features[:, 0], unplaced]), weights)
    kinds = np.stack([_vector((f"{LABEL}{label}",), numbers, weights) for label in classes])
    tallies["class_by_picture"] = list(np.argmax(crops @ kinds.T, axis=1) == gallery.traits.label)
    return {"gallery": len(vectors)} | {name: round(float(np.mean(hits)), 4) for name, hits in tallies.items()}


def _vector(
    said: Sequence[str], numbers: Mapping[str, int], weights: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float32]:
    return text_vector([numbers[token] for token in said if token in numbers], weights)


def _in_common(wish: Wish, gallery: Samples) -> NDArray[np.float64]:
    traits = gallery.traits
    pairs = (
        (wish.label, traits.label),
        (wish.size, traits.size),
        (wish.lie, traits.lie),
        (wish.column, traits.column),
        (wish.row, traits.row),
    )
    in_common: NDArray[np.float64] = np.sum([found == wanted for wanted, found in pairs], axis=0, dtype=np.float64)
    return in_common
