"""Segmentation and oriented-box heads: the pixels of a finding lie where the head says."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.detection.card import ModelCard
from inspector.detection.decode import decode, suppress_oriented
from inspector.detection.outlines import HeadLayout, oriented_corners, polygon_mask, prototype_mask
from inspector.domain import Box

SIDE, ANCHORS, CELLS = 64, 64 + 16 + 4, 16 * 16


def card(task: str) -> ModelCard:
    return ModelCard.model_validate(
        {
            "name": "tiny",
            "version": "1",
            "task": task,
            "weights": "tiny.onnx",
            "sha256": "0" * 64,
            "input": {"width": SIDE, "height": SIDE, "channels": 3},
            "classes": ["dent", "scratch"],
            "confidence_floor": 0.2,
            "licence": "MIT",
        }
    )


def segment_head(disc: tuple[float, float, float]) -> NDArray[np.float32]:
    """A head with one anchor whose mask is a disc (x, y, radius in input px)."""
    x, y, radius = disc
    head = np.zeros((1, 4 + 2 + 32, ANCHORS + CELLS), np.float32)
    head[0, :6, 5] = [x, y, 2 * radius, 2 * radius, 0.1, 0.9]
    head[0, 6, 5] = 1.0
    rows, columns = np.mgrid[0:16, 0:16]
    inside = radius - np.hypot((columns + 0.5) * 4 - x, (rows + 0.5) * 4 - y)
    head[0, 6, ANCHORS:] = inside.ravel()
    return head


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_segmented_disc_covers_its_pixels(scale: float) -> None:
    layout, head = HeadLayout(card("segment")), segment_head((30.0, 26.0, 14.0))
    assert layout.fits(head.shape)
    side = round(SIDE / scale)

    found = decode(layout.scored(head[0]), floor=0.5, overlap=0.6, scale=(scale, scale), width=side, height=side)
    (box,) = (Box(*corners) for corners in found.boxes.tolist())
    mask = layout.mask(head[0], int(found.anchors[0]), box, (scale, scale))

    assert found.labels.tolist() == [1]
    assert mask is not None
    assert mask.shape == (math.ceil(box.y1) - math.floor(box.y0), math.ceil(box.x1) - math.floor(box.x0))
    rows, columns = np.mgrid[0 : mask.shape[0], 0 : mask.shape[1]]
    centre, radius = np.array([30.0, 26.0]) / scale, 14.0 / scale
    distance = np.hypot(columns + math.floor(box.x0) + 0.5 - centre[0], rows + math.floor(box.y0) + 0.5 - centre[1])
    assert mask[distance < radius - 1].all()
    assert not mask[distance > radius + 1].any()


def test_an_output_of_another_shape_is_no_such_head() -> None:
    layout = HeadLayout(card("segment"))

    assert not layout.fits((1, 38, ANCHORS))
    assert not layout.fits((1, 6, ANCHORS + CELLS))
    assert not HeadLayout(card("obb")).fits((1, 6, ANCHORS))
    assert HeadLayout(card("obb")).fits((1, 7, ANCHORS))
    assert "84 + 256" in layout.described


@pytest.mark.parametrize("angle", [0.0, 0.4, math.pi / 2, 2.2])
def test_an_oriented_box_gets_the_box_around_it_and_its_pixels(angle: float) -> None:
    layout = HeadLayout(card("obb"))
    head = np.zeros((1, 7, ANCHORS), np.float32)
    head[0, :, 3] = [32, 30, 30, 8, 0.95, 0.0, angle]

    found = decode(
        layout.scored(head[0]),
        floor=0.5,
        overlap=0.6,
        scale=(1.0, 1.0),
        width=SIDE,
        height=SIDE,
        angles=layout.angles(head[0]),
    )
    (box,) = (Box(*corners) for corners in found.boxes.tolist())
    mask = layout.mask(head[0], 3, box, (1.0, 1.0))

    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    assert (box.width, box.height) == pytest.approx((30 * cos + 8 * sin, 30 * sin + 8 * cos), abs=1e-3)
    assert mask is not None
    assert mask.sum() == pytest.approx(30 * 8, rel=0.12)
    rows, columns = np.nonzero(mask)
    assert columns.mean() + math.floor(box.x0) + 0.5 == pytest.approx(32, abs=0.5)
    assert rows.mean() + math.floor(box.y0) + 0.5 == pytest.approx(30, abs=0.5)


def test_crossed_oriented_boxes_both_stand_where_upright_ones_would_not() -> None:
    crossed = np.array([[32, 32, 40, 4, 0.785], [32, 32, 40, 4, 2.356], [33, 32, 40, 4, 0.785]], np.float32)

    assert suppress_oriented(crossed, np.zeros(3, np.int64), 0.6).tolist() == [0, 1]
    assert suppress_oriented(crossed, np.array([0, 0, 1]), 0.6).tolist() == [0, 1, 2]


def test_corners_follow_the_scale() -> None:
    corners = oriented_corners(np.array([10, 10, 8, 4, 0.0], np.float32), (0.5, 0.5))

    assert sorted(map(tuple, corners.tolist())) == [(12, 16), (12, 24), (28, 16), (28, 24)]


def test_a_mask_never_leaves_its_box() -> None:
    mask = polygon_mask(np.array([[-5, 2], [20, 2], [20, 6], [-5, 6]], np.float32), Box(0.3, 1.5, 10.2, 7.9))

    assert mask.shape == (7, 11)
    assert mask.sum(axis=0).tolist() == [4] * 11


def test_prototypes_are_read_at_pixel_centres() -> None:
    prototypes = np.zeros((32, 16, 16), np.float32)
    prototypes[0] = cv2.resize(np.float32([[-1, 1]]), (16, 16), interpolation=cv2.INTER_LINEAR)
    weights = np.eye(32, dtype=np.float32)[0]

    mask = prototype_mask(weights, prototypes, Box(0, 0, 64, 64), (1.0, 1.0))

    assert not mask[:, :32].any()
    assert mask[:, 32:].all()


def test_the_path_of_cards_accepts_the_tasks(tmp_path: Path) -> None:
    assert card("segment").task == "segment"
    assert card("obb").task == "obb"
