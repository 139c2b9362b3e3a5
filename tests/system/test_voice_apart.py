"""Nothing in the voice process can delay a verdict: it may hang, die or never start, and every part has its verdict."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from inspector.domain import Counts
from inspector.runtime.demo import demo_settings
from inspector.runtime.ear_wire import ear_address
from inspector.runtime.plant import Plant, Summary
from inspector.settings import LineSettings, NoMes, Voice, VoskEars

pytestmark = pytest.mark.timeout(600)

PARTS = 8


def line(data: Path, voice: Voice) -> LineSettings:
    settings = demo_settings(data)
    screen = settings.screen.model_copy(update={"port": 0})
    # Time enough on a busy machine: what is shown here is that nothing is waited for, not how quick it is.
    patient = {"deadline_ms": 10_000}
    return settings.model_copy(update={"voice": voice, "screen": screen, "mes": NoMes(kind="none"), **patient})


def assert_unmoved(summary: Summary) -> None:
    assert summary.complete, summary
    assert summary.triggers == PARTS
    assert summary.outcomes["fault"] == 0, summary  # no part was too late for its deadline
    assert summary.overruns == 0
    assert "line" not in summary.restarts
    assert "office" not in summary.restarts


def line_of(plant: Plant) -> int:
    pid = plant.supervisor.pid("line")
    assert pid is not None
    return pid


@pytest.mark.parametrize("fault", [signal.SIGSTOP, signal.SIGKILL])
def test_a_voice_that_hangs_or_dies_changes_no_verdict(tmp_path: Path, fault: signal.Signals) -> None:
    # Looked for and not imported: its library and that of the line's detector cannot be in one process.
    if importlib.util.find_spec("moonshine_cpp") is None:
        pytest.skip("the extra 'voice' is not installed")
    data = tmp_path / "data"
    hit: list[int] = []
    with Plant(line(data, Voice()), data=data, parts=PARTS) as plant:

        def look(counts: Counts) -> None:
            pid = plant.supervisor.pid("voice")
            # As soon as it stands back for the line, which it does before anything else.
            if pid is not None and not hit and psutil.Process(pid).nice() > psutil.Process(line_of(plant)).nice():
                os.kill(pid, fault)
                hit.append(pid)

        summary = plant.run(lambda: False, on_look=look)
        for pid in hit:  # a stopped process does not hear that it is to end
            if psutil.pid_exists(pid):
                os.kill(pid, signal.SIGCONT)
    assert hit
    assert_unmoved(summary)


def test_a_voice_that_cannot_start_leaves_the_line_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    deaf = Voice(recognisers={"en": VoskEars(kind="vosk", model=str(tmp_path / "no-such-model"))})
    with Plant(line(data, deaf), data=data, parts=PARTS) as plant:
        summary = plant.run(lambda: False)
        plant.supervisor.watch(lambda: plant.supervisor.pid("voice") is None)
        plant.supervisor.watch(iter([False, False, True]).__next__)  # looks twice: it is not tried again
        assert plant.supervisor.pid("voice") is None
        assert "voice" not in plant.supervisor.restarts
    assert_unmoved(summary)
    assert not Path(ear_address(data / plant.settings.line)).exists()


def test_the_line_has_nothing_of_the_voice_and_the_voice_no_key_to_the_line() -> None:
    """The voice process imports no store, no accounts, no PLC and no control: there is nothing that it could do."""
    code = (
        "import sys, inspector.runtime.listening; print([m for m in sys.modules if m.startswith(("
        "'inspector.store', 'inspector.plc', 'inspector.mes', 'inspector.web', 'inspector.runtime.control', "
        "'inspector.runtime.people', 'sqlalchemy', 'asyncua', 'hmi'))])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
