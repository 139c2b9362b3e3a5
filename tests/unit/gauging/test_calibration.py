"""A camera of known lens is recovered from pictures of a target, and a calibration that does not hold is refused."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.capture.marks import Mark, render_mark
from inspector.domain import Box, ConfigurationError, Detection, Detections, Frame, GaugingError, ModelId, Trigger
from inspector.gauging import BoxGauge, CalibratedGauge, Calibration, SubpixelGauge, load_calibration, save_calibration
from inspector.gauging.calibrate import Photo, calibrate, check_scale
from inspector.gauging.rehearsal import FLAT, TILTED, DrawnCamera, Pose, photograph
from inspector.gauging.target import Target, find_target
from inspector.gauging.target_print import PAGES, print_target

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
CAMERA = DrawnCamera()
CHARUCO = Target()


def photos(target: Target, poses: list[Pose], camera: DrawnCamera = CAMERA) -> list[Photo]:
    return [
        Photo(f"view-{number}.png", f"{number:064x}", photograph(target, pose, camera, seed=number))
        for number, pose in enumerate(poses)
    ]


@pytest.fixture(scope="module")
def views() -> list[Photo]:
    return photos(CHARUCO, [FLAT, *TILTED[:7]])


@pytest.fixture(scope="module")
def made(views: list[Photo]) -> Calibration:
    return calibrate(views, CHARUCO, plane=0, now=NOW, days=90)[0]


def grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of the plane in mm, and where the camera sees them, in px from the image's outer corner."""
    x, y = np.meshgrid(np.linspace(0, 77, 12), np.linspace(0, 56, 9))
    points = np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)])
    rotation, move = FLAT.matrix(CHARUCO)
    seen, _ = cv2.projectPoints(points, cv2.Rodrigues(rotation)[0], move, CAMERA.matrix, np.array(CAMERA.distortion))
    return points[:, :2], seen.reshape(-1, 2) + 0.5


def length_errors_um(calibration: Calibration) -> NDArray[np.float64]:
    truth, seen = grid()
    found = calibration.to_mm(seen)
    a, b = np.triu_indices(len(found), 1)
    return 1000 * (np.linalg.norm(found[a] - found[b], axis=1) - np.linalg.norm(truth[a] - truth[b], axis=1))


def test_lengths_anywhere_in_the_image_are_right_to_ten_micrometres(made: Calibration) -> None:
    errors = length_errors_um(made)
    assert np.abs(errors).max() <= 10
    assert made.rms_px < 0.05
    assert made.px_per_mm == pytest.approx(14.92, abs=0.01)
    assert made.lens.fx == pytest.approx(CAMERA.focal, rel=0.002)
    assert made.coverage > 0.8


def test_one_scale_for_the_whole_image_would_not_be_right(made: Calibration) -> None:
    truth, seen = grid()
    found = seen / made.px_per_mm
    worst = np.abs(np.linalg.norm(found - found[0], axis=1) - np.linalg.norm(truth - truth[0], axis=1)).max()
    assert 1000 * worst > 50


def test_a_chessboard_serves_too() -> None:
    board = Target(kind="chessboard")
    calibration, _ = calibrate(photos(board, [FLAT, TILTED[1], *TILTED[2:5]]), board, plane=0, now=NOW)
    assert np.abs(length_errors_um(calibration)).max() <= 15


def test_the_blur_of_the_camera_is_measured_on_the_way(made: Calibration) -> None:
    # The picture is sampled, not averaged over each pixel, so that its edge blur is the lens's alone.
    assert made.edge_sigma_px == pytest.approx(CAMERA.blur, abs=0.03)
    assert 0 < made.edge_sigma_uncertainty_px < 0.02


def test_the_origin_is_the_corner_of_the_image_and_x_runs_along_its_edge(made: Calibration) -> None:
    corner, right, below = made.to_mm(np.array([[0.0, 0.0], [1280.0, 0.0], [0.0, 960.0]]))
    assert corner == pytest.approx([0, 0], abs=1e-6)
    assert right[1] == pytest.approx(0, abs=1e-6)
    assert right[0] == pytest.approx(89.5, abs=1)  # 85.8 mm, and what the barrel distortion hides
    assert below[1] > 60


def test_another_target_confirms_the_scale_or_finds_it_wrong(made: Calibration) -> None:
    other = Target(columns=9, rows=7, square_mm=8.0, marker_mm=5.6)
    right = check_scale(made, photos(other, [Pose((0, 0, 0.6))])[0], other)
    assert right.worst_um <= 10
    grown = Photo("grown.png", "", photograph(other, FLAT, CAMERA, stretch=1.002))
    assert check_scale(made, grown, other).scale_error == pytest.approx(0.002, abs=0.0002)


