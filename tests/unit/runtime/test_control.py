"""The way of a command from the office to the running line, through restarts of both."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from inspector.domain import (
    CommandSource,
    HoldLine,
    HoldLot,
    Lamp,
    LampState,
    LineStatus,
    MesError,
    ReleaseLine,
    ReleaseLot,
    SelectRecipe,
    StoreError,
    TriggerOnce,
)
from inspector.mes.commands import HoldCommand, QueryCommand, RecipeCommand, ReleaseCommand
from inspector.mes.orders import Order
from inspector.runtime.clerk import LineClerk
from inspector.runtime.control import Control, ControlFollower
from inspector.runtime.line import Line
from inspector.runtime.station import Desk
from inspector.runtime.status import StatusKeeper
from inspector.runtime.trials import TrialRoom, TrialStore
from inspector.store import Database, Ledger, RecordStore, SqlAuditTrail
from tests.support.reports import failed
from tests.unit.runtime.fakes import Journal, Plc, Stages

NOW = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
STATUS = LineStatus("line-1", True, "default", {lamp: LampState(True, NOW) for lamp in Lamp})
HOLD, RELEASE, RECIPE = HoldLine("lead", "paste"), ReleaseLine("lead"), SelectRecipe("fine", "mes")


def test_it_is_a_source_of_commands(tmp_path: Path) -> None:
    assert isinstance(ControlFollower(tmp_path), CommandSource)


def test_each_change_is_told_once(tmp_path: Path) -> None:
    control, follower = Control(tmp_path), ControlFollower(tmp_path)
    assert follower.changes() == []
    for command in (HOLD, RECIPE, RELEASE):
        control.apply(command)
        assert follower.changes() == [command]
        assert follower.changes() == []
    control.apply(RELEASE)
    assert follower.changes() == []


def test_a_line_that_starts_again_is_held_as_before(tmp_path: Path) -> None:
    Control(tmp_path).apply(RECIPE)
    Control(tmp_path).apply(HOLD)
    assert ControlFollower(tmp_path).changes() == [RECIPE, HOLD]
    assert Control(tmp_path).held() == HOLD


def test_what_cannot_be_read_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    follower = ControlFollower(tmp_path)
    Control(tmp_path).apply(HOLD)
    assert follower.changes() == [HOLD]
    (tmp_path / "control.json").write_text("{")
    assert follower.changes() == []
    assert "cannot be read" in caplog.text
    (tmp_path / "control.json").unlink()
    assert follower.changes() == []


def test_a_line_that_starts_without_knowing_what_was_held_is_held_until_a_person_has_looked(tmp_path: Path) -> None:
    (tmp_path / "control.json").write_text("{")
    control, follower = Control(tmp_path), ControlFollower(tmp_path)
    lost = control.held()
    assert lost is not None
    assert "cannot be read" in lost.reason
    assert follower.changes() == [lost]
    control.apply(RECIPE)  # whatever is written next releases nothing
    assert follower.changes() == [RECIPE]
    assert control.held() == lost
    control.apply(RELEASE)
    assert follower.changes() == [RELEASE]


def test_a_held_lot_is_on_hold_while_it_is_made_and_through_restarts(tmp_path: Path) -> None:
    control, follower = Control(tmp_path), ControlFollower(tmp_path)
    control.make_lot("L-9")
    control.apply(HoldLot("L-9", "jan", "paste"))
    control.apply(HoldLot("L-7", "mei"))
    assert follower.changes() == []  # for a lot nothing stops: its parts do not pass
    assert follower.lot_on_hold() == "L-9"
    again = ControlFollower(tmp_path)
    again.changes()
    assert again.lot_on_hold() == "L-9"
    control.make_lot("L-8")
    follower.changes()
    assert follower.lot_on_hold() == ""
    control.make_lot("L-7")
    follower.changes()
    assert follower.lot_on_hold() == "L-7"
    assert control.held_lots() == [HoldLot("L-9", "jan", "paste"), HoldLot("L-7", "mei")]
    control.apply(ReleaseLot("L-7", "mei"))
    follower.changes()
    assert follower.lot_on_hold() == ""
    assert control.held_lots() == [HoldLot("L-9", "jan", "paste")]
    assert control.held() is None


def test_a_file_that_cannot_be_read_lets_no_held_lot_go(tmp_path: Path) -> None:
    control, follower = Control(tmp_path), ControlFollower(tmp_path)
    control.make_lot("L-9")
    control.apply(HoldLot("L-9", "jan"))
    follower.changes()
    (tmp_path / "control.json").write_text("{")
    follower.changes()
    assert follower.lot_on_hold() == "L-9"


def test_acts_of_several_processes_do_not_undo_each_other(tmp_path: Path) -> None:
    lots = [[f"L-{process}{number}" for number in range(5)] for process in range(3)]
    held = [multiprocessing.Process(target=hold_all, args=(tmp_path, some)) for some in lots]
    for process in held:
        process.start()
    for process in held:
        process.join(120)
    assert {held.lot for held in Control(tmp_path).held_lots()} == {lot for some in lots for lot in some}


def hold_all(folder: Path, lots: list[str]) -> None:
    for lot in lots:
        Control(folder).apply(HoldLot(lot, "jan"))


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "line").touch()
    with pytest.raises(StoreError, match="cannot be told"):
        Control(tmp_path / "line").apply(HOLD)


async def test_the_running_line_obeys(tmp_path: Path) -> None:
    told: list[LineStatus] = []
    chosen: list[str] = []

    def select(recipe: str) -> None:
        if recipe != "fine":
            raise ValueError(recipe)
        chosen.append(recipe)

    desk = Desk(select, StatusKeeper(STATUS, told.append))
    obeying = asyncio.create_task(desk.obey(ControlFollower(tmp_path, look_every_s=0.01)))

    async def until(holds: Any) -> None:
        async with asyncio.timeout(20):
            while not holds():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    control = Control(tmp_path)
    control.apply(HOLD)
    await until(lambda: desk.held == HOLD)
    control.apply(SelectRecipe("none such", "mes"))
    control.apply(RELEASE)
    await until(lambda: desk.held is None)
    control.apply(RECIPE)
    await until(lambda: chosen == ["fine"])
    assert told[-1].recipe == "fine"
    obeying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await obeying


def test_the_clerk_turns_words_of_the_mes_into_the_state_of_the_line(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'record.db'}")
    record = RecordStore(database)
    record.record(failed(3), pixels=None, texts={"en": "An open."}, messages=[])

    trail = SqlAuditTrail(database)

    def clerk() -> LineClerk:
        return LineClerk(
            control=Control(tmp_path),
            reader=record,
            ledger=Ledger(database),
            trail=trail,
            recipes=["default", "fine"],
            status=lambda: STATUS,
        )

    first = clerk()
    follower = ControlFollower(tmp_path)
    first.command("hold", HoldCommand(ts=NOW, by="lead", reason="paste"))
    first.command("recipe", RecipeCommand(ts=NOW, by="mes", recipe="fine"))
    assert follower.changes() == [RECIPE, HOLD]
    _, status = first.command("query", QueryCommand(ts=NOW, by="mes", what="status"))
    assert status is not None
    assert (status["held_by"], status["workorder"]) == ("lead", None)
    first.command("release", ReleaseCommand(ts=NOW, by="lead"))
    with pytest.raises(MesError, match=r"no recipe other; there are default, fine"):
        first.command("recipe", RecipeCommand(ts=NOW, by="mes", recipe="other"))
    _, counts = first.command("query", QueryCommand(ts=NOW, by="mes", what="counts"))
    assert counts == {"passed": 0, "review": 0, "failed": 1, "faults": 0}
    _, part = first.command("query", QueryCommand(ts=NOW, by="mes", what="part", part="PART-00003"))
    assert part is not None
    assert part["inspections"][0]["result"] == "NOK"
    with pytest.raises(MesError, match="which one"):
        first.command("query", QueryCommand(ts=NOW, by="mes", what="part"))

    assert first.current_order() is None
    order = Order(workorder="4711", product="board-a", lot="L-9")
    first.order(order)
    assert clerk().current_order() == order  # a restart of the office forgets no order
    first.command("hold", HoldCommand(ts=NOW, by="lead", reason="paste", lot="L-9"))
    follower.changes()
    assert follower.lot_on_hold() == "L-9"
    assert Control(tmp_path).held() is None
    _, status = first.command("query", QueryCommand(ts=NOW, by="mes", what="status"))
    assert status is not None
    assert (status["lot"], status["held_lots"]) == ("L-9", {"L-9": "lead"})
    with pytest.raises(MesError, match="lot L-8 is not held"):
        first.command("release", ReleaseCommand(ts=NOW, by="lead", lot="L-8"))
    first.order(Order(workorder="4712", lot="L-8"))
    follower.changes()
    assert follower.lot_on_hold() == ""
    assert first.command("release", ReleaseCommand(ts=NOW, by="lead", lot="L-9")) == ("lot L-9 released", None)
    assert Control(tmp_path).held_lots() == []
    assert [(entry.who, entry.act, entry.subject, entry.detail) for entry in reversed(trail.latest(9))] == [
        ("mes:lead", "hold_lot", "line-1/L-9", "paste"), ("mes:lead", "release_lot", "line-1/L-9", ""),
    ]  # fmt: skip

    first.order(Order(workorder=None))
    assert Control(tmp_path).lot() == ""
    assert clerk().current_order() is None
    first.audit("hold", "lead", "{}", "{}")
    assert [(entry.name, entry.by) for entry in Ledger(database).commands(5)] == [("hold", "lead")]
    database.close()


def test_a_picture_by_hand_is_asked_for_once_and_never_of_the_next_process(tmp_path: Path) -> None:
    control, follower = Control(tmp_path), ControlFollower(tmp_path)
    control.apply(HOLD)
    assert follower.changes() == [HOLD]
    for _ in range(2):
        control.apply(TriggerOnce("eng"))
        assert follower.changes() == [TriggerOnce("eng")]
        assert follower.changes() == []
    assert ControlFollower(tmp_path).changes() == [HOLD]


def test_a_file_of_an_earlier_version_is_understood(tmp_path: Path) -> None:
    held = {"by": "lead", "reason": "paste"}
    (tmp_path / "control.json").write_text(json.dumps({"held": held, "released_by": "", "recipe": None}))
    assert ControlFollower(tmp_path).changes() == [HOLD]


async def test_a_picture_by_hand_is_inspected_and_told_to_nobody(tmp_path: Path) -> None:
    stages, plc, journal = Stages(), Plc(), Journal()
    line = Line(
        triggers=plc, camera=stages, detector=stages, gauge=stages, judge=stages, journal=journal, deadline_s=20.0
    )
    store = TrialStore(tmp_path / "trial")
    desk = Desk(lambda _: None, StatusKeeper(STATUS, lambda _: None), TrialRoom(line, store, "cell-1").take)
    control = Control(tmp_path)
    obeying = asyncio.create_task(desk.obey(ControlFollower(tmp_path, look_every_s=0.01)))
    control.apply(HOLD)
    async with asyncio.timeout(60):
        while desk.held is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert store.latest() is None
        control.apply(TriggerOnce("eng"))
        while store.latest() is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    obeying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await obeying
    line.close()
    trial = store.latest()
    assert trial is not None
    assert (trial.number, trial.by) == (1, "eng")
    assert trial.part.report.detections is not None
    assert store.picture() == trial.part.image
    assert trial.part.image is not None
    assert plc.answers == []
    assert journal.steps == []
