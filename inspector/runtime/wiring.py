"""The only module that names concrete classes: a line's settings become its objects."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from hmi import build_pages
from inspector.capture import FolderCamera
from inspector.capture.realsense import PipelineSource, RealSenseCamera
from inspector.capture.virtual import VirtualBoardCamera
from inspector.detection import LineDetector, find_model
from inspector.domain import (
    Accounts,
    Camera,
    ConfigurationError,
    Decision,
    Disposition,
    FaultCode,
    Gauge,
    InspectionReport,
    LampState,
    LineStatus,
    Measurement,
    OutboxMessage,
    Outcome,
    Picture,
    Queue,
    RecordReader,
    ReviewDesk,
    SpecLimits,
)
from inspector.gauging import (
    BoxGauge,
    CalibratedGauge,
    Calibration,
    DepthGauge,
    Plane,
    RelativeEffects,
    SubpixelGauge,
    UniformPlane,
    load_calibration,
)
from inspector.gauging import Zone as GaugeZone
from inspector.judgement import Recipe, Rule, RuleJudge, effective_rules
from inspector.language import DEFAULT_GLOSSARY
from inspector.language import ReportAuthor as LineAuthor
from inspector.language.advice import DispositionAdvisor, Envelope, PolicyRule, Release
from inspector.language.card import load_writer
from inspector.language.embedded import EmbeddedEngine
from inspector.language.endpoint import EndpointEngine
from inspector.mes.consumer import MessageCounter
from inspector.mes.events import EventMessages
from inspector.mes.inbound import Inbound
from inspector.mes.messages import ResultMessages, Versioned
from inspector.mes.mqtt import MqttLink, Presence
from inspector.mes.orders import Order
from inspector.mes.relay import OutboxRelay
from inspector.mes.topics import Source, Topics
from inspector.plc.client import OpcUaHandshake, Updates
from inspector.plc.guarded_server import Account, Role, ServerSecurity
from inspector.plc.security import CertificateUser, ClientSecurity, Mode, PasswordUser, Policy
from inspector.plc.server import OpcUaServerHandshake
from inspector.plc.source import Handshake
from inspector.runtime.clerk import LineClerk
from inspector.runtime.control import Control, ControlFollower
from inspector.runtime.detectors import classes_of, open_detector
from inspector.runtime.office import Compose
from inspector.runtime.spool import Spool
from inspector.settings import (
    EmbeddedLanguage,
    EndpointLanguage,
    Identity,
    LineSettings,
    ModbusPlc,
    OpcUaPlc,
    OpcUaServerPlc,
)
from inspector.settings import FolderCamera as FolderSettings
from inspector.settings import RealSenseCamera as RealSenseSettings
from inspector.settings import Recipe as RecipeSettings
from inspector.settings import VirtualCamera as VirtualSettings
from inspector.store import Database, ImageArchive, Ledger, RecordStore, SqlOutbox
from inspector.web import Gate, LiveBoard, serve

__all__ = [
    "Broker",
    "Relay",
    "build_advisor",
    "build_author",
    "build_board",
    "build_calibration",
    "build_camera",
    "build_clerk",
    "build_commands",
    "build_composer",
    "build_counter",
    "build_detector",
    "build_disposer",
    "build_gauge",
    "build_judge",
    "build_recipe",
    "build_record",
    "build_relay",
    "build_spool",
    "build_trigger_source",
    "build_virtual_camera",
    "defect_codes",
    "hash_of",
    "limits_of",
    "result_topic",
    "serve_screen",
]


UNKNOWN_BLUR_PX = 0.03  # standard uncertainty of an edge blur that a person wrote down


# --- the verdict path -------------------------------------------------------------------------------------


def build_camera(settings: LineSettings) -> Camera:
    """Return the line's camera; raises ``ConfigurationError``."""
    camera = settings.camera
    if isinstance(camera, FolderSettings):
        size = (camera.expect.width, camera.expect.height) if camera.expect else None
        return FolderCamera(
            camera.path, order=camera.order, seed=camera.seed, pace_s=camera.pace_s, loop=camera.loop, size=size
        )
    if isinstance(camera, RealSenseSettings):
        source = PipelineSource(
            serial=camera.serial,
            size=(camera.width, camera.height),
            fps=camera.fps,
            depth_unit_mm=camera.depth_unit_mm,
            recording=camera.recording,
        )
        expected = (camera.width, camera.height)
        return RealSenseCamera(source, average=camera.average, size=expected, timeout_s=camera.timeout_s)
    virtual = build_virtual_camera(camera)
    virtual.warm_up()
    return virtual


