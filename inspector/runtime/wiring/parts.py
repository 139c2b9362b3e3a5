"""Questions about one part, out of a line's settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from inspector.domain import RecordedPart, Terms
from inspector.language import Glossary
from inspector.runtime.part_desk import RecordPartDesk
from inspector.settings import LineSettings, Zone
from inspector.voice import PartAnswers, Vocabulary

__all__ = ["build_part_answers", "build_part_desk", "names_of_defect"]


def names_of_defect(name: str, language: str) -> tuple[str, ...]:
    """Return a defect's name as it is said of one and, in English, of several."""
    return (name, f"{name}s") if language == "en" else (name,)


def build_part_answers(zones: Iterable[Zone], terms: Terms) -> PartAnswers:
    """Return what answers questions about a part, read from text or heard."""
    return PartAnswers(Glossary(terms).name, {zone.name: zone.box_mm for zone in zones})


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
    ruled = {rule.defect for recipe in settings.recipes.values() for rule in recipe.rules}

    def vocabulary(language: str) -> Vocabulary:
        return Vocabulary(
            parts=(),
            lots=(),
            zones={zone.name: (glossary.name(zone.name, language),) for zone in settings.all_zones},
            defects={
                label: names_of_defect(glossary.name(label, language), language)
                for label in sorted(ruled | set(labels()))
            },
        )

    return RecordPartDesk(find, build_part_answers(settings.all_zones, terms), vocabulary)
