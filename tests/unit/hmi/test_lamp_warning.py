"""A connection that works but is open to everybody says so on the screen, in the operator's language."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hmi import markup
from hmi.words import Words
from inspector.domain import Lamp, LampState, LineStatus
from inspector.runtime.signals import status_from_json, status_to_json

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)


@pytest.mark.parametrize(("language", "text"), [("en", "Not encrypted, anonymous"), ("zh", "未加密，匿名")])
def test_an_open_connection_is_a_warning_on_the_lamp(language: str, text: str) -> None:
    state = LampState(True, NOW, "connected to the PLC", "not_encrypted")
    status = LineStatus("line-1", True, "default", {Lamp.PLC: state, Lamp.MES: LampState(True, NOW)})
    status = status_from_json(status_to_json(status))
    shown = markup.lamps(status, Words(language, {}), NOW)
    assert shown.count("lamp-warning") == 1, "the PLC's lamp only"
    assert text in shown
