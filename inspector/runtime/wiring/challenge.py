"""The challenge test of a line out of its settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from inspector.capture import read_image
from inspector.domain import Frame, HoldLine, ReleaseLine, Trigger
from inspector.runtime.challenge import HELD_BY, Challenge, ChallengeFile, Due, Sample
from inspector.runtime.control import Control
from inspector.runtime.line import Line
from inspector.settings import LineSettings

__all__ = ["build_challenge"]


def build_challenge(settings: LineSettings, data: Path, line: Line, model_sha256: str) -> Challenge | None:
    """Return the challenge test, None where the line has none; raises ``ConfigurationError``."""
    wanted = settings.challenge
    if wanted is None:
        return None
    control = Control(data / settings.line)

    def hold(reason: str) -> None:
        if control.held() is None:
            control.apply(HoldLine(HELD_BY, reason))

    def release() -> None:
        held = control.held()
        if held is not None and held.by == HELD_BY:
            control.apply(ReleaseLine(HELD_BY))

    return Challenge(
        samples=[Sample(one.image.stem, one.image, one.expect, one.recipe or "") for one in wanted.samples],
        masters=wanted.master_parts,
        due=Due(
            every=timedelta(hours=wanted.every_h) if wanted.every_h is not None else None,
            shift_start=_shift_start(settings) if wanted.shift_start and settings.shifts is not None else None,
            changeover=wanted.changeover,
        ),
        file=ChallengeFile(data / settings.line),
        fingerprint=_fingerprint(settings, model_sha256),
        station=settings.station,
        prove=line.prove,
        read=_read,
        hold=hold,
        release=release,
    )


def _read(sample: Sample, trigger: Trigger) -> Frame:
    return Frame(trigger, read_image(sample.image), f"sample {sample.image}", datetime.now(UTC))


def _fingerprint(settings: LineSettings, model_sha256: str) -> str:
    """Return a hash over everything that decides about a verdict: model, calibration, gauging, zones and recipes."""
    seen = sha256(model_sha256.encode())
    decides = {"gauging", "detector", "zones", "recipes"}
    for line in settings.views.values() or [settings]:
        file = line.calibration.file
        seen.update(file.read_bytes() if file is not None else line.calibration.model_dump_json().encode())
        seen.update(line.model_dump_json(include=decides).encode())
    return seen.hexdigest()


def _shift_start(settings: LineSettings) -> Callable[[datetime], datetime | None]:
    from inspector.runtime.reporting import calendar_of  # slow to load, and seldom needed here

    calendar = calendar_of(settings)

    def began(moment: datetime) -> datetime | None:
        shift = calendar.at(moment)
        return shift.span.start if shift is not None else None

    return began
