"""Who writes the reports, and what may be decided about parts that the rules leave open."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from inspector.domain import SettingsError
from inspector.settings.base import MODEL, ClassName, EnvironmentName, FilePath, Items, Name, Settings

__all__ = [
    "AdvicePolicy",
    "Costs",
    "Disposition",
    "EmbeddedLanguage",
    "EndpointLanguage",
    "Language",
    "Release",
    "Search",
    "TemplateLanguage",
    "TransformersLanguage",
]

_DEADLINE = "Time for one report in all languages, in ms; after it the template writes."

Modelled = TypeVar("Modelled", "EmbeddedLanguage", "Search")

Characteristic = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]


class EmbeddedLanguage(Settings):
    """The small model that comes with the product, on this machine's processor."""

    kind: Literal["embedded"] = Field(description="The model that comes with the product.")
    model: str = Field(
        default="report-writer",
        min_length=1,
        pattern=MODEL,
        description="Name of a shipped report writer, or the path of its folder (with a `/`; relative to this file).",
    )
    deadline_ms: int = Field(default=300, ge=10, le=60_000, description=_DEADLINE)


class TemplateLanguage(Settings):
    """Fixed sentences, filled from the record."""

    kind: Literal["template"] = Field(description="Fixed sentences, filled from the record.")


class EndpointLanguage(Settings):
    """A language model on a server of yours that speaks OpenAI's chat completions."""

    kind: Literal["endpoint"] = Field(description="A server such as vLLM, TensorRT-LLM, Ollama or llama.cpp's.")
    url: str = Field(
        pattern=r"^https?://[^\s/]+.*$", description="Address of the server up to the version: `http://host:11434/v1`."
    )
    model: str = Field(min_length=1, max_length=256, description="The server's name of the model.")
    token_env: EnvironmentName | None = Field(
        default=None, description="Name of the environment variable that holds the server's token."
    )
    deadline_ms: int = Field(default=5000, ge=10, le=60_000, description=_DEADLINE)

    def token(self, environ: Mapping[str, str] = os.environ) -> str | None:
        """Return the token; raises ``SettingsError`` where the named variable is not set."""
        if self.token_env is None:
            return None
        if not environ.get(self.token_env):
            raise SettingsError(
                f"language.token_env: the environment variable {self.token_env} is not set",
                remedy=f"Set {self.token_env} to the server's token before the start.",
            )
        return environ[self.token_env]


class TransformersLanguage(Settings):
    """Any causal language model of transformers on this machine; needs the extra `language`."""

    kind: Literal["transformers"] = Field(description="A causal language model of transformers on this machine.")
    model: str = Field(
        min_length=1,
        pattern=MODEL,
        description="Folder of the model (beginning with `/`, `./`, `../` or `~`; relative to this file), or the id of "
        "one that was downloaded before. Nothing is downloaded.",
    )
    adapter: FilePath | None = Field(
        default=None, description="Folder of a LoRA adapter for it; relative to this file."
    )
    device: str = Field(default="cpu", pattern=r"^(cpu|cuda(:\d+)?)$", description="Where it runs: cpu, cuda, cuda:1 …")
    threads: int = Field(default=1, ge=1, le=64, description="Processor threads.")
    deadline_ms: int = Field(default=5000, ge=10, le=60_000, description=_DEADLINE)


Language = Annotated[
    EmbeddedLanguage | TemplateLanguage | EndpointLanguage | TransformersLanguage, Field(discriminator="kind")
]


class Search(Settings):
    """Finding past defects by describing them; their pictures are read by the office, after everything else."""

    model: str = Field(
        default="defect-search",
        min_length=1,
        pattern=MODEL,
        description="Name of a shipped search model, or the path of its folder (with a `/`; relative to this file). "
        "Its feature network lies beside it.",
    )


class Release(Settings):
    """A characteristic whose doubtful values may be released inside a band."""

    characteristic: Characteristic = Field(description="What was measured: length, width, area …")
    inside: float = Field(
        ge=0,
        le=1,
        description="How far inside its limit the value must lie, in expanded uncertainties: 0 … 1.",
    )


class AdvicePolicy(Settings):
    """A rule of the line for parts held for review that have a defect again and again, or at all."""

    defect: ClassName | None = Field(default=None, description="Defect class; without one, any.")
    zone: Name | None = Field(default=None, description="Zone; without one, anywhere.")
    repeats: int = Field(default=1, ge=1, le=1000, description="Least number of parts with it among the last `of`.")
    of: int = Field(default=1, ge=1, le=1000, description="How many of the latest parts are looked at, this one last.")
    decision: Literal["hold", "scrap", "stop_line"] = Field(description="What then happens to the part.")


class Costs(Settings):
    """What wrong dispositions cost this plant, for the weekly report on the adviser."""

    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$", description="Currency of the amounts, such as EUR.")
    false_hold: float = Field(
        ge=0, le=1e9, description="A good part that is held: a person's look at it, and the delay."
    )
    scrap: float = Field(ge=0, le=1e9, description="A good part that is scrapped.")
    escape: float = Field(ge=0, le=1e9, description="A bad part that is released.")


class Disposition(Settings):
    """What may be decided about parts that the rules hold for review; without anything here they stay held."""

    advise: bool = Field(
        default=False,
        description="The adviser says what it would do with each such part, for the record alone. `may_release` and "
        "`policy` need it anyway.",
    )
    deadline_ms: int = Field(
        default=2000,
        ge=10,
        le=600_000,
        description="Advice later than this after the trigger, in ms, releases nothing: the part stays held.",
    )
    may_release: Items[Release] = Field(
        default=(), description="Characteristics whose doubtful values the advisor may release, and how far inside."
    )
    policy: Items[AdvicePolicy] = Field(
        default=(), description="The line's written policy: the advisor may go beyond hold only where a rule says so."
    )
    costs: Costs | None = Field(
        default=None, description="What wrong decisions cost; without them the weekly report counts only."
    )


def below(language: Language, folder: Path) -> Language:
    """Return the settings with the paths of model and adapter, where they are some, below ``folder``."""
    if isinstance(language, EmbeddedLanguage):
        return _model_below(language, folder)
    if not isinstance(language, TransformersLanguage):
        return language
    # An id has a slash, too: what is meant as a path begins like one.
    model = _path_below(folder, language.model) if language.model.startswith(("/", ".", "~")) else language.model
    adapter = None if language.adapter is None else Path(_path_below(folder, str(language.adapter)))
    return language.model_copy(update={"model": model, "adapter": adapter})


def search_below(search: Search | None, folder: Path) -> Search | None:
    """Return the settings with the model's path, where it is one, below ``folder``."""
    return None if search is None else _model_below(search, folder)


def _model_below(settings: Modelled, folder: Path) -> Modelled:
    if "/" not in settings.model:
        return settings
    return settings.model_copy(update={"model": _path_below(folder, settings.model)})


def _path_below(folder: Path, path: str) -> str:
    return os.path.normpath(folder / Path(path).expanduser())
