"""`inspector bench mes`: its parts, without the clock."""

from __future__ import annotations

import json
from pathlib import Path

from inspector.domain import Queue
from inspector.runtime.bench_mes import _Bench, _settings
from inspector.runtime.wiring.mes import Broker
from inspector.runtime.wiring.record import build_record


def test_the_backlog_is_filled_with_different_results_and_commits_have_one_message_each(tmp_path: Path) -> None:
    broker = Broker("mqtt://127.0.0.1:1")
    settings = _settings(tmp_path, broker, None)
    database, record, outboxes = build_record(settings)
    try:
        bench = _Bench(settings, tmp_path, broker, record, outboxes[Queue.RESULTS])
        assert bench.commit(5) > 0
        assert record.counts().total == 5
        assert bench._fill(700) == 700
        waiting = outboxes[Queue.RESULTS].pending(0, 1000)
    finally:
        database.close()
    assert [message.seq for message in waiting] == list(range(1, 701))
    ids = {json.loads(message.body)["msg_id"] for message in waiting}
    assert ids == {message.msg_id for message in waiting}
    assert len(ids) == 700
