"""Many parts with faults of every kind in between: the PLC never acts on a late or wrong verdict."""

from __future__ import annotations

import json
import logging

import pytest

from inspector.plc.client import Updates
from tests.support.plc_chaos import Books, rehearse

log = logging.getLogger(__name__)


def check(books: Books) -> None:
    summary = json.dumps(books.summary())
    log.info("%s", summary)
    assert not books.wrong(), summary
    assert not books.late(), summary
    assert not books.complaints, summary
    assert sum(books.protocol_errors.values()) == 0, f"data stood before their flag: {summary}"
    assert sum(books.mismatches.values()) == 0, f"no result for a part that nobody asked for: {summary}"
    assert sum(decision.good for decision in books.decided.values()) > 0.2 * len(books.decided), summary


@pytest.mark.timeout(300)
@pytest.mark.parametrize("updates", [Updates.POLLING, Updates.SUBSCRIPTION])
async def test_no_late_or_wrong_verdict_is_taken_whatever_breaks(updates: Updates) -> None:
    books = await rehearse(150, seed=5, calm=6, updates=[updates])
    check(books)
    assert books.injected.total() >= 10


@pytest.mark.soak
@pytest.mark.timeout(7200)
async def test_ten_thousand_parts_with_faults() -> None:
    books = await rehearse(10_000, seed=11, calm=20, updates=[Updates.POLLING, Updates.SUBSCRIPTION])
    check(books)
    assert min(books.injected.values()) >= 10
    assert len(books.injected) == 13, "every kind of fault came"
