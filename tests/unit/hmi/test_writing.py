"""The line's page says who writes the reports, and how often and why the template has to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hmi import panels
from hmi.words import Words
from inspector.domain import LineStatus, Writing

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
