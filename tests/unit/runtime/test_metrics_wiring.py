"""The figures of a line are wired to its own board, journal, outboxes and disks."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from inspector.domain import HoldLine, OutboxMessage, SettingsError
from inspector.runtime.control import Control
from inspector.runtime.spool import Spool
from inspector.runtime.wiring.record import build_record
from inspector.runtime.wiring.screen import build_board, watch_line
from inspector.settings import LineSettings, load_line
from tests.support.reports import passed

ROOT = Path(__file__).resolve().parents[3]


def settings_of(tmp_path: Path) -> LineSettings:
    return load_line(ROOT / "line_configs" / "virtual-board.yaml", data=tmp_path)


def test_they_are_this_lines(tmp_path: Path) -> None:
    settings, report = settings_of(tmp_path), passed(2)
    inspected = replace(report, trigger=replace(report.trigger, station=settings.station))
    database, record, outboxes = build_record(settings)
    board, metrics = build_board(settings)
    control, spool = Control(tmp_path / settings.line), Spool(tmp_path / "journal")
    watch_line(settings, tmp_path, metrics, board, control=control, spool=spool, outboxes=outboxes)
    with closing(database):
        control.apply(HoldLine("mei"))
        spool.opened(passed(1))
        spool.answered(inspected, None)
        record.record(inspected, pixels=None, texts={}, messages=[OutboxMessage("m", "t", "{}")])
        board.part_recorded(record.latest(1)[0])
        samples = [sample for family in parse(metrics.scrape()[0].decode()) for sample in family.samples]
    told = {
        (sample.name, *(value for key, value in sample.labels.items() if key in {"queue", "outcome", "folder"})): (
            sample.value
        )
        for sample in samples
        if sample.labels.get("line") == "virtual-board"
        and sample.labels["station"] == "cell-1"
        and not sample.labels.get("fault")
    }
    assert told["inspector_held",] == 1
    assert told["inspector_journal_parts",] == 1
    assert told["inspector_parts_total", "pass"] == 1
    assert told["inspector_outbox_messages", "results"] == 1
    assert told["inspector_outbox_messages", "events"] == 0
    assert told["inspector_deadline_seconds",] == settings.deadline_ms / 1000
    assert told["inspector_disk_free_bytes", "data"] > 0


def test_a_token_that_is_named_and_not_there_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("METRICS", raising=False)
    settings = settings_of(tmp_path)
    screen = settings.screen.model_copy(update={"metrics_token_env": "METRICS"})
    with pytest.raises(SettingsError, match=r"screen\.metrics_token_env"):
        build_board(settings.model_copy(update={"screen": screen}))
