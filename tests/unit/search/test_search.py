"""Defects found by words: reading descriptions, the shipped towers on drawn boards, the record's reader and finder."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.capture import read_image
from inspector.capture.board import BoardSpec, render_board
from inspector.detection import find_model
from inspector.domain import (
    Box,
    FoundDefect,
    KeptVector,
    ModelError,
    PartKind,
    StoreError,
    UnreadFinding,
    UnreadPicture,
)
from inspector.runtime.search_training import class_names
from inspector.runtime.searching import DefectReader, WordSearch
from inspector.search import SearchModel, Sighting, load_search
from inspector.search.crops import CROP_PX, crop, geometry
from inspector.search.descriptions import LANGUAGES, Lie, Size, Traits, Wish, describe, wish_about
from inspector.search.measure import measure
from inspector.search.samples import Labelled, gather
from inspector.search.words import read_words, size_token

NAMES = {"spur": "spur", "毛刺": "spur", "spurious copper": "spurious_copper", "open": "open", "scratch": "scratch"}
ZONES = {"connector": "connector", "插头": "connector", "left rail": "rail"}


@cache
def model() -> SearchModel:
    return SearchModel(load_search(find_model("defect-search")))


# --- words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tokens", "labels", "zones"),
    [
        ("Large SPUR", ("@label:spur", "large"), {"spur"}, set()),
        ("two spurs near the connector", ("@label:spur", "two", "near", "the"), {"spur"}, {"connector"}),
        ("spurious copper", ("@label:spurious_copper",), {"spurious_copper"}, set()),
        ("reopened", ("reopened",), set(), set()),
        ("on the left rail", ("on", "the"), set(), {"rail"}),
        ("插头附近的毛刺", ("@label:spur", "附", "近", "的", "附近", "近的"), {"spur"}, {"connector"}),
        ("0.35 mm", (size_token(0.35),), set(), set()),
        ("约350微米", ("约", size_token(0.35)), set(), set()),
        ("0,35mm", (size_token(0.35),), set(), set()),
        ("12 {a} <b>", ("a", "b"), set(), set()),
        ("", (), set(), set()),
    ],
)
def test_a_description_is_read(text: str, tokens: tuple[str, ...], labels: set[str], zones: set[str]) -> None:
    reading = read_words(text, NAMES, ZONES)
    assert (reading.tokens, set(reading.labels), set(reading.zones)) == (tokens, labels, zones)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_described_is_met_by_what_it_describes(language: str) -> None:
    rng = random.Random(3)
    traits = Traits(
        np.array([1, 2]), np.array([0.2, 0.8]), np.array([2.0, 0.5]), np.array([0.1, 0.9]), np.array([0.5, 0.5])
    )
    assert (list(traits.size), list(traits.lie)) == ([Size.SMALL, Size.LARGE], [Lie.ACROSS, Lie.UPRIGHT])
    for _ in range(200):
        index = rng.randrange(2)
        wish = wish_about(traits, index, rng)
        assert wish.met_by(traits)[index]
        assert "{" not in describe(wish, ("a", "b", "c"), language, rng, held_out=rng.random() < 0.5)
    whole = wish_about(traits, 0, rng, whole=True)
    assert None not in (whole.label, whole.size, whole.lie, whole.column, whole.row)
    assert list(whole.met_by(traits)) == [True, False]
    assert list(Wish(about_mm=0.21).met_by(traits)) == [True, False]


# --- crops and towers -------------------------------------------------------------------------------------


def test_a_crop_has_the_finding_in_its_middle_also_at_the_edge() -> None:
    pixels = np.zeros((200, 300), np.uint8)
    cv2.rectangle(pixels, (100, 50), (119, 69), 255, -1)
    seen = crop(pixels, Box(100, 50, 120, 70))
    assert seen.shape == (CROP_PX, CROP_PX)
    assert seen[CROP_PX // 2, CROP_PX // 2] == 255
    assert seen[4, 4] == 0
    assert crop(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), Box(0, 0, 300, 200)).shape == (CROP_PX, CROP_PX)
    assert crop(pixels, Box(290, 190, 340, 240)).shape == (CROP_PX, CROP_PX)


def test_geometry_tells_size_shape_and_place_and_what_is_not_known() -> None:
    known = geometry(Sighting(Box(100, 40, 140, 60), (400, 100), 0.5))
    np.testing.assert_allclose(known, [-1, 1, 1, 0.3, 0.5], atol=1e-6)
    np.testing.assert_allclose(geometry(Sighting(Box(0, 0, 10, 10), (400, 100)))[:2], [0, 0])


def test_the_shipped_model_finds_drawn_defects_it_never_saw() -> None:
    """Recall over 150 drawn defects; docs/language.md has it over the real boards."""
    files = load_search(find_model("defect-search"))
    classes = files.card.classes
    pictures = []
    for part in range(200):
        pixels, truths = render_board(977, part, BoardSpec(defect_rate=0.9))
        boxes = [truth.labelled_box(pixels.shape[0]) for truth in truths]
        frame = (pixels.shape[1], pixels.shape[0])
        seen = tuple(Sighting(box, frame, truth.size_mm) for box, truth in zip(boxes, truths, strict=True))
        if seen:
            pictures.append(Labelled(pixels, seen, tuple(classes.index(truth.label) for truth in truths)))
        if sum(len(picture.labels) for picture in pictures) >= 150:
            break
    gallery = gather(pictures, model().features)
    figures = measure(gallery, files.arrays(), files.tokens(), classes=classes, names=class_names(classes))
    assert figures["gallery"] >= 150
    assert min(figures["recall_en"], figures["recall_zh"]) >= 0.8
    assert figures["class_by_picture"] >= 0.8
    assert figures["recall_chance"] < 0.5


def test_the_card_says_what_was_held_out() -> None:
    figures = load_search(find_model("defect-search")).card.metrics
    assert set(figures) == {"DeepPCB", "virtual boards"}
    for measured in figures.values():
        assert measured["gallery"] >= 500
        assert min(measured["recall_en"], measured["recall_zh"]) >= 0.8


@pytest.mark.parametrize("spoilt", ["defect-search.npz", "tokens.json", "card.yaml"])
def test_a_spoilt_folder_is_refused(tmp_path: Path, spoilt: str) -> None:
    for name in ("defect-search", "efficientnet-lite0"):
        shutil.copytree(find_model(name), tmp_path / name)
    (tmp_path / "defect-search" / spoilt).write_bytes(b"something else")
    with pytest.raises(ModelError, match=spoilt):
        load_search(tmp_path / "defect-search")


def test_without_its_feature_network_it_is_refused(tmp_path: Path) -> None:
    shutil.copytree(find_model("defect-search"), tmp_path / "defect-search")
    with pytest.raises(ModelError, match="efficientnet-lite0"):
        load_search(tmp_path / "defect-search")


# --- reader and finder ------------------------------------------------------------------------------------


@dataclass
class Shelf:
    """A ``DefectVectors`` in memory over pictures on disk; ``broken`` makes it a record that does not answer."""

    pictures: list[UnreadPicture]
    labels: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)
    kept: dict[tuple[int, int], NDArray[np.float32]] = field(default_factory=dict)
    broken: bool = False
    read_all: threading.Event = field(default_factory=threading.Event)

    def unread(self, model: str, *, after: int, limit: int) -> Sequence[UnreadPicture]:
        if self.broken:
            raise StoreError("away")
        read = max((key for key, _ in self.kept), default=0)
        return [item for item in self.pictures if item.key > max(after, read)][:limit]

    def add(self, key: int, model: str, vectors: Sequence[tuple[int, NDArray[np.float32]]]) -> None:
        for number, vector in vectors:
            self.kept.setdefault((key, number), vector)
        if len(self.kept) == 3:
            self.read_all.set()

    def newest(self, model: str, *, after: int, limit: int) -> Sequence[KeptVector]:
        rows = [KeptVector(*place, *self.labels[place], vector) for place, vector in sorted(self.kept.items())]
        return [row for row in rows if row.key > after][-limit:]

    def shown(self, places: Sequence[tuple[int, int]]) -> Sequence[FoundDefect]:
        at = datetime(2026, 11, 22, tzinfo=UTC)
        return [
            FoundDefect(uuid4(), f"P-{key}", at, PartKind.FAIL, number, *self.labels[key, number], None, True)
            for key, number in places
        ]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Five pictures: 1 a spur top left, 2 a pin-hole bottom right in zone rail, 3 expired, 4 no image, 5 a scratch."""
    pixels, _ = render_board(5, 1, BoardSpec(defect_rate=0.0))
    pictures, labels = [], {}
    for key, label, zone, place in (
        (1, "spur", "", (60, 60)),
        (2, "pin_hole", "rail", (560, 560)),
        (3, "spur", "", (60, 60)),
        (4, "spur", "", (60, 60)),
        (5, "scratch", "", (300, 300)),
    ):
        file: Path | None = tmp_path / f"{key}.png"
        assert file is not None
        cv2.imwrite(str(file), pixels)
        if key == 4:
            file.write_bytes(b"no picture")
        x, y = place
        found = (UnreadFinding(0, Box(x, y, x + 30, y + 30), 0.3),)
        pictures.append(UnreadPicture(key, None if key == 3 else file, found))
        labels[key, 0] = (label, zone)
    return Shelf(pictures, labels)


