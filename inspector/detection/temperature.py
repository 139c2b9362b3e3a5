"""Temperature scaling: one number that makes a score of 0.9 mean right in nine of ten."""

from __future__ import annotations

import math

__all__ = ["with_temperature"]

_LARGEST = 700.0  # the exponential of more is no float


def with_temperature(score: float, temperature: float) -> float:
    """Return the score with its log-odds divided by the temperature (arXiv:1706.04599, section 4.2).

    Scores keep their order; 0, 0.5 and 1 stay what they are. Dividing by ``1 / temperature`` undoes it.
    """
    if temperature == 1.0 or not 0.0 < score < 1.0:
        return score
    odds = math.log(score / (1.0 - score)) / temperature
    return 1.0 / (1.0 + math.exp(min(-odds, _LARGEST)))
