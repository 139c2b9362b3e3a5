from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from inspector.domain import ConfigurationError
from inspector.runtime.supervisor import Child, Supervisor
from tests.unit.runtime import children


def eventually(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.01)


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    return tmp_path / "diary"


def test_children_start_in_order_and_say_good_bye_in_reverse(diary: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.start(Child("one", children.steady, {"diary": diary}))
        supervisor.start(Child("two", children.steady, {"diary": diary}))
        pids = [str(supervisor.pid("one")), str(supervisor.pid("two"))]
    assert diary.read_text().split() == [*pids, "bye", "bye"]
    assert not any(psutil.pid_exists(int(pid)) for pid in pids)


def test_a_killed_child_is_started_again(diary: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.start(Child("one", children.steady, {"diary": diary}))
        first = supervisor.pid("one")
        assert first is not None
        os.kill(first, signal.SIGKILL)
        supervisor.watch(lambda: supervisor.pid("one") not in {None, first}, every_s=0.01)
        eventually(lambda: len(diary.read_text().split()) == 2)
        assert supervisor.restarts == {"one": 1}


def test_a_child_that_calls_a_restart_hopeless_ends_the_start_with_its_words() -> None:
    with Supervisor() as supervisor, pytest.raises(ConfigurationError, match="port 4840 is in use") as caught:
        supervisor.start(Child("plc", children.hopeless))
    assert caught.value.remedy == "Stop the other server"


def test_a_child_that_becomes_hopeless_later_ends_the_watch(diary: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.start(Child("one", children.later_hopeless, {"diary": diary}))
        os.kill(supervisor.pid("one") or 0, signal.SIGKILL)
        with pytest.raises(ConfigurationError, match="the model is gone"):
            supervisor.watch(lambda: False, every_s=0.01)


def test_a_child_that_dies_while_starting_is_named() -> None:
    with Supervisor() as supervisor, pytest.raises(ConfigurationError, match=r"broken process .*exit code 7"):
        supervisor.start(Child("broken", children.broken))


def test_a_child_that_does_not_listen_is_ended(diary: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.start(Child("deaf", children.deaf, {"diary": diary}, stop_within_s=0.1))
        pid = int(diary.read_text())
    assert not psutil.pid_exists(pid)


def test_a_killed_supervisor_takes_its_children_with_it(diary: Path, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "from pathlib import Path\n"
        "from inspector.runtime.supervisor import Child, Supervisor\n"
        "from tests.unit.runtime import children\n"
        "if __name__ == '__main__':\n"
        "    supervisor = Supervisor()\n"
        f"    supervisor.start(Child('one', children.steady, {{'diary': Path({str(diary)!r})}}))\n"
        "    supervisor.watch(lambda: False)\n"
    )
    root = Path(__file__).resolve().parents[3]
    parent = subprocess.Popen([sys.executable, str(script)], env={**os.environ, "PYTHONPATH": str(root)})
    try:
        eventually(lambda: diary.exists() and diary.read_text().endswith("\n"))
        child = psutil.Process(int(diary.read_text()))
    finally:
        parent.kill()
        parent.wait()
    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_child_that_is_not_vital_is_not_waited_for_and_ends_alone(diary: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.start(Child("one", children.steady, {"diary": diary}))
        supervisor.start(Child("voice", children.hopeless, vital=False))
        supervisor.watch(lambda: supervisor.pid("voice") is None, every_s=0.01)
        supervisor.watch(iter([False, False, True]).__next__)  # looks twice: nothing is raised, nothing tried again
        assert supervisor.pid("one") is not None
        assert supervisor.restarts == {}


def test_a_child_that_is_not_vital_is_started_again_when_it_dies(diary: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.start(Child("voice", children.steady, {"diary": diary}, vital=False, nice=5))
        eventually(lambda: diary.exists() and bool(diary.read_text()))
        first = supervisor.pid("voice")
        assert first is not None
        assert psutil.Process(first).nice() == 5 + psutil.Process().nice()
        os.kill(first, signal.SIGKILL)
        supervisor.watch(lambda: supervisor.pid("voice") not in {None, first}, every_s=0.01)
        assert supervisor.restarts == {"voice": 1}
