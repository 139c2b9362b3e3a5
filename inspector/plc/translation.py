"""Between the registers and the product's words: a trigger out of what was read, a verdict into what is written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from inspector.domain import Decision, Disposition, Trigger, Verdict, WireVerdict
from inspector.plc.handshake import UNLISTED_DEFECT, FromPlc, Name, Value

__all__ = ["result_id", "result_registers", "trigger_of"]


def trigger_of(plc: FromPlc, overrun: bool, *, station: str, recipes: Mapping[int, str]) -> Trigger:
    """Return the trigger that was read.

    A RecipeId without a name becomes ``#<id>``, 0 the empty name. A part that the PLC does not name keeps the
    empty id; a code that the camera reads may name it later.
    """
    recipe = recipes.get(plc.recipe_id, f"#{plc.recipe_id}") if plc.recipe_id else ""
    return Trigger(plc.part_id, station, plc.sequence, datetime.now(UTC), recipe=recipe, overrun=overrun)


def result_registers(
    trigger: Trigger, verdict: Verdict, disposition: Disposition | None, defect_codes: Mapping[str, int]
) -> dict[Name, Value]:
    """Return everything that has to stand in the registers before ResultValid goes up.

    Where nobody disposed of the part yet, an OK part is accepted, one that is UNKNOWN is held, and what
    happens to one that is NOK is left to the PLC. DefectCode is that of the worst reason's defect class.
    """
    wire = verdict.wire
    undecided = {WireVerdict.OK: Decision.ACCEPT, WireVerdict.UNKNOWN: Decision.HOLD}.get(wire, Decision.NONE)
    return {
        Name.VERDICT: int(wire),
        Name.DEFECT_CODE: _defect_code(verdict, defect_codes),
        Name.DISPOSITION: int(disposition.decision if disposition else undecided),
        Name.FAULT_CODE: int(verdict.fault),
        Name.RES_SEQ_NO: trigger.sequence,
        Name.RESULT_ID: result_id(trigger),
    }


def result_id(trigger: Trigger) -> str:
    """Return the ResultId register of this trigger: the same for the same trigger, whoever asks."""
    return f"{trigger.station}-{trigger.sequence}-{trigger.at.astimezone(UTC):%Y%m%dT%H%M%S%fZ}"


def _defect_code(verdict: Verdict, codes: Mapping[str, int]) -> int:
    named = [reason for reason in verdict.reasons if reason.label]
    if not named:
        return 0
    worst = max(named, key=lambda reason: reason.outcome)
    return codes.get(worst.label, UNLISTED_DEFECT)
