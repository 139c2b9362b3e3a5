"""Many parts with faults of every kind in between: the PLC never acts on a late or wrong verdict."""

from __future__ import annotations

import json
import logging

import pytest

from tests.support.plc_chaos import Books, rehearse
from tests.support.plc_peers import Way

log = logging.getLogger(__name__)


def check(books: Books, way: Way = Way.POLLING) -> None:
    summary = json.dumps(books.summary())
    log.info("%s", summary)
    assert not books.wrong(), summary
    assert not books.late(), summary
    assert not books.complaints, summary
    assert sum(books.protocol_errors.values()) == 0, f"data stood before their flag: {summary}"
    if way is not Way.SERVER:
        # Our server keeps the result that a PLC which is restarted at once was to get; it refuses it by its SeqNo.
        assert sum(books.mismatches.values()) == 0, f"no result for a part that nobody asked for: {summary}"
    assert sum(decision.good for decision in books.decided.values()) > 0.2 * len(books.decided), summary


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", [Way.AUTO, Way.SERVER, Way.MODBUS])
async def test_no_late_or_wrong_verdict_is_taken_whatever_breaks(way: Way) -> None:
    books = await rehearse(60, seed=5, calm=4, ways=[way], longest_s=0.9)
    check(books, way)
    assert books.injected.total() >= 10


@pytest.mark.soak
@pytest.mark.timeout(7200)
async def test_ten_thousand_parts_with_faults() -> None:
    books = await rehearse(10_000, seed=11, calm=20, ways=[Way.POLLING, Way.SUBSCRIPTION])
    check(books)
    assert min(books.injected.values()) >= 10
    assert len(books.injected) == 13, "every kind of fault came"
