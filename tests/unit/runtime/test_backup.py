"""A line's backup: what is in it, that it is whole whatever happens meanwhile, and the line put together again."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.domain import InspectorError, OutboxMessage, Person, Role, StoreError
from inspector.runtime.alone import LOCK, alone_in
from inspector.runtime.backup import back_up, restore
from inspector.runtime.plant import Plant
from inspector.runtime.spool import Spool
from inspector.runtime.wiring.record import build_record
from inspector.settings import FolderCamera, LineSettings, kept_files, load_line
from inspector.store import SqlAuditTrail
from tests.support.reports import failed, passed

ADMIN = Person("shell:root", Role.ADMIN)
PARTS = 20
SHIPPED = Path(__file__).parents[3] / "line_configs" / "virtual-board.yaml"


def quiet(what: str, done: int, of: int) -> None:
    assert what
    assert 0 <= done <= of


@dataclass(frozen=True)
class Box:
    """A machine with one line."""

    root: Path

    @property
    def yaml(self) -> Path:
        return self.root / "etc" / "line.yaml"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def line(self) -> Path:
        return self.data / "line-1"

    @property
    def record(self) -> Path:
        return self.line / "record.db"

    def settings(self) -> LineSettings:
        return load_line(self.yaml, data=self.data)

    def inspect(self, numbers: range) -> None:
        """Record parts with their pictures and messages."""
        database, record, _ = build_record(self.settings())
        with closing(database):
            for number in numbers:
                report = failed(number) if number % 3 == 0 else passed(number)
                pixels = np.full((8, 8), number % 256, np.uint8)
                told = [OutboxMessage(str(report.id), "t", "{}")]
                record.record(report, pixels=pixels, texts={"en": "said"}, messages=told)

    def back_up(self, folder: Path, *, progress: Callable[[str, int, int], None] = quiet, images: bool = True) -> int:
        return len(back_up(self.yaml, self.data, folder, progress, images=images).files)

    def restore(self, folder: Path) -> None:
        restore(folder, self.yaml, self.data, quiet, by=ADMIN)

    def lose(self) -> None:
        shutil.rmtree(self.root)

    def parts(self) -> int:
        return int(self.asked("SELECT count(*) FROM inspection"))

    def asked(self, query: str) -> object:
        with closing(sqlite3.connect(self.record)) as database:
            return database.execute(query).fetchone()[0]

    def files(self) -> dict[str, bytes]:
        """Every file but the record, which is no copy byte for byte."""
        return {
            str(file.relative_to(self.root)): file.read_bytes()
            for file in self.root.rglob("*")
            if file.is_file() and not file.name.startswith("record.db") and file.name not in {LOCK, "reserve"}
        }


@pytest.fixture
def box(tmp_path: Path) -> Box:
    made = Box(tmp_path / "box")
    etc = made.yaml.parent
    (etc / "trusted").mkdir(parents=True)
    (etc / "models" / "own").mkdir(parents=True)
    for name in ("trusted/plc.der", "line.pem", "line.key", "models/own/card.yaml", "models/own/weights.onnx"):
        (etc / name).write_text(f"this is {name}")
    (etc / "line.key").chmod(0o600)
    (etc / "nobodys.txt").write_text("no file of this line's")
    cv2.imwrite(str(etc / "golden.png"), np.zeros((8, 8), np.uint8))
    text = SHIPPED.read_text(encoding="utf-8")
    for old, new in {
        "line: virtual-board\n": "line: line-1\n",
        "golden/virtual-board.png": "golden.png",
        "model: bare-board,": "model: models/own,",
        "keep_days: 30": "keep_days: 36500",  # the parts of these tests are old
    }.items():
        assert old in text
        text = text.replace(old, new)
    plc, rest = text.index("plc:\n"), text.index("store:\n")
    secured = (
        "plc:\n  kind: opcua-server\n  host: 127.0.0.1\n  security: Basic256Sha256\n"
        "  certificate: line.pem\n  key: line.key\n  trust: trusted\n\n"
    )
    made.yaml.write_text(text[:plc] + secured + text[rest:], encoding="utf-8")
    made.inspect(range(1, PARTS + 1))
    spool = Spool(made.line / "journal")
    waiting, under_way = passed(PARTS + 1), passed(PARTS + 2)
    spool.opened(waiting)
    spool.answered(waiting, None)
    spool.opened(under_way)
    for name in ("control.json", "reports/2026-03-01-A.en.html", "refused-speech/one.wav"):
        file = made.line / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(name)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backup"


def test_everything_that_the_line_needs_comes_back(box: Box, folder: Path) -> None:
    before = box.files()
    box.back_up(folder)
    box.lose()
    box.restore(folder)
    lost = before.keys() - box.files().keys()
    assert {Path(name).suffix for name in lost} == {".opened", ".txt"}
    assert box.files() == {name: held for name, held in before.items() if name not in lost}
    assert (box.yaml.parent / "line.key").stat().st_mode & 0o777 == 0o600
    assert box.parts() == PARTS
    assert box.asked("PRAGMA integrity_check") == "ok"
    assert [entry.report.trigger.sequence for entry in Spool(box.line / "journal").finished()] == [PARTS + 1]


def test_the_backup_is_for_its_owner_only(box: Box, folder: Path) -> None:
    box.back_up(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o077 for file in (folder / "files").glob("*/*")} == {0}


def test_a_record_that_is_written_meanwhile_is_kept_as_it_was_at_one_moment(box: Box, folder: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        number = PARTS
        while not stop.is_set():
            box.inspect(range(number := number + 1, number + 1))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [back_up(box.yaml, box.data, folder, quiet) for _ in range(3)][-1]
    finally:
        stop.set()
        writer.join()
    box.lose()
    box.restore(folder)
    assert made.record is not None
    assert box.parts() == made.record.parts >= PARTS
    # A row never promises a picture that is not in the backup.
    with closing(sqlite3.connect(box.record)) as database:
        named = [row[0] for row in database.execute("SELECT image FROM inspection")]
    assert [name for name in named if not (box.line / "images" / name).is_file()] == []


def test_again_keeps_what_has_changed_and_drops_what_nobody_needs(box: Box, folder: Path) -> None:
    box.back_up(folder)
    pictures = {file.name: file.stat().st_mtime_ns for file in (folder / "files").glob("*/*")}
    box.inspect(range(PARTS + 1, PARTS + 4))
    (box.line / "control.json").write_text("something else")
    box.back_up(folder)
    files = {file.name: file.stat().st_mtime_ns for file in (folder / "files").glob("*/*")}
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert set(files) == {kept["sha256"] for kept in manifest["files"]}
    assert {name for name in pictures if files.get(name) == pictures[name]} >= set(pictures) & set(files)
    assert [entry.name for entry in folder.iterdir() if entry.name.startswith("unfinished-")] == []
    box.lose()
    box.restore(folder)
    assert box.parts() == PARTS + 3


def test_a_backup_that_was_broken_off_leaves_the_one_before_it(box: Box, folder: Path) -> None:
    box.back_up(folder)
    box.inspect(range(PARTS + 1, PARTS + 4))
    box.yaml.write_text(box.yaml.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")

    def break_off(what: str, _done: int, _of: int) -> None:
        if what == "configuration":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        box.back_up(folder, progress=break_off)
    box.lose()
    box.restore(folder)
    assert box.parts() == PARTS
    assert "# changed" not in box.yaml.read_text(encoding="utf-8")


def test_a_restore_may_be_broken_off_and_repeated(box: Box, folder: Path) -> None:
    box.back_up(folder)
    box.lose()

    def break_off(what: str, done: int, of: int) -> None:
        if what == "restoring" and done == of - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(folder, box.yaml, box.data, break_off, by=ADMIN)
    assert not box.record.exists()
    box.restore(folder)
    assert box.parts() == PARTS


def test_what_is_there_and_different_gets_another_name(box: Box, folder: Path) -> None:
    box.back_up(folder)
    box.inspect(range(PARTS + 1, PARTS + 4))
    (box.line / "control.json").write_text("since then")
    done = restore(folder, box.yaml, box.data, quiet, by=ADMIN)
    assert [path.name.partition(".before-")[0] for path in done.set_aside] == ["control.json", "record.db"]
    assert done.placed == 2
    older = next(path for path in done.set_aside if path.name.startswith("record.db"))
    with closing(sqlite3.connect(older)) as database:
        assert database.execute("SELECT count(*) FROM inspection").fetchone()[0] == PARTS + 3
    assert box.parts() == PARTS
    # They are no part of the line any more.
    box.back_up(folder)
    assert ".before-" not in (folder / "manifest.json").read_text(encoding="utf-8")


def test_no_number_is_told_twice_and_the_trail_says_why(box: Box, folder: Path) -> None:
    box.back_up(folder)
    box.inspect(range(PARTS + 1, PARTS + 11))
    told = int(str(box.asked("SELECT max(seq) FROM outbox")))
    box.lose()
    box.restore(folder)
    box.inspect(range(PARTS + 11, PARTS + 12))
    assert int(str(box.asked("SELECT max(seq) FROM outbox"))) > told
    database, _, _ = build_record(box.settings())
    with closing(database):
        trail = SqlAuditTrail(database)
        assert trail.verify() is None
        [entry] = trail.latest(1)
    assert (entry.who, entry.act, entry.subject) == ("shell:root", "restore", "line-1")


def test_pictures_may_be_left_out(box: Box, folder: Path) -> None:
    whole = box.back_up(folder)
    assert box.back_up(folder, images=False) == whole - PARTS
    assert str(box.line / "images") in (folder / "manifest.json").read_text(encoding="utf-8")


# --- refused ------------------------------------------------------------------------------------------------


@pytest.fixture
def untouched(box: Box, folder: Path) -> Iterator[None]:
    """A restore that is refused changes nothing."""
    box.back_up(folder)
    (box.line / "control.json").write_text("since then")
    before = box.files()
    yield
    assert box.files() == before
    assert box.parts() == PARTS


@pytest.mark.usefixtures("untouched")
def test_no_restore_over_a_line_that_runs(box: Box, folder: Path) -> None:
    with alone_in(box.line), pytest.raises(StoreError, match="its line runs"):
        box.restore(folder)


@pytest.mark.usefixtures("untouched")
def test_no_restore_over_a_record_that_somebody_has_open(box: Box, folder: Path) -> None:
    with closing(sqlite3.connect(box.record)) as other:
        other.execute("SELECT count(*) FROM inspection").fetchone()
        with pytest.raises(StoreError, match=r"record\.db is in use"):
            box.restore(folder)


@pytest.mark.usefixtures("untouched")
def test_no_restore_over_a_newer_store(box: Box, folder: Path) -> None:
    with closing(sqlite3.connect(box.record)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    with pytest.raises(StoreError, match=r"record\.db was written by a newer version"):
        box.restore(folder)


def test_no_restore_of_a_newer_store(box: Box, folder: Path) -> None:
    with closing(sqlite3.connect(box.record)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    box.back_up(folder)
    box.lose()
    with pytest.raises(StoreError, match="was written by a newer version"):
        box.restore(folder)
    assert not box.yaml.exists()


@pytest.mark.usefixtures("untouched")
def test_no_restore_of_a_damaged_backup(box: Box, folder: Path) -> None:
    largest = max((folder / "files").glob("*/*"), key=lambda file: file.stat().st_size)
    held = bytearray(largest.read_bytes())
    held[len(held) // 2] ^= 1
    largest.write_bytes(held)
    with pytest.raises(StoreError, match=r"is damaged: record\.db"):
        box.restore(folder)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("path", ["../../out.txt", "/etc/out.txt"])
def test_no_restore_of_a_path_that_leaves_its_place(box: Box, folder: Path, path: str) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    next(kept for kept in manifest["files"] if kept["place"] == "line")["path"] = path
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(StoreError, match="is no path in a backup"):
        box.restore(folder)


@pytest.mark.usefixtures("untouched")
def test_no_restore_by_a_clock_that_is_behind(box: Box, folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**manifest, "at": "2199-01-01T00:00:00Z"}), encoding="utf-8")
    with pytest.raises(StoreError, match="clock is behind"):
        box.restore(folder)


def test_no_restore_of_what_is_no_backup(box: Box, folder: Path) -> None:
    folder.mkdir()
    with pytest.raises(StoreError, match="holds no whole backup"):
        box.restore(folder)
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(StoreError, match="cannot be read as the list of a backup"):
        box.restore(folder)


def _foreign(box: Box, folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.tex").write_text("somebody's")


def _of_another_line(box: Box, folder: Path) -> None:
    box.back_up(folder)
    text = box.yaml.read_text(encoding="utf-8")
    box.yaml.write_text(text.replace("line: line-1\n", "line: line-2\n"), encoding="utf-8")
    box.line.rename(box.data / "line-2")


def _never_run(box: Box, folder: Path) -> None:
    shutil.rmtree(box.data)


def _damaged(box: Box, folder: Path) -> None:
    held = bytearray(box.record.read_bytes())
    held[4096 : len(held) // 2] = bytes(len(held) // 2 - 4096)
    box.record.write_bytes(held)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_foreign, "holds something else"),
        (_of_another_line, "is the backup of line line-1"),
        (_never_run, "has no record yet"),
        (_damaged, "damaged|malformed"),
    ],
)
def test_no_backup_of_or_into_what_it_cannot_be(
    box: Box, folder: Path, spoil: Callable[[Box, Path], None], said: str
) -> None:
    spoil(box, folder)
    with pytest.raises(InspectorError, match=said):
        box.back_up(folder)


def test_no_backup_into_what_is_kept_or_beside_another_one(box: Box, folder: Path) -> None:
    with pytest.raises(StoreError, match="lies in what is to be kept"):
        box.back_up(box.line / "backup")
    box.back_up(folder)
    with alone_in(folder), pytest.raises(StoreError, match="a backup is written there"):
        box.back_up(folder)


def test_a_line_runs_once(box: Box) -> None:
    plant = Plant(box.settings(), data=box.data, screen=False)
    with alone_in(box.line), pytest.raises(StoreError, match="its line runs"):
        plant.__enter__()


def test_a_record_on_a_server_is_left_to_its_own_tools(box: Box, folder: Path) -> None:
    text = box.yaml.read_text(encoding="utf-8")
    shared = text.replace(
        "store:\n", "store:\n  url: postgresql://plant-db.example/inspection\n  username: inspector\n", 1
    )
    box.yaml.write_text(shared, encoding="utf-8")
    made = back_up(box.yaml, box.data, folder, quiet)
    assert made.record is None
    shutil.rmtree(box.root)
    box.restore(folder)
    assert box.yaml.read_text(encoding="utf-8") == shared
    assert (box.line / "control.json").is_file()
    assert [kept.place for kept in made.files if kept.place == "record"] == []


def test_what_stands_in_for_a_camera_stays_behind(box: Box, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    settings = box.settings().model_copy(update={"camera": FolderCamera(kind="folder", path=images)})
    needed, left = kept_files(settings)
    assert images in left - needed
    assert box.yaml.parent / "trusted" in needed