def build_virtual_camera(camera: VirtualSettings) -> VirtualBoardCamera:
    """Return a camera that draws boards; its designs are drawn at the first use."""
    return VirtualBoardCamera(
        seed=camera.seed,
        px_per_mm=camera.px_per_mm,
        width=camera.width,
        height=camera.height,
        defect_rate=camera.defect_rate,
        min_defect_mm=camera.min_defect_mm,
        max_defect_mm=camera.max_defect_mm,
        layouts=camera.designs,
    )


def build_detector(settings: LineSettings) -> LineDetector:
    """Return the line's detector, its weights proven; raises ``ModelError`` or ``ConfigurationError``."""
    return open_detector(settings, _px_per_mm(settings, build_calibration(settings)))


def _px_per_mm(settings: LineSettings, made: Calibration | None) -> float:
    px_per_mm = made.px_per_mm if made else settings.calibration.px_per_mm
    if px_per_mm is None:
        raise ConfigurationError("calibration: there is no scale", remedy="Add 'px_per_mm:' or 'file:'")
    return px_per_mm


def build_gauge(settings: LineSettings, margins_px: Mapping[str, float]) -> Gauge:
    """Return the line's gauge; boxes are larger than the defect by these margins, by class.

    Raises ``ConfigurationError`` where the calibration does not hold.
    """
    scale, how = settings.calibration, settings.gauging
    made = build_calibration(settings)
    px_per_mm = _px_per_mm(settings, made)
    distance = how.working_distance_mm or (made.working_distance_mm if made else 0.0)
    effects = RelativeEffects(
        scale=made.scale_uncertainty if made else scale.scale_uncertainty,
        off_plane_mm=how.off_plane_mm,
        working_distance_mm=distance,
        temperature_span_k=how.temperature_span_k,
        expansion_per_k=how.expansion_ppm_per_k * 1e-6,
    )
    zones = [GaugeZone(zone.name, zone.box_mm) for zone in settings.zones]
    plane: Plane = made or UniformPlane(px_per_mm)
    box = BoxGauge(
        px_per_mm=px_per_mm,
        scale_uncertainty=effects.combined,
        edge_uncertainty_px=scale.edge_uncertainty_px,
        box_margin_px=margins_px,
        zones=zones,
        plane=plane,
    )
    gauge: Gauge = box
    if how.method == "subpixel":
        blur = how.edge_sigma_px or (made.edge_sigma_px if made else None)
        if blur is None:
            raise ConfigurationError("gauging: the edge blur is not known", remedy="Add 'edge_sigma_px:'")
        measured = made.edge_sigma_uncertainty_px if made and how.edge_sigma_px is None else UNKNOWN_BLUR_PX
        doubt = how.edge_sigma_uncertainty_px
        gauge = SubpixelGauge(
            box=box,
            plane=plane,
            edge_sigma_px=blur,
            edge_sigma_uncertainty_px=measured if doubt is None else doubt,
            repeatability_px=how.repeatability_px,
            effects=effects,
            zones=zones,
        )
    if isinstance(settings.camera, RealSenseSettings):
        gauge = DepthGauge(gauge, depth_uncertainty=how.depth_uncertainty, smallest_mm=how.depth_floor_mm)
    return CalibratedGauge(gauge, made) if made else gauge


