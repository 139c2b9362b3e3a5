"""Whisper behind the recogniser's port, by a tiny model whose weights are chance: what it may say is the grammar's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from inspector.domain import ModelError
from inspector.voice import RATE, EmbeddedRecogniser, EnergyDetector, Grammar, Listener, finals
from inspector.voice.token_graph import TokenGraph

transformers = pytest.importorskip("transformers", reason="the extra 'whisper' is not installed")
torch = pytest.importorskip("torch", reason="the extra 'whisper' is not installed")

from inspector.voice.whisper import WINDOW_S, WhisperModel  # noqa: E402 (needs the extra)

CONTROLS = ("<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>", "<|0.00|>")
SPOKEN = np.round(3000 * np.sin(np.arange(2 * RATE) ** 1.3 / 40)).astype(np.int16)


def byte_signs() -> list[str]:
    """Return the sign that byte-level word pieces write for each byte."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return list(bytes_to_unicode().values())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Whisper of two layers that knows single bytes, as transformers saves one."""
    made = tmp_path_factory.mktemp("whisper")
    vocabulary = {sign: number for number, sign in enumerate(byte_signs())}
    vocabulary |= {name: len(vocabulary) + number for number, name in enumerate(CONTROLS)}
    (made / "vocab.json").write_text(json.dumps(vocabulary), "utf-8")
    (made / "merges.txt").write_text("#version: 0.2\n", "utf-8")
    tokenizer = transformers.WhisperTokenizer(
        str(made / "vocab.json"), str(made / "merges.txt"), additional_special_tokens=list(CONTROLS[1:])
    )
    tokenizer.save_pretrained(made)
    transformers.WhisperFeatureExtractor().save_pretrained(made)
    torch.manual_seed(3)
    config = transformers.WhisperConfig(
        vocab_size=len(vocabulary), d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, max_source_positions=1500,
        max_target_positions=96, pad_token_id=256, bos_token_id=256, eos_token_id=256, decoder_start_token_id=257,
    )  # fmt: skip
    transformers.WhisperForConditionalGeneration(config).save_pretrained(made)
    return made


@pytest.fixture(scope="module")
def whisper(folder: Path) -> WhisperModel:
    return WhisperModel(folder)


GRAMMAR = Grammar("#JSGF V1.0 UTF-8 en;\ngrammar few;\npublic <stop> = stop;\npublic <status> = [line] status;\n")


def test_its_pieces_are_written_and_read(whisper: WhisperModel) -> None:
    pieces = whisper.tokeniser
    assert pieces.end == 256
    assert pieces.prompt == [257, 258, 259, 260]
    assert pieces.decode((*pieces.encode("Hold the line"), pieces.end)) == "Hold the line"
    assert len(pieces.encode("stop")) == len(pieces.encode("stop", blank=False)) + 1


def test_rows_that_grow_together_are_what_each_would_be_alone(whisper: WhisperModel) -> None:
    together = whisper.hear(SPOKEN)
    assert together.scores.shape == (1, 262)
    together.grow([0, 0, 0], [10, 20, 30])
    together.grow([2, 0, 2], [40, 50, 60])
    for row, said in enumerate(([30, 40], [10, 50], [30, 60])):
        alone = whisper.hear(SPOKEN)
        for token in said:
            alone.grow([0], [token])
        heard = together.scores[row]
        assert np.allclose(heard[:257], alone.scores[0][:257], atol=1e-4)
        assert np.isneginf(heard[257:]).all()  # tasks, languages and times are never said
        assert np.exp(heard[:257]).sum() == pytest.approx(1.0, abs=1e-4)


def test_what_it_may_say_is_a_sentence_of_the_grammar(whisper: WhisperModel) -> None:
    listener = Listener(whisper, GRAMMAR)
    heard = listener.recognise(SPOKEN)
    assert GRAMMAR.words(heard.text) in {("stop",), ("status",), ("line", "status")}
    assert heard.meaning is not None
    assert heard.confidence < 0.5  # chance says so: nothing is released by it
    assert isinstance(listener.guess(SPOKEN[:RATE]), str)


def test_the_graph_ends_as_the_model_ends(whisper: WhisperModel) -> None:
    graph = TokenGraph(GRAMMAR.closed, whisper.tokeniser, GRAMMAR.digits)
    state = 0
    for piece in whisper.tokeniser.encode("stop"):
        state = graph.following(state)[piece]
    assert 256 in graph.following(state)


def test_it_stands_behind_the_port_and_hears_ten_seconds(whisper: WhisperModel) -> None:
    recogniser = EmbeddedRecogniser(Listener(whisper, GRAMMAR), EnergyDetector())
    quiet = np.zeros(RATE, np.int16)
    heard = list(finals(recogniser, np.concatenate([quiet, SPOKEN, quiet])))
    assert len(heard) == 1
    assert whisper.hear(np.tile(SPOKEN, 2 * WINDOW_S)).scores.shape == (1, 262)


def test_a_folder_without_a_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no Whisper model"):
        WhisperModel(tmp_path)
