"""Measurements -> Verdict: specification limits, guard bands and the confidence gate."""
