"""Whisper, by transformers, as an acoustic model: for machines with a GPU, held to the grammar like the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.domain import ModelError, VoiceError
from inspector.voice.audio import RATE

__all__ = ["WhisperModel"]

WINDOW_S = 10
"""The encoder sees so much at once, filled up with silence: stock Whisper takes 30 s, for eight times the time."""

_PROMPT = ("<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>")


class WhisperPieces:
    """Whisper's own word pieces."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.end = int(tokenizer.eos_token_id)
        known = tokenizer.get_vocab()
        self.prompt = [int(known[name]) for name in _PROMPT if name in known]
        """What the decoder is begun with; an English-only model knows no languages."""

    def encode(self, text: str, *, blank: bool = True) -> tuple[int, ...]:
        """Return the pieces of a text, with a blank before it as in running text."""
        return tuple(self._tokenizer.encode((" " if blank else "") + text, add_special_tokens=False))

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of pieces, without controls."""
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True)).strip()


class WhisperModel:
    """An ``Acoustic`` over a Whisper model of English, on the GPU where there is one.

    Parameters
    ----------
    folder
        With the model's files as transformers saves them; nothing is fetched.

    Raises
    ------
    ModelError
        Where transformers or torch is not installed, or the folder holds no such model.
    """

    def __init__(self, folder: Path) -> None:
        try:
            import torch  # type: ignore[import-not-found, unused-ignore]
            import transformers
        except ImportError as error:
            raise ModelError(
                "Whisper needs transformers and torch", remedy="Install them: pip install 'line-inspector[whisper]'"
            ) from error
        try:
            extractor = transformers.WhisperFeatureExtractor.from_pretrained(folder, local_files_only=True)
            tokenizer = transformers.WhisperTokenizer.from_pretrained(folder, local_files_only=True)
            model = transformers.WhisperForConditionalGeneration.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ModelError(f"{folder} is no Whisper model: {error}", remedy="Name the folder of one") from error
        self._torch, self._cache = torch, transformers.EncoderDecoderCache
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = model.eval().to(self._device)
        self._shorten(extractor)
        self._extractor = extractor
        self.tokeniser = WhisperPieces(tokenizer)
        self._banned = [piece for piece in range(model.config.vocab_size) if piece > self.tokeniser.end]
        """Languages, tasks and times: never part of a sentence."""

    def hear(self, pcm: NDArray[np.int16]) -> WhisperHearing:
        """Return one utterance of 16 kHz mono samples, its first ten seconds; raises ``VoiceError``."""
        torch = self._torch
        sound = (pcm[: WINDOW_S * RATE].astype(np.float32)) / 32768.0
        features = self._extractor(sound, sampling_rate=RATE, return_tensors="pt").input_features
        try:
            with torch.inference_mode():
                states = self._model.get_encoder()(features.to(self._device)).last_hidden_state
        except RuntimeError as error:
            raise VoiceError(f"the speech model failed: {error}") from error
        return WhisperHearing(self, states)

    def step(self, tokens: Sequence[Sequence[int]], states: Any, past: Any) -> tuple[NDArray[np.float32], Any]:
        """Return log-probabilities (rows, pieces) after ``tokens`` (rows, length), and the new past."""
        torch = self._torch
        rows = torch.tensor(tokens, device=self._device)
        try:
            with torch.inference_mode():
                said = self._model(
                    decoder_input_ids=rows,
                    encoder_outputs=(states.expand(len(tokens), -1, -1),),
                    past_key_values=past,
                    use_cache=True,
                )
                logits = said.logits[:, -1].float()
                logits[:, self._banned] = -float("inf")
                scores = torch.log_softmax(logits, dim=-1)
        except RuntimeError as error:
            raise VoiceError(f"the speech model failed: {error}") from error
        return scores.cpu().numpy(), said.past_key_values

    def chosen(self, past: Any, rows: Sequence[int]) -> Any:
        """Return the past of these rows, some of them perhaps several times."""
        past.reorder_cache(self._torch.tensor(rows, device=self._device))
        return past

    def _shorten(self, extractor: Any) -> None:
        """Make the encoder take a window of ten seconds: the positions of the first ten are the same in any."""
        encoder = self._model.get_encoder()
        frames = min(encoder.config.max_source_positions, WINDOW_S * RATE // extractor.hop_length // 2)
        positions = encoder.embed_positions
        positions.weight = self._torch.nn.Parameter(positions.weight[:frames].clone(), requires_grad=False)
        positions.num_embeddings = frames
        encoder.config.max_source_positions = frames
        extractor.chunk_length = WINDOW_S
        extractor.n_samples = WINDOW_S * RATE
        extractor.nb_max_frames = extractor.n_samples // extractor.hop_length


class WhisperHearing:
    """One utterance while it is decoded."""

    def __init__(self, model: WhisperModel, states: Any) -> None:
        self._model, self._states = model, states
        self.scores, self._past = model.step([model.tokeniser.prompt], states, None)
        """Log-probabilities of the next piece, shape (rows, pieces)."""

    def grow(self, rows: Sequence[int], tokens: Sequence[int]) -> None:
        """Go on with ``tokens[i]`` after row ``rows[i]``, for each i."""
        if list(rows) != list(range(len(self.scores))):
            self._past = self._model.chosen(self._past, rows)
        self.scores, self._past = self._model.step([[token] for token in tokens], self._states, self._past)
