"""The sentences of the report in English."""

from __future__ import annotations

from inspector.domain import FaultCode, Outcome
from inspector.language.brief import Brief, Count, Kind, Rank, slotted_finding
from inspector.language.findings import Clause, Finding
from inspector.language.glossary import Glossary, one_line

__all__ = ["FAULTS", "English", "part_name"]

FAULTS = {
    FaultCode.CAMERA_LOST: ("the camera does not answer", "Check its power and cable"),
    FaultCode.BAD_FRAME: ("the picture was incomplete or of the wrong size", "Inspect it again; check the camera"),
    FaultCode.DETECTOR: ("the detector failed on this picture", "Inspect it again; call maintenance if it repeats"),
    FaultCode.GAUGE: ("a finding could not be measured", "Inspect it again; check the calibration"),
    FaultCode.JUDGE: ("the limits could not be applied", "Check the recipe of this line"),
    FaultCode.DEADLINE: ("the inspection took longer than allowed", "Inspect it again; call maintenance if it repeats"),
    FaultCode.OVERRUN: ("it arrived while the station was still busy", "Increase the distance between parts"),
    FaultCode.CRASH: ("the inspection stopped and was restarted", "Inspect it again"),
    FaultCode.STORAGE: ("its record could not be stored", "Free disk space on the box"),
    FaultCode.PLC_LOST: ("the connection to the PLC was lost", "Check the network cable and the PLC"),
    FaultCode.PLC_ACK: ("the PLC did not acknowledge the verdict", "Check the handshake program of the PLC"),
    FaultCode.RECIPE: ("the PLC asked for a recipe that this line does not have", "Choose a recipe of this line"),
}

_PLAIN = {"not_allowed": "not allowed on this part", "unlisted": "no rule covers it", "lot_held": "its lot is held"}


def part_name(part_id: str) -> str:
    """Return the part as a sentence names it: its id in quotation marks, on one line."""
    shown = one_line(part_id).replace("“", "'").replace("”", "'")
    return f"Part “{shown}”" if shown.strip() else "A part without an id"


class English:
    """Phrases the facts of a report; every figure arrives as text and is never touched."""

    language = "en"

    def __init__(self, glossary: Glossary) -> None:
        self._glossary = glossary

    def fault(self, part_id: str, fault: FaultCode) -> str:
        """Say that the part was not inspected, why, and what to do."""
        why, remedy = FAULTS.get(fault, ("the inspection failed", "Inspect it again"))
        return f"{part_name(part_id)} was not inspected: {why}. {remedy}; the part is held."

    def passed(self, part_id: str, found: int, largest: Finding | None) -> str:
        """Say that the part goes on."""
        if not found:
            return f"{part_name(part_id)} passed: nothing was found. It moves on."
        noun = "finding" if found == 1 else "findings"
        text = f"{part_name(part_id)} passed: {found} {noun} within limits"
        if largest is not None:
            lead = ": " if found == 1 else "; the largest: "
            text += f"{lead}{self._what(largest)}, {self._name('length')} {largest.size}"
        return f"{text}. It moves on."

    def rejected(self, part_id: str, outcome: Outcome, findings: tuple[Finding, ...], shown: int) -> str:
        """Say what is wrong with the part and what happens to it."""
        word = "failed" if outcome is Outcome.FAIL else "needs review"
        what = "; ".join(self._finding(finding) for finding in findings[:shown])
        more = len(findings) > shown
        head = (
            f"{word} with {len(findings)} nonconformities, the worst first: {what}; …" if more else f"{word}: {what}."
        )
        follow = "The line rejects it." if outcome is Outcome.FAIL else "It is held until a person decides."
        return f"{part_name(part_id)} {head} {follow}"

    def slotted(self, brief: Brief) -> str:
        """Say one brief with empty slots."""
        match brief.kind:
            case Kind.FAULT:
                return "{part} was not inspected: {cause}. {remedy}; the part is held."
            case Kind.FINDING:
                return f"{self._finding(slotted_finding(brief))}."
            case Kind.LARGEST:
                lead = "the largest: " if brief.rank is Rank.FIRST else ""
                return f"{lead}{self._finding(slotted_finding(brief))}."
            case Kind.CLOSING:
                return {
                    Outcome.PASS: "It moves on.",
                    Outcome.REVIEW: "It is held until a person decides.",
                    Outcome.FAIL: "The line rejects it.",
                }[brief.outcome or Outcome.PASS]
        if brief.outcome is Outcome.PASS:
            few = "{part} passed: {count} findings within limits."
            nothing = "{part} passed: nothing was found."
            return {Count.NONE: nothing, Count.FEW: few}.get(brief.count, "{part} passed: a finding within limits.")
        word = "failed" if brief.outcome is Outcome.FAIL else "needs review"
        many = {
            Count.FEW: " with {count} nonconformities",
            Count.MANY: " with {count} nonconformities, the worst first",
        }
        return f"{{part}} {word}{many.get(brief.count, '')}."

    def _name(self, term: str) -> str:
        return self._glossary.name(term, self.language)

    def _what(self, finding: Finding) -> str:
        text = self._name(finding.label) if finding.label else "part"
        if finding.zone:
            text += f" in zone {self._name(finding.zone)}"
        if finding.position:
            x, y, unit = finding.position
            text += f" at x {x}, y {y} {unit}".rstrip()
        return text

    def _finding(self, finding: Finding) -> str:
        size = [f"{self._name('length')} {finding.size}"] if finding.size else []
        return ", ".join([self._what(finding), *size, *(self._clause(clause) for clause in finding.clauses)])

    def _clause(self, clause: Clause) -> str:
        if clause.code in _PLAIN:
            return _PLAIN[clause.code]
        name = self._name(clause.characteristic)
        value = f"{name} {clause.value}".rstrip()
        limit = f"the {clause.limit} limit" if clause.limit else "the limit"
        away = f"{clause.distance} " if clause.distance else ""
        match clause.code:
            case "above_usl" | "below_lsl":
                side = "over" if clause.code == "above_usl" else "under"
                return f"{value}, {away}{side} {limit}"
            case "guard_band":
                side = "beyond" if clause.beyond else "inside"
                return f"{value}, {away}{side} {limit} and too close to it for the measurement uncertainty"
            case "confidence":
                gate = f", {clause.limit} is needed" if clause.limit else ""
                return f"the model is only {clause.value} sure{gate}" if clause.value else "the model is not sure"
            case "not_measured":
                return f"{name} could not be measured"
        held = f", limit {clause.limit}" if clause.limit else ""
        return f"{value}{held} ({one_line(clause.code).replace('_', ' ')})"
