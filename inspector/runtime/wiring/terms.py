"""What things are called on a line, out of its settings."""

from __future__ import annotations

from inspector.language import DEFAULT_GLOSSARY
from inspector.runtime.glossary import LiveTerms
from inspector.settings import LineSettings
from inspector.store import Database, SqlGlossary

__all__ = ["build_terms"]


def build_terms(settings: LineSettings, database: Database) -> LiveTerms:
    """Return what things are called on this line now; raises ``StoreError``."""
    terms = LiveTerms(DEFAULT_GLOSSARY, SqlGlossary(database, line=settings.line))
    terms.refresh()
    return terms
