"""Registers into a trigger, a verdict into registers, and what the registers are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from inspector.domain import (
    ConfigurationError,
    Decision,
    Disposition,
    FaultCode,
    Outcome,
    Reason,
    Trigger,
    Verdict,
    WireVerdict,
)
from inspector.plc.handshake import (
    HANDSHAKE,
    UNLISTED_DEFECT,
    FromPlc,
    Name,
    Side,
    complete_nodes,
    default_nodes,
    names_of,
)
from inspector.plc.heartbeat import MISSED_PERIODS, WRAP, Heartbeat
from inspector.plc.translation import result_id, result_registers, trigger_of

TRIGGER = Trigger("000007", "cell-1", 7, datetime(2026, 3, 1, 12, 0, 0, 123, UTC))
CODES = {"open": 1, "spur": 4}


def reason(outcome: Outcome, label: str) -> Reason:
    return Reason(outcome, "above_usl", "length", label=label)


def verdict(outcome: Outcome, *labels: tuple[Outcome, str]) -> Verdict:
    return Verdict(outcome, tuple(reason(*label) for label in labels), "default")


@pytest.mark.parametrize(
    ("said", "wire", "decision", "defect", "fault"),
    [
        (verdict(Outcome.PASS), WireVerdict.OK, Decision.ACCEPT, 0, FaultCode.NONE),
        (verdict(Outcome.FAIL, (Outcome.FAIL, "open")), WireVerdict.NOK, Decision.NONE, 1, FaultCode.NONE),
        (
            verdict(Outcome.FAIL, (Outcome.REVIEW, "open"), (Outcome.FAIL, "spur")),
            WireVerdict.NOK,
            Decision.NONE,
            4,
            FaultCode.NONE,
        ),
        (
            verdict(Outcome.FAIL, (Outcome.FAIL, "spur"), (Outcome.FAIL, "open")),
            WireVerdict.NOK,
            Decision.NONE,
            4,
            FaultCode.NONE,
        ),
        (verdict(Outcome.REVIEW, (Outcome.REVIEW, "open")), WireVerdict.UNKNOWN, Decision.HOLD, 1, FaultCode.NONE),
        (
            verdict(Outcome.FAIL, (Outcome.FAIL, "something new")),
            WireVerdict.NOK,
            Decision.NONE,
            UNLISTED_DEFECT,
            FaultCode.NONE,
        ),
        (Verdict.unknown(FaultCode.CRASH, "restart"), WireVerdict.UNKNOWN, Decision.HOLD, 0, FaultCode.CRASH),
        (
            verdict(Outcome.FAIL, (Outcome.FAIL, "open")).faulted(FaultCode.DEADLINE, "late"),
            WireVerdict.UNKNOWN,
            Decision.HOLD,
            1,
            FaultCode.DEADLINE,
        ),
    ],
)
def test_the_registers_of_a_verdict(
    said: Verdict, wire: WireVerdict, decision: Decision, defect: int, fault: FaultCode
) -> None:
    values = result_registers(TRIGGER, said, None, CODES)
    assert values == {
        Name.VERDICT: wire,
        Name.DISPOSITION: decision,
        Name.DEFECT_CODE: defect,
        Name.FAULT_CODE: fault,
        Name.RES_SEQ_NO: 7,
        Name.RESULT_ID: result_id(TRIGGER),
    }


def test_a_disposition_goes_before_the_default() -> None:
    scrap = Disposition(Decision.SCRAP, "open", "", "rules")
    values = result_registers(TRIGGER, verdict(Outcome.REVIEW, (Outcome.REVIEW, "open")), scrap, CODES)
    assert values[Name.DISPOSITION] == Decision.SCRAP


def test_the_result_id_names_station_sequence_and_time() -> None:
    assert result_id(TRIGGER) == "cell-1-7-20260301T120000000123Z"


@pytest.mark.parametrize(("recipe_id", "recipe"), [(0, ""), (1, "default"), (9, "#9")])
def test_a_trigger_names_the_recipe_that_the_plc_asks_for(recipe_id: int, recipe: str) -> None:
    plc = FromPlc(True, "000007", 7, recipe_id, False, False, 0)
    trigger = trigger_of(plc, True, station="cell-1", recipes={1: "default"})
    assert (trigger.part_id, trigger.sequence, trigger.recipe, trigger.overrun) == ("000007", 7, recipe, True)


# --- the description --------------------------------------------------------------------------------------


def test_the_trigger_is_read_before_its_data() -> None:
    assert names_of(Side.PLC)[0] is Name.TRIGGER
    assert set(names_of(Side.PLC)) | set(names_of(Side.INSPECTOR)) == set(HANDSHAKE) == set(Name)


def test_node_ids_by_index_and_by_uri() -> None:
    assert default_nodes()["Trigger"] == "ns=2;s=Handshake.Trigger"
    assert default_nodes("urn:plc")["HbPlc"] == "nsu=urn:plc;s=Handshake.HbPlc"
    nodes = complete_nodes({"Trigger": "ns=4;i=17"})
    assert (nodes["Trigger"], nodes["Busy"]) == ("ns=4;i=17", "ns=2;s=Handshake.Busy")


def test_a_register_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"plc\.nodes names Triger"):
        complete_nodes({"Triger": "ns=4;i=17"})


# --- the heartbeat ----------------------------------------------------------------------------------------


def test_a_counter_that_stands_still_is_stale_after_three_periods() -> None:
    watch = Heartbeat(1.0)
    watch.restart(10.0)
    assert watch.alive(5, 10.0)
    assert watch.alive(5, 10.0 + MISSED_PERIODS)
    assert not watch.alive(5, 10.1 + MISSED_PERIODS)
    assert watch.alive(6, 20.0)
    assert watch.alive(0, 23.0), "it wrapped"


def test_a_counter_that_is_not_trusted_has_to_move_first() -> None:
    watch = Heartbeat(1.0)
    watch.restart(10.0, trusted=False)
    assert not watch.alive(5, 10.0)
    assert not watch.alive(5, 11.0)
    assert watch.alive(6, 11.5)


def test_our_own_beat_comes_once_a_period_and_fits_sixteen_bits() -> None:
    watch = Heartbeat(0.5)
    beats = [watch.due(tick / 8) for tick in range(16)]
    assert [beat for beat in beats if beat is not None] == [1, 2, 3, 4]
    many = [watch.due(100.0 + tick) for tick in range(WRAP)]
    assert {max(beat for beat in many if beat is not None), min(beat for beat in many if beat is not None)} == {
        WRAP - 1,
        0,
    }
