"""The contrastive heads in torch: both towers taught side by side; the run time never imports this."""

# mypy: disable-error-code="import-not-found, import-untyped, misc, no-any-return"
# torch comes with the language extra only.

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from inspector.search.descriptions import LANGUAGES, Wish, describe, wish_about
from inspector.search.samples import Samples
from inspector.search.words import read_words

__all__ = ["Teaching", "Words", "teach", "vocabulary"]

log = logging.getLogger(__name__)

_TEMPERATURE = 0.07
_MOST_TOKENS = 48
_SCALED = 0.5  # octaves by which sizes are varied: other lines have other sizes
_REPORTS = 0.15  # share of texts that are sentences of reports

Words = Callable[[Wish, str, random.Random], str]
"""A report's sentence about such a finding, in a language."""


@dataclass(frozen=True, slots=True)
class Teaching:
    """How the heads are made."""

    steps: int = 3000
    batch: int = 256
    seed: int = 1
    width: int = 64
    hidden: int = 192
    rate: float = 2e-3
    threads: int = 1


def vocabulary(
    classes: Sequence[str], names: Mapping[str, str], report: Words, samples: Samples, *, draws: int = 30_000
) -> list[str]:
    """Return every token that training texts have, the most frequent first."""
    counts: dict[str, int] = {}
    rng = random.Random(0)  # noqa: S311 - sentences, not secrets
    for _ in range(draws):
        index = rng.randrange(len(samples.traits.label))
        for token in read_words(_text(samples, index, classes, report, rng)[1], names).tokens:
            counts[token] = counts.get(token, 0) + 1
    return sorted(counts, key=lambda token: (-counts[token], token))


def teach(
    samples: Samples,
    *,
    classes: Sequence[str],
    names: Mapping[str, str],
    tokens: Sequence[str],
    report: Words,
    how: Teaching,
) -> dict[str, NDArray[np.float16]]:
    """Return the weights of both towers by name."""
    torch.manual_seed(how.seed)
    torch.set_num_threads(how.threads)
    rng = random.Random(how.seed)  # noqa: S311
    numbers = {token: number + 1 for number, token in enumerate(tokens)}
    flat = np.concatenate(
        [samples.features.reshape(-1, samples.features.shape[2]),
         np.repeat(samples.geometry, samples.features.shape[1], axis=0)], axis=1,
    )  # fmt: skip
    mean, std = flat.mean(axis=0), flat.std(axis=0) + 1e-3
    image = nn.Sequential(
        nn.Dropout(0.1),
        nn.Linear(flat.shape[1], how.hidden),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(how.hidden, how.width),
    )
    text = _TextTower(len(tokens), how.width)
    optimiser = torch.optim.AdamW([*image.parameters(), *text.parameters()], lr=how.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=how.rate, total_steps=how.steps, pct_start=0.1)
    for step in range(how.steps):
        wishes, rows, features = [], [], []
        drawn = _varied(samples, [rng.randrange(len(samples.traits.label)) for _ in range(how.batch)], rng)
        for place in range(how.batch):
            wish, said = _text(drawn, place, classes, report, rng)
            wishes.append(wish)
            known = [numbers[token] for token in read_words(said, names).tokens if token in numbers]
            rows.append([*known[:_MOST_TOKENS], *[0] * (_MOST_TOKENS - len(known))])
            view = rng.randrange(drawn.features.shape[1])
            features.append(np.concatenate([drawn.features[place, view], drawn.geometry[place]]))
        fits = torch.from_numpy(np.stack([wish.met_by(drawn.traits) for wish in wishes]))
        fits |= torch.eye(how.batch, dtype=torch.bool)
        seen = functional.normalize(image(torch.from_numpy((np.stack(features) - mean) / std).float()), dim=1)
        loss = _contrast(text(torch.tensor(rows)) @ seen.T / _TEMPERATURE, fits)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 200 == 0 or step == how.steps - 1:
            log.info("step %d: loss %.3f", step, loss.item())
    return _weights(image, text, mean, std)


class _TextTower(nn.Module):
    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(tokens + 1, width, padding_idx=0)
        self.inner = nn.Linear(width, 2 * width)
        self.outer = nn.Linear(2 * width, width, bias=False)
        nn.init.normal_(self.tokens.weight, std=0.1)
        with torch.no_grad():
            self.tokens.weight[0] = 0

    def forward(self, rows: Tensor) -> Tensor:
        """Return unit vectors (n, width) of token numbers (n, t); 0 is no token."""
        summed = self.tokens(rows).sum(dim=1)
        return functional.normalize(summed + self.outer(functional.relu(self.inner(summed))), dim=1)


def _text(samples: Samples, index: int, classes: Sequence[str], report: Words, rng: random.Random) -> tuple[Wish, str]:
    language = rng.choice(LANGUAGES)
    wish = wish_about(samples.traits, index, rng, whole=rng.random() < 0.3)  # noqa: PLR2004
    if rng.random() < _REPORTS:
        wish = Wish(label=int(samples.traits.label[index]), about_mm=wish.about_mm)
        return wish, report(wish, language, rng)
    return wish, describe(wish, classes, language, rng)


def _varied(samples: Samples, drawn: Sequence[int], rng: random.Random) -> Samples:
    """Return these samples at other places and of other sizes: neither is told by the crop."""
    traits, features = samples.traits, samples.features[drawn]
    factors = np.array([2 ** rng.gauss(0, _SCALED) for _ in drawn])
    places = np.array([[rng.random(), rng.random()] for _ in drawn])
    geometry = samples.geometry[drawn].copy()
    geometry[:, 0] += np.log2(factors)
    geometry[:, 3:5] = places
    changed = type(traits)(
        traits.label[drawn], traits.length_mm[drawn] * factors, traits.shape[drawn], places[:, 0], places[:, 1]
    )
    return Samples(features, geometry, changed)


def _contrast(likeness: Tensor, fits: Tensor) -> Tensor:
    """Return InfoNCE with as many right answers as there are, both ways (arXiv:2004.11362, equation 2)."""
    losses = []
    for scores, right in ((likeness, fits), (likeness.T, fits.T)):
        logs = scores.log_softmax(dim=1)
        losses.append(-(logs * right).sum(dim=1) / right.sum(dim=1))
    return (losses[0].mean() + losses[1].mean()) / 2


def _weights(
    image: nn.Sequential, text: _TextTower, mean: NDArray[np.float32], std: NDArray[np.float32]
) -> dict[str, NDArray[np.float16]]:
    first, second = (layer for layer in image if isinstance(layer, nn.Linear))
    named: Iterable[tuple[str, Tensor]] = (
        ("image.w1", first.weight.T), ("image.b1", first.bias), ("image.w2", second.weight.T),
        ("image.b2", second.bias), ("text.tokens", text.tokens.weight[1:]), ("text.w1", text.inner.weight.T),
        ("text.b1", text.inner.bias), ("text.w2", text.outer.weight.T),
    )  # fmt: skip
    weights = {name: tensor.detach().numpy().astype(np.float16) for name, tensor in named}
    return weights | {"image.mean": mean.astype(np.float16), "image.std": std.astype(np.float16)}
