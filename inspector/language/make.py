"""Seeds in, and examples where there are some; a report writer's folder with its card out."""

# mypy: disable-error-code="import-not-found, import-untyped, misc, no-any-return"
# torch comes with the language extra only.

from __future__ import annotations

import json
import logging
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inspector.domain import ConfigurationError
from inspector.language.card import WriterCard, sha256_of, write_card
from inspector.language.decoder import Shape, build_vocabulary, export, train
from inspector.language.examples import CORRECTION, Examples, read_examples

__all__ = ["make_writer"]

log = logging.getLogger(__name__)

_VERSION = "0.1.0"
_SOURCE = "sentences drawn from inspector/language/corpus, made for this purpose"


def make_writer(
    out: Path,
    *,
    steps: int,
    batch: int,
    seed: int,
    shape: Shape,
    threads: int,
    command: str,
    examples: Path | None = None,
    share: float = 0.0,
) -> Path:
    """Train, export and write the card without metrics; return the card's path.

    Parameters
    ----------
    examples, share
        File of examples, and how many of all sentences are drawn from it. Its words join the vocabulary.

    Raises
    ------
    ConfigurationError
        The file of examples cannot be read, or the checker accepts none of it.
    """
    import torch

    given = Examples((), {}) if examples is None else _read(examples)
    torch.set_num_threads(threads)
    out.mkdir(parents=True, exist_ok=True)
    vocabulary = build_vocabulary(seed, given.accepted)
    model = train(vocabulary, shape, steps=steps, batch=batch, seed=seed, examples=given.accepted, share=share)
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
        licence=_licence(given),
        data={
            "source": _SOURCE if examples else f"{_SOURCE}; no text of others",
            "sentences": steps * batch,
            "seed": seed,
            "held_out": "every class, zone and part id: the model sees slots only",
            **({"examples": _described(examples, given, share)} if examples else {}),
        },
        command=command,
        created=datetime.now(UTC).date().isoformat(),
    )
    return write_card(out, card)


def _read(path: Path) -> Examples:
    given = read_examples(path)
    log.info("%d examples from %s, refused: %s", len(given.accepted), path, dict(given.refused) or "none")
    if not given.accepted:
        raise ConfigurationError(f"{path} holds no example that the checker accepts", remedy="Give another --examples")
    return given


def _described(path: Path, given: Examples, share: float) -> dict[str, Any]:
    return {
        "file": path.name,
        "sha256": sha256_of(path),
        "number": len(given.accepted),
        "share": share,
        "refused": dict(given.refused),
        "sources": dict(Counter(each.source for each in given.accepted)),
    }


def _licence(given: Examples) -> str:
    teachers = sorted({each.source for each in given.accepted} - {CORRECTION})
    own = "Apache-2.0"
    return own if not teachers else f"{own}, where the terms of the teacher allow it ({', '.join(teachers)})"
