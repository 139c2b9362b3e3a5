"""Hypothesis strategies for the domain's words."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from inspector.domain import (
    Box,
    Detection,
    Detections,
    FaultCode,
    InspectionReport,
    Measurement,
    ModelId,
    Outcome,
    Reason,
    Stage,
    Timings,
    Trigger,
    Verdict,
)

finite = st.floats(-1e6, 1e6)
names = st.text(min_size=1, max_size=12)
outcomes = st.sampled_from(Outcome)

triggers = st.builds(
    Trigger,
    part_id=st.text(max_size=20),
    station=names,
    sequence=st.integers(0, 2**32 - 1),
    at=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    recipe=st.text(max_size=8),
    overrun=st.booleans(),
)

boxes = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h),
    st.floats(0, 5e3),
    st.floats(0, 5e3),
    st.floats(1, 500),
    st.floats(1, 500),
)
masks = st.none() | npst.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9)))
detections = st.builds(
    Detections,
    items=st.lists(st.builds(Detection, label=names, score=st.floats(0, 1), box=boxes, mask=masks), max_size=4).map(
        tuple
    ),
    model=st.builds(ModelId, names, names, names),
    part_id=st.text(max_size=20),
)

reasons = st.builds(
    Reason,
    outcome=outcomes,
    code=names,
    characteristic=names,
    value=st.none() | finite,
    limit=st.none() | finite,
    note=st.text(max_size=20),
)


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    verdict = Verdict(Outcome.PASS, (), draw(names))
    for reason in draw(st.lists(reasons, max_size=3)):
        verdict = verdict.raised_to(reason.outcome, reason)
    if draw(st.booleans()):
        verdict = verdict.faulted(draw(st.sampled_from([code for code in FaultCode if code])), draw(names))
    return verdict


@st.composite
def reports(draw: st.DrawFn) -> InspectionReport:
    found = draw(st.none() | detections)
    count = len(found.items) if found else 0
    index = st.none() if count == 0 else st.none() | st.integers(0, count - 1)
    measurement = st.builds(
        Measurement,
        characteristic=names,
        value=finite,
        unit=st.sampled_from(["mm", "mm2"]),
        uncertainty=st.floats(0, 10),
        method=names,
        detection=index,
        zone=st.text(max_size=5),
    )
    return InspectionReport(
        trigger=draw(triggers),
        verdict=draw(verdicts()),
        detections=found,
        measurements=tuple(draw(st.lists(measurement, max_size=4))),
        timings=Timings(draw(st.dictionaries(st.sampled_from(Stage), st.floats(0, 1e4))), draw(st.floats(0, 1e4))),
        id=draw(st.uuids()),
    )
