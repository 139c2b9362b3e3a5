from __future__ import annotations

import threading

from inspector.domain import EVERY_LINE, TREND_BLOCK, Counts, FaultCode, LiveFeed
from inspector.web import LiveBoard
from tests.support.screen import Box, part, status

SPUR = ("spur", 0.97, Box(100, 100, 120, 110))


def test_it_is_a_live_feed_that_knows_nothing_yet() -> None:
    board = LiveBoard(line="board-line-1", model="bare-board 1", simulated=True)
    assert isinstance(board, LiveFeed)
    assert board.counts() == Counts()
    assert board.counts().first_pass_yield is None
    assert board.recent(5) == ()
    assert not board.status().ready
    assert {lamp: state.good for lamp, state in board.status().lamps.items()} == dict.fromkeys(EVERY_LINE)


def test_parts_are_counted_by_what_happened_to_them_and_come_newest_first() -> None:
    board = LiveBoard()
    fed = [
        part(1, None),
        part(2, None, boxes=[SPUR], limits={0: ("above_usl", 0.1)}),
        part(3, None, boxes=[SPUR], limits={0: ("guard_band", 0.4)}),
        part(4, None, fault=FaultCode.DEADLINE),
        part(5, None, boxes=[SPUR]),
    ]
    for item in fed:
        board.part_recorded(item)
    assert board.counts() == Counts(passed=2, review=1, failed=1, faults=1)
    assert board.recent(2) == (fed[4], fed[3])
    assert board.recent(0) == ()
    assert board.recent(-1) == ()


def test_only_a_change_moves_the_version() -> None:
    board = LiveBoard()
    versions = [board.version()]
    board.part_recorded(part(1, None))
    versions.append(board.version())
    board.status_changed(status())
    versions.append(board.version())
    board.status_changed(status())
    assert versions == sorted(set(versions))
    assert board.version() == versions[-1]


def test_the_trend_has_a_point_for_every_full_block_and_forty_of_them() -> None:
    board = LiveBoard()
    bad = part(2, None, boxes=[SPUR], limits={0: ("above_usl", 0.1)})
    for number in range(TREND_BLOCK):
        board.part_recorded(part(number, None))
    for number in range(TREND_BLOCK):
        board.part_recorded(bad if number < 5 else part(number, None))
    board.part_recorded(bad)
    assert board.trend() == (1.0, 1 - 5 / TREND_BLOCK)
    for _ in range(60 * TREND_BLOCK):
        board.part_recorded(bad)
    assert len(board.trend()) == 40
    assert board.trend()[-1] == 0.0


def test_memory_is_bounded_while_counts_go_on() -> None:
    board = LiveBoard(keep=10)
    for number in range(50):
        board.part_recorded(part(number, None))
    assert len(board.recent(1000)) == 10
    assert board.counts().passed == 50


def test_no_part_is_lost_between_threads() -> None:
    board, start = LiveBoard(keep=10_000), threading.Barrier(4)
    item = part(1, None)

    def feed() -> None:
        start.wait()
        for _ in range(200):
            board.part_recorded(item)
            board.recent(3)
            board.counts()

    threads = [threading.Thread(target=feed) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert board.counts().passed == 800
    assert board.version() == 800
