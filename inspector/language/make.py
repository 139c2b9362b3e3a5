"""Seeds in, a report writer's folder with its card out."""

# mypy: disable-error-code="import-not-found, import-untyped, misc, no-any-return"
# torch comes with the language extra only.

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from inspector.language.card import WriterCard, sha256_of, write_card
from inspector.language.decoder import Shape, build_vocabulary, export, train

__all__ = ["make_writer"]

_VERSION = "0.1.0"


def make_writer(out: Path, *, steps: int, batch: int, seed: int, shape: Shape, threads: int, command: str) -> Path:
    """Train, export and write the card without metrics; return the card's path."""
    import torch

    torch.set_num_threads(threads)
    out.mkdir(parents=True, exist_ok=True)
    vocabulary = build_vocabulary(seed)
    model = train(vocabulary, shape, steps=steps, batch=batch, seed=seed)
    weights, tokens = out / "report-writer.onnx", out / "tokens.json"
    export(model, weights)
    tokens.write_text(json.dumps(vocabulary.tokens, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    card = WriterCard(
        name="report-writer",
        version=_VERSION,
        task="report",
        weights=weights.name,
        sha256=sha256_of(weights),
        tokens=tokens.name,
        tokens_sha256=sha256_of(tokens),
        layers=shape.layers,
        heads=shape.heads,
        head_width=shape.width // shape.heads,
        longest=shape.longest,
        parameters=sum(item.numel() for item in model.parameters()),
        languages=("en", "zh"),
        licence="Apache-2.0",
        data={
            "source": "sentences drawn from inspector/language/corpus, made for this purpose; no text of others",
            "sentences": steps * batch,
            "seed": seed,
            "held_out": "every class, zone and part id: the model sees slots only",
        },
        command=command,
        created=datetime.now(UTC).date().isoformat(),
    )
    return write_card(out, card)
