"""`auto` takes the fastest sound backend, says so, and remembers it."""

from __future__ import annotations

import json
import logging
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.detection import BACKENDS, Backend, Model, choose_backend, load_model, open_backend
from inspector.detection import choose as choosing
from inspector.detection.caches import default_cache
from inspector.detection.choose import fastest
from inspector.detection.opening import VOLATILE, candidates
from inspector.domain import ConfigurationError, DetectionError, ModelError
from tests.support.tiny_model import write_tiny_model

SHAPE = (1, 3, 96, 128)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return load_model(write_tiny_model(tmp_path / "tiny"))


class FakeBackend:
    """Takes a given processor time and gives a given score."""

    def __init__(self, name: str, work_ms: float = 0.0, *, score: float = 0.5, broken: bool = False) -> None:
        self.name = name
        self.closed = False
        self._work_ms = work_ms
        self._broken = broken
        self._output = np.full((1, 6, 12), score, np.float32)

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._broken:
            raise DetectionError(f"{self.name} broke")
        until = time.perf_counter() + self._work_ms / 1e3
        while time.perf_counter() < until:
            pass
        return self._output

    def close(self) -> None:
        self.closed = True


def test_the_fastest_wins_and_the_others_are_closed(caplog: pytest.LogCaptureFixture) -> None:
    slow, quick = FakeBackend("slow", 20), FakeBackend("quick", 1)
    with caplog.at_level(logging.INFO):
        assert fastest({"slow": lambda: slow, "quick": lambda: quick}, SHAPE, name="tiny") is quick
    assert slow.closed
    assert not quick.closed
    assert "detector backend quick for model tiny (slow " in caplog.text


def test_quick_and_wrong_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    right, wrong = FakeBackend("right", 5), FakeBackend("wrong", score=0.9)
    assert fastest({"right": lambda: right, "wrong": lambda: wrong}, SHAPE) is right
    assert wrong.closed
    assert "backend wrong is left out" in caplog.text


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_backend_that_answers_no_numbers_is_left_out(score: float) -> None:
    right, wrong = FakeBackend("right"), FakeBackend("wrong", score=score)
    assert fastest({"right": lambda: right, "wrong": lambda: wrong}, SHAPE) is right


def test_a_backend_that_does_not_run_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    right, broken = FakeBackend("right"), FakeBackend("broken", broken=True)
    assert fastest({"broken": lambda: broken, "right": lambda: right}, SHAPE) is right
    assert "backend broken cannot run" in caplog.text


def test_no_backend_at_all_stops_the_start() -> None:
    with pytest.raises(ModelError, match=r"model tiny: no backend of this machine runs it \(tried broken\)"):
        fastest({"broken": lambda: FakeBackend("broken", broken=True)}, SHAPE, name="tiny")


def test_the_choice_is_remembered(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache = tmp_path / "cache" / "backends.json"
    first = choose_backend(model, threads=1, cache=cache)
    assert list(json.loads(cache.read_text(encoding="utf-8")).values()) == [first.name]
    monkeypatch.setattr(choosing, "fastest", lambda *_, **__: pytest.fail("measured twice"))
    with caplog.at_level(logging.INFO):
        assert choose_backend(model, threads=1, cache=cache).name == first.name
    assert "measured before" in caplog.text


def test_a_remembered_server_that_is_away_is_a_loss_and_stays_remembered(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Backend:
        raise DetectionError("no server is ready")

    near = partial(open_backend, model, "onnxruntime", threads=1)
    cache = tmp_path / "backends.json"
    monkeypatch.setattr(choosing, "candidates", lambda *_, **__: {"onnxruntime": near, "triton": near})
    monkeypatch.setattr(choosing, "fastest", lambda *_, **__: FakeBackend("triton"))
    choose_backend(model, triton="box:8001", cache=cache).close()
    remembered = cache.read_text(encoding="utf-8")
    assert "triton box:8001" in remembered
    monkeypatch.setattr(choosing, "candidates", lambda *_, **__: {"onnxruntime": near, "triton": away})
    told: list[str] = []
    backend = choose_backend(model, triton="box:8001", cache=cache, on_loss=told.append)
    assert backend.name == "onnxruntime"
    assert len(told) == 1
    backend.close()
    assert cache.read_text(encoding="utf-8") == remembered


def test_a_choice_made_while_a_server_was_away_is_not_remembered(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Backend:
        raise DetectionError("no server is ready")

    near = partial(open_backend, model, "onnxruntime", threads=1)
    monkeypatch.setattr(choosing, "candidates", lambda *_, **__: {"onnxruntime": near, "triton": away})
    cache = tmp_path / "backends.json"
    choose_backend(model, triton="box:8001", cache=cache).close()
    assert not cache.exists()


def test_other_threads_or_other_weights_are_measured_anew(model: Model, tmp_path: Path) -> None:
    cache = tmp_path / "backends.json"
    choose_backend(model, threads=1, cache=cache)
    choose_backend(model, threads=2, cache=cache)
    other = load_model(write_tiny_model(tmp_path / "other", gains=(0.9, 0.5)))
    choose_backend(other, threads=1, cache=cache)
    assert len(json.loads(cache.read_text(encoding="utf-8"))) == 3


@pytest.mark.parametrize("content", ["{half", "[1, 2]", "\x00"])
def test_a_spoilt_memory_only_costs_a_measurement(model: Model, tmp_path: Path, content: str) -> None:
    cache = tmp_path / "backends.json"
    cache.write_text(content, encoding="utf-8")
    chosen = choose_backend(model, threads=1, cache=cache)
    assert list(json.loads(cache.read_text(encoding="utf-8")).values()) == [chosen.name]


def test_a_memory_that_cannot_be_written_is_said_and_survived(
    model: Model, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    choose_backend(model, threads=1, cache=tmp_path / "file" / "backends.json")
    assert "cannot be written" in caplog.text


def test_every_named_backend_opens(model: Model, tmp_path: Path) -> None:
    for name in set(BACKENDS) - VOLATILE:
        backend = open_backend(model, name, threads=1, cache=tmp_path / "backends.json")
        assert backend.run(np.zeros(SHAPE, np.float32)).shape == (1, 6, 12)
        backend.close()


def test_an_unknown_backend_is_named_with_the_choice(model: Model) -> None:
    with pytest.raises(ConfigurationError, match=r"detector backend abacus: there is none\. Choose one of auto"):
        open_backend(model, "abacus")


def test_the_reference_of_the_candidates_is_float32_on_every_machine(model: Model) -> None:
    assert next(iter(candidates(model))) == "onnxruntime"


def test_the_memory_follows_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "line-inspector" / "backends.json"


def test_a_user_without_a_home_still_has_a_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert default_cache().is_absolute()
