"""What several system tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from tests.support.review_screen import served  # the whole screen: only for who asks

    with served(tmp_path_factory.mktemp("line"), login=True) as running:
        yield running
