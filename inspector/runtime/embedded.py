"""What a line embeds when the plant around it is not there: a simulated PLC and a broker, as processes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

from inspector.domain import ConfigurationError, MesError, PlcError
from inspector.plc.link import hush_library
from inspector.plc.simulated_plc import SimulatedPlc, rehearse
from inspector.plc.simulation import SimulationPlan
from inspector.runtime.supervisor import Lifeline
from inspector.runtime.wiring.mes import Broker

__all__ = ["broker_main", "free_port", "plc_main"]


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that nobody uses now; known before the server starts, so that it can restart."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def plc_main(lifeline: Lifeline, *, plan: SimulationPlan, report: Connection) -> None:
    """Run the simulated PLC; sends its statistics and single latencies on ``report`` after the last part."""
    hush_library()
    end_with_supervisor(lifeline)

    def watch(event: str, plc: SimulatedPlc) -> None:
        if event == "ready":
            lifeline.ready()
        else:
            report.send({**plc.statistics.as_dict(), "samples_ms": list(plc.statistics.latencies_ms)})

    try:
        asyncio.run(rehearse(plan, watch, linger=True))
    except PlcError as error:
        # Only listening can fail here, and trying again would fail the same way.
        raise ConfigurationError(error.message, remedy=error.remedy) from error


def end_with_supervisor(lifeline: Lifeline) -> None:
    """Turn the supervisor's wish into the signal that a server of its own right listens to."""

    def wait() -> None:
        lifeline.wait_for_stop()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def broker_main(lifeline: Lifeline, *, broker: Broker) -> None:
    """Run the embedded broker; raises ``ConfigurationError`` where its port is taken."""
    from inspector.mes.embedded_broker import serve as serve_broker  # slow to load, and only needed here

    end_with_supervisor(lifeline)
    ready = _BrokerReady(lifeline)
    port = urlsplit(broker.url).port or 1883
    serve_broker(port, broker.username, broker.password, ready=ready)  # type: ignore[arg-type]
    if ready.problem is not None:
        raise ConfigurationError(ready.problem.message, remedy=ready.problem.remedy)


class _BrokerReady:
    """Passes readiness on, or keeps what prevented it."""

    def __init__(self, lifeline: Lifeline) -> None:
        self._lifeline = lifeline
        self.problem: MesError | None = None

    def send(self, problem: MesError | None) -> None:
        self.problem = problem
        if problem is None:
            self._lifeline.ready()
