"""A LoRA adapter for a transformers model, taught on the product's own slotted sentences; training only."""

# mypy: disable-error-code="import-not-found, import-untyped, misc, no-any-return"
# transformers, torch and peft come with the language extra only.

from __future__ import annotations

import json
import logging
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from inspector.domain import ConfigurationError, ModelError
from inspector.language.corpus import random_brief, random_sentence
from inspector.language.engine import Request
from inspector.language.local import chat_text
from inspector.language.prompt import messages

__all__ = ["Lesson", "train_adapter"]

log = logging.getLogger(__name__)

_LANGUAGES = ("en", "zh")
_MOST_TASKS = 4
_IGNORED = -100  # of the loss: the prompt is given, not written


@dataclass(frozen=True, slots=True)
class Lesson:
    """How an adapter is taught."""

    steps: int = 300
    batch: int = 2
    seed: int = 1
    rank: int = 16
    rate: float = 2e-4


def train_adapter(base: str, out: Path, *, lesson: Lesson, threads: int = 1, command: str = "") -> tuple[float, float]:
    """Write the adapter and its card; return the mean loss a token over the first and the last tenth of the steps.

    Parameters
    ----------
    base
        Folder of a transformers model, or the id of one in the local cache; it keeps its own licence.

    Raises
    ------
    ConfigurationError
        The extra is not installed.
    ModelError
        The base is not there.
    """
    try:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.pytorch_utils import Conv1D
    except ImportError as error:
        raise ConfigurationError(
            "training an adapter needs transformers, torch and peft",
            remedy="Install the extra: pip install 'line-inspector[language]'",
        ) from error
    torch.manual_seed(lesson.seed)
    torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(base, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelError(f"{base} cannot be opened as a causal language model: {error}") from error
    adapted = get_peft_model(
        model,
        LoraConfig(
            task_type="CAUSAL_LM",
            r=lesson.rank,
            lora_alpha=2 * lesson.rank,
            target_modules="all-linear",
            # GPT-2 keeps its weights the other way round.
            fan_in_fan_out=any(isinstance(layer, Conv1D) for layer in model.modules()),
        ),
    ).to(device)
    optimiser = torch.optim.AdamW((item for item in adapted.parameters() if item.requires_grad), lr=lesson.rate)
    rng = random.Random(lesson.seed)  # noqa: S311 - sentences, not secrets
    losses: list[float] = []
    for step in range(lesson.steps):
        rows = [_example(tokenizer, rng) for _ in range(lesson.batch)]
        longest = max(len(numbers) for numbers, _ in rows)
        padded = torch.tensor([numbers + [0] * (longest - len(numbers)) for numbers, _ in rows], device=device)
        wanted = torch.tensor([known + [_IGNORED] * (longest - len(known)) for _, known in rows], device=device)
        seen = torch.tensor([[1] * len(numbers) + [0] * (longest - len(numbers)) for numbers, _ in rows], device=device)
        loss = adapted(input_ids=padded, attention_mask=seen, labels=wanted).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.item()))
        if step % 20 == 0 or step == lesson.steps - 1:
            log.info("step %d: loss %.3f", step, losses[-1])
    adapted.save_pretrained(str(out))
    tenth = max(1, len(losses) // 10)
    first, last = sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth
    _write_card(out, base, lesson, (first, last), command)
    return first, last


def _example(tokenizer: Any, rng: random.Random) -> tuple[list[int], list[int]]:
    """Return the tokens of one conversation, and the same with what is given left out."""
    language = rng.choice(_LANGUAGES)
    briefs = [random_brief(rng) for _ in range(rng.randint(1, _MOST_TASKS))]
    requests = [Request(brief, language) for brief in briefs]
    answer = json.dumps({"sentences": [random_sentence(brief, language, rng) for brief in briefs]}, ensure_ascii=False)
    prompt = tokenizer(chat_text(tokenizer, messages(requests)), add_special_tokens=False)["input_ids"]
    end = [tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else []
    written = tokenizer(answer, add_special_tokens=False)["input_ids"] + end
    return prompt + written, [_IGNORED] * len(prompt) + written


def _write_card(out: Path, base: str, lesson: Lesson, losses: tuple[float, float], command: str) -> None:
    card = {
        "name": out.name,
        "task": "report-adapter",
        "base": base,
        "licence": "that of the base; what was taught is Apache-2.0",
        "data": {
            "source": "sentences drawn from inspector/language/corpus, made for this purpose; no text of others",
            "conversations": lesson.steps * lesson.batch,
            "seed": lesson.seed,
        },
        "metrics": {"loss_first": round(losses[0], 4), "loss_last": round(losses[1], 4)},
        "command": command,
        "created": datetime.now(UTC).date().isoformat(),
    }
    yaml = YAML()
    with (out / "card.yaml").open("w", encoding="utf-8") as stream:
        yaml.dump(card, stream)