def test_a_view_without_target_is_left_out_and_named(views: list[Photo]) -> None:
    blank = Photo("blank.png", "", np.full((960, 1280), 128, np.uint8))
    calibration, left_out = calibrate([*views, blank], CHARUCO, plane=0, now=NOW)
    assert left_out == (("blank.png", "the target is not found"),)
    assert [view.file for view in calibration.views] == [view.name for view in views]


def test_what_cannot_give_a_calibration_is_refused(views: list[Photo]) -> None:
    blank = Photo("blank.png", "", np.full((960, 1280), 128, np.uint8))
    small = Photo("small.png", "", np.full((480, 640), 128, np.uint8))
    with pytest.raises(ConfigurationError, match="4 of 4 images; 5 are needed"):
        calibrate(views[:4], CHARUCO, plane=0, now=NOW)
    with pytest.raises(ConfigurationError, match=r"blank\.png: the target is not found in the view of the plane"):
        calibrate([blank, *views], CHARUCO, plane=0, now=NOW)
    with pytest.raises(ConfigurationError, match="differ in size: 640 x 480, 1280 x 960"):
        calibrate([*views, small], CHARUCO, plane=0, now=NOW)
    flat = photos(CHARUCO, [Pose(at=(k, -k, 250)) for k in range(5)])
    with pytest.raises(ConfigurationError, match="same direction"):
        calibrate(flat, CHARUCO, plane=0, now=NOW)
    with pytest.raises(ConfigurationError, match="found in 0 of 8 images"):
        calibrate(views, Target(columns=8, rows=5, dictionary="4x4"), plane=0, now=NOW)


def test_a_file_brings_back_the_same_calibration(made: Calibration, tmp_path: Path) -> None:
    file = tmp_path / "cell-1.json"
    saved = save_calibration(made, file)
    loaded = load_calibration(file)
    assert loaded.sha256 == saved.sha256
    assert len(loaded.sha256) == 64
    assert (loaded.id, loaded.created, loaded.expires) == (made.id, NOW, NOW + timedelta(days=90))
    assert loaded.views == made.views
    points = np.array([[10.0, 20.0], [900.0, 700.0]])
    assert loaded.to_mm(points) == pytest.approx(made.to_mm(points))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace('"width": 1280', '"width": 1281'), "altered"),
        (lambda text: text[:200], "not a calibration"),
        (lambda text: "[]", "not a calibration of format 1"),
        (lambda text: text.replace('"format": 1', '"format": 9'), "format 1"),
    ],
    ids=["altered", "truncated", "a list", "of the future"],
)
def test_a_damaged_file_is_refused(made: Calibration, tmp_path: Path, change: object, says: str) -> None:
    file = tmp_path / "cell-1.json"
    save_calibration(made, file)
    file.write_text(change(file.read_text()))  # type: ignore[operator]
    with pytest.raises(ConfigurationError, match=says):
        load_calibration(file)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_calibration(tmp_path / "none.json")


