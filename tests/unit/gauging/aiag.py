"""Worked examples of AIAG, Measurement Systems Analysis, 4th edition (2010)."""

from __future__ import annotations

from inspector.gauging.msa_variable import Reading

# Chapter III-B, data sheet of the gauge R&R study: 10 parts, 3 appraisers, 3 trials.
_STUDY = {
    "A": (
        (0.29, -0.56, 1.34, 0.47, -0.80, 0.02, 0.59, -0.31, 2.26, -1.36),
        (0.41, -0.68, 1.17, 0.50, -0.92, -0.11, 0.75, -0.20, 1.99, -1.25),
        (0.64, -0.58, 1.27, 0.64, -0.84, -0.21, 0.66, -0.17, 2.01, -1.31),
    ),
    "B": (
        (0.08, -0.47, 1.19, 0.01, -0.56, -0.20, 0.47, -0.63, 1.80, -1.68),
        (0.25, -1.22, 0.94, 1.03, -1.20, 0.22, 0.55, 0.08, 2.12, -1.62),
        (0.07, -0.68, 1.34, 0.20, -1.28, 0.06, 0.83, -0.34, 2.19, -1.50),
    ),
    "C": (
        (0.04, -1.38, 0.88, 0.14, -1.46, -0.29, 0.02, -0.46, 1.77, -1.49),
        (-0.11, -1.13, 1.09, 0.20, -1.07, -0.67, 0.01, -0.56, 1.45, -1.77),
        (-0.15, -0.96, 0.67, 0.11, -1.45, -0.49, 0.21, -0.49, 1.87, -2.16),
    ),
}
STUDY = [
    Reading(str(part), appraiser, value)
    for appraiser, trials in _STUDY.items()
    for trial in trials
    for part, value in enumerate(trial, start=1)
]

# Chapter III-A, linearity study: 5 parts of known size, 12 readings each.
LINEARITY = {
    2.0: (2.7, 2.5, 2.4, 2.5, 2.7, 2.3, 2.5, 2.5, 2.4, 2.4, 2.6, 2.4),
    4.0: (5.1, 3.9, 4.2, 5.0, 3.8, 3.9, 3.9, 3.9, 3.9, 4.0, 4.1, 3.8),
    6.0: (5.8, 5.7, 5.9, 5.9, 6.0, 6.1, 6.0, 6.1, 6.4, 6.3, 6.0, 6.1),
    8.0: (7.6, 7.7, 7.8, 7.7, 7.8, 7.8, 7.8, 7.7, 7.8, 7.5, 7.6, 7.7),
    10.0: (9.1, 9.3, 9.5, 9.3, 9.4, 9.5, 9.5, 9.5, 9.6, 9.2, 9.3, 9.4),
}

# Chapter III-C, cross-tabulations of 150 verdicts: (both 0, first 0 second 1, first 1 second 0, both 1) and kappa.
CROSS_TABS = {
    "A x B": ((44, 6, 3, 97), 0.86),
    "B x C": ((42, 5, 9, 94), 0.79),
    "A x C": ((43, 7, 8, 92), 0.78),
    "A x reference": ((45, 5, 3, 97), 0.88),
    "B x reference": ((45, 2, 3, 100), 0.92),
    "C x reference": ((42, 9, 6, 93), 0.77),
}
