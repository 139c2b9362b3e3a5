"""The alerts, the scrape configuration and the dashboard that are shipped speak of what a line really exposes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families as parse
from ruamel.yaml import YAML

from inspector.domain import Decision, Disposition, Lamp, LampState, LineStatus, Queue, Waiting, Writing
from inspector.web import LineMetrics, LiveBoard, Sources
from tests.support.promql import labels_of, names_in, unknown
from tests.support.screen import START, part

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "deploy" / "prometheus"
RULES = SHIPPED / "inspector-rules.yml"
GRAFANA = ROOT / "deploy" / "grafana"
PROMTOOL = shutil.which("promtool")
DOCUMENTED = re.compile(r"`(inspector_[a-z_]+)`")


def rules() -> list[dict[str, Any]]:
    (group,) = YAML(typ="safe").load(RULES)["groups"]
    return list(group["rules"])


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a line exposes that has everything: every lamp, an engine and its template, something in every queue."""
    metrics = LineMetrics("l", "s", deadline_s=0.5, version="1")
    board = LiveBoard(seen=metrics.part_recorded)
    lamps = {lamp: LampState(True, START) for lamp in Lamp}
    board.status_changed(
        LineStatus("l", True, "default", lamps, "bare-board 1", writing=Writing("m 1", 9, {"late": 1}))
    )
    board.part_recorded(part(1, None))
    board.part_recorded(replace(part(2, None), disposition=Disposition(Decision.HOLD, "x", "", "rules")))
    waiting = {queue: lambda: Waiting(1, datetime.now(UTC)) for queue in Queue}
    folders = {"data": tmp_path_factory.getbasetemp()}
    metrics.watch(Sources(board, lambda: False, lambda: 0, waiting, folders))
    return metrics.scrape()[0].decode()


@pytest.fixture(scope="module")
def families(exposed: str) -> list[Metric]:
    return list(parse(exposed))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_is_exposed_and_says_what_to_do(rule: dict[str, Any], families: list[Metric]) -> None:
    assert unknown(rule["expr"], families) == []
    assert names_in(rule["expr"])
    assert rule["labels"]["severity"] in {"urgent", "warning"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["remedy"]


@pytest.mark.parametrize(
    "expression",
    [
        "inspector_redy == 0",
        'inspector_lamp_good{lamp="plcs"} == 0',
        'inspector_lamp_good{lamps="plc"} == 0',
        'inspector_lamp_good{lamp=~"camera|mse"} == 0',
        "rate(inspector_parts[5m]) > 0",
        'inspector_outbox_messages{queue!="reslts"} > 1',
        "sum by (lines) (inspector_ready) < 1",
        "inspector_ready * on (line, statoin) inspector_held",
    ],
)
def test_a_slip_of_the_pen_would_be_found(expression: str, families: list[Metric]) -> None:
    assert len(unknown(expression, families)) == 1


def test_the_alerts_that_were_asked_for_are_there() -> None:
    asked = {
        "NotScraped", "NotReady", "PlcLost", "ModelOut", "OutboxOld", "OutboxGrows", "TemplateWrites", "NearDeadline",
        "DiskNearlyFull",
    }  # fmt: skip
    assert {f"Inspector{name}" for name in asked} <= {rule["alert"] for rule in rules()}


def test_every_figure_is_in_the_manual_and_no_other(families: list[Metric]) -> None:
    manual = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    samples = {sample.name for family in families for sample in family.samples}
    own = {name for name in samples if name.startswith("inspector_") and not name.endswith("_created")}
    assert set(DOCUMENTED.findall(manual)) == {re.sub(r"_(bucket|count|sum)$", "", name) for name in own}


def test_every_alert_is_in_the_manual_with_its_severity() -> None:
    manual = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    rows = [line for line in manual.splitlines() if line.startswith("| `Inspector")]
    told = {name: row.rstrip(" |").rpartition("| ")[2] for row in rows for name in re.findall(r"`(Inspector\w+)`", row)}
    assert told == {rule["alert"]: rule["labels"]["severity"] for rule in rules()}


def test_the_scrape_configuration_names_files_that_are_shipped() -> None:
    config = YAML(typ="safe").load(SHIPPED / "prometheus.yml")
    (job,) = config["scrape_configs"]
    assert job["job_name"] == "inspector"
    named = [*config["rule_files"], *job["file_sd_configs"][0]["files"]]
    assert [name for name in named if not (SHIPPED / name).is_file()] == []
    assert job["authorization"]["credentials_file"]


# --- the dashboard ----------------------------------------------------------------------------------------

LEGEND = re.compile(r"\{\{(\w+)\}\}")


def dashboard() -> dict[str, Any]:
    return dict(json.loads((GRAFANA / "inspector-lines.json").read_text(encoding="utf-8")))


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_a_panel_asks_for_what_is_exposed_and_says_what_it_shows(panel: dict[str, Any], families: list[Metric]) -> None:
    assert panel["targets"]
    for target in panel["targets"]:
        assert unknown(target["expr"], families) == []
        assert set(LEGEND.findall(target["legendFormat"])) <= labels_of(target["expr"], families)
    assert panel["description"]
    assert {panel["datasource"]["uid"], *(target["datasource"]["uid"] for target in panel["targets"])} == {
        "${datasource}"
    }


def test_the_panels_stand_side_by_side() -> None:
    everything = dashboard()["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        taken |= cells


def test_the_dashboards_variables_are_of_what_is_exposed(families: list[Metric]) -> None:
    by_name = {item["name"]: item for item in dashboard()["templating"]["list"]}
    assert by_name["datasource"]["query"] == "prometheus"
    asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", by_name["line"]["query"]["query"])
    assert asked is not None
    assert unknown(f'{asked[1]}{{{asked[2]}=~"$line"}}', families) == []
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(dashboard())))
    assert used - by_name.keys() - {"__all", "__rate_interval"} == set()


def test_grafana_is_told_of_one_source_and_one_folder() -> None:
    (source,) = YAML(typ="safe").load(GRAFANA / "datasources.yml")["datasources"]
    assert source["type"] == "prometheus"
    (job,) = YAML(typ="safe").load(SHIPPED / "prometheus.yml")["scrape_configs"]
    assert source["jsonData"]["timeInterval"] == job["scrape_interval"]
    (provider,) = YAML(typ="safe").load(GRAFANA / "dashboards.yml")["providers"]
    assert provider["type"] == "file"
    manual = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    assert provider["options"]["path"] in manual


# --- with Prometheus' own tool ----------------------------------------------------------------------------

needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (apt-get install prometheus)")


def promtool(*arguments: str, given: str | None = None) -> str:
    done = subprocess.run([str(PROMTOOL), *arguments], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
def test_promtool_takes_the_configuration_and_the_rules(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    (tmp_path / "inspector.token").write_text("x")
    assert "SUCCESS" in promtool("check", "config", str(tmp_path / "prometheus.yml"))


@needs_promtool
def test_promtool_finds_nothing_to_say_against_the_names(exposed: str) -> None:
    own = [line for line in exposed.splitlines() if "inspector_" in line and "_created" not in line]
    promtool("check", "metrics", given="\n".join([*own, ""]))


@needs_promtool
def test_the_alerts_are_raised_when_they_should_be_and_only_then(tmp_path: Path) -> None:
    shutil.copy(RULES, tmp_path)
    cases = (ROOT / "tests" / "data" / "prometheus_alerts.yaml").read_text(encoding="utf-8")
    (tmp_path / "cases.yaml").write_text(f"rule_files: [{RULES.name}]\n{cases}", encoding="utf-8")
    promtool("test", "rules", str(tmp_path / "cases.yaml"))
