"""The whole line with real processes: every trigger is accounted for, whatever is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.domain import ConfigurationError, Counts
from inspector.runtime.demo import demo_settings
from inspector.runtime.plant import Plant, Summary
from inspector.settings import LineSettings, OpcUaPlc, PlcNodes

pytestmark = pytest.mark.timeout(600)

PARTS = 24
KILL_AFTER = 6
CYCLE_MS = 150  # a line that is never idle may be through before anybody has looked


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(
    settings: LineSettings, data: Path, *, parts: int = PARTS, then: Callable[[Plant], None] | None = None
) -> Summary:
    """Run a line headless; ``then`` is called once, when some parts are recorded.

    Parts are counted here, not timed: on a busy machine one that took longer than a real line would let it is no fault.
    """
    settings = patient(settings)
    with Plant(settings, data=data, parts=parts, screen=False) as plant:

        def look(counts: Counts) -> None:
            nonlocal then
            if then is not None and counts.total >= KILL_AFTER:
                act, then = then, None
                act(plant)

        summary = plant.run(lambda: False, on_look=look)
    assert then is None, "the parts were through before the fault came"
    return summary


def patient(settings: LineSettings) -> LineSettings:
    """Return the line with time to look at it, and time for a part on a busy machine."""
    plc = settings.plc.model_copy(update={"cycle_ms": CYCLE_MS})
    return settings.model_copy(update={"plc": plc, "deadline_ms": 30_000})


def kill(name: str) -> Callable[[Plant], None]:
    def act(plant: Plant) -> None:
        pid = plant.supervisor.pid(name)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    return act


def sequences(settings: LineSettings) -> list[int]:
    """Return the recorded sequence numbers in the order of the record."""
    file = (settings.store.url or "").removeprefix("sqlite:///")
    with sqlite3.connect(file) as database:
        return [row[0] for row in database.execute("SELECT sequence FROM inspection ORDER BY id")]


def assert_complete(summary: Summary, settings: LineSettings, parts: int = PARTS) -> None:
    assert summary.complete, summary
    assert summary.triggers == parts
    assert sorted(sequences(settings)) == list(range(1, parts + 1))
    assert summary.plc["mismatches"] == summary.plc["protocol_errors"] == 0


def test_every_part_is_judged_answered_recorded_and_reported(data: Path) -> None:
    settings = demo_settings(data)
    summary = run(settings, data)
    assert_complete(summary, settings)
    assert sequences(settings) == list(range(1, PARTS + 1))
    assert summary.outcomes["fault"] == 0
    assert summary.restarts == {}
    pictures = list((settings.store.images.folder or data).rglob("*.png"))
    assert len(pictures) == PARTS


def test_a_killed_line_loses_and_doubles_no_part(data: Path) -> None:
    settings = demo_settings(data)
    summary = run(settings, data, then=kill("line"))
    assert summary.restarts == {"line": 1}
    assert_complete(summary, settings)
    # What was in work when it died is held, never passed.
    assert summary.outcomes["fault"] <= 2
    assert summary.plc["unknown"] >= summary.outcomes["fault"]


def test_a_killed_office_loses_and_doubles_no_part(data: Path) -> None:
    settings = demo_settings(data)
    summary = run(settings, data, then=kill("office"))
    assert summary.restarts == {"office": 1}
    assert_complete(summary, settings)
    assert summary.outcomes["fault"] == 0


def test_a_killed_broker_delays_messages_and_loses_none(data: Path) -> None:
    settings = demo_settings(data)
    # What a broker of no memory has taken is lost with it, unless the consumer has the last word.
    mes = settings.mes.model_copy(update={"delivery": "ack"})
    settings = settings.model_copy(update={"mes": mes})
    summary = run(settings, data, then=kill("broker"))
    assert summary.restarts == {"broker": 1}
    assert_complete(summary, settings)


def test_real_boards_from_a_folder(data: Path, shared_data: Path) -> None:
    settings = demo_settings(data, images=shared_data / "deeppcb" / "images")
    summary = run(settings, data)
    assert_complete(summary, settings)
    # Every tested board of this collection is defective: none may pass.
    assert summary.outcomes["pass"] == 0
    assert summary.outcomes["fault"] == 0


def test_unusable_images_cost_their_own_part_only(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    board = np.full((640, 640), 90, np.uint8)
    for number in range(1, 6):
        cv2.imwrite(str(folder / f"board{number}.png"), board)
    whole = (folder / "board2.png").read_bytes()
    (folder / "board2.png").write_bytes(whole[: len(whole) // 2])
    cv2.imwrite(str(folder / "board3.png"), board[:320])
    cv2.imwrite(str(folder / "board4.png"), board.astype(np.uint16) * 256)
    settings = demo_settings(data, images=folder)
    summary = run(settings, data, parts=10)
    assert_complete(summary, settings, 10)
    assert summary.outcomes["fault"] == 6
    file = (settings.store.url or "").removeprefix("sqlite:///")
    with sqlite3.connect(file) as database:
        rows = database.execute("SELECT sequence, fault FROM inspection WHERE fault != 'NONE' ORDER BY id").fetchall()
    assert rows == [(n, "BAD_FRAME") for n in (2, 3, 4, 7, 8, 9)]


def test_an_empty_folder_ends_the_start_and_names_it(data: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(ConfigurationError, match="images"):
        run(demo_settings(data, images=tmp_path / "images"), data)


def test_altered_weights_end_the_start_and_are_named(data: Path, tmp_path: Path) -> None:
    settings = demo_settings(data)
    shipped = Path(__file__).resolve().parents[2] / "models" / "bare-board"
    altered = tmp_path / "altered"
    shutil.copytree(shipped, altered)
    weights = altered / "bare-board.onnx"
    weights.write_bytes(weights.read_bytes() + b"\0")
    detector = settings.detectors[0].model_copy(update={"model": str(altered)})
    with pytest.raises(ConfigurationError, match=r"bare-board\.onnx"):
        run(settings.model_copy(update={"detector": (detector,)}), data)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 40 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk can be mounted by root only")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_holds_the_line_and_loses_no_part(small_disk: Path) -> None:
    parts = 2 * PARTS  # what room comes free lets some through before nothing is left
    settings = patient(demo_settings(small_disk))
    ballast = small_disk / "ballast"
    ballast.touch()  # on a full disk there would be no place for it

    def fill() -> None:
        with suppress(OSError), ballast.open("ab", buffering=0) as file:
            while file.write(bytes(65536)):
                pass

    emptied: list[int] = []
    with Plant(settings, data=small_disk, parts=parts, screen=False) as plant:
        held_at = 0
        quiet = 0

        def look(counts: Counts) -> None:
            nonlocal held_at, quiet
            if counts.total < KILL_AFTER or emptied:
                return
            # Room comes free by itself, as recorded parts leave the journal: it is taken at every look.
            fill()
            # Held: nothing more is recorded for some looks in a row; then somebody makes room.
            quiet = quiet + 1 if counts.total == held_at else 0
            held_at = counts.total
            if quiet > 15:
                ballast.write_bytes(b"")
                emptied.append(counts.total)

        summary = plant.run(lambda: False, on_look=look)
    assert emptied, "the disk never became full"
    assert emptied[0] < parts, "the line went on although nothing could be recorded"
    assert_complete(summary, settings, parts)


def test_a_plc_that_is_not_there_is_waited_for_and_ctrl_c_ends_cleanly(data: Path) -> None:
    settings = demo_settings(data)
    nodes = PlcNodes.model_validate({})
    plc = OpcUaPlc(kind="opcua-client", url="opc.tcp://127.0.0.1:9/", security="none", nodes=nodes)
    settings = settings.model_copy(update={"plc": plc})
    with Plant(settings, data=data, screen=False) as plant:
        looks: list[int] = []

        def look(counts: Counts) -> None:
            looks.append(counts.total)

        summary = plant.run(lambda: len(looks) > 10, on_look=look)
    assert summary.records == 0
    assert summary.restarts == {}


def test_the_demo_command_prints_one_json_object_and_ends_with_0(data: Path) -> None:
    command = [sys.executable, "-m", "inspector.cli", "demo", "--parts", "10", "--headless", "--json", "--data", data]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["triggers"] == figures["plc_verdicts"] == figures["records"] == figures["messages"] == 10
    assert sum(figures["outcomes"].values()) == 10


def test_a_port_in_use_is_named_with_its_remedy(data: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "inspector.cli", "demo", "--parts", "1", "--port", str(port), "--data", data]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 2
    assert f"127.0.0.1:{port}" in done.stderr
    assert "already in use" in done.stderr


def test_sigterm_ends_a_running_line_in_order(data: Path) -> None:
    command = [sys.executable, "-m", "inspector.cli", "demo", "--headless", "--json", "--data", data]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    journal = data / "virtual-board" / "record.db"
    try:
        while not journal.exists():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=400)
    finally:
        process.kill()
    assert process.returncode == 0, err
    figures = json.loads(out)
    assert figures["records"] == figures["triggers"]
    assert "Traceback" not in err
