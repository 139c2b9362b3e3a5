"""Vectors of findings and the glossary in SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from inspector.domain import Box, DefectVectors, LanguageError, NotAllowed, PartKind, Person, Role
from inspector.language import DEFAULT_GLOSSARY
from inspector.runtime.glossary import LineGlossary, LiveTerms
from inspector.store import Database, ImageArchive, RecordStore, SqlAuditTrail, SqlDefectVectors, SqlGlossary
from tests.support.shifts import LINE, NIGHT, STATION, inspection

MEI = Person("mei", Role.QUALITY)
PIXELS = np.full((96, 96), 40, np.uint8)


@pytest.fixture
def images(tmp_path: Path) -> ImageArchive:
    return ImageArchive(tmp_path / "images", min_free_mb=0)


@pytest.fixture
def record(database: Database, images: ImageArchive) -> RecordStore:
    return RecordStore(database, images, line=LINE, station=STATION)


@pytest.fixture
def vectors(database: Database, images: ImageArchive) -> SqlDefectVectors:
    return SqlDefectVectors(database, images, line=LINE, station=STATION)


def unit(*values: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


def fill(record: RecordStore, *labels: str, pictured: bool = True) -> None:
    for number, label in enumerate(labels):
        at = NIGHT + timedelta(minutes=number)
        report = inspection(number, at, label=label, length=0.3 + number / 100)
        record.record(report, pixels=PIXELS if pictured else None, texts={}, messages=[])


# --- vectors ----------------------------------------------------------------------------------------------


def test_what_has_findings_and_a_picture_is_read_once_in_order(record: RecordStore, vectors: SqlDefectVectors) -> None:
    fill(record, "spur", "", "open")
    fill(record, "pin_hole", pictured=False)
    assert isinstance(vectors, DefectVectors)
    first, second = vectors.unread("m 1", after=0, limit=10)
    assert first.image is not None
    assert first.image.is_file()
    assert first.findings[0].box == Box(20, 20, 30, 28)
    assert first.findings[0].size_mm == pytest.approx(0.3)
    assert [item.key for item in vectors.unread("m 1", after=first.key, limit=10)] == [second.key]
    vectors.add(first.key, "m 1", [(0, unit(1, 2))])
    assert [item.key for item in vectors.unread("m 1", after=0, limit=10)] == [second.key]
    assert len(vectors.unread("m 2", after=0, limit=10)) == 2, "another model has read nothing yet"


def test_an_expired_picture_is_said(record: RecordStore, vectors: SqlDefectVectors) -> None:
    fill(record, "spur")
    kept = vectors.unread("m 1", after=0, limit=1)[0]
    assert kept.image is not None
    kept.image.unlink()
    assert vectors.unread("m 1", after=0, limit=1)[0].image is None


def test_vectors_come_back_as_they_were_and_once(record: RecordStore, vectors: SqlDefectVectors) -> None:
    fill(record, "spur", "open")
    keys = [item.key for item in vectors.unread("m 1", after=0, limit=10)]
    for key, vector in zip(keys, (unit(1, 0), unit(3, 4)), strict=True):
        vectors.add(key, "m 1", [(0, vector)])
        vectors.add(key, "m 1", [(0, unit(-1, 0))])
    found = vectors.newest("m 1", after=0, limit=10)
    assert [(item.key, item.detection, item.label, item.zone) for item in found] == [
        (keys[0], 0, "spur", ""),
        (keys[1], 0, "open", ""),
    ]
    np.testing.assert_allclose(found[1].vector, [0.6, 0.8], atol=1e-3)
    assert [item.key for item in vectors.newest("m 1", after=keys[0], limit=10)] == [keys[1]]
    assert [item.key for item in vectors.newest("m 1", after=0, limit=1)] == [keys[1]], "the newest are kept"


def test_findings_are_shown_in_the_order_asked_for(record: RecordStore, vectors: SqlDefectVectors) -> None:
    fill(record, "spur", "open")
    keys = [item.key for item in vectors.unread("m 1", after=0, limit=10)]
    shown = vectors.shown([(keys[1], 0), (keys[0], 0), (keys[0], 7)])
    assert [(item.part_id, item.label, item.kind) for item in shown] == [
        ("P-00001", "open", PartKind.REVIEW),
        ("P-00000", "spur", PartKind.REVIEW),
    ]
    assert shown[0].size_mm == pytest.approx(0.31)
    assert list(vectors.shown([])) == []


def test_another_line_in_the_same_database_is_not_searched(
    database: Database, images: ImageArchive, record: RecordStore
) -> None:
    fill(record, "spur")
    other = SqlDefectVectors(database, images, line="other", station=STATION)
    assert list(other.unread("m 1", after=0, limit=10)) == []


# --- the glossary -----------------------------------------------------------------------------------------


@pytest.fixture
def terms(database: Database) -> LiveTerms:
    return LiveTerms(DEFAULT_GLOSSARY, SqlGlossary(database, line=LINE))


@pytest.fixture
def glossary(database: Database, terms: LiveTerms) -> LineGlossary:
    return LineGlossary(terms, SqlGlossary(database, line=LINE), SqlAuditTrail(database))


def test_a_name_is_changed_versioned_written_down_and_taken_back(
    database: Database, glossary: LineGlossary, terms: LiveTerms
) -> None:
    elsewhere = LiveTerms(DEFAULT_GLOSSARY, SqlGlossary(database, line=LINE))
    first = glossary.set(MEI, "spur", "en", " burr ")
    assert terms["spur"] == {"en": "burr", "zh": "毛刺"}
    assert elsewhere["spur"]["en"] == "spur"
    elsewhere.refresh()
    assert elsewhere["spur"]["en"] == "burr", "another process finds it"
    glossary.set(MEI, "connector", "zh", "插头")
    assert glossary.terms()["connector"] == {"zh": "插头"}
    last = glossary.set(MEI, "spur", "en", "")
    assert terms["spur"]["en"] == "spur"
    assert first.version < last.version
    assert [(item.term, item.language, item.name, item.who) for item in glossary.history(2)] == [
        ("spur", "en", "", "mei"),
        ("connector", "zh", "插头", "mei"),
    ]
    trail = SqlAuditTrail(database)
    assert [(entry.who, entry.act, entry.subject, entry.detail) for entry in trail.latest(3)][-1] == (
        "mei",
        "change_term",
        "spur",
        "en: burr",
    )
    assert trail.verify() is None


@pytest.mark.parametrize(
    ("term", "language", "name"),
    [
        ("spur", "en", "open"),
        ("spur", "zh", "开路"),
        ("spur", "fr", "bavure"),
        ("not a term", "en", "x"),
        ("", "en", "x"),
        ("spur", "en", "two\nlines"),
        ("spur", "en", "turned \u202e round"),
        ("spur", "en", "x" * 65),
    ],
)
def test_what_is_no_name_is_refused_and_nothing_changes(
    glossary: LineGlossary, terms: LiveTerms, term: str, language: str, name: str
) -> None:
    with pytest.raises(LanguageError):
        glossary.set(MEI, term, language, name)
    assert dict(terms) == dict(DEFAULT_GLOSSARY)
    assert list(glossary.history(10)) == []


def test_who_may_not_changes_nothing_and_the_trail_says_so(database: Database, glossary: LineGlossary) -> None:
    with pytest.raises(NotAllowed):
        glossary.set(Person("jan", Role.OPERATOR), "spur", "en", "burr")
    assert SqlAuditTrail(database).latest(1)[0].act == "change_term_refused"
    assert glossary.terms()["spur"]["en"] == "spur"


def test_another_line_keeps_its_names(database: Database, glossary: LineGlossary) -> None:
    glossary.set(MEI, "spur", "en", "burr")
    other = LiveTerms(DEFAULT_GLOSSARY, SqlGlossary(database, line="other"))
    other.refresh()
    assert other["spur"]["en"] == "spur"
