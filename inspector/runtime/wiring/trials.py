"""Where the pictures that people take by hand are left, for the line and for the screen."""

from __future__ import annotations

from pathlib import Path

from inspector.runtime.trials import TrialStore
from inspector.settings import LineSettings

__all__ = ["build_trials"]


def build_trials(settings: LineSettings, data: Path) -> TrialStore:
    """Return where pictures taken by hand are left for the screen."""
    return TrialStore(data / settings.line / "trial")