def build_calibration(settings: LineSettings) -> Calibration | None:
    """Return the line's calibration file, None where it has a scale only; raises ``ConfigurationError``."""
    file, camera = settings.calibration.file, settings.camera
    if file is None:
        return None
    calibration = load_calibration(file)
    size = camera.expect if isinstance(camera, FolderSettings) else camera
    width, height = (size.width, size.height) if size else (None, None)
    calibration.require_valid(datetime.now(UTC), width, height)
    return calibration


def build_judge(settings: LineSettings) -> RuleJudge:
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
) -> Handshake:
    """Return the line's side of the handshake with the PLC at ``url``; raises ``ConfigurationError``.

    In server role ``url`` is where to listen. Another ``url`` than the line's own is that of a simulated PLC, which
    is not secured.
    """
    plc = settings.plc
    common: dict[str, Any] = {
        "station": settings.station,
        "recipes": {recipe.id: name for name, recipe in settings.recipes.items()},
        "default_recipe": settings.active_recipe.id,
        "defect_codes": defect_codes(settings),
        "poll_ms": plc.poll_ms,
        "heartbeat_ms": plc.heartbeat_ms,
        "timeout_s": plc.timeout_s,
        "on_lamp": on_lamp,
    }
    if isinstance(plc, OpcUaServerPlc) and plc.url == url:
        return OpcUaServerHandshake(url, security=_server_security(plc), **common)
    if isinstance(plc, ModbusPlc) and plc.url == url:
        return _modbus(plc, common)
    if not isinstance(plc, OpcUaPlc) or plc.url != url:
        return OpcUaHandshake(url, nodes=nodes, **common)
    return OpcUaHandshake(
        url,
        nodes=nodes,
        namespace_uri=plc.namespace_uri,
        absent=plc.absent,
        updates=Updates(plc.updates),
        security=_plc_security(plc),
        user=_plc_user(plc),
        **common,
    )


def _modbus(plc: ModbusPlc, common: dict[str, Any]) -> Handshake:
    try:
        from inspector.plc.modbus import ModbusHandshake
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "plc.kind: modbus-tcp needs a library that is not installed",
            remedy="Install it with: pip install 'line-inspector[modbus]'",
        ) from error
    return ModbusHandshake(
        plc.host,
        port=plc.port,
        device_id=plc.device_id,
        plc_address=plc.plc_address,
        line_address=plc.line_address,
        **common,
    )


def _plc_security(plc: OpcUaPlc) -> ClientSecurity | None:
    if plc.security == "none" or plc.certificate is None or plc.key is None or plc.trust is None:
        return None
    return ClientSecurity(plc.certificate, plc.key, plc.trust, Policy(plc.security), Mode(plc.messages))


def _server_security(plc: OpcUaServerPlc) -> ServerSecurity | None:
    if plc.security == "none" or plc.certificate is None or plc.key is None or plc.trust is None:
        return None
    users = {name: Account(Role(user.role), user.password(), user.certificates) for name, user in plc.users.items()}
    return ServerSecurity(
        plc.certificate,
        plc.key,
        plc.trust,
        users,
        policies=(Policy(plc.security),),
        modes=(Mode(plc.messages),),
    )


def _plc_user(plc: OpcUaPlc) -> PasswordUser | CertificateUser | None:
    if plc.user_certificate is not None and plc.user_key is not None:
        return CertificateUser(plc.user_certificate, plc.user_key)
    return PasswordUser(plc.username, plc.password() or "") if plc.username is not None else None


def defect_codes(settings: LineSettings) -> dict[str, int]:
    """Return the DefectCode of each class: the line's own, else its place among the detectors' labels, from 1."""
    if settings.plc.defect_codes:
        return dict(settings.plc.defect_codes)
    return {name: number for number, name in enumerate(classes_of(settings), start=1)}


def build_commands(settings: LineSettings, data: Path) -> ControlFollower:
    """Return where the running line's commands come from."""
    return ControlFollower(data / settings.line)


