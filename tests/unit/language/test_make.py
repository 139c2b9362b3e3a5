"""A tiny decoder taught with a teacher's examples, and without: how many of its sentences are in that manner."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from inspector.domain import ConfigurationError
from inspector.language.card import load_writer
from inspector.language.distil import distil, drawn_tasks
from inspector.language.embedded import EmbeddedEngine
from inspector.language.endpoint import EndpointEngine
from tests.support.chat_server import serving
from tests.support.teacher import MANNER, teaching

pytest.importorskip("torch", reason="the extra `language` is not installed")
pytest.importorskip("onnx", reason="the extra `language` is not installed")

from inspector.language.decoder import Shape
from inspector.language.make import make_writer

# The exporter of torch warns of itself and of every shape that it follows.
pytestmark = [pytest.mark.timeout(900), pytest.mark.filterwarnings("ignore")]

EXAMPLES = 300


def teach(out: Path, examples: Path | None, share: float) -> Path:
    shape = Shape(width=64, layers=2, heads=2)
    made = {"steps": 250, "batch": 32, "seed": 1, "threads": 1, "command": "as tested"}
    return make_writer(out, shape=shape, examples=examples, share=share, **made).parent  # type: ignore[arg-type]


def in_manner(folder: Path) -> float:
    engine = EmbeddedEngine(load_writer(folder))
    asked = drawn_tasks(200, seed=99)
    written = engine.write(asked, until=time.monotonic() + 600, seed=1, attempt=0)
    return sum(text.startswith(MANNER[task.language]) for task, text in zip(asked, written, strict=True)) / len(asked)


def test_a_decoder_takes_on_the_manner_of_its_teacher(tmp_path: Path) -> None:
    examples = tmp_path / "examples.jsonl"
    with serving(teaching(drawn_tasks(EXAMPLES, 1))) as server:
        distil(EndpointEngine(server.url, model="large"), examples, briefs=EXAMPLES)
    plain = teach(tmp_path / "plain", None, 0.0)
    taught = teach(tmp_path / "taught", examples, 0.5)
    before, after = in_manner(plain), in_manner(taught)
    assert before == 0
    assert after > 0.4, f"half of what it read was in this manner, {after:.0%} of what it writes is"
    card = load_writer(taught).card
    assert card.data["examples"] == {
        "file": "examples.jsonl",
        "sha256": hashlib.sha256(examples.read_bytes()).hexdigest(),
        "number": EXAMPLES,
        "share": 0.5,
        "refused": {},
        "sources": {"large at an endpoint": EXAMPLES},
    }
    assert "large at an endpoint" in card.licence
    assert "no text of others" not in card.data["source"]
    known = set(load_writer(taught).tokens())
    assert {"Log", " entry"} <= known, "words of the examples join the vocabulary"
    assert not {"Log", " entry"} & set(load_writer(plain).tokens())
    assert load_writer(plain).card.licence == "Apache-2.0"
    assert "examples" not in load_writer(plain).card.data


def test_without_a_single_example_nothing_is_taught(tmp_path: Path) -> None:
    examples = tmp_path / "examples.jsonl"
    examples.write_text('{"refused": "digit", "source": "m"}\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no example that the checker accepts"):
        teach(tmp_path / "out", examples, 0.5)
    assert not (tmp_path / "out").exists()
