"""Questions about one part, out of a line's settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from inspector.domain import RecordedPart, Terms
from inspector.language import Glossary
from inspector.runtime.part_desk import RecordPartDesk
from inspector.settings import LineSettings
from inspector.voice import PartAnswers, Vocabulary

__all__ = ["build_part_desk"]


def build_part_desk(
    settings: LineSettings,
    terms: Terms,
    *,
    find: Callable[[UUID], RecordedPart | None],
    labels: Callable[[], Sequence[str]],
) -> RecordPartDesk:
    """Return where questions about a part are asked.

    Parameters
    ----------
    terms
        What things are called on this line; may change meanwhile.
    labels
        Returns the classes that were ever found here: a detector may know more than the rules name.
    """
    glossary = Glossary(terms)
    zones = {zone.name: zone.box_mm for zone in settings.all_zones}
    ruled = {rule.defect for recipe in settings.recipes.values() for rule in recipe.rules}

    def vocabulary(language: str) -> Vocabulary:
        def called(term: str, *, counted: bool = False) -> tuple[str, ...]:
            name = glossary.name(term, language)
            return (name, f"{name}s") if counted and language == "en" else (name,)

        return Vocabulary(
            parts=(),
            lots=(),
            zones={zone: called(zone) for zone in zones},
            defects={label: called(label, counted=True) for label in sorted(ruled | set(labels()))},
        )

    return RecordPartDesk(find, PartAnswers(glossary.name, zones), vocabulary)
