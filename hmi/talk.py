"""The push-to-talk key of a page; everything it does happens in the browser and behind the API."""

from __future__ import annotations

from nicegui import ui

from hmi.house import House
from hmi.icons import icon
from hmi.words import LANGUAGES
from hmi.words_talk import TALK_WORDS

__all__ = ["TalkKey", "talk_key"]


class TalkKey(ui.element, component="talk.js"):
    """Hold it, or the space bar, and speak; the reply appears in a card.

    Parameters
    ----------
    house
        Whose languages the key speaks.
    """

    def __init__(self, house: House) -> None:
        super().__init__()
        self.props["icon"] = icon("talk")
        self.props["languages"] = {
            language: {name: forms[column] for name, forms in TALK_WORDS.items()}
            for column, language in enumerate(LANGUAGES)
            if language in house.languages
        }


def talk_key(house: House, slot: ui.element) -> None:
    """Put the key into a page's slot, where the line listens."""
    if house.desks.voice is not None:
        ui.add_head_html('<link rel="stylesheet" href="/hmi/talk.css">')
        with slot:
            TalkKey(house)
