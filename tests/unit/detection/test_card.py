"""A model folder is what its card says, or the start stops with the file, the key and the remedy."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from inspector.detection import find_model, load_model, models_folder, read_card
from inspector.domain import ModelError, ModelId
from tests.support.tiny_model import write_tiny_model


def test_a_sound_folder_becomes_a_frozen_model(tmp_path: Path) -> None:
    model = load_model(write_tiny_model(tmp_path / "tiny"), classes=["short"])
    card = model.card
    assert card.classes == ("open", "short")
    assert card.confidence_floor == 0.25
    assert card.box_margin_px == 2
    assert card.input.shape == (3, 96, 128)
    assert card.model_id == ModelId("tiny", "1.0.0", hashlib.sha256(model.weights.read_bytes()).hexdigest())
    with pytest.raises(ValueError, match="frozen"):
        card.name = "other"  # type: ignore[misc]


def test_weights_without_names_of_their_own_are_taken_at_the_cards_word(tmp_path: Path) -> None:
    assert load_model(write_tiny_model(tmp_path, named=None)).card.classes == ("open", "short")


def test_altered_weights_are_refused(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    weights = folder / "tiny.onnx"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00")
    with pytest.raises(ModelError, match=r"tiny\.onnx: SHA-256 is .* key sha256 of .*card\.yaml.*Fetch the model"):
        load_model(folder)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    (folder / "tiny.onnx").unlink()
    with pytest.raises(ModelError, match=r"tiny\.onnx: the weights that key weights .* cannot be read: No such file"):
        load_model(folder)


def test_a_missing_card_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"card\.yaml: there is no such card"):
        load_model(tmp_path)


def test_weights_that_are_no_onnx_model_are_refused(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path, sha256=hashlib.sha256(b"not a model").hexdigest())
    (folder / "tiny.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"tiny\.onnx: not a readable ONNX model"):
        load_model(folder)


def test_truncated_weights_with_a_fitting_hash_are_refused(tmp_path: Path) -> None:
    half = (write_tiny_model(tmp_path) / "tiny.onnx").read_bytes()[:200]
    folder = write_tiny_model(tmp_path, sha256=hashlib.sha256(half).hexdigest())
    (folder / "tiny.onnx").write_bytes(half)
    with pytest.raises(ModelError, match="not a readable ONNX model"):
        load_model(folder)


@pytest.mark.parametrize("named", [("short", "open"), ("open",), ("open", "short", "spur")])
def test_a_class_list_that_differs_from_the_weights_own_is_refused(tmp_path: Path, named: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match=r"card\.yaml: key classes says open, short; tiny\.onnx itself says"):
        load_model(write_tiny_model(tmp_path, named=named))


def test_a_class_that_the_line_asks_for_and_the_model_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="key classes has no scratch; the model knows open, short"):
        load_model(write_tiny_model(tmp_path), classes=["open", "scratch"])


def test_an_input_that_the_weights_do_not_take_is_refused(tmp_path: Path) -> None:
    wrong = {"width": 640, "height": 640, "channels": 3}
    with pytest.raises(ModelError, match=r"key input says float32 \(N, 3, 640, 640\); tiny\.onnx takes"):
        load_model(write_tiny_model(tmp_path, input=wrong))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"sha256": "abc"}, "sha256"),
        ({"classes": []}, "classes"),
        ({"classes": ["open", "open"]}, "classes"),
        ({"confidence_floor": 1.5}, "confidence_floor"),
        ({"weights": "../elsewhere.onnx"}, "weights"),
        ({"task": "classify"}, "task"),
        ({"licence": None}, "licence"),
        ({"metrics": {"box_margin_px": -1}}, "metrics"),
        ({"input": {"width": 640, "height": 640, "channels": 4}}, "input.channels"),
        ({"input": {"width": 640, "height": 640, "channels": 2, "colour": "rgb"}}, "input"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, change: dict[str, object], key: str) -> None:
    with pytest.raises(ModelError, match=rf"card\.yaml: .*key {key}"):
        read_card(write_tiny_model(tmp_path, **change))


@pytest.mark.parametrize(
    ("text", "says"),
    [("name: [", r"card\.yaml:\d+: the card is not YAML"), ("- one", "is not a mapping"), ("", "is not a mapping")],
)
def test_a_card_that_is_no_card_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "card.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=says):
        read_card(tmp_path)


def test_a_card_with_foreign_bytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "card.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(ModelError, match="cannot be read"):
        read_card(tmp_path)


def test_models_are_found_by_name_or_path(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "tiny")
    assert find_model("tiny", tmp_path) == folder
    assert find_model(folder) == folder
    with pytest.raises(ModelError, match=r"model huge: .* Name one of the models in .* \(tiny\)"):
        find_model("huge", tmp_path)


def test_shipped_models_lie_beside_the_product() -> None:
    assert models_folder().name == "models"