def test_figures_that_are_none_are_refused_even_with_a_right_hash(made: Calibration, tmp_path: Path) -> None:
    file = tmp_path / "cell-1.json"
    save_calibration(made, file)
    body = json.loads(file.read_text())
    for key, value in (("to_plane", [[1, 0], [0, 1]]), ("created", "2026-03-01"), ("px_per_mm", None)):
        broken = {**body, key: value}
        broken.pop("sha256")
        digest = (
            __import__("hashlib").sha256(json.dumps(broken, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
        )
        file.write_text(json.dumps({**broken, "sha256": digest}))
        with pytest.raises(ConfigurationError, match="not a calibration"):
            load_calibration(file)


def test_an_expired_or_foreign_calibration_does_not_hold(made: Calibration) -> None:
    made.require_valid(NOW + timedelta(days=89), 1280, 960)
    with pytest.raises(ConfigurationError, match="expired on 2026-05-30"):
        made.require_valid(NOW + timedelta(days=90))
    with pytest.raises(ConfigurationError, match="1280 x 960 px, but the camera gives 640 x 480"):
        made.require_valid(NOW, 640, 480)
    with pytest.raises(ConfigurationError, match="in the future"):
        made.require_valid(NOW - timedelta(days=1))


def scratch() -> tuple[Frame, Detections]:
    pixels = photograph(CHARUCO, Pose(at=(400, 400, 250)), CAMERA)  # the target is out of sight
    mark, box = render_mark(np.random.default_rng(2), Mark(length=60, width=4, angle=0.3, ground=160, noise=2))
    pixels[100 : 100 + mark.shape[0], 200 : 200 + mark.shape[1]] = mark
    placed = Box(box.x0 + 200, box.y0 + 100, box.x1 + 200, box.y1 + 100)
    frame = Frame(Trigger("0001", "cell-1", 1, NOW), pixels, "test", NOW)
    return frame, Detections((Detection("scratch", 0.9, placed),), ModelId("fake", "1", "0" * 64))


def test_both_gauges_measure_through_the_calibration(made: Calibration) -> None:
    frame, found = scratch()
    box = BoxGauge(px_per_mm=made.px_per_mm, edge_uncertainty_px=0.5, plane=made)
    fine = SubpixelGauge(box=box, plane=made, edge_sigma_px=0.85)
    of = {item.characteristic: item for item in fine.measure(frame, found)}
    # Out there the lens shows everything smaller than in the middle; the ends of the mark say by how much.
    middle = np.array(found.items[0].box.centre)
    reach = 30 * np.array([np.cos(0.3), np.sin(0.3)])
    start, end = made.to_mm(np.array([middle - reach, middle + reach]))
    truth = float(np.linalg.norm(end - start))
    assert truth * made.px_per_mm > 62
    assert of["length"].value == pytest.approx(truth, abs=0.02)
    centre = found.items[0].box.centre
    assert (of["position_x"].value, of["position_y"].value) == pytest.approx(
        made.to_mm(np.array([centre]))[0], abs=0.01
    )
    coarse = {item.characteristic: item.value for item in box.measure(frame, found)}
    assert coarse["length"] == pytest.approx(of["length"].value, rel=0.1)


def test_a_frame_is_measured_only_while_the_calibration_holds(made: Calibration) -> None:
    frame, found = scratch()
    gauge = BoxGauge(px_per_mm=made.px_per_mm, plane=made)
    assert CalibratedGauge(gauge, made, now=lambda: NOW).measure(frame, found)
    with pytest.raises(GaugingError, match="expired"):
        CalibratedGauge(gauge, made, now=lambda: NOW + timedelta(days=91)).measure(frame, found)
    half = Frame(frame.trigger, np.ascontiguousarray(frame.pixels[::2, ::2]), "test", NOW)
    with pytest.raises(GaugingError, match="640 x 480"):
        CalibratedGauge(gauge, made, now=lambda: NOW).measure(half, found)


@pytest.mark.parametrize("target", [CHARUCO, Target(kind="chessboard", columns=9, rows=6, square_mm=10)])
@pytest.mark.parametrize("page", ["a4", "letter"])
def test_a_printed_target_has_its_true_size(target: Target, page: str, tmp_path: Path) -> None:
    pdfium = pytest.importorskip("pypdfium2", reason="pip install pypdfium2 reads the PDF independently")
    file = tmp_path / "board.pdf"
    print_target(target, file, page=page)
    document = pdfium.PdfDocument(file)
    sheet = document[0]
    assert [side / 72 * 25.4 for side in sheet.get_size()] == pytest.approx(PAGES[page], abs=0.01)
    px_per_mm = 8
    image = np.ascontiguousarray(sheet.render(scale=px_per_mm * 25.4 / 72, grayscale=True).to_numpy().squeeze())
    document.close()
    found = find_target(image, target)
    assert found is not None
    corners, numbers = found
    truth = target.corners_mm()[numbers]
    spans = np.linalg.norm(corners[-1] - corners[0]), np.linalg.norm(truth[-1] - truth[0])
    assert spans[0] / px_per_mm == pytest.approx(spans[1], abs=0.05)


def test_the_svg_draws_the_same_squares(tmp_path: Path) -> None:
    board = Target(kind="chessboard", columns=9, rows=6, square_mm=10)
    print_target(board, tmp_path / "board.svg", page="a4")
    text = (tmp_path / "board.svg").read_text()
    assert 'width="297mm" height="210mm"' in text
    assert len(re.findall(r'width="10\.0000" height="10\.0000"', text)) == 27
    assert "squares 10 mm" in text


def test_a_target_that_cannot_be_printed_or_seen_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not fit on a4"):
        print_target(Target(columns=40, square_mm=10, marker_mm=7), tmp_path / "a.pdf")
    with pytest.raises(ConfigurationError, match=r"\.pdf or \.svg"):
        print_target(CHARUCO, tmp_path / "a.doc")
    with pytest.raises(ConfigurationError, match="no page a9"):
        print_target(CHARUCO, tmp_path / "a.pdf", page="a9")
    for wrong in ({"columns": 2}, {"square_mm": 0}, {"marker_mm": 9}, {"dictionary": "9x9"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Target(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="turned"):
        Target(kind="chessboard", columns=8, rows=8)
