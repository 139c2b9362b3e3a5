"""What a consumer keeps: whole messages only, whatever happens to the file or the disk."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from inspector.domain import StoreError
from inspector.mes.kept import KeptMessages
from tests.support.small_disk import mounted


def message(seq: int, size: int = 10) -> dict[str, object]:
    return {"seq": seq, "msg_id": f"m{seq}", "body": "x" * size}


def found(file: Path) -> list[tuple[int, str]]:
    with closing(KeptMessages(file)) as kept:
        return kept.already


def test_what_was_kept_is_there_the_next_time_and_kept_once(tmp_path: Path) -> None:
    for _ in range(2):
        kept = KeptMessages(tmp_path / "mes.jsonl")
        for seq in (1, 2):
            kept.keep(message(seq))
        kept.close()
    assert found(tmp_path / "mes.jsonl") == [(1, "m1"), (2, "m2")]


def test_a_half_written_line_is_dropped(tmp_path: Path) -> None:
    kept = KeptMessages(tmp_path / "mes.jsonl")
    kept.keep(message(1))
    kept.close()
    with (tmp_path / "mes.jsonl").open("ab") as file:
        file.write(b'{"seq": 2, "msg_')
    kept = KeptMessages(tmp_path / "mes.jsonl")
    kept.keep(message(2))
    kept.close()
    assert found(tmp_path / "mes.jsonl") == [(1, "m1"), (2, "m2")]


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not messages\n", encoding="utf-8")
    with pytest.raises(StoreError, match=r"notes\.txt is not a file of messages.*Name another"):
        KeptMessages(tmp_path / "notes.txt")


def test_a_message_that_found_no_room_leaves_nothing_and_can_be_kept_later(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", 1) as disk:
        kept = KeptMessages(disk.folder / "mes.jsonl")
        kept.keep(message(1))
        disk.fill()
        with pytest.raises(StoreError, match=r"mes\.jsonl cannot be written.*Free disk space"):
            kept.keep(message(2, size=20_000))
        disk.free()
        kept.keep(message(2, size=20_000))
        kept.keep(message(3))
        kept.close()
        assert found(disk.folder / "mes.jsonl") == [(1, "m1"), (2, "m2"), (3, "m3")]
