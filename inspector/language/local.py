"""The engine on any local causal language model of transformers, with or without a LoRA adapter."""

# mypy: disable-error-code="import-not-found, import-untyped, misc, no-any-return"
# transformers, torch and peft come with the language extra only.

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.domain import ConfigurationError, LanguageError, ModelError
from inspector.language.engine import GiveWay, Request, at_once
from inspector.language.prompt import messages, sentences_of

if TYPE_CHECKING:
    import torch

__all__ = ["TransformersEngine", "chat_text"]

_TOKENS_PER_SENTENCE = 160
_INSTALL = "Install the extra: pip install 'line-inspector[language]'"


class TransformersEngine:
    """Writes the slotted sentences of a report with a causal model on this machine.

    It gets the same prompt as a model behind an endpoint: statuses and slots, no figure and no foreign word. The
    likeliest tokens are taken each time, and generation stops where the deadline passes.

    Parameters
    ----------
    model
        Folder of a transformers model, or the id of one that lies in the local cache: nothing is ever downloaded.
    adapter
        Folder of a LoRA adapter (PEFT) for it; None takes the model as it is.
    threads
        Processor threads; a model on a GPU does not need them.
    give_way
        Asked before every token.

    Raises
    ------
    ConfigurationError
        The extra is not installed.
    ModelError
        Model or adapter is not there, or does not fit.
    """

    attempts = 1

    def __init__(
        self,
        model: str,
        *,
        adapter: Path | None = None,
        device: str = "cpu",
        threads: int = 1,
        give_way: GiveWay = at_once,
    ) -> None:
        try:
            import torch
            import transformers
        except ImportError as error:
            raise ConfigurationError("language: transformers or torch is not installed", remedy=_INSTALL) from error
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        if device == "cpu":
            torch.set_num_threads(threads)
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(model, local_files_only=True)
            loaded = transformers.AutoModelForCausalLM.from_pretrained(model, local_files_only=True)
            if adapter is not None:
                loaded = _adapted(loaded, adapter)
            self._model = loaded.to(device).eval()
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise ModelError(
                f"language.model: {model} cannot be opened as a causal language model: {_first_line(error)}",
                remedy="Give the folder of a transformers model, or an id that was downloaded before",
            ) from error
        name = Path(model).name or model
        self.name = f"{name} with {adapter.name}" if adapter is not None else name
        self._device, self._give_way = device, give_way

    def write(self, requests: Sequence[Request], *, until: float, seed: int, attempt: int) -> list[str]:
        """Return one slotted sentence for each request; raises ``LanguageError``."""
        if not requests:
            return []
        prompt = self._tokenizer(
            chat_text(self._tokenizer, messages(requests)), return_tensors="pt", add_special_tokens=False
        ).to(self._device)
        written = self._generate(prompt, until, _TOKENS_PER_SENTENCE * len(requests))
        if time.monotonic() > until:
            raise LanguageError(f"{self.name} is not ready in time")
        return sentences_of(_bare(written), count=len(requests))

    def _generate(self, prompt: Any, until: float, most: int) -> str:
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList

        give_way = self._give_way

        class Deadline(StoppingCriteria):  # type: ignore[misc, unused-ignore]
            """True for every row once the time is over."""

            def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_kwargs: Any) -> torch.Tensor:
                give_way(until)
                late = time.monotonic() > until
                return torch.full((input_ids.shape[0],), late, dtype=torch.bool, device=input_ids.device)

        length = prompt["input_ids"].shape[1]
        room = getattr(self._model.config, "max_position_embeddings", None)
        if room is not None and length + 1 > room:
            raise LanguageError(f"{self.name} has room for {room} tokens, the prompt has {length}")
        try:
            with torch.inference_mode():
                tokens = self._model.generate(
                    **prompt,
                    do_sample=False,
                    max_new_tokens=most if room is None else min(most, room - length),
                    pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id or 0,
                    stopping_criteria=StoppingCriteriaList([Deadline()]),
                )
        except (RuntimeError, ValueError, IndexError) as error:
            raise LanguageError(f"{self.name} cannot write: {_first_line(error)}") from error
        return str(self._tokenizer.decode(tokens[0, length:], skip_special_tokens=True))

    def close(self) -> None:
        """Release the model."""
        del self._model


def chat_text(tokenizer: Any, chat: Sequence[dict[str, str]]) -> str:
    """Return a conversation as the model was taught to read one, or in plain headings where it was not."""
    if getattr(tokenizer, "chat_template", None):
        return str(tokenizer.apply_chat_template(list(chat), tokenize=False, add_generation_prompt=True))
    return "".join(f"{item['role']}:\n{item['content']}\n\n" for item in chat) + "assistant:\n"


def _bare(text: str) -> str:
    """Return the first JSON object of a text: small models go on talking behind it."""
    start, end = text.find("{"), text.find("]}")
    return text[start : end + 2] if 0 <= start < end else text


def _adapted(model: Any, adapter: Path) -> Any:
    try:
        from peft import PeftModel
    except ImportError as error:
        raise ConfigurationError("language.adapter: peft is not installed", remedy=_INSTALL) from error
    return PeftModel.from_pretrained(model, str(adapter), local_files_only=True).merge_and_unload()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
