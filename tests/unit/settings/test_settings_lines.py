"""The shipped lines are valid, and a valid line means what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from inspector.domain import SettingsError
from inspector.settings import FolderCamera, LineSettings, MqttMes, NoMes, OpcUaPlc, check_line, data_folder, load_line
from tests.unit.settings.broken_lines import ROOT, SHIPPED

CLASSES = {"open", "short", "mousebite", "spur", "spurious_copper", "pin_hole"}


def named(name: str) -> Path:
    return ROOT / "line_configs" / name


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_line_has_no_mistake_and_names_the_schema(path: Path) -> None:
    assert check_line(path) == []
    assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=./schema.json\n")
    assert load_line(path).line


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_line_survives_the_way_through_json(path: Path) -> None:
    line = load_line(path)
    assert LineSettings.model_validate(json.loads(line.model_dump_json())) == line


@pytest.mark.parametrize("path", [path for path in SHIPPED if path.stem != "gige-camera"], ids=lambda path: path.name)
def test_the_recipe_of_a_shipped_line_tolerates_no_defect(path: Path) -> None:
    rules = load_line(path).active_recipe.rules
    assert {rule.defect for rule in rules if rule.allowed is False and rule.zone is None} >= CLASSES


def test_the_demonstration_needs_nothing_from_outside() -> None:
    line = load_line(named("virtual-board.yaml"))
    assert (line.camera.kind, line.plc.kind, line.mes.kind) == ("virtual", "simulated", "embedded")
    assert line.languages == ("en", "zh")
    assert line.simulated


def test_the_example_maps_every_register() -> None:
    plc = load_line(named("production-example.yaml")).plc
    assert isinstance(plc, OpcUaPlc)
    nodes = plc.nodes.as_mapping()
    assert set(nodes) == set(type(plc.nodes).model_fields)
    assert nodes["Trigger"] == "ns=2;s=Line3.Aoi.Trigger"
    assert len(set(nodes.values())) == len(nodes)


def test_settings_cannot_be_changed(good_file: Path) -> None:
    line = load_line(good_file)
    with pytest.raises(ValidationError):
        line.deadline_ms = 1  # type: ignore[misc]


def test_a_line_without_mes_has_none(good_file: Path, good_text: str) -> None:
    good_file.write_text(good_text[: good_text.index("mes:")], encoding="utf-8")
    line = load_line(good_file)
    assert isinstance(line.mes, NoMes)
    assert line.connected_mes is None


# --- paths ------------------------------------------------------------------------------------------------


def with_folder(text: str, path: str) -> str:
    start, end = text.index("camera:"), text.index("calibration:")
    return f"{text[:start]}camera: {{kind: folder, path: {path}}}\n{text[end:]}"


@pytest.mark.parametrize(("written", "meant"), [("../images", "../images"), ("images", "images"), ("/srv/x", "/srv/x")])
def test_what_a_line_reads_lies_relative_to_its_file(good_file: Path, good_text: str, written: str, meant: str) -> None:
    good_file.write_text(with_folder(good_text, written), encoding="utf-8")
    camera = load_line(good_file).camera
    assert isinstance(camera, FolderCamera)
    assert camera.path == (good_file.parent / meant).resolve()


def test_a_model_is_a_name_or_a_path(good_file: Path, good_text: str) -> None:
    good_file.write_text(good_text + "detector: {model: ../models/mine}\n", encoding="utf-8")
    assert load_line(good_file).detector.model == str(good_file.parent.parent / "models" / "mine")
    good_file.write_text(good_text + "detector: {model: mine}\n", encoding="utf-8")
    assert load_line(good_file).detector.model == "mine"


def test_what_a_line_writes_lies_below_the_data_folder(
    good_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECTOR_DATA", str(tmp_path / "data"))
    store = load_line(good_file).store
    assert store.url == f"sqlite:///{tmp_path}/data/a-line/record.db"
    assert store.images.folder == tmp_path / "data" / "a-line" / "images"
    assert load_line(good_file, data=tmp_path / "other").store.url == f"sqlite:///{tmp_path}/other/a-line/record.db"


def test_without_the_variable_the_data_folder_is_var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INSPECTOR_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    assert data_folder() == tmp_path / "var"


# --- secrets ----------------------------------------------------------------------------------------------


def mqtt(**secret: object) -> MqttMes:
    identity = {"enterprise": "a", "site": "b", "area": "c", "line": "d", "cell": "e"}
    return MqttMes.model_validate({"kind": "mqtt", "url": "mqtt://h", "identity": identity, "username": "u", **secret})


def test_a_password_comes_from_the_environment() -> None:
    assert mqtt(password_env="WORD").password({"WORD": "s3cret"}) == "s3cret"  # noqa: S106


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(SettingsError, match="WORD is not set"):
        mqtt(password_env="WORD").password({})  # noqa: S106


def test_a_password_comes_from_the_first_line_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "word"
    file.write_text("s3cret \r\nsecond line\n", encoding="utf-8")
    assert mqtt(password_file=file).password({}) == "s3cret "


def test_a_password_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        mqtt(password_file=tmp_path / "nowhere").password({})


def test_without_a_password_there_is_none() -> None:
    assert mqtt().password({}) is None


def test_a_validation_error_does_not_show_what_was_written(good_text: str) -> None:
    data = YAML(typ="safe").load(good_text)
    data["mes"]["password"] = "hunter2"  # noqa: S105
    with pytest.raises(ValidationError) as caught:
        LineSettings.model_validate(data)
    assert "hunter2" not in str(caught.value)