def finder(shelf: Shelf) -> WordSearch:
    return WordSearch(shelf, model(), names=lambda: NAMES, zones=lambda: ZONES)


def reader(shelf: Shelf) -> DefectReader:
    return DefectReader(shelf, model(), read_image=read_image)


def test_pictures_are_read_once_and_what_cannot_be_read_is_left_out(shelf: Shelf) -> None:
    once = reader(shelf)
    assert once.read_some() == 5
    assert sorted(key for key, _ in shelf.kept) == [1, 2, 5]
    assert once.read_some() == 0
    assert all(np.linalg.norm(vector) == pytest.approx(1, abs=1e-5) for vector in shelf.kept.values())


def test_words_zones_and_classes_it_never_learned(shelf: Shelf) -> None:
    reader(shelf).read_some()
    search = finder(shelf)
    assert next(row.part_id for row in search.find("defect, upper left corner").rows) == "P-1"
    assert next(row.part_id for row in search.find("右下角的缺陷").rows) == "P-2"
    in_zone = search.find("anything on the left rail")
    assert ([row.part_id for row in in_zone.rows], in_zone.searched) == (["P-2"], 1)
    assert [row.part_id for row in search.find("a scratch").rows] == ["P-5"]
    assert [row.part_id for row in search.find("a scratch near the connector").rows] == []
    nothing = search.find("qwertz")
    assert (nothing.understood, nothing.rows, nothing.searched) == (False, (), 3)
    likeness = [row.likeness for row in search.find("small spur").rows]
    assert likeness == sorted(likeness, reverse=True)
    assert len(search.find("spur", limit=2).rows) == 2


def test_what_is_read_later_is_found_too(shelf: Shelf) -> None:
    later = shelf.pictures.pop()
    once, search = reader(shelf), finder(shelf)
    once.read_some()
    assert search.find("spur").searched == 2
    shelf.pictures.append(later)
    once.read_some()
    assert search.find("spur").searched == 3


def test_the_thread_reads_by_itself_and_survives_a_record_that_is_away(shelf: Shelf) -> None:
    shelf.broken = True
    running = reader(shelf)
    with pytest.raises(StoreError):
        running.read_some()
    shelf.broken = False
    running.start()
    try:
        assert shelf.read_all.wait(60)
    finally:
        running.close()
    assert len(shelf.kept) == 3
