"""From a printed target to a line that measures by it, through the commands."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from inspector.cli.calibrate import app
from inspector.detection import find_model, load_model
from inspector.domain import ConfigurationError, Detections, Frame, GaugingError, Trigger
from inspector.gauging import BoxGauge, CalibratedGauge, Calibration, SubpixelGauge, load_calibration, save_calibration
from inspector.gauging.calibrate import Photo, calibrate
from inspector.gauging.rehearsal import FLAT, TILTED, DrawnCamera, photograph
from inspector.gauging.target import Target
from inspector.runtime.demo import shipped_lines
from inspector.runtime.wiring.verdict import build_gauge
from inspector.settings import LineSettings, load_line

TARGET = Target()


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("shots")
    files = []
    for number, pose in enumerate([FLAT, *TILTED[:5]]):
        files.append(folder / f"{number}.png")
        cv2.imwrite(str(files[-1]), photograph(TARGET, pose, DrawnCamera(), seed=number))
    return files


@pytest.fixture(scope="module")
def made(shots: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("calibration") / "cell-1.json"
    options = [
        "--plane",
        str(shots[0]),
        "--out",
        str(file),
        "--name",
        "cell-1",
        "--picture",
        str(file.with_suffix(".png")),
    ]
    result = CliRunner().invoke(app, ["solve", *map(str, shots), *options, "--json"])
    assert result.exit_code == 0, result.output
    body = json.loads(result.stdout)
    assert body["id"] == "cell-1"
    assert len(body["views"]) == 6
    assert body["left_out"] == []
    return file


def test_a_calibration_is_made_shown_and_verified(shots: list[Path], made: Path) -> None:
    run = CliRunner().invoke
    assert "cell-1" in run(app, ["show", str(made)]).stdout
    good = run(app, ["verify", str(made), str(shots[0]), "--limit-um", "15", "--json"])
    assert good.exit_code == 0
    assert json.loads(good.stdout)["worst_um"] < 15
    wrong = run(app, ["verify", str(made), str(shots[0]), "--square-mm", "7.02", "--limit-um", "15"])
    assert wrong.exit_code == 1
    picture = cv2.imread(str(made.with_suffix(".png")))
    assert picture is not None
    assert picture.shape == (960, 1280, 3)


def live_line(folder: Path, shots: list[Path]) -> Path:
    """Return a line whose camera shows these pictures, each for some time, as a live one does."""
    (folder / "seen").mkdir()
    for number, shot in enumerate(shot for shot in shots for _ in range(2)):
        (folder / "seen" / f"{number:03d}.png").write_bytes(shot.read_bytes())
    text = (shipped_lines() / "gige-camera.yaml").read_text(encoding="utf-8")
    begin, end = text.index("camera:"), text.index("calibration:")
    line = folder / "line.yaml"
    line.write_text(text[:begin] + "camera: {kind: folder, path: seen}\n" + text[end:], encoding="utf-8")
    return line


def test_a_live_camera_is_calibrated(shots: list[Path], tmp_path: Path) -> None:
    line, out = live_line(tmp_path, shots), tmp_path / "live.json"
    options = ["--views", "6", "--yes", "--shots", str(tmp_path / "shots"), "--out", str(out), "--json"]
    result = CliRunner().invoke(app, ["live", str(line), *options])
    assert result.exit_code == 0, (result.output, result.exception)
    assert len(list((tmp_path / "shots").glob("view-*.png"))) == 6  # the second look at the same view shows nothing new
    assert "tilt the target another way" in result.stderr
    good = CliRunner().invoke(app, ["verify", str(out), str(shots[0]), "--limit-um", "15"])
    assert good.exit_code == 0, good.output


def test_too_few_views_are_said(shots: list[Path], tmp_path: Path) -> None:
    line = live_line(tmp_path, shots[:2])
    result = CliRunner().invoke(app, ["live", str(line), "--yes", "--at-most", "6", "--shots", str(tmp_path / "shots")])
    assert isinstance(result.exception, ConfigurationError)
    assert "only 2 of 12 views after 6 pictures" in str(result.exception)


def test_a_board_is_printed(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["board", str(tmp_path / "b.pdf"), "--columns", "9", "--rows", "6", "--square-mm", "10"]
    )
    assert result.exit_code == 0
    assert (tmp_path / "b.pdf").read_bytes().startswith(b"%PDF-1.4")


@pytest.mark.parametrize(
    "options", [["--kind", "dots"], ["--columns", "1"], ["--markers", "9x9"], ["--page", "a9"]], ids=lambda o: o[0]
)
def test_an_impossible_board_is_refused(options: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["board", str(tmp_path / "b.pdf"), *options])
    assert isinstance(result.exception, ConfigurationError)


def line(tmp_path: Path, calibration: str, gauging: str, camera: str) -> LineSettings:
    text = (shipped_lines() / "virtual-board.yaml").read_text()
    start, end = text.index("camera:"), text.index("detector:")
    file = tmp_path / "line.yaml"
    file.write_text(
        f"{text[:start]}camera: {camera}\ncalibration: {calibration}\ngauging: {gauging}\n{text[end:]}",
        encoding="utf-8",
    )
    return load_line(file, data=tmp_path)


def gauge(settings: LineSettings) -> object:
    return build_gauge(settings, {"open": 9.5})


FOLDER = "{kind: folder, path: images}"
VIRTUAL = "{kind: virtual, px_per_mm: 48}"


def copy(made: Path, tmp_path: Path, **changes: object) -> Calibration:
    from dataclasses import replace

    return save_calibration(replace(load_calibration(made), **changes), tmp_path / "cell-1.json")  # type: ignore[arg-type]


def test_a_line_measures_by_the_file_beside_it(made: Path, tmp_path: Path) -> None:
    copy(made, tmp_path)
    assert isinstance(gauge(line(tmp_path, "{file: cell-1.json}", "{method: subpixel}", FOLDER)), CalibratedGauge)
    assert isinstance(gauge(line(tmp_path, "{px_per_mm: 48}", "{}", VIRTUAL)), BoxGauge)
    fine = gauge(line(tmp_path, "{px_per_mm: 48}", "{method: subpixel, edge_sigma_px: 0.9}", VIRTUAL))
    assert isinstance(fine, SubpixelGauge)


def test_an_expired_altered_missing_or_foreign_calibration_stops_the_line(made: Path, tmp_path: Path) -> None:
    settings = line(tmp_path, "{file: cell-1.json}", "{}", FOLDER)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        gauge(settings)
    past = datetime.now(UTC) - timedelta(days=400)
    copy(made, tmp_path, created=past, expires=past + timedelta(days=180))
    with pytest.raises(ConfigurationError, match="expired"):
        gauge(settings)
    copy(made, tmp_path)
    with pytest.raises(ConfigurationError, match="1280 x 960 px, but the camera gives 640 x 640"):
        gauge(line(tmp_path, "{file: cell-1.json}", "{}", VIRTUAL))
    file = tmp_path / "cell-1.json"
    file.write_text(file.read_text().replace("cell-1", "cell-2"))
    with pytest.raises(ConfigurationError, match="altered"):
        gauge(settings)


def test_a_camera_whose_size_shows_late_is_stopped_at_its_first_image(made: Path, tmp_path: Path) -> None:
    copy(made, tmp_path)
    built = gauge(line(tmp_path, "{file: cell-1.json}", "{}", FOLDER))
    now = datetime.now(UTC)
    frame = Frame(Trigger("1", "cell-1", 1, now), np.zeros((640, 640), np.uint8), "test", now)
    nothing = Detections((), load_model(find_model("bare-board")).card.model_id)
    with pytest.raises(GaugingError, match="the camera gives 640 x 640"):
        built.measure(frame, nothing)  # type: ignore[attr-defined]


def test_the_library_makes_what_the_command_makes(shots: list[Path], made: Path) -> None:
    photos = [Photo(f.name, "0" * 64, cv2.imread(str(f), cv2.IMREAD_GRAYSCALE)) for f in shots]
    again, _ = calibrate(photos, TARGET, plane=0, now=datetime.now(UTC))
    assert again.px_per_mm == pytest.approx(load_calibration(made).px_per_mm, rel=1e-6)


def test_a_calibration_is_rehearsed_without_a_camera(tmp_path: Path) -> None:
    run, shots, made = CliRunner().invoke, tmp_path / "shots", tmp_path / "line.json"
    assert run(app, ["rehearse", str(shots), "--width", "512", "--height", "512"]).exit_code == 0
    views = sorted(map(str, shots.glob("view-*.png")))
    assert len(views) == 11
    solved = run(app, ["solve", *views, "--plane", views[0], "--square-mm", "7", "--out", str(made)])
    assert solved.exit_code == 0, solved.output
    certified = str(shots / "certified.png")
    assert run(app, ["verify", str(made), certified, "--square-mm", "5", "--limit-um", "40"]).exit_code == 0
    assert run(app, ["verify", str(made), certified, "--square-mm", "5.02", "--limit-um", "40"]).exit_code == 1
