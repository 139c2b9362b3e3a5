"""The small decoder in torch: made, taught and turned into ONNX; the run time never imports this."""

# mypy: disable-error-code="import-not-found, import-untyped, misc, no-any-return"
# torch comes with the language extra only.

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from inspector.language.brief import Brief
from inspector.language.corpus import random_brief, random_sentence
from inspector.language.examples import Example
from inspector.language.tokens import PREFIX, Vocabulary, split_text, status_tokens

__all__ = ["Decoder", "Shape", "build_vocabulary", "export", "train"]

log = logging.getLogger(__name__)

_LANGUAGES = ("en", "zh")
_VOCABULARY_DRAWS = 40_000


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of the decoder."""

    width: int = 160
    layers: int = 4
    heads: int = 5
    longest: int = 256


class _Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.before_attention = nn.LayerNorm(shape.width)
        self.attention_in = nn.Linear(shape.width, 3 * shape.width)
        self.attention_out = nn.Linear(shape.width, shape.width)
        self.before_mlp = nn.LayerNorm(shape.width)
        self.mlp = nn.Sequential(
            nn.Linear(shape.width, 4 * shape.width), nn.GELU(), nn.Linear(4 * shape.width, shape.width)
        )

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Attend from x (B, T, W) over what came before (B, H, P, D) and itself."""
        rows, length, width = x.shape
        parts = self.attention_in(self.before_attention(x)).split(width, dim=2)
        query, key, value = (part.view(rows, length, self.heads, width // self.heads).transpose(1, 2) for part in parts)
        keys, values = torch.cat((keys, key), dim=2), torch.cat((values, value), dim=2)
        scores = query @ keys.transpose(2, 3) / math.sqrt(width // self.heads) + hidden
        mixed = (scores.softmax(dim=3) @ values).transpose(1, 2).reshape(rows, length, width)
        x = x + self.attention_out(mixed)
        return x + self.mlp(self.before_mlp(x)), keys, values


class Decoder(nn.Module):
    """A decoder-only transformer over status tokens and text.

    ``forward`` takes numbers (B, T) and per layer the keys and values (B, H, P, D) of the P tokens before, and
    returns logits (B, T, V) and the keys and values with the new ones behind.
    """

    def __init__(self, vocabulary: int, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(vocabulary, shape.width)
        self.places = nn.Parameter(torch.zeros(shape.longest, shape.width))
        self.blocks = nn.ModuleList(_Block(shape) for _ in range(shape.layers))
        self.last = nn.LayerNorm(shape.width)
        nn.init.normal_(self.embedding.weight, std=0.05)
        nn.init.normal_(self.places, std=0.02)

    def forward(self, numbers: Tensor, *past: Tensor) -> tuple[Tensor, ...]:
        """Return logits, then keys and values of each layer."""
        before, length = past[0].shape[2], numbers.shape[1]
        x = self.embedding(numbers) + self.places[before : before + length]
        places = torch.arange(before + length)
        hidden = torch.where(places[None, :] <= places[before:, None], 0.0, -1e9)
        present: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            x, keys, values = block(x, past[2 * index], past[2 * index + 1], hidden)
            present += [keys, values]
        return functional.linear(self.last(x), self.embedding.weight), *present

    def nothing(self, rows: int) -> list[Tensor]:
        """Return the keys and values of no token at all."""
        shape = self.shape
        return [torch.zeros(rows, shape.heads, 0, shape.width // shape.heads)] * (2 * shape.layers)


def build_vocabulary(seed: int, examples: Sequence[Example] = ()) -> Vocabulary:
    """Return every token that statuses and sentences use, those of the examples too."""
    rng = random.Random(seed)  # noqa: S311
    drawn = (_drawn(rng, language) for _ in range(_VOCABULARY_DRAWS) for language in _LANGUAGES)
    return Vocabulary.of(chain(drawn, (_tokens(each.brief, each.language, each.text) for each in examples)))


def train(
    vocabulary: Vocabulary,
    shape: Shape,
    *,
    steps: int,
    batch: int = 64,
    seed: int = 0,
    rate: float = 2e-3,
    examples: Sequence[Example] = (),
    share: float = 0.0,
) -> Decoder:
    """Teach a decoder on sentences that are drawn anew at every step; the last step has rate zero.

    Parameters
    ----------
    examples, share
        Sentences of others, and how many of all sentences are drawn from them, 0 … 1.
    """
    torch.manual_seed(seed)
    model = Decoder(len(vocabulary), shape)
    log.info("%d parameters, %d tokens", sum(item.numel() for item in model.parameters()), len(vocabulary))
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    batches = _batches(vocabulary, batch, seed, examples, share)
    started, warm_up = time.process_time(), max(1, steps // 20)
    for step in range(steps):
        share = min(1.0, (step + 1) / warm_up) * 0.5 * (1 + math.cos(math.pi * step / steps))
        for group in optimiser.param_groups:
            group["lr"] = rate * share
        numbers = next(batches)
        logits = model(numbers[:, :-1], *model.nothing(len(numbers)))[0]
        wanted = numbers[:, 1:].clone()
        wanted[:, : PREFIX - 1] = -100  # the statuses are given, not written
        wanted[wanted == vocabulary.pad] = -100
        loss = functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=-100)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step % 50 == 0 or step == steps - 1:
            log.info("step %d: loss %.3f, %.0f CPU seconds", step, loss.item(), time.process_time() - started)
    return model.eval()


def export(model: Decoder, path: Path) -> None:
    """Write the ONNX file: inputs ``numbers`` and ``past_N``, outputs ``logits`` (the last place) and ``present_N``."""
    tensors = 2 * model.shape.layers
    past, present = ([f"{name}_{index}" for index in range(tensors)] for name in ("past", "present"))
    rows: dict[str, dict[int, str]] = {"numbers": {0: "rows", 1: "length"}, "logits": {0: "rows"}}
    rows |= {name: {0: "rows", 2: "before"} for name in past} | {name: {0: "rows", 2: "after"} for name in present}
    head = model.shape.width // model.shape.heads
    example = [torch.zeros(2, model.shape.heads, 3, head)] * tensors
    torch.onnx.export(
        _LastPlace(model),
        (torch.zeros(2, 4, dtype=torch.int64), *example),
        str(path),
        input_names=["numbers", *past],
        output_names=["logits", *present],
        dynamic_axes=rows,
        opset_version=17,
        dynamo=False,
    )


class _LastPlace(nn.Module):
    def __init__(self, model: Decoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, numbers: Tensor, *past: Tensor) -> tuple[Tensor, ...]:
        """Return the logits of the last place only."""
        logits, *present = self.model(numbers, *past)
        return logits[:, -1], *present


def _drawn(rng: random.Random, language: str) -> list[str]:
    brief = random_brief(rng)
    return _tokens(brief, language, random_sentence(brief, language, rng))


def _tokens(brief: Brief, language: str, text: str) -> list[str]:
    return [*status_tokens(brief, language), *split_text(text)]


def _batches(
    vocabulary: Vocabulary, size: int, seed: int, examples: Sequence[Example], share: float
) -> Iterator[Tensor]:
    rng = random.Random(seed + 1)  # noqa: S311

    def one() -> list[int]:
        if examples and rng.random() < share:
            given = rng.choice(examples)
            return [*vocabulary.encode(_tokens(given.brief, given.language, given.text)), vocabulary.end]
        return [*vocabulary.encode(_drawn(rng, rng.choice(_LANGUAGES))), vocabulary.end]

    while True:
        # Sentences of like length side by side: less padding, quicker steps.
        drawn = [one() for _ in range(8 * size)]
        drawn.sort(key=len)
        groups = [drawn[start : start + size] for start in range(0, len(drawn), size)]
        rng.shuffle(groups)
        for group in groups:
            longest = max(map(len, group))
            yield torch.tensor([[*row, *[vocabulary.pad] * (longest - len(row))] for row in group])
