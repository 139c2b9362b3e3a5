"""Everything that the screen and the API can be given beside the live feed; what is None is not there."""

from __future__ import annotations

from dataclasses import dataclass

from inspector.domain.asking import PartDesk
from inspector.domain.corrections import CorrectionDesk
from inspector.domain.history import HistoryReader
from inspector.domain.linedesk import LineDesk
from inspector.domain.overlays import Overlays
from inspector.domain.people import AuditTrail, Staff
from inspector.domain.quality import QualityDesk
from inspector.domain.review import ReviewDesk
from inspector.domain.searching import DefectFinder
from inspector.domain.shelf import ReportShelf
from inspector.domain.talk import VoiceDesk
from inspector.domain.terms import GlossaryDesk

__all__ = ["Desks"]


@dataclass(frozen=True, slots=True)
class Desks:
    """The desks of one line.

    Attributes
    ----------
    review
        Parts that wait for a person.
    history
        What was inspected before.
    overlays
        Pictures to lay over that of a part.
    voice
        Where screens speak with the line.
    line
        What can be asked of the running line.
    quality
        How well the line does.
    shelf
        The shift reports.
    trail
        Who did what.
    finder
        Past defects by description.
    glossary
        What things are called here.
    parts
        Questions about one part.
    corrections
        Where texts of reports are corrected.
    people
        Who may log in; None where nobody has to.
    """

    review: ReviewDesk | None = None
    history: HistoryReader | None = None
    overlays: Overlays | None = None
    voice: VoiceDesk | None = None
    line: LineDesk | None = None
    quality: QualityDesk | None = None
    shelf: ReportShelf | None = None
    trail: AuditTrail | None = None
    finder: DefectFinder | None = None
    glossary: GlossaryDesk | None = None
    parts: PartDesk | None = None
    corrections: CorrectionDesk | None = None
    people: Staff | None = None
