"""A missing extra is named with what needs it and how to get it."""

from __future__ import annotations

import pytest

from inspector.domain import ConfigurationError, require_extra


def test_what_is_installed_is_passed_over() -> None:
    require_extra("nothing", "json", "pytest", needed_by="this test")


def test_what_is_missing_is_named_with_its_extra() -> None:
    with pytest.raises(ConfigurationError) as told:
        require_extra("train", "json", "no_such_library", needed_by="training")
    assert str(told.value) == (
        "training needs no_such_library, which is not installed. Install the extra: pip install 'line-inspector[train]'"
    )


def test_all_that_is_missing_is_told_at_once() -> None:
    with pytest.raises(
        ConfigurationError, match="training needs no_such_library and nor_this, which are not installed"
    ):
        require_extra("train", "no_such_library", "nor_this", needed_by="training")
