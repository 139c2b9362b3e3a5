"""`inspector mes`: against a real broker and a real record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inspector.cli.mes import app
from inspector.domain import ConfigurationError, StoreError
from inspector.mes import MqttLink, OutboxRelay, ResultMessages, Source
from inspector.settings import load_line
from inspector.store import Database, RecordStore, SqlOutbox
from tests.support.brokers import LINE, PASSWORDS, Embedded, running
from tests.support.reports import failed, passed

SHIPPED_LINE = Path(__file__).resolve().parents[3] / "line_configs" / "virtual-board.yaml"
MESSAGES = ResultMessages(Source(enterprise="acme", site="north", area="boards", line="line-1", cell="cell-1"))


def record(url: str, count: int, *, line: str = "", station: str = "") -> Database:
    database = Database(url)
    store = RecordStore(database, line=line, station=station)
    for number in range(count):
        report = failed(number) if number else passed(number)
        store.record(report, pixels=None, texts={}, messages=[MESSAGES.result(report)])
    return database


@pytest.mark.parametrize("options", [["--json"], []])
def test_listen_acknowledges_and_prints_each_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.setenv("MES_PASSWORD", PASSWORDS[LINE])
    with running(Embedded(tmp_path)) as broker:
        database = record(f"sqlite:///{tmp_path / 'record.db'}", 5)
        link = MqttLink(broker.url, client_id="line-1", protocol="3.1.1", **broker.user(LINE))
        relay = OutboxRelay(SqlOutbox(database), delivery="ack", ack_topic=MESSAGES.topics.ack, progress_s=0.2)
        link.attach(relay)
        relay.start()
        link.start()
        topic = MESSAGES.topics.result
        arguments = ["listen", broker.url, "--username", LINE, "--topic", topic, "--ack", "--count", "5"]
        result = CliRunner().invoke(app, [*arguments, *options])
        drained = relay.stop(20)
        link.close()
        database.close()
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    if options:
        assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3, 4, 5]
    else:
        assert len(lines) == 5
        assert "PART-00001" in lines[1]
        assert "open, spur" in lines[1]
    assert "5 results, " in result.stderr
    assert drained


def test_acknowledging_every_line_at_once_is_refused() -> None:
    result = CliRunner().invoke(app, ["listen", "mqtt://127.0.0.1:1", "--ack"])
    assert isinstance(result.exception, ConfigurationError)
    assert "topic of one line" in str(result.exception)


def test_listening_to_a_line_without_a_broker_of_its_own_is_refused() -> None:
    result = CliRunner().invoke(app, ["listen", str(SHIPPED_LINE)])
    assert isinstance(result.exception, ConfigurationError)
    assert "names no broker" in str(result.exception)


def test_status_tells_what_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECTOR_DATA", str(tmp_path))
    nothing = CliRunner().invoke(app, ["status", str(SHIPPED_LINE)])
    assert isinstance(nothing.exception, StoreError)
    assert "has no record yet" in str(nothing.exception)
    settings = load_line(SHIPPED_LINE)
    record(str(settings.store.url), 3, line=settings.line, station=settings.station).close()
    as_json = CliRunner().invoke(app, ["status", str(SHIPPED_LINE), "--json"])
    said = json.loads(as_json.stdout)
    assert (said["results"]["waiting"], said["results"]["acknowledged"]) == (3, 0)
    assert said["results"]["oldest_age_s"] >= 0
    assert said["events"]["waiting"] == 0
    assert "3 waiting, the oldest for" in CliRunner().invoke(app, ["status", str(SHIPPED_LINE)]).stdout


def test_the_schema_is_printed() -> None:
    schema = json.loads(CliRunner().invoke(app, ["schema"]).stdout)
    assert schema["properties"]["schema"]["const"] == "inspection-result/1"
    assert {"seq", "oldest_seq", "msg_id"} <= set(schema["required"])


def test_status_names_the_sparkplug_stream_where_there_is_one(tmp_path: Path) -> None:
    text = SHIPPED_LINE.read_text(encoding="utf-8")
    yaml = tmp_path / "line.yaml"
    yaml.write_text(text.replace("\nmes:\n", "\nmes:\n  sparkplug: {primary_host: scada-1}\n"), encoding="utf-8")
    assert "sparkplug" in yaml.read_text(encoding="utf-8")
    settings = load_line(yaml, data=tmp_path)
    record(str(settings.store.url), 3, line=settings.line, station=settings.station).close()
    for file, streams in ((SHIPPED_LINE, {"results", "events"}), (yaml, {"results", "events", "sparkplug"})):
        result = CliRunner().invoke(app, ["status", str(file), "--data", str(tmp_path), "--json"])
        assert result.exit_code == 0, result.output
        said = json.loads(result.stdout)
        assert said.keys() == {"line", "station", *streams}
        assert said["results"]["written_per_minute"] == said["results"]["waiting"] == 3
