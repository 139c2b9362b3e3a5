"""What the voice's keys have to do with the rest of the line."""

from __future__ import annotations

import re

from inspector.settings.raw import Data, Problems, entries, problem, table

__all__ = ["voice_problems"]

ENGLISH_ONLY = {"embedded": "the embedded recogniser", "whisper": "Whisper, held to a grammar,"}
""""en" is all that they hear."""
EARS = ("en",)
"""Who listens without being told."""
LONG_ENOUGH = {
    "en": re.compile(r"(?=(?:[^A-Za-z]*[A-Za-z]){10})[A-Za-z']+(?: [A-Za-z']+)+"),
    "zh": re.compile(r"[\u4e00-\u9fff]{4,}"),
}
"""A phrase that nobody says by accident, by language."""


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
    for language, phrase in table(data, "voice", "wake_phrases").items():
        if not isinstance(language, str) or not isinstance(phrase, str):
            continue
        if language not in (recognisers or EARS):
            yield problem(
                ("voice", "wake_phrases", language),
                "nobody_hears",
                f"nobody listens in '{language}'",
                f"Add '{language}' to 'voice.recognisers', or leave this phrase out.",
            )
        if not LONG_ENOUGH.get(language, LONG_ENOUGH["en"]).fullmatch(phrase.strip()):
            yield problem(
                ("voice", "wake_phrases", language),
                "weak_phrase",
                f"'{phrase}' is said too easily by accident, or is not made of words",
                "Choose two words or more of ten letters or more together (Chinese: four signs or more), no digits.",
            )
