"""The push-to-talk key of a page; everything it does happens in the browser and behind the API."""

from __future__ import annotations

from collections.abc import Mapping

from nicegui import ui

from hmi.house import House
from hmi.icons import icon
from hmi.words import LANGUAGES
from hmi.words_talk import TALK_WORDS
from inspector.domain import Lamp, LineStatus

__all__ = ["TalkKey", "talk_key"]


class TalkKey(ui.element, component="talk.js"):
    """Hold it, or the space bar, and speak; the reply appears in a card.

    Parameters
    ----------
    house
        Whose languages the key speaks.
    phrases
        By language, what a command begins with where the switch beside the key leaves the microphone open.
    """

    def __init__(self, house: House, phrases: Mapping[str, str]) -> None:
        super().__init__()
        self.props["icon"] = icon("talk")
        self.props["ear"] = icon("ear")
        self.props["phrases"] = dict(phrases)
        self.props["away"] = False
        self.props["languages"] = {
            language: {name: forms[column] for name, forms in TALK_WORDS.items()}
            for column, language in enumerate(LANGUAGES)
            if language in house.languages
        }

    def follow(self, status: LineStatus) -> None:
        """Show whether anybody listens; a line without this lamp does not know."""
        lamp = status.lamps.get(Lamp.VOICE)
        away = lamp is not None and lamp.good is not True
        if self.props["away"] != away:
            self.props["away"] = away


def talk_key(house: House, slot: ui.element) -> TalkKey | None:
    """Put the key into a page's slot and return it; None where the line does not listen."""
    voice = house.desks.voice
    if voice is None:
        return None
    ui.add_head_html('<link rel="stylesheet" href="/hmi/talk.css">')
    with slot:
        return TalkKey(house, voice.wake_phrases)