def build_spool(settings: LineSettings, data: Path) -> Spool:
    """Return the journal between the line and the office."""
    return Spool(data / settings.line / "journal")


# --- the slow path ----------------------------------------------------------------------------------------


def build_record(settings: LineSettings) -> tuple[Database, RecordStore, dict[Queue, SqlOutbox]]:
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
    database = Database(store.url, username=store.username, password=store.password())
    line, station = settings.line, settings.station
    outboxes = {queue: SqlOutbox(database, line=line, station=station, queue=queue) for queue in Queue}
    return database, RecordStore(database, images, line=line, station=station), outboxes


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the MES listens, and how to get in."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def login(self) -> dict[str, Any]:
        """Return how to get in, as a client takes it."""
        return {key.name: getattr(self, key.name) for key in fields(self) if key.name != "url"}


class Relay:
    """The outboxes on their way to the MES; does nothing where the line has none."""

    def __init__(
        self, link: MqttLink | None = None, relays: Sequence[OutboxRelay] = (), inbound: Inbound | None = None
    ) -> None:
        self._link, self._relays, self._inbound = link, tuple(relays), inbound

    def start(self) -> None:
        """Connect and drain."""
        if self._link is None:
            return
        for relay in self._relays:
            self._link.attach(relay)
            relay.start()
        if self._inbound is not None:
            self._link.attach(self._inbound)
            self._inbound.start()
        self._link.start()

    def notify(self) -> None:
        """Say that something new is in an outbox."""
        for relay in self._relays:
            relay.notify()

    def stop(self, drain_s: float) -> None:
        """Let the outboxes drain for this long, then disconnect."""
        deadline = time.monotonic() + drain_s
        for relay in self._relays:
            relay.stop(max(0.0, deadline - time.monotonic()))
        if self._inbound is not None:
            self._inbound.close()
        if self._link is not None:
            self._link.close()


def build_clerk(
    settings: LineSettings, data: Path, database: Database, record: RecordReader, status: Callable[[], LineStatus]
) -> LineClerk:
    """Return who carries out what the MES asks; raises ``StoreError``."""
    return LineClerk(
        control=Control(data / settings.line),
        reader=record,
        ledger=Ledger(database, line=settings.line, station=settings.station),
        recipes=settings.recipes,
        status=status,
    )


def build_relay(
    settings: LineSettings,
    outboxes: Mapping[Queue, SqlOutbox],
    broker: Broker | None,
    clerk: LineClerk,
    *,
    on_lamp: Callable[[LampState], None],
) -> Relay:
    """Return the relay to the broker; raises ``ConfigurationError`` for an address that is none."""
    mes = settings.connected_mes
    if mes is None or broker is None:
        return Relay()
    messages = _messages(settings)
    link = MqttLink(
        broker.url,
        client_id=f"inspector-{settings.line}-{settings.station}",
        presence=Presence(messages.topics.state, messages.state(True), messages.state(False)),
        on_lamp=on_lamp,
        **broker.login(),
    )
    topics = messages.topics
    results = OutboxRelay(
        outboxes[Queue.RESULTS], delivery=mes.delivery, ack_topic=topics.ack, dead_topic=topics.result
    )
    events = OutboxRelay(
        outboxes[Queue.EVENTS], delivery=mes.events, ack_topic=topics.event_ack, dead_topic=topics.fault
    )
    return Relay(link, (results, events), Inbound(messages.source, clerk, allowed=frozenset(mes.commands)))


def build_counter(settings: LineSettings, broker: Broker) -> MessageCounter:
    """Return a consumer of the line's results that counts what truly arrived, and acknowledges where that is due."""
    mes = settings.connected_mes
    return MessageCounter(
        broker.url,
        result_topic(settings),
        client_id=f"counter-{settings.line}",
        ack_topic=Topics(_source(mes.identity)).ack if mes is not None and mes.delivery == "ack" else "",
        **broker.login(),
    )


