"""The product's optional extras: what needs one that is not installed says which, and how to get it."""

from __future__ import annotations

import importlib.util

from inspector.domain.errors import ConfigurationError

__all__ = ["require_extra"]


def require_extra(extra: str, *modules: str, needed_by: str) -> None:
    """Raise ``ConfigurationError`` where one of the extra's modules, given by its top-level name, is not installed."""
    if missing := [name for name in modules if importlib.util.find_spec(name) is None]:
        raise ConfigurationError(
            f"{needed_by} needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed",
            remedy=f"Install the extra: pip install 'line-inspector[{extra}]'",
        )
