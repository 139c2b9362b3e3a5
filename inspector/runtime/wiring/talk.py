"""The office's end of a line's voice out of its settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from inspector.domain import AuditTrail, Desks, LineStatus, LotReader, RecordReader, Terms, VoiceDesk
from inspector.runtime.ear_watch import EarWatch
from inspector.runtime.ear_wire import ear_address
from inspector.runtime.speaking import build_vocabulary, known_lots
from inspector.runtime.spoken_desk import PartHolder, SpokenDesk
from inspector.runtime.talk_desk import LineVoiceDesk
from inspector.runtime.wiring.parts import build_part_answers
from inspector.settings import LineSettings
from inspector.voice import DEFAULT_GATE, Answers, Dialogue, Interpreter, Vocabulary

__all__ = ["build_ear_watch", "build_voice_desk"]


def build_ear_watch(settings: LineSettings, data: Path) -> EarWatch:
    """Return what watches whether the voice process listens."""
    return EarWatch(ear_address(data / settings.line))


def build_voice_desk(
    settings: LineSettings,
    data: Path,
    *,
    desks: Desks,
    review: PartHolder,
    record: RecordReader,
    lots: LotReader,
    trail: AuditTrail,
    status: Callable[[], LineStatus],
    order: Callable[[], str],
    terms: Terms,
) -> VoiceDesk | None:
    """Return where the screens speak with the line; None where nobody listens."""
    voice, line = settings.voice, desks.line
    if voice is None or line is None:
        return None
    answers = Answers(
        record, build_part_answers(settings.all_zones, terms), lots, status, order, held_lots=line.held_lots
    )
    gate = DEFAULT_GATE.trusting(voice.trust)
    desk = SpokenDesk(line=line, review=review, record=record, status=status, answer=answers.answer)

    def vocabulary(language: str) -> Vocabulary:
        held = [part.report.trigger.part_id for part in review.waiting(voice.parts)]
        newest = [part.report.trigger.part_id for part in record.latest(voice.parts)]
        return build_vocabulary(settings, language, [*held, *newest][: voice.parts], terms, lots=known_lots(line, lots))

    def dialogue(interpreter: Interpreter, language: str) -> Dialogue:
        return Dialogue(interpreter, desk, trail, gate=gate, language=language, expiry_s=voice.code_s)

    return LineVoiceDesk(
        ear_address(data / settings.line),
        vocabulary=vocabulary,
        dialogue=dialogue,
        languages=tuple(voice.recognisers),
        code_s=voice.code_s,
        wake_phrases=voice.wake_phrases,
        spoken=voice.read_back != "none",
        keep=voice.keep_refused_days > 0,
    )
