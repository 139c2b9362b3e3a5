from __future__ import annotations

import pytest

from inspector.domain import ConfigurationError
from inspector.runtime import bench_screen


def test_without_a_browser_it_says_which_ones_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_screen, "BROWSERS", ("no-such-browser",))
    with pytest.raises(ConfigurationError, match="none of no-such-browser"):
        bench_screen.measure_screen()
