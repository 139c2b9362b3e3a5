"""The key ``detector``: one entry or a list, and every mistake in either at its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from inspector.settings import BlobSettings, Detector, GoldenSettings, check_line, line_schema, load_line
from tests.unit.settings.broken_lines import table


def written(tmp_path: Path, detector: str) -> Path:
    file = tmp_path / "line.yaml"
    kept = [text for text in table()["line"].splitlines() if not text.startswith("detector:")]
    file.write_text("\n".join(kept) + f"\n{detector}\n", encoding="utf-8")
    return file


def test_one_entry_stays_one(tmp_path: Path) -> None:
    settings = load_line(written(tmp_path, "detector: {model: mine, threads: 1}"))
    assert settings.detector == Detector(model="mine", threads=1)
    assert settings.detectors == (settings.detector,)


def test_a_list_is_several_with_paths_beside_the_file(tmp_path: Path) -> None:
    golden = "{kind: golden, image: g.png, recipes: {a: a.png}}"
    text = f"detector:\n- {{model: ./mine}}\n- {golden}\n- {{kind: blob, count: [1, 4]}}"
    first, second, third = load_line(written(tmp_path, text)).detectors
    assert first == Detector(model=str(tmp_path / "mine"))
    assert isinstance(second, GoldenSettings)
    assert second.image == tmp_path / "g.png"
    assert second.recipes == {"a": tmp_path / "a.png"}
    assert third == BlobSettings(kind="blob", count=(1, 4))


@pytest.mark.parametrize(
    ("detector", "key", "says"),
    [
        ("detector: {model: a, thread: 1}", "detector.thread", "Did you mean 'threads'?"),
        ("detector: {model: 7}", "detector.model", "Put it in quotes: '7'."),
        ("detector: {kind: gold}", "detector.kind", "Did you mean 'golden'?"),
        ("detector: {kind: golden, levels: 900}", "detector.levels", "Write a whole number from 1 to 255."),
        ("detector: [{model: a}, {kind: blob, shade: grey}]", "detector[1].shade", "Use one of: dark, bright."),
        ("detector: [{model: a}, {kind: presence, image: a.png}]", "detector[1].box_mm", "Add 'box_mm:'"),
        ("detector: [{model: a, backend: abacus}]", "detector[0].backend", "auto, onnxruntime, openvino"),
        ("detector: [{kind: blobb}]", "detector[0].kind", "Did you mean 'blob'?"),
        ("detector: []", "detector", "Write at least one entry, or leave the key out."),
        ("detector: yolo", "detector", "Write keys below it"),
    ],
)
def test_a_mistake_is_named_in_its_place(tmp_path: Path, detector: str, key: str, says: str) -> None:
    file = written(tmp_path, detector)
    findings = check_line(file)
    assert [finding.key for finding in findings] == [key], findings
    assert says in findings[0].remedy
    assert findings[0].line == len(file.read_text(encoding="utf-8").splitlines())
    line = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    assert not Draft202012Validator(line_schema()).is_valid(line)


def test_an_independent_validator_accepts_both_forms(tmp_path: Path) -> None:
    for text in ("detector: {model: a}", "detector: [{model: a}, {kind: code}]"):
        line = YAML(typ="safe").load(written(tmp_path, text).read_text(encoding="utf-8"))
        Draft202012Validator(line_schema()).validate(line)
