"""Who writes the reports, and what may be decided about parts that the rules leave open."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from inspector.domain import SettingsError
from inspector.settings.base import MODEL, ClassName, EnvironmentName, Items, Name, Settings

__all__ = [
    "AdvicePolicy",
    "Disposition",
    "EmbeddedLanguage",
    "EndpointLanguage",
    "Language",
    "Release",
    "TemplateLanguage",
]

_DEADLINE = "Time for one report in all languages, in ms; after it the template writes."

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


Language = Annotated[EmbeddedLanguage | TemplateLanguage | EndpointLanguage, Field(discriminator="kind")]


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


class Disposition(Settings):
    """What may be decided about parts that the rules hold for review; without anything here they stay held."""

    may_release: Items[Release] = Field(
        default=(), description="Characteristics whose doubtful values the advisor may release, and how far inside."
    )
    policy: Items[AdvicePolicy] = Field(
        default=(), description="The line's written policy: the advisor may go beyond hold only where a rule says so."
    )


def below(language: Language, folder: Path) -> Language:
    """Return the settings with the model's path, where it is one, below ``folder``."""
    if isinstance(language, EmbeddedLanguage) and "/" in language.model:
        path = os.path.normpath(folder / Path(language.model).expanduser())
        return language.model_copy(update={"model": path})
    return language
