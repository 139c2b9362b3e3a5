"""How a camera saw when it was set up, and how far off it is: light, sharpness, overexposure, dirt on the window."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.capture.condition import Condition, condition_of
from inspector.domain import ConfigurationError

__all__ = ["ConditionWatch", "Deviation", "GoldenState", "golden_state", "load_golden_state"]

Floats = NDArray[np.float64]

_COARSE = 48  # cells along the longer side of the mean picture
_MEMORY = 20.0  # pictures over which the mean picture and the figures are taken
_FLOOR = 8.0  # grey levels: below them a relative difference says nothing


@dataclass(frozen=True, slots=True, eq=False)
class GoldenState:
    """Figures of the camera when all was well; ``mean_picture`` is coarse (rows, columns), in grey levels."""

    level: float
    sharpness: float
    white: float
    mean_picture: Floats
    width: int
    height: int

    def save(self, path: Path) -> None:
        """Write it; raises ``ConfigurationError``."""
        body = {
            "level": self.level,
            "sharpness": self.sharpness,
            "white": self.white,
            "width": self.width,
            "height": self.height,
            "mean_picture": np.round(self.mean_picture, 2).tolist(),
        }
        try:
            path.write_text(json.dumps(body) + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(
                f"{path}: cannot be written: {error.strerror}", remedy="Choose another place"
            ) from error


def load_golden_state(path: Path) -> GoldenState:
    """Return the state of a file; raises ``ConfigurationError``."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        state = GoldenState(
            level=float(body["level"]),
            sharpness=float(body["sharpness"]),
            white=float(body["white"]),
            mean_picture=np.asarray(body["mean_picture"], np.float64),
            width=int(body["width"]),
            height=int(body["height"]),
        )
        if state.mean_picture.ndim != 2 or not np.isfinite(state.mean_picture).all():  # noqa: PLR2004
            raise ConfigurationError(f"{path}: the mean picture is none", remedy=_AGAIN)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path}: the state of the camera cannot be read: {error}", remedy=_AGAIN) from error
    return state


_AGAIN = "Make it again: inspector camera golden line.yaml"


def golden_state(pictures: Sequence[NDArray[np.uint8]]) -> GoldenState:
    """Return the state that these pictures show, best of many good parts; raises ``ValueError`` without any."""
    if not pictures:
        raise ValueError("no pictures")
    found = [condition_of(pixels) for pixels in pictures]
    height, width = pictures[0].shape[:2]
    return GoldenState(
        level=float(np.mean([one.mean for one in found])),
        sharpness=float(np.mean([one.sharpness for one in found])),
        white=float(np.mean([one.white for one in found])),
        mean_picture=np.mean([_coarse(pixels) for pixels in pictures], axis=0),
        width=width,
        height=height,
    )


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far the camera is from its golden state, as shares of it; 0 is not at all.

    ``light`` is of the mean level, ``focus`` the loss of sharpness (focus or vibration), ``overexposed`` the share of
    white pixels above what it was, ``dirt`` the darkest place that stays where it is from part to part.
    """

    light: float
    focus: float
    overexposed: float
    dirt: float

    def beyond(self, limit: float) -> list[str]:
        """Name what is further off than ``limit``, in words."""
        named = (
            ("the light has changed", abs(self.light)),
            ("the picture is less sharp", self.focus),
            ("more of the picture is white", self.overexposed),
            ("a dark spot stays in one place", self.dirt),
        )
        return [f"{words} ({share:.0%})" for words, share in named if share > limit]


class ConditionWatch:
    """Running means over the last pictures, held against the golden state."""

    def __init__(self, golden: GoldenState) -> None:
        self._golden = golden
        self._seen = 0
        self._level = self._sharpness = self._white = 0.0
        self._mean = np.zeros_like(golden.mean_picture)

    @property
    def settled(self) -> bool:
        """Whether enough pictures were seen to say anything."""
        return self._seen >= _MEMORY

    def take(self, pixels: NDArray[np.uint8]) -> Deviation:
        """Take one picture; return how far the running means are off. Pictures of another size are ``ValueError``."""
        if pixels.shape[:2] != (self._golden.height, self._golden.width):
            raise ValueError("the golden state is of another size")
        self._seen += 1
        share = max(1 / self._seen, 1 / _MEMORY)
        found: Condition = condition_of(pixels)
        self._level += share * (found.mean - self._level)
        self._sharpness += share * (found.sharpness - self._sharpness)
        self._white += share * (found.white - self._white)
        self._mean += share * (_coarse(pixels) - self._mean)
        golden = self._golden
        gain = self._level / max(golden.level, 1.0)
        darker = (gain * golden.mean_picture - self._mean) / np.maximum(gain * golden.mean_picture, _FLOOR)
        return Deviation(
            light=self._level / max(golden.level, 1.0) - 1,
            focus=max(1 - self._sharpness / golden.sharpness, 0.0) if golden.sharpness else 0.0,
            overexposed=max(self._white - golden.white, 0.0),
            dirt=max(float(darker.max()), 0.0),
        )


def _coarse(pixels: NDArray[np.uint8]) -> Floats:
    grey = pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)  # noqa: PLR2004
    height, width = grey.shape
    factor = _COARSE / max(height, width)
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float64)
