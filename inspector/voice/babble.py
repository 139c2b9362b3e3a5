"""Talk that commands nothing, by the minute: several people at once, in factory noise, command words among theirs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from inspector.voice.audio import RATE
from inspector.voice.speech import Speaker, factory_noise

__all__ = ["HELD_OUT_CHATTER", "babble"]

HELD_OUT_CHATTER = (
    "my shift ends at ten tonight", "has the forklift been charged", "that pallet goes to the other hall",
    "I think it was the blue cable", "please sign here and take a seat", "the coffee machine is broken again",
    "we stopped for lunch at noon", "they released a new song last week", "part of the problem is the humidity",
    "he accepted the invitation", "confirm your appointment by phone", "she holds the record in swimming",
    "the recipe needs two eggs and flour", "status symbols are expensive", "a yield sign stands at the corner",
    "cancel my subscription", "the lot behind the building is full", "this alarm clock is too loud",
    "yes", "okay", "later", "thank you", "careful", "behind you", "one moment", "never again", "nothing", "top shelf",
    "all right then", "it was number forty seven",
)  # fmt: skip
"""Nothing was chosen by these; some of it has words of commands in it."""

_OPENINGS = ("I heard that", "you know", "yesterday", "tomorrow morning", "if you ask me", "maybe", "so", "they say")
_SUBJECTS = (
    "the foreman", "my brother", "the new part time worker", "the supplier", "this machine", "the radio", "our team",
    "the line at the canteen", "somebody from quality", "the driver", "number seven", "the last bus",
)  # fmt: skip
_VERBS = (
    "stopped at", "was released from", "accepted", "rejected", "was looking for", "held on to", "confirmed", "selected",
    "forgot about", "repeated", "will pay for", "cannot find", "ran out of", "compared",
)  # fmt: skip
_OBJECTS = (
    "the gate", "the recipe for dumplings", "two of the parts", "a holiday in march", "the next order of pizza",
    "the challenge", "his status", "a lot of trouble", "the alarm", "the whole afternoon", "zero seven three",
    "the yield of the harvest", "that defect in my phone", "the football match", "another coffee", "the line dance",
)  # fmt: skip


def babble(voices: Sequence[Speaker], minutes: int, seed: int = 4711) -> Iterator[NDArray[np.int16]]:
    """Yield one minute after the other: one, two or three people talking at random, noise at 5 … 20 dB below them.

    Raises ``VoiceError`` where a voice cannot speak.
    """
    for minute in range(minutes):
        dice = random.Random(seed * 10_000 + minute)  # noqa: S311 (nothing secret)
        total = np.zeros(60 * RATE)
        for _ in range(1 + minute % 3):
            at = dice.randrange(3 * RATE)
            while at < total.size - 4 * RATE:
                speech = dice.choice(voices).say(_sentence(dice)).astype(np.float64)[: total.size - at]
                loud = np.sqrt((speech**2).mean()) + 1.0
                total[at : at + speech.size] += speech / loud * 10 ** (dice.uniform(-8, 0) / 20)
                at += speech.size + dice.randrange(RATE // 2, 4 * RATE)
        noise = factory_noise(total.size, seed + minute) * 10 ** (-dice.choice((5, 10, 15, 20)) / 20)
        yield np.clip(np.round((total + noise) * 32768 * 10 ** (-24 / 20)), -32768, 32767).astype(np.int16)


def _sentence(dice: random.Random) -> str:
    if dice.random() < 0.15:  # noqa: PLR2004 (one in seven is short)
        return dice.choice(HELD_OUT_CHATTER)
    words = [dice.choice(_OPENINGS)] if dice.random() < 0.5 else []  # noqa: PLR2004 (every second one)
    return " ".join([*words, dice.choice(_SUBJECTS), dice.choice(_VERBS), dice.choice(_OBJECTS)])
