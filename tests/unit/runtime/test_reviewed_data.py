"""Decisions become labels: what people saw is what the data set says, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inspector.domain import ConfigurationError, Decision, Disposition, Person, Role
from inspector.runtime.reviewed_data import export_reviewed
from inspector.settings import LineSettings, load_line
from inspector.store import RecordStore
from inspector.training.dataset import BOARD_CLASSES, read_manifest, read_split
from tests.support.shifts import fill, inspection, picture

LINES = Path(__file__).parents[3] / "line_configs"
MEI = Person("mei", Role.QUALITY)
NOW = datetime.now(UTC)


@pytest.fixture
def settings(tmp_path: Path) -> LineSettings:
    """A line with six held parts; five were decided about by people, one by the advisor; one has no picture."""
    settings = load_line(LINES / "virtual-board.yaml", data=tmp_path)
    assert settings.store.url is not None
    folder = Path(settings.store.url.removeprefix("sqlite:///")).parent
    folder.mkdir(parents=True)
    reports = [inspection(n, NOW - timedelta(minutes=n), label="spur", length=0.3) for n in range(1, 7)]
    database, images = fill(folder, [], line=settings.line)
    record = RecordStore(database, images, line=settings.line, station=settings.station)
    for report in reports:
        number = report.trigger.sequence
        record.record(
            report,
            pixels=None if number == 5 else picture(folder),
            texts={},
            messages=[],
            disposition=Disposition(Decision.HOLD, "confidence", "", "rules"),
        )
    for report, (decision, reason) in zip(
        reports,
        [
            (Decision.ACCEPT, "false_alarm"),
            (Decision.SCRAP, "defect_confirmed"),
            (Decision.ACCEPT, "within_limits"),
            (Decision.ACCEPT, "unclear"),
            (Decision.SCRAP, "defect_confirmed"),
        ],
        strict=False,
    ):
        assert record.decide(MEI, report.id, Disposition(decision, reason, "", "mei"))
    record.dispose(reports[5].id, Disposition(Decision.ACCEPT, "inside", "", "advisor"))
    database.close()
    return settings


def test_what_people_saw_is_what_it_says(settings: LineSettings, tmp_path: Path) -> None:
    target = tmp_path / "set"
    made = export_reviewed(settings, target, classes=BOARD_CLASSES, since=NOW - timedelta(days=1), until=NOW)
    assert (made.images, made.defects, made.unclear, made.without_picture) == (3, 2, 1, 1)
    examples = {example.group: example for example in read_split(target, "train")}
    assert {group: len(example.labels) for group, example in examples.items()} == {
        "P-00001": 0,
        "P-00002": 1,
        "P-00003": 1,
    }
    confirmed = examples["P-00002"]
    assert [BOARD_CLASSES[label] for label in confirmed.labels] == ["spur"]
    assert confirmed.boxes[0] == pytest.approx([20, 20, 30, 28], abs=0.01)
    assert read_manifest(target).classes == BOARD_CLASSES


def test_a_class_that_the_model_does_not_learn_is_no_label(settings: LineSettings, tmp_path: Path) -> None:
    made = export_reviewed(settings, tmp_path / "set", classes=("open",), since=NOW - timedelta(days=1), until=NOW)
    assert (made.images, made.defects) == (3, 0)


def test_nothing_reviewed_and_a_folder_in_use_are_refused(settings: LineSettings, tmp_path: Path) -> None:
    early = {"since": NOW - timedelta(days=9), "until": NOW - timedelta(days=8)}
    with pytest.raises(ConfigurationError, match="nobody decided"):
        export_reviewed(settings, tmp_path / "set", classes=BOARD_CLASSES, **early)
    (tmp_path / "used" / "images").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="holds a data set already"):
        export_reviewed(settings, tmp_path / "used", classes=BOARD_CLASSES, **early)
