"""Distillation from a local server that teaches, talks nonsense, lies, hangs up and is stopped in the middle."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inspector.cli.main import app
from inspector.domain import ConfigurationError, LanguageError
from inspector.language.distil import FAILED, distil, drawn_tasks
from inspector.language.endpoint import EndpointEngine
from inspector.language.engine import Request
from inspector.language.examples import Example, read_entries, read_examples
from inspector.runtime.wiring.teacher import build_teacher
from tests.support.chat_server import ChatServer, completion, serving
from tests.support.teacher import MANNER, teaching

BRIEFS = 22
TASKS = drawn_tasks(BRIEFS, 1)
TEACHER = "large at an endpoint"
GARBAGE = (b"<html>busy</html>", b"", completion("Sure!"), completion(json.dumps({"sentences": ["one too few"]})))


def learn(server: ChatServer, out: Path, briefs: int = BRIEFS, seed: int = 1) -> None:
    with closing(EndpointEngine(server.url, model="large")) as engine:
        distil(engine, out, briefs=briefs, seed=seed)


def test_what_the_teacher_writes_right_is_kept_in_its_own_words(tmp_path: Path) -> None:
    out = tmp_path / "new" / "examples.jsonl"
    with serving(teaching(TASKS)) as server:
        learn(server, out)
    found = read_examples(out)
    assert [(each.brief, each.language) for each in found.accepted] == [(task.brief, task.language) for task in TASKS]
    assert all(each.text.startswith(MANNER[each.language]) for each in found.accepted)
    assert {each.source for each in found.accepted} == {TEACHER}
    assert {each.language for each in found.accepted} == {"en", "zh"}
    assert not found.refused


def test_wrong_answers_cost_their_sentences_and_are_counted(tmp_path: Path) -> None:
    lies = completion(json.dumps({"sentences": ["{part} weighs 3 kg.", "", "{class} is fine", "<b>{x}</b>"]}))
    bodies = {1: GARBAGE[0], 3: GARBAGE[2], 4: GARBAGE[3], 6: lies[:-20]}
    out = tmp_path / "examples.jsonl"
    with serving(teaching(TASKS, instead=bodies.get)) as server:
        learn(server, out)
    assert read_examples(out).refused == {FAILED: 14}
    assert len(read_entries(out)) == BRIEFS
    lying = tmp_path / "lies.jsonl"
    with serving(teaching(TASKS, instead=lambda number: lies if number == 1 else None)) as server:
        learn(server, lying, briefs=8)
    found = read_examples(lying)
    assert len(found.accepted) == 4
    assert sum(found.refused.values()) == 4
    assert FAILED not in found.refused
    assert "weighs" not in lying.read_text(encoding="utf-8"), "what is refused is not kept"


@pytest.mark.parametrize("body", GARBAGE)
def test_a_teacher_that_only_talks_nonsense_ends_it_and_loses_nothing(tmp_path: Path, body: bytes) -> None:
    out = tmp_path / "examples.jsonl"
    with (
        serving(teaching(TASKS, instead=lambda number: body if number > 2 else None)) as server,
        pytest.raises(LanguageError, match=r"3 times in a row.*goes on"),
    ):
        learn(server, out)
    assert len(read_entries(out)) == 8
    with serving(teaching(TASKS)) as server:
        learn(server, out)
        assert len(server.asked) == 4, "what it had answered is not asked again"
    assert len(read_examples(out).accepted) == BRIEFS


def test_a_teacher_that_is_not_there_leaves_an_empty_file(tmp_path: Path) -> None:
    with serving(teaching(TASKS)) as server:
        pass
    for briefs in (4, BRIEFS):
        with pytest.raises(LanguageError, match="in a row"):
            learn(server, tmp_path / "examples.jsonl", briefs=briefs)
    assert read_entries(tmp_path / "examples.jsonl") == []


class Stopping:
    """A teacher during whose third answer somebody presses Ctrl-C."""

    attempts = 1

    def __init__(self, engine: EndpointEngine) -> None:
        self._engine, self.name, self._asked = engine, engine.name, 0

    def write(self, requests: Sequence[Request], *, until: float, seed: int, attempt: int) -> list[str]:
        self._asked += 1
        if self._asked == 3:
            raise KeyboardInterrupt
        return self._engine.write(requests, until=until, seed=seed, attempt=attempt)

    def close(self) -> None:
        self._engine.close()


def test_it_goes_on_where_it_was_stopped_and_a_finished_file_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "examples.jsonl"

    def run(server: ChatServer, briefs: int, exits: int = 0) -> str:
        arguments = ["--teacher", server.url, "--model", "large", "--briefs", str(briefs), "--out", str(out)]
        done = CliRunner().invoke(app, ["language", "distil", *arguments])
        assert done.exit_code == exits, done.output
        return done.output

    with serving(teaching(TASKS)) as server:
        with monkeypatch.context() as patch:
            patch.setattr(
                "inspector.runtime.wiring.teacher.EndpointEngine",
                lambda url, *, model, token: Stopping(EndpointEngine(url, model=model, token=token)),
            )
            assert "The same command goes on" in run(server, 10, exits=130)
        assert len(read_entries(out)) == 8
        assert "10 examples, 0 refused" in run(server, 10)
        before = out.read_bytes()
        asked = len(server.asked)
        assert "10 examples" in run(server, 10)
        assert (out.read_bytes(), len(server.asked)) == (before, asked)
        assert "22 examples" in run(server, BRIEFS)
    assert out.read_bytes().startswith(before)
    found = [entry for entry in read_entries(out) if isinstance(entry, Example)]
    assert [(each.brief, each.language) for each in found] == [(task.brief, task.language) for task in TASKS]


def test_a_file_of_another_teacher_or_seed_is_not_gone_on_with(tmp_path: Path) -> None:
    out = tmp_path / "examples.jsonl"
    with serving(teaching(TASKS)) as server:
        learn(server, out, briefs=8)
        with pytest.raises(ConfigurationError, match=r"examples\.jsonl:\d: .*another seed"):
            learn(server, out, seed=2)
        with (
            closing(EndpointEngine(server.url, model="other")) as engine,
            pytest.raises(ConfigurationError, match=r"examples\.jsonl:1: .*large at an endpoint"),
        ):
            distil(engine, out, briefs=BRIEFS)
    out.write_text("# Notes\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"examples\.jsonl:1"):
        learn(server, out)
    assert out.read_text(encoding="utf-8") == "# Notes\n"
    with pytest.raises(ConfigurationError, match="cannot be"):
        learn(server, tmp_path)


def test_the_tasks_are_many_kinds_of_both_languages_and_of_their_own_seeds() -> None:
    tasks = drawn_tasks(400, 1)
    assert tasks[:50] == drawn_tasks(50, 1)
    assert tasks != drawn_tasks(400, 2)
    assert Counter(task.language for task in tasks) == {"en": 200, "zh": 200}
    assert len({task.brief.kind for task in tasks}) == 5


def test_what_does_not_fit_together_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="--model"):
        build_teacher("http://127.0.0.1:9/v1")
    with pytest.raises(ConfigurationError, match="no adapter"):
        build_teacher("http://127.0.0.1:9/v1", model="m", adapter=tmp_path)
    with pytest.raises(ConfigurationError, match="no address"):
        build_teacher("./folder", model="m")
    monkeypatch.delenv("TEACHER_TOKEN", raising=False)
    options = ["--model", "m", "--token-env", "TEACHER_TOKEN", "--out", str(tmp_path / "out.jsonl")]
    done = CliRunner().invoke(app, ["language", "distil", "--teacher", "http://127.0.0.1:9/v1", *options])
    assert isinstance(done.exception, ConfigurationError)
    assert "TEACHER_TOKEN is not set" in str(done.exception)
