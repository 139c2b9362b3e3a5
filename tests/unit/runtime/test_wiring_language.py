"""The line's YAML chooses who writes and what may be advised: one key each."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.domain import Box, ConfigurationError, Decision, ModelError, SettingsError
from inspector.language.author import TEMPLATE
from inspector.runtime.wiring.language import build_advisor, build_author
from inspector.settings import EmbeddedLanguage, EndpointLanguage, LineSettings, TemplateLanguage, load_line
from tests.support.chat_server import completion, serving
from tests.support.screen import part

LINES = Path(__file__).parents[3] / "line_configs"
REPORT = part(17, None, boxes=[("spur", 0.97, Box(100, 100, 120, 110))], limits={0: ("above_usl", 0.35)}).report
PATIENT_MS = 20_000


@pytest.fixture
def line() -> LineSettings:
    return load_line(LINES / "virtual-board.yaml")


def test_the_demonstration_line_has_model_written_reports_in_both_languages(line: LineSettings) -> None:
    assert isinstance(line.language, EmbeddedLanguage)
    patient = line.language.model_copy(update={"deadline_ms": PATIENT_MS})
    author = build_author(line.model_copy(update={"language": patient}))
    texts = author.compose(REPORT, line.languages)
    author.close()
    assert {text.engine for text in texts.values()} == {"report-writer 0.1.0"}
    assert "0.417 ± 0.033 mm" in texts["en"].text
    assert "毛刺" in texts["zh"].text


def test_the_template_is_one_key_away(line: LineSettings) -> None:
    author = build_author(line.model_copy(update={"language": TemplateLanguage(kind="template")}))
    assert author.compose(REPORT, ["en"])["en"].engine == TEMPLATE


def test_an_endpoint_gets_the_token_of_the_environment(line: LineSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(_: object, handler: object, __: object) -> None:
        body = completion("no sentences")
        handler.send_response(200)  # type: ignore[attr-defined]
        handler.send_header("Content-Length", str(len(body)))  # type: ignore[attr-defined]
        handler.end_headers()  # type: ignore[attr-defined]
        handler.wfile.write(body)  # type: ignore[attr-defined]

    with serving(answer) as server:
        wanted = EndpointLanguage(
            kind="endpoint",
            url=server.url,
            model="m",
            token_env="A_TOKEN",  # noqa: S106 - the name of a variable
            deadline_ms=PATIENT_MS,
        )
        line = line.model_copy(update={"language": wanted})
        with pytest.raises(SettingsError, match="A_TOKEN is not set"):
            build_author(line)
        monkeypatch.setenv("A_TOKEN", "s3cret")
        author = build_author(line)
        assert author.compose(REPORT, ["en"])["en"].engine == TEMPLATE
        author.close()
    assert server.headers[0]["Authorization"] == "Bearer s3cret"


def test_a_report_writer_that_is_none_stops_the_start(line: LineSettings) -> None:
    for name, problem in (("bare-board", "card of a report writer"), ("no-such-writer", "no-such-writer")):
        other = EmbeddedLanguage(kind="embedded", model=name)
        with pytest.raises(ModelError, match=problem):
            build_author(line.model_copy(update={"language": other}))


def test_without_a_word_on_dispositions_nobody_advises_and_with_one_the_policy_counts(line: LineSettings) -> None:
    assert build_advisor(line) is None
    advisor = build_advisor(load_line(LINES / "production-example.yaml"))
    assert advisor is not None
    assert [(rule.decision, rule.defect) for rule in advisor._envelope.policy] == [(Decision.STOP_LINE, "open")]


def test_a_policy_that_cannot_be_meant_stops_the_start(line: LineSettings) -> None:
    wanted = line.disposition.model_validate({"policy": [{"repeats": 5, "of": 3, "decision": "scrap"}]})
    with pytest.raises(ConfigurationError, match=r"disposition\.policy"):
        build_advisor(line.model_copy(update={"disposition": wanted}))
