"""The options that the voice's commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

__all__ = ["Engine", "EngineOption", "JsonOption", "ModelOption"]


class Engine(StrEnum):
    """The recognisers."""

    EMBEDDED = "embedded"
    VOSK = "vosk"
    WHISPER = "whisper"


JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
EngineOption = Annotated[Engine, typer.Option(help="Who recognises: embedded (English, no download), vosk or whisper.")]
ModelOption = Annotated[
    str, typer.Option("--model", help="For vosk: a pulled model, or a folder; for whisper: its folder.")
]
