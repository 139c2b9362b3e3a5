"""What the voice's keys have to do with the rest of the line."""

from __future__ import annotations

from inspector.settings.raw import Data, Problems, entries, problem, table

__all__ = ["voice_problems"]

ENGLISH_ONLY = {"embedded": "the embedded recogniser", "whisper": "Whisper, held to a grammar,"}
""""en" is all that they hear."""


def voice_problems(data: Data) -> Problems:
    """Yield an error for every broken relation of ``voice:``."""
    recognisers = table(data, "voice", "recognisers")
    spoken = [language for language in entries(data, "languages") if isinstance(language, str)] or ["en"]
    for language, ears in recognisers.items():
        if not isinstance(language, str) or not isinstance(ears, dict):
            continue
        if language not in spoken:
            yield problem(
                ("voice", "recognisers", language),
                "not_spoken",
                f"the line does not speak '{language}'",
                f"Add '{language}' to 'languages:', or leave this recogniser out.",
            )
        if ears.get("kind") in ENGLISH_ONLY and language != "en":
            yield problem(
                ("voice", "recognisers", language, "kind"),
                "wrong_ears",
                f"{ENGLISH_ONLY[ears['kind']]} hears English only, not '{language}'",
                "Write 'kind: vosk' and pull a model of this language.",
            )
