"""The only module that names concrete classes: a line's settings become its objects."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from hmi import build_pages
from inspector.capture import FolderCamera
from inspector.capture.virtual import VirtualBoardCamera
from inspector.detection import Model, YoloDetector, find_model, load_model, open_backend
from inspector.domain import (
    Camera,
    ConfigurationError,
    Disposition,
    Gauge,
    InspectionReport,
    Judge,
    LampState,
    Measurement,
    ModelError,
    OutboxMessage,
    Outcome,
    RecordReader,
    ReportWriter,
    SpecLimits,
)
from inspector.gauging import BoxGauge
from inspector.gauging import Zone as GaugeZone
from inspector.judgement import Recipe, Rule, RuleJudge, effective_rules
from inspector.language import DEFAULT_GLOSSARY, TemplateWriter
from inspector.mes.consumer import MessageCounter
from inspector.mes.messages import ResultMessages, Source, Topics, Versioned
from inspector.mes.mqtt import MqttLink, Presence
from inspector.mes.relay import OutboxRelay
from inspector.plc.client import OpcUaHandshake
from inspector.runtime.spool import Spool
from inspector.settings import FolderCamera as FolderSettings
from inspector.settings import Identity, LineSettings, OpcUaPlc
from inspector.settings import Recipe as RecipeSettings
from inspector.store import Database, ImageArchive, RecordStore, SqlOutbox
from inspector.web import LiveBoard, serve

__all__ = [
    "Broker",
    "Relay",
    "build_board",
    "build_camera",
    "build_composer",
    "build_counter",
    "build_detector",
    "build_gauge",
    "build_judge",
    "build_recipe",
    "build_record",
    "build_relay",
    "build_spool",
    "build_trigger_source",
    "build_writer",
    "defect_codes",
    "limits_of",
    "result_topic",
    "serve_screen",
]


# --- the verdict path -------------------------------------------------------------------------------------


def build_camera(settings: LineSettings) -> Camera:
    """Return the line's camera; raises ``ConfigurationError``."""
    camera = settings.camera
    if isinstance(camera, FolderSettings):
        size = (camera.expect.width, camera.expect.height) if camera.expect else None
        return FolderCamera(
            camera.path, order=camera.order, seed=camera.seed, pace_s=camera.pace_s, loop=camera.loop, size=size
        )
    virtual = VirtualBoardCamera(
        seed=camera.seed,
        px_per_mm=camera.px_per_mm,
        width=camera.width,
        height=camera.height,
        defect_rate=camera.defect_rate,
        min_defect_mm=camera.min_defect_mm,
        max_defect_mm=camera.max_defect_mm,
    )
    virtual.warm_up()
    return virtual


def build_detector(settings: LineSettings) -> YoloDetector:
    """Return the line's detector, its weights proven; raises ``ModelError`` or ``ConfigurationError``."""
    wanted = settings.detector
    model = load_model(find_model(wanted.model))
    known = set(model.card.classes)
    for name, recipe in settings.recipes.items():
        for number, rule in enumerate(recipe.rules):
            if rule.defect not in known:
                raise ModelError(
                    f"recipes.{name}.rules[{number}].defect: the model {model.card.name} has no class {rule.defect}",
                    remedy=f"Its classes are {', '.join(model.card.classes)}",
                )
    return YoloDetector(model, open_backend(model, wanted.backend, threads=wanted.threads))


def build_gauge(settings: LineSettings, model: Model) -> Gauge:
    """Return the line's gauge; the boxes of ``model`` are larger than the defect by the margin of its card."""
    scale = settings.calibration
    return BoxGauge(
        px_per_mm=scale.px_per_mm,
        scale_uncertainty=scale.scale_uncertainty,
        edge_uncertainty_px=scale.edge_uncertainty_px,
        box_margin_px=model.card.box_margin_px,
        zones=[GaugeZone(zone.name, zone.box_mm) for zone in settings.zones],
    )


def build_judge(settings: LineSettings) -> Judge:
    """Return the line's judge, with every recipe."""
    return RuleJudge([build_recipe(*item) for item in settings.recipes.items()], default=settings.recipe)


def build_recipe(name: str, recipe: RecipeSettings) -> Recipe:
    """Return a recipe of the YAML as the judge reads it."""
    return Recipe(
        name=name,
        id=recipe.id,
        confidence_gate=recipe.confidence_gate,
        unlisted=Outcome[recipe.unlisted.upper()],
        guard_band=recipe.guard_band,
        rules=tuple(
            Rule(
                defect=rule.defect,
                zone=rule.zone,
                allowed=rule.allowed is not False,
                characteristic=rule.characteristic,
                limits=SpecLimits(lower=rule.lsl, upper=rule.usl, nominal=rule.nominal),
            )
            for rule in recipe.rules
        ),
    )


def build_trigger_source(
    settings: LineSettings, *, url: str, nodes: dict[str, str], on_lamp: Callable[[LampState], None]
) -> OpcUaHandshake:
    """Return the line's side of the handshake with the PLC at ``url``."""
    plc = settings.plc
    return OpcUaHandshake(
        url,
        station=settings.station,
        nodes=nodes,
        namespace_uri=plc.namespace_uri if isinstance(plc, OpcUaPlc) else None,
        recipes={recipe.id: name for name, recipe in settings.recipes.items()},
        defect_codes=defect_codes(settings),
        poll_ms=plc.poll_ms,
        heartbeat_ms=plc.heartbeat_ms,
        timeout_s=plc.timeout_s,
        on_lamp=on_lamp,
    )