def build_composer(settings: LineSettings, order: Callable[[], Order | None] = lambda: None) -> Compose:
    """Return what makes the MES messages of a recorded report; ``order`` says what the line makes now."""
    mes = settings.connected_mes
    if mes is None:
        return lambda _report, _disposition, _texts, _picture: ()
    messages = _messages(settings)
    events = EventMessages(messages.source, simulated=settings.simulated)
    send = frozenset(mes.send)

    def compose(
        report: InspectionReport, disposition: Disposition | None, texts: Mapping[str, str], picture: Picture | None
    ) -> Sequence[OutboxMessage]:
        made = [messages.result(report, disposition=disposition, picture=picture, order=order())]
        if "fault" in send and report.verdict.fault is not FaultCode.NONE:
            made.append(events.fault(report))
        if "disposition" in send and disposition is not None:
            made.append(events.disposition(report, disposition))
        if "text" in send and texts:
            made.append(events.text(report, texts))
        return made

    return compose


def build_disposer(settings: LineSettings) -> Callable[[InspectionReport, Disposition], Sequence[OutboxMessage]]:
    """Return what makes the MES messages of a person's decision about a recorded part."""
    mes = settings.connected_mes
    if mes is None or "disposition" not in mes.send:
        return lambda _report, _disposition: ()
    events = EventMessages(_messages(settings).source, simulated=settings.simulated)
    return lambda report, disposition: (events.disposition(report, disposition),)


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
            name: Versioned(id=str(recipe.id), version=name, hash=hash_of(recipe))
            for name, recipe in settings.recipes.items()
        },
        calibration=_calibration_version(settings),
        limits=limits_of(settings),
        defect_codes={name: str(code) for name, code in defect_codes(settings).items()},
    )


def _calibration_version(settings: LineSettings) -> Versioned:
    file = settings.calibration.file
    if file is None:
        return Versioned(id="scale", hash=hash_of(settings.calibration))
    calibration = load_calibration(file)
    return Versioned(id=calibration.id, hash=calibration.sha256)


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


def hash_of(settings: BaseModel) -> str:
    """Return the SHA-256 of a part of a line's description, hexadecimal."""
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
    desk: ReviewDesk | None = None,
    accounts: Accounts | None = None,
) -> None:
    """Serve the operator's pages and the API until told to stop; without ``accounts`` nobody logs in."""
    pages = partial(
        build_pages,
        glossary=DEFAULT_GLOSSARY,
        languages=settings.languages,
        desk=desk,
        who=accounts.who if accounts is not None else None,
    )
    host, port = settings.screen.host, settings.screen.port
    serve(board, record, pages, gate=Gate(accounts), desk=desk, host=host, port=port, on_ready=on_ready, stop=stop)


def build_advisor(settings: LineSettings) -> DispositionAdvisor | None:
    """Return the second opinion on open parts, None where the line allows none; raises ``ConfigurationError``."""
    wanted = settings.disposition
    if not wanted.may_release and not wanted.policy:
        return None
    policy = [
        PolicyRule(Decision[rule.decision.upper()], rule.defect, rule.zone, repeats=rule.repeats, of=rule.of)
        for rule in wanted.policy
    ]
    return DispositionAdvisor(
        Envelope([Release(each.characteristic, each.inside) for each in wanted.may_release], policy)
    )


def build_author(settings: LineSettings) -> LineAuthor:
    """Return who writes the line's reports; raises ``ModelError`` or ``ConfigurationError``."""
    language = settings.language
    if isinstance(language, EmbeddedLanguage):
        engine = EmbeddedEngine(load_writer(find_model(language.model)))
        return LineAuthor(engine, deadline_s=language.deadline_ms / 1000)
    if isinstance(language, EndpointLanguage):
        endpoint = EndpointEngine(language.url, model=language.model, token=language.token())
        return LineAuthor(endpoint, deadline_s=language.deadline_ms / 1000)
    return LineAuthor()
