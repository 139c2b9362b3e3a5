"""Finding past defects by words: one space in which crops of defects and descriptions lie side by side."""

from inspector.search.card import SearchCard, load_search
from inspector.search.crops import Sighting
from inspector.search.encoder import SearchModel

__all__ = ["SearchCard", "SearchModel", "Sighting", "load_search"]
