"""What a simulated PLC is asked to do and what it counted; free of the OPC UA library."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspector.plc.guarded_server import ServerSecurity
    from inspector.plc.security import CertificateUser, ClientSecurity, PasswordUser

__all__ = ["SWITCHES", "PlcDecision", "PlcResult", "SimulationPlan", "Statistics"]

_KEPT = 10_000
"""How many of the newest results are remembered one by one."""

SWITCHES = {
    "StopHeartbeat": "HbPlc stands still while this is true",
    "WithholdAck": "results are read but not acknowledged while this is true",
    "Overrun": "once: raise the next trigger while the part before is being inspected",
    "Storm": "once: raise eight triggers two milliseconds apart, whatever the line says",
    "Unnamed": "parts have no PartId while this is true",
    "Reset": "hold Reset while this is true",
    "Pause": "raise no new trigger while this is true",
}
"""Faults that can be injected while it runs: writable Booleans ``Simulation.<name>``."""


@dataclass(frozen=True, slots=True)
class SimulationPlan:
    """A rehearsal.

    Attributes
    ----------
    url
        Where to listen; port 0 takes a free one.
    parts
        How many triggers to raise; None never stops.
    pace_s
        Seconds from trigger to trigger; 0 triggers whenever the inspector is ready.
    deadline_s
        A result that comes later than this after its trigger is read but counts as not good.
    wait_s
        How long a trigger stays raised without a result before the part counts as not good.
    patience_s
        How long the PLC leaves an UNKNOWN result standing while its Disposition is hold; 0: it takes it at once.
    heartbeat_s
        Heartbeat period of both sides.
    recipe_id
        Recipe that every part asks for; 0 asks for none.
    bad
        SeqNos of parts that are known to be bad: an OK for one of them is an escape.
    overruns
        SeqNos whose trigger is raised early, while the part before is being inspected.
    security
        Who may connect, and how; None is anonymous and not encrypted.
    client
        Connect to a line in server role at ``url`` instead of listening there; ``client_security`` and
        ``client_user`` say how and as whom.
    """

    url: str = "opc.tcp://127.0.0.1:4840/"
    parts: int | None = None
    pace_s: float = 0.0
    first_sequence: int = 1
    deadline_s: float = 2.0
    wait_s: float = 10.0
    patience_s: float = 0.0
    heartbeat_s: float = 0.5
    recipe_id: int = 0
    bad: frozenset[int] = frozenset()
    overruns: frozenset[int] = frozenset()
    security: ServerSecurity | None = None
    client: bool = False
    client_security: ClientSecurity | None = None
    client_user: PasswordUser | CertificateUser | None = None


@dataclass(frozen=True, slots=True)
class PlcResult:
    """One result as the PLC read it, and what it decided: only an OK in time and in order is ``good``."""

    sequence: int
    verdict: int
    defect_code: int
    disposition: int
    fault_code: int
    result_id: str
    good: bool


@dataclass(frozen=True, slots=True)
class PlcDecision:
    """What became of one trigger: ``verdict`` is 0 where none came that could count.

    ``raised_at`` is in monotonic seconds of that machine; ``waited_s`` ends when the result was read or the part
    given up.
    """

    sequence: int
    verdict: int
    good: bool
    raised_at: float
    waited_s: float


@dataclass(slots=True)
class Statistics:
    """What the PLC saw; ``good + not_good`` is the number of parts it decided on.

    ``verdicts`` counts results that belonged to a waiting trigger, split by kind in ``ok``, ``nok`` and
    ``unknown``. Everything but an OK in time and in order is not good.
    """

    triggers: int = 0
    verdicts: int = 0
    ok: int = 0
    nok: int = 0
    unknown: int = 0
    good: int = 0
    not_good: int = 0
    late: int = 0
    timeouts: int = 0
    mismatches: int = 0
    protocol_errors: int = 0
    overruns: int = 0
    escapes: int = 0
    heartbeat_losses: int = 0
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    results: deque[PlcResult] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def latency_ms(self, share: float) -> float:
        """Return the quantile of trigger to ResultValid, 0 before the first result."""
        if not self.latencies_ms:
            return 0.0
        ordered = sorted(self.latencies_ms)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]

    def counts(self) -> dict[str, int]:
        """Return every counter by name."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, int)}

    def as_dict(self) -> dict[str, Any]:
        """Return counters and latency quantiles as plain values for JSON."""
        quantiles = {f"p{round(share * 100)}": round(self.latency_ms(share), 3) for share in (0.5, 0.95, 0.99)}
        return {**self.counts(), "latency_ms": quantiles}
