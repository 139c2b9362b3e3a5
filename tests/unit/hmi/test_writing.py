"""The pages say who writes the reports, how often and why the template has to, and who corrected one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hmi import markup, panels
from hmi.words import Words
from inspector.domain import LineStatus, TextCorrection, Writing
from tests.support.screen import part

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)


@pytest.mark.parametrize(("language", "told"), [("en", "by the template instead 3"), ("zh", "改用模板 3")])
def test_the_template_is_counted_by_its_reasons(language: str, told: str) -> None:
    status = LineStatus("l", True, "default", {}, writing=Writing("<scribe> 1", 40, {"late": 2, "digit": 1}))
    shown = panels.connection_list([], status, Words(language, {}), NOW)
    assert "&lt;scribe&gt; 1" in shown
    assert " 40" in shown
    assert f"{told} (digit 1, late 2)" in shown


def test_an_engine_that_always_writes_has_no_reasons_and_a_line_without_word_no_row() -> None:
    words = Words("en", {})
    status = LineStatus("l", True, "default", {}, writing=Writing("template", 7))
    assert "template · texts of its own 7<" in panels.connection_list([], status, words, NOW)
    assert "data-row" not in panels.connection_list([], LineStatus("l", True, "default", {}), words, NOW)


def test_a_corrected_text_stands_with_name_and_the_first_one_behind_a_key() -> None:
    first = part(1, None)
    correction = TextCorrection(first.report.id, "en", "Fine <after> all, 0.3 mm", "mei & jan", NOW)
    corrected = replace(first, texts={**first.texts, "en:engine": "scribe 1"}, corrections={"en": correction})
    shown = markup.report_text(corrected, Words("en", {}))
    assert "corrected by mei &amp; jan at 2026-03-02" in shown
    assert '<p class="corrected">Fine &lt;after&gt; all, 0.3\u00a0mm</p><details' in shown
    before, _, behind = shown.partition("<summary")
    assert "scribe 1" not in before
    assert "written by scribe 1" in behind
    assert first.texts["en"] in behind
    assert "corrected" not in markup.report_text(corrected, Words("zh", {})), "the other language was left alone"
