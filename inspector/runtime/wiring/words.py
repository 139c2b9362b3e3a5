"""The line's words out of its settings: what things are called, and past defects found by describing them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from inspector.capture import read_image
from inspector.detection import find_model
from inspector.domain import Desks, Terms
from inspector.runtime.glossary import LineGlossary, LiveTerms
from inspector.runtime.searching import DefectReader, WordSearch
from inspector.runtime.wiring.parts import build_part_desk
from inspector.runtime.wiring.terms import build_terms
from inspector.search import SearchModel, load_search
from inspector.settings import LineSettings
from inspector.store import Database, ImageArchive, SqlAuditTrail, SqlDefectVectors, SqlGlossary

__all__ = ["LineWords", "build_glossary", "build_search", "build_words"]


@dataclass(frozen=True, slots=True)
class LineWords:
    """What the office keeps of the line's words; ``search`` and ``reader`` are None where the line has no search."""

    terms: LiveTerms
    glossary: LineGlossary
    search: WordSearch | None
    reader: DefectReader | None

    def on(self, settings: LineSettings, desks: Desks) -> Desks:
        """Return the desks with those of the words among them."""
        history, parts = desks.history, None
        if history is not None:
            parts = build_part_desk(settings, self.terms, find=history.find, labels=history.labels)
        return replace(desks, finder=self.search, glossary=self.glossary, parts=parts)

    def start(self) -> None:
        """Begin to read pictures."""
        if self.reader is not None:
            self.reader.start()

    def close(self) -> None:
        """Stop reading and release the model."""
        if self.reader is not None and self.search is not None:
            self.reader.close()
            self.search.close()


def build_words(settings: LineSettings, database: Database) -> LineWords:
    """Return the words of a line; raises ``ModelError`` or ``StoreError``."""
    terms = build_terms(settings, database)
    model = _model(settings)
    search = reader = None
    if model is not None:
        search = _search(settings, database, model, terms)
        reader = DefectReader(_vectors(settings, database), model, read_image=read_image)
    return LineWords(terms, build_glossary(settings, database, terms), search, reader)


def build_glossary(settings: LineSettings, database: Database, terms: LiveTerms) -> LineGlossary:
    """Return where the names are changed."""
    return LineGlossary(terms, SqlGlossary(database, line=settings.line), SqlAuditTrail(database))


def build_search(settings: LineSettings, database: Database) -> WordSearch | None:
    """Return where descriptions are held against the record, None where the line has none.

    Raises ``ModelError`` or ``StoreError``.
    """
    model = _model(settings)
    return None if model is None else _search(settings, database, model, build_terms(settings, database))


def _search(settings: LineSettings, database: Database, model: SearchModel, terms: Terms) -> WordSearch:
    zones = {zone.name for zone in settings.all_zones}
    return WordSearch(
        _vectors(settings, database),
        model,
        names=lambda: _named({term: names for term, names in terms.items() if term not in zones}),
        zones=lambda: _named({zone: terms.get(zone, {}) for zone in zones}),
    )


def _named(terms: Terms) -> Mapping[str, str]:
    return {name: term for term, names in terms.items() for name in (term, *names.values())}


def _model(settings: LineSettings) -> SearchModel | None:
    return None if settings.search is None else SearchModel(load_search(find_model(settings.search.model)))


def _vectors(settings: LineSettings, database: Database) -> SqlDefectVectors:
    folder = settings.store.images.folder
    images = ImageArchive(folder) if folder is not None else None
    return SqlDefectVectors(database, images, line=settings.line, station=settings.station)
