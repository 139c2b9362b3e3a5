"""The word pieces of the embedded recogniser's model."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from inspector.domain import ModelError

__all__ = ["BEGIN", "END", "Pieces", "Tokeniser"]

BEGIN, END = 1, 2
_FIRST_PIECE = 259  # below lie the three controls and the 256 single bytes
_BLANK = "\u2581"
_LONG = 128


class Pieces(Protocol):
    """How a model writes text."""

    end: int
    """The piece that ends a sentence."""

    def encode(self, text: str, *, blank: bool = True) -> tuple[int, ...]:
        """Return the pieces of a text, with a blank before it as in running text."""
        ...

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of pieces, without controls."""
        ...


class Tokeniser:
    """Byte-pair encoding in the order of the vocabulary: of two possible merges, the one with the lower id comes first.

    Parameters
    ----------
    file
        Pieces one after the other, each behind its length in bytes: one byte below 128, else two, 7 bits each.
    """

    end = END

    def __init__(self, file: Path) -> None:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ModelError(f"{file} cannot be read: {error}", remedy="Install the extra 'voice' again") from error
        self.pieces: list[bytes] = []
        at = 0
        while at < len(data):
            length, at = data[at], at + 1
            if length >= _LONG and at < len(data):
                length, at = (length - _LONG) * _LONG + data[at], at + 1
            self.pieces.append(data[at : at + length])
            at += length
        if len(self.pieces) <= _FIRST_PIECE or at != len(data):
            raise ModelError(f"{file} is not a list of word pieces", remedy="Install the extra 'voice' again")
        self._ids = {
            piece.decode("utf-8", "replace"): id_ for id_, piece in enumerate(self.pieces) if id_ >= _FIRST_PIECE
        }

    def encode(self, text: str, *, blank: bool = True) -> tuple[int, ...]:
        """Return the pieces of a text, with a blank before it as in running text; unknown signs as bytes."""
        parts = list((_BLANK if blank else "") + text.replace(" ", _BLANK))
        while True:
            ranks = [self._ids.get(first + second) for first, second in pairwise(parts)]
            possible = [(rank, index) for index, rank in enumerate(ranks) if rank is not None]
            if not possible:
                break
            _, index = min(possible)
            parts[index : index + 2] = [parts[index] + parts[index + 1]]
        found: list[int] = []
        for part in parts:
            known = self._ids.get(part)
            found.extend([known] if known is not None else (3 + byte for byte in part.encode()))
        return tuple(found)

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of pieces, without controls."""
        data = b"".join(self.pieces[token] for token in tokens if token >= 3)  # noqa: PLR2004 (the controls)
        return data.decode("utf-8", "replace").replace(_BLANK, " ").strip()
