"""A line's settings and its record become a shift report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path

from inspector.domain import CharacteristicKey, ConfigurationError, SpecLimits
from inspector.judgement import effective_rules
from inspector.reports import (
    Identity,
    LimitsFor,
    Shift,
    ShiftCalendar,
    ShiftPattern,
    ShiftReport,
    WrittenReport,
    compile_shift,
    write_report,
)
from inspector.runtime.wiring.messages import hash_of
from inspector.runtime.wiring.terms import build_terms
from inspector.runtime.wiring.verdict import build_recipe
from inspector.settings import LineSettings
from inspector.store import Database, ImageArchive, ShiftRecord

__all__ = [
    "ReportedShift",
    "calendar_of",
    "compile_report",
    "identity_of",
    "limits_for",
    "report_shift",
    "reports_folder",
]

ALWAYS_CHARTED = "length"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CURRENT = "current"
LAST = "last"


@dataclass(frozen=True, slots=True)
class ReportedShift:
    """A shift report and where it was written, by language."""

    report: ShiftReport
    files: Mapping[str, WrittenReport]


def report_shift(
    settings: LineSettings,
    key: str,
    *,
    folder: Path,
    languages: Sequence[str],
    pdf: bool = True,
    now: datetime | None = None,
) -> ReportedShift:
    """Write the report of one shift into the folder, in each language.

    Parameters
    ----------
    key
        ``2026-11-22/B``, ``last`` for the last one that ended, or ``current``.

    Raises
    ------
    ConfigurationError
        The line has no such shift.
    StoreError
        The record cannot be read.
    ReportError
        The report cannot be written.
    """
    now = now or datetime.now(UTC)
    calendar = calendar_of(settings)
    shift = calendar.shift(key) if "/" in key else _near(calendar, key, now)
    store = settings.store
    if store.url is None:
        raise ConfigurationError("store: the paths of the record are not settled", remedy="Load the line by load_line")
    with closing(Database(store.url, username=store.username, password=store.password())) as database:
        report = compile_report(settings, database, calendar, shift, now)
        terms = build_terms(settings, database)
    files = {
        language: write_report(report, folder, language=language, glossary=terms, pdf=pdf) for language in languages
    }
    return ReportedShift(report, files)


def compile_report(
    settings: LineSettings, database: Database, calendar: ShiftCalendar | None, shift: Shift, now: datetime
) -> ShiftReport:
    """Return the report of one shift of this line; without a calendar nothing came before it.

    Raises ``StoreError`` or ``ConfigurationError``.
    """
    folder = settings.store.images.folder
    if folder is None:
        raise ConfigurationError("store: the paths of the record are not settled", remedy="Load the line by load_line")
    return compile_shift(
        ShiftRecord(database, ImageArchive(folder), line=settings.line, station=settings.station),
        calendar or ShiftCalendar([], "UTC"),
        shift,
        line=settings.line,
        now=now,
        identity=identity_of(settings),
        limits_for=limits_for(settings),
        characteristics=_charted(settings),
        stop_after_s=settings.shifts.stop_after_s if settings.shifts else 0.0,
        simulated=settings.simulated,
    )


def reports_folder(settings: LineSettings, data: Path) -> Path:
    """Return where the reports of a line are archived."""
    return data / settings.line / "reports"


def calendar_of(settings: LineSettings) -> ShiftCalendar:
    """Return the line's shift calendar; raises ``ConfigurationError`` where it has none."""
    shifts = settings.shifts
    if shifts is None:
        raise ConfigurationError(
            f"line {settings.line} has no shift calendar",
            remedy="Add 'shifts:' to its YAML; line_configs/production-example.yaml shows one",
        )
    patterns = [
        ShiftPattern(
            shift.name,
            time.fromisoformat(shift.start),
            time.fromisoformat(shift.end),
            frozenset(map(WEEKDAYS.index, shift.days)),
            tuple((time.fromisoformat(pause.start), time.fromisoformat(pause.end)) for pause in shift.breaks),
        )
        for shift in shifts.calendar
    ]
    return ShiftCalendar(patterns, shifts.timezone)


def identity_of(settings: LineSettings) -> Identity:
    """Return names and hashes of the line's recipes and of its calibration, as the MES messages give them."""
    return Identity(
        {name: hash_of(recipe) for name, recipe in settings.recipes.items()},
        hash_of(settings.calibration),
    )


def limits_for(settings: LineSettings) -> LimitsFor:
    """Return the look-up of the limits that a recipe sets for a characteristic."""
    rules = {name: build_recipe(name, recipe).rules for name, recipe in settings.recipes.items()}

    def look_up(key: CharacteristicKey) -> SpecLimits | None:
        for rule in effective_rules(rules.get(key.recipe, ()), key.label, key.zone):
            if rule.characteristic == key.characteristic:
                return rule.limits
        return None

    return look_up


def _near(calendar: ShiftCalendar, key: str, now: datetime) -> Shift:
    if key == CURRENT:
        shift = calendar.at(now)
        if shift is None:
            raise ConfigurationError("no shift is running now", remedy="Name one, such as 2026-11-22/B, or take 'last'")
        return shift
    if key == LAST:
        ended = calendar.before(now, 1)
        if ended:
            return ended[0]
    raise ConfigurationError(
        f"{key!r} is not a shift", remedy="Write 'last', 'current', or a day and a name: 2026-11-22/B"
    )


def _charted(settings: LineSettings) -> frozenset[str]:
    limited = {rule.characteristic for recipe in settings.recipes.values() for rule in recipe.rules}
    return frozenset({ALWAYS_CHARTED, *filter(None, limited)})
