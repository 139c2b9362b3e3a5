"""A line's YAML file -> settings, or everything that is wrong with the file."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from inspector.domain import SettingsError
from inspector.settings.cameras import CameraWatch, VideoCamera
from inspector.settings.challenge import Challenge
from inspector.settings.detectors import AnyDetector, Detector, GoldenImages, GoldenSettings, PresenceSettings
from inspector.settings.document import parse
from inspector.settings.explain import Finding, explain, spelled
from inspector.settings.filechecks import missing_files
from inspector.settings.language import below, search_below
from inspector.settings.line import LineSettings
from inspector.settings.links import MqttMes
from inspector.settings.plc import OpcUaPlc, OpcUaServerPlc, PlcUser
from inspector.settings.shifts import Shifts
from inspector.settings.training import Training
from inspector.settings.views import OWN, AnyCamera, SeveralViews
from inspector.settings.vision import FolderCamera, Gauging, RealSenseCamera
from inspector.settings.voice import voice_below

Images = TypeVar("Images", bound=GoldenImages)

MAX_BYTES = 1_000_000
DATA_VARIABLE = "INSPECTOR_DATA"
PLC_FILES = ("password_file", "certificate", "key", "trust", "user_certificate", "user_key")


def data_folder() -> Path:
    """Return the folder that everything is written to: $INSPECTOR_DATA, else ``var`` in the working directory."""
    return Path(os.environ.get(DATA_VARIABLE) or "var").expanduser().absolute()


def load_line(path: str | Path, *, data: Path | None = None) -> LineSettings:
    """Return the settings of a line with every path absolute.

    What the line reads lies relative to its file; what it writes lies relative to ``data`` (default:
    ``data_folder()``). Raises ``SettingsError``, which names the first mistake and how many more there are.
    """
    settings, findings = _read(Path(path))
    if settings is None or findings:
        more = len(findings) - 1
        others = f" (and {more} more mistake{'s' * (more > 1)})" if more else ""
        hint = f" 'inspector check {path}' lists all of them." if more else ""
        raise SettingsError(f"{findings[0]}{others}", remedy=f"{findings[0].remedy}{hint}")
    return settle(settings, Path(path).absolute().parent, data_folder() if data is None else data.absolute())


def check_line(path: str | Path) -> list[Finding]:
    """Return every mistake in a line's file, in the order of the file; empty where it is valid.

    Pictures and calibrations that it names have to be there; a line on its way to another machine may be without them,
    so that ``load_line`` leaves this to who reads them.
    """
    return _read(Path(path), files=True)[1]


def settle(settings: LineSettings, folder: Path, data: Path) -> LineSettings:
    """Return the settings with absolute paths: inputs below ``folder``, outputs below ``data``."""
    mes, store = settings.mes, settings.store
    found = tuple(_settled(detector, folder) for detector in settings.detectors)
    detector = found if isinstance(settings.detector, tuple) else found[0]
    calibration = settings.calibration
    if calibration.file is not None:
        calibration = calibration.model_copy(update={"file": _below(folder, calibration.file)})
    if isinstance(mes, MqttMes):
        named = {key: getattr(mes, key) for key in ("password_file", "ca_file", "cert_file", "key_file")}
        mes = mes.model_copy(update={key: _below(folder, path) for key, path in named.items() if path is not None})
    plc = settings.plc
    if isinstance(plc, (OpcUaPlc, OpcUaServerPlc)):
        named = {key: getattr(plc, key, None) for key in PLC_FILES}
        plc = plc.model_copy(update={key: _below(folder, path) for key, path in named.items() if path is not None})
    if isinstance(plc, OpcUaServerPlc):
        users = {name: _settled_user(user, folder) for name, user in plc.users.items()}
        plc = plc.model_copy(update={"users": users})
    if store.password_file is not None:
        store = store.model_copy(update={"password_file": _below(folder, store.password_file)})
    own = data / settings.line
    url = store.url or f"sqlite:///{own / 'record.db'}"
    if url.startswith("sqlite:"):
        url = f"sqlite:///{_below(data, Path(url.removeprefix('sqlite:///')))}"
    images = store.images.model_copy(update={"folder": _below(data, store.images.folder or own / "images")})
    store = store.model_copy(update={"url": url, "images": images})
    settled: dict[str, object] = {
        "challenge": _settled_challenge(settings, folder),
        "camera_watch": _settled_watch(settings, folder),
        "language": below(settings.language, folder),
        "search": search_below(settings.search, folder),
        "shifts": _settled_shifts(settings, folder),
    }
    settled |= {"voice": voice_below(settings.voice, folder)}
    settled |= {"gauging": _settled_gauging(settings.gauging, folder)}
    settled |= {"camera": _settled_camera(settings, folder, data), "calibration": calibration, "detector": detector}
    settled |= {"mes": mes, "store": store, "plc": plc, "training": _settled_training(settings, folder)}
    return settings.model_copy(update=settled)


def _settled_camera(settings: LineSettings, folder: Path, data: Path) -> AnyCamera:
    camera = settings.camera
    match camera:
        case SeveralViews():
            return _settled_views(settings, camera, folder, data)
        case FolderCamera():
            return camera.model_copy(update={"path": _below(folder, camera.path)})
        case RealSenseCamera() if camera.recording is not None:
            return camera.model_copy(update={"recording": _below(folder, camera.recording)})
        case VideoCamera():
            named = {key: getattr(camera, key) for key in ("file", "password_file")}
            return camera.model_copy(
                update={key: _below(folder, path) for key, path in named.items() if path is not None}
            )
        case _:
            return camera


def _settled_views(settings: LineSettings, camera: SeveralViews, folder: Path, data: Path) -> SeveralViews:
    views = dict(camera.views)
    for name, line in settings.views.items():
        seen = settle(line, folder, data)
        own = [key for key in OWN if getattr(views[name], key) is not None]
        views[name] = views[name].model_copy(update={key: getattr(seen, key) for key in ("camera", *own)})
    return camera.model_copy(update={"views": views})


def _settled_gauging(gauging: Gauging, folder: Path) -> Gauging:
    features = gauging.features
    if features is None or features.datum is None or features.datum.image is None:
        return gauging
    datum = features.datum.model_copy(update={"image": _below(folder, features.datum.image)})
    return gauging.model_copy(update={"features": features.model_copy(update={"datum": datum})})


def _settled_watch(settings: LineSettings, folder: Path) -> CameraWatch | None:
    watch = settings.camera_watch
    return None if watch is None else watch.model_copy(update={"golden": _below(folder, watch.golden)})


def _settled_challenge(settings: LineSettings, folder: Path) -> Challenge | None:
    challenge = settings.challenge
    if challenge is None:
        return None
    samples = [one.model_copy(update={"image": _below(folder, one.image)}) for one in challenge.samples]
    return challenge.model_copy(update={"samples": tuple(samples)})


def _settled_shifts(settings: LineSettings, folder: Path) -> Shifts | None:
    shifts = settings.shifts
    if shifts is None or shifts.mail is None:
        return shifts
    named = {key: getattr(shifts.mail, key) for key in ("password_file", "ca_file")}
    mail = shifts.mail.model_copy(update={key: _below(folder, path) for key, path in named.items() if path is not None})
    return shifts.model_copy(update={"mail": mail})


def _settled(detector: AnyDetector, folder: Path) -> AnyDetector:
    match detector:
        case Detector():
            model = str(_below(folder, Path(detector.model))) if "/" in detector.model else detector.model
            golden = None if detector.golden is None else _settled_images(detector.golden, folder)
            if golden is not None and golden.folder is not None:
                golden = golden.model_copy(update={"folder": _below(folder, golden.folder)})
            return detector.model_copy(update={"model": model, "golden": golden})
        case GoldenSettings():
            return _settled_images(detector, folder)
        case PresenceSettings():
            return detector.model_copy(update={"image": _below(folder, detector.image)})
        case _:
            return detector


def _settled_images(golden: Images, folder: Path) -> Images:
    image = None if golden.image is None else _below(folder, golden.image)
    recipes = {name: _below(folder, path) for name, path in golden.recipes.items()}
    return golden.model_copy(update={"image": image, "recipes": recipes})


def _settled_training(settings: LineSettings, folder: Path) -> Training | None:
    training = settings.training
    if training is None:
        return None
    named = {key: getattr(training, key) for key in ("data", "model", "start_from", "teacher")}
    if training.model is None:
        own = [Path(each.model) for each in settings.detectors if isinstance(each, Detector) and "/" in each.model]
        named["model"] = own[0] if own else None
    settled: dict[str, Any] = {key: _below(folder, path) for key, path in named.items() if path is not None}
    if (more := training.pseudo_labels) is not None:
        settled["pseudo_labels"] = more.model_copy(update={"images": _below(folder, more.images)})
    return training.model_copy(update=settled)


def _settled_user(user: PlcUser, folder: Path) -> PlcUser:
    named = {key: getattr(user, key) for key in ("password_file", "certificates")}
    return user.model_copy(update={key: _below(folder, path) for key, path in named.items() if path is not None})


def _below(folder: Path, path: Path) -> Path:
    return Path(os.path.normpath(folder / path.expanduser()))


def _read(path: Path, *, files: bool = False) -> tuple[LineSettings | None, list[Finding]]:
    text = _text(path)
    if isinstance(text, Finding):
        return None, [text]
    file, document = str(path), parse(text)
    flaws = [
        Finding(file, flaw.place.line, flaw.place.column, spelled(flaw.path), flaw.problem, flaw.remedy)
        for flaw in document.flaws
    ]
    if not document.readable:
        return None, flaws
    if document.data is None:
        return None, [_whole(path, "the file is empty", "Start from one of the files in line_configs/.")]
    try:
        settings = LineSettings.model_validate(document.data)
    except ValidationError as error:
        return None, sorted([*flaws, *explain(error, document, file)])
    for loc, missing in missing_files(settings, path.absolute().parent) if files else ():
        place = document.value_place(loc)
        remedy = "Put the file there, or correct the path, which is relative to this file."
        flaws.append(Finding(file, place.line, place.column, spelled(loc), f"there is no {missing}", remedy))
    return settings, sorted(flaws)


def _text(path: Path) -> str | Finding:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return _whole(path, "there is no such file", _nearby(path))
    except IsADirectoryError:
        return _whole(path, "this is a folder, not a file", _nearby(path / "line.yaml"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return _whole(path, f"the file cannot be read: {reason}", "Check the path and who may read it.")
    if len(raw) > MAX_BYTES:
        return _whole(path, f"the file has {len(raw)} bytes, more than {MAX_BYTES}", "Name the YAML file of a line.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        column = error.start - (before.rfind(b"\n") + 1) + 1
        return Finding(
            str(path),
            before.count(b"\n") + 1,
            column,
            "",
            f"the file is not UTF-8: byte 0x{raw[error.start]:02x}",
            "Save it with the encoding UTF-8.",
        )


def _nearby(path: Path) -> str:
    folder = path.parent
    names = sorted(file.name for file in folder.glob("*.y*ml")) if folder.is_dir() else []
    if not names:
        return "Name the YAML file of a line, such as line_configs/virtual-board.yaml."
    near = difflib.get_close_matches(path.name, names, n=1)
    first = f"Did you mean '{folder / near[0]}'? " if near else ""
    return f"{first}In {folder}/ there are: {', '.join(names)}."


def _whole(path: Path, problem: str, remedy: str) -> Finding:
    return Finding(str(path), 1, 1, "", problem, remedy)