def defect_codes(settings: LineSettings) -> dict[str, int]:
    """Return the DefectCode of each class: the line's own, else its place in the model's card, from 1."""
    if settings.plc.defect_codes:
        return dict(settings.plc.defect_codes)
    classes = load_model(find_model(settings.detector.model)).card.classes
    return {name: number for number, name in enumerate(classes, start=1)}


def build_spool(settings: LineSettings, data: Path) -> Spool:
    """Return the journal between the line and the office."""
    return Spool(data / settings.line / "journal")


# --- the slow path ----------------------------------------------------------------------------------------


def build_record(settings: LineSettings) -> tuple[Database, RecordStore, SqlOutbox]:
    """Return the record at its newest schema; raises ``StoreError``."""
    store, pictures = settings.store, settings.store.images
    if store.url is None or pictures.folder is None:
        raise ConfigurationError("store: the paths of the record are not settled", remedy="Load the line by load_line")
    images = ImageArchive(
        pictures.folder,
        keep=pictures.keep,
        keep_days=pictures.keep_days,
        min_free_mb=pictures.min_free_mb,
    )
    database = Database(store.url)
    return database, RecordStore(database, images, line=settings.line), SqlOutbox(database)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the MES listens, and how to get in."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    protocol: Literal["auto", "5", "3.1.1"] = "auto"


class Relay:
    """The outbox on its way to the MES; does nothing where the line has none."""

    def __init__(self, relay: OutboxRelay | None = None, link: MqttLink | None = None) -> None:
        self._relay, self._link = relay, link

    def start(self) -> None:
        """Connect and drain."""
        if self._relay is not None and self._link is not None:
            self._link.attach(self._relay)
            self._relay.start()
            self._link.start()

    def notify(self) -> None:
        """Say that something new is in the outbox."""
        if self._relay is not None:
            self._relay.notify()

    def stop(self, drain_s: float) -> None:
        """Let the outbox drain for this long, then disconnect."""
        if self._relay is not None and self._link is not None:
            self._relay.stop(drain_s)
            self._link.close()


def build_relay(
    settings: LineSettings, outbox: SqlOutbox, broker: Broker | None, *, on_lamp: Callable[[LampState], None]
) -> Relay:
    """Return the relay to the broker; raises ``ConfigurationError`` for an address that is none."""
    mes = settings.connected_mes
    if mes is None or broker is None:
        return Relay()
    messages = _messages(settings)
    link = MqttLink(
        broker.url,
        client_id=f"inspector-{settings.line}",
        username=broker.username,
        password=broker.password,
        presence=Presence(messages.topics.state, messages.state(True), messages.state(False)),
        protocol=broker.protocol,
        on_lamp=on_lamp,
    )
    return Relay(OutboxRelay(outbox, delivery=mes.delivery, ack_topic=messages.topics.ack), link)


def build_counter(settings: LineSettings, broker: Broker) -> MessageCounter:
    """Return a consumer of the line's results that counts what truly arrived."""
    return MessageCounter(
        broker.url,
        result_topic(settings),
        client_id=f"counter-{settings.line}",
        username=broker.username,
        password=broker.password,
        protocol=broker.protocol,
    )


def build_composer(
    settings: LineSettings,
) -> Callable[[InspectionReport, Disposition | None], Sequence[OutboxMessage]]:
    """Return what makes the MES messages of a report."""
    if settings.connected_mes is None:
        return lambda _report, _disposition: ()
    messages = _messages(settings)
    return lambda report, disposition: (messages.result(report, disposition=disposition),)


def result_topic(settings: LineSettings) -> str:
    """Return the topic of the results, empty where the line has no MES."""
    mes = settings.connected_mes
    return Topics(_source(mes.identity)).result if mes else ""


def _messages(settings: LineSettings) -> ResultMessages:
    mes = settings.connected_mes
    if mes is None:
        raise ConfigurationError("mes: this line has none", remedy="Give it one of kind mqtt or embedded")
    return ResultMessages(
        _source(mes.identity),
        operation=mes.operation,
        simulated=settings.simulated,
        recipes={
            name: Versioned(id=str(recipe.id), version=name, hash=_hash(recipe))
            for name, recipe in settings.recipes.items()
        },
        calibration=Versioned(id="scale", hash=_hash(settings.calibration)),
        limits=limits_of(settings),
        defect_codes={name: str(code) for name, code in defect_codes(settings).items()},
    )


def limits_of(settings: LineSettings) -> Callable[[str, Measurement], SpecLimits | None]:
    """Return the look-up of the limits that the line's recipe sets for a class, zone and characteristic."""
    rules = build_recipe(settings.recipe, settings.active_recipe).rules

    def look_up(label: str, measurement: Measurement) -> SpecLimits | None:
        for rule in effective_rules(rules, label, measurement.zone):
            if rule.characteristic == measurement.characteristic:
                return rule.limits
        return None

    return look_up


def _source(identity: Identity) -> Source:
    return Source(**identity.model_dump())


def _hash(settings: BaseModel) -> str:
    return sha256(settings.model_dump_json().encode()).hexdigest()


def build_board(settings: LineSettings) -> LiveBoard:
    """Return what the screen reads from."""
    return LiveBoard(line=settings.line, recipe=settings.recipe, simulated=settings.simulated)


def serve_screen(
    settings: LineSettings,
    board: LiveBoard,
    record: RecordReader,
    *,
    stop: threading.Event,
    on_ready: Callable[[str], None],
) -> None:
    """Serve the operator's pages and the API until told to stop."""
    pages = partial(build_pages, glossary=DEFAULT_GLOSSARY, languages=settings.languages)
    serve(board, record, pages, host=settings.screen.host, port=settings.screen.port, on_ready=on_ready, stop=stop)


def build_writer() -> ReportWriter:
    """Return the writer of report texts."""
    return TemplateWriter()
