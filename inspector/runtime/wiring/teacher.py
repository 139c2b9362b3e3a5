"""A larger model to learn from, by what the command line says of it."""

from __future__ import annotations

from pathlib import Path

from inspector.domain import ConfigurationError
from inspector.language.endpoint import EndpointEngine
from inspector.language.engine import SentenceEngine

__all__ = ["build_teacher"]


def build_teacher(
    teacher: str, *, model: str = "", token: str | None = None, adapter: Path | None = None, threads: int = 1
) -> SentenceEngine:
    """Return the engine at an address, or that of a transformers model on this machine.

    Parameters
    ----------
    teacher
        Address of an OpenAI-compatible server, or folder or id of a model.
    model, token
        For a server: its name of the model, and its bearer token.
    adapter
        For a model: folder of its LoRA adapter.

    Raises
    ------
    ConfigurationError
        What is said does not fit together, or the model cannot be opened.
    """
    if teacher.startswith(("http://", "https://")):
        if not model or adapter is not None:
            raise ConfigurationError(
                f"{teacher} is a server: it needs the name of a model, and no adapter", remedy="Give --model NAME"
            )
        return EndpointEngine(teacher, model=model, token=token)
    if model:
        raise ConfigurationError(
            f"{teacher} is no address of a server", remedy="Write http://host:port/v1, or leave --model out"
        )
    from inspector.language.local import TransformersEngine  # loads torch

    return TransformersEngine(teacher, adapter=adapter, threads=threads)
