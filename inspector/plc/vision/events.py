"""What the vision system says, as events (from Server and from the instance) and variables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from asyncua import ua
from asyncua.common.events import Event

from inspector.plc.vision.facts import node_set
from inspector.plc.vision.instance import RECIPES, ROOT, Instance
from inspector.plc.vision.machine import Machine, Mode, State
from inspector.plc.vision.notices import Entered, Message, Notice, Prepared, ResultMade
from inspector.plc.vision.results import Result

__all__ = ["Announcer", "Identity"]

OUTER = f"{ROOT}.VisionStateMachine"
INNER = f"{OUTER}.AutomaticModeStateMachine"
_JOB_EVENTS = frozenset({"JobStartedEventType", "ReadyEventType"})
_SEVERITIES = {"ErrorEventType": 700, "ErrorResolvedEventType": 300}
_SYSTEM_STATES = {
    Mode.SINGLE_EXECUTION: "PRD_1",
    Mode.CONTINUOUS_EXECUTION: "PRD_1",
    Mode.READY: "SBY_2",
    Mode.INITIALIZED: "SBY_2",
    State.PREOPERATIONAL: "ENG_3",
    State.HALTED: "SDT_4",
    State.ERROR: "UDT_5",
}

Fields = Mapping[str, tuple[Any, ua.VariantType]]


class Identity:
    """Names of recipes and of the configuration, with the hash of what is behind each, as the standard's structures.

    Parameters
    ----------
    hashes
        SHA-256, hexadecimal, of each recipe.
    configuration
        Name and hash of the line's description.
    """

    def __init__(self, hashes: Mapping[str, str], configuration: tuple[str, str]) -> None:
        self._hashes, self._configuration = dict(hashes), configuration
        self.recipes = tuple(hashes)
        self.configuration = configuration[0]

    def external(self, instance: Instance, recipe: str) -> Any:
        """Return the plant's name of a recipe."""
        return instance.structure("RecipeIdExternalDataType", Id=recipe)

    def internal(self, instance: Instance, recipe: str) -> Any:
        """Return our own name of a recipe."""
        return _hashed(instance, "RecipeIdInternalDataType", recipe, self._hashes.get(recipe, ""))

    def configured(self, instance: Instance) -> Any:
        """Return the name of the configuration."""
        return _hashed(instance, "ConfigurationIdDataType", *self._configuration)


def _hashed(instance: Instance, kind: str, name: str, digest: str) -> Any:
    if not digest:
        return instance.structure(kind, Id=name)
    return instance.structure(kind, Id=name, Hash=bytes.fromhex(digest), HashAlgorithm="SHA-256")


_ABOVE = {
    "TransitionEventType": ("BaseEventType",),
    "AcknowledgeableConditionType": ("ConditionType", "BaseEventType"),
}
"""The standard's own event types that types of the node set stand on, and what is above them."""


class _EventType(ua.NodeId):
    """An event type that equals its supertypes too: the library compares the operator OfType exactly."""

    above: frozenset[ua.NodeId]

    @classmethod
    def of(cls, instance: Instance, name: str) -> _EventType:
        """Return the type of this name."""
        made, facts = instance.made, node_set()
        names, base = [], facts.types[name].parent.target
        while isinstance(base, int):
            names.append(facts.nodes[base].name)
            base = facts.nodes[base].parent.target
        names += (base, *_ABOVE.get(base, ()))
        own = made.type_id(name)
        kind = cls(own.Identifier, own.NamespaceIndex, own.NodeIdType)
        kind.above = frozenset(map(made.type_id, names))
        return kind

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) or other in self.above

    __hash__ = ua.NodeId.__hash__

    def __deepcopy__(self, memo: object) -> ua.NodeId:
        return ua.NodeId(self.Identifier, self.NamespaceIndex, self.NodeIdType)


class Announcer:
    """Tells clients what happened."""

    def __init__(self, instance: Instance, identity: Identity) -> None:
        self._instance, self._identity = instance, identity
        self._kinds: dict[str, _EventType] = {}

    async def tell(self, notice: Notice) -> None:
        """Raise the events of this notice."""
        match notice:
            case Entered():
                await self._entered(notice)
            case ResultMade(result=result):
                await self._raise("ResultReadyEventType", ROOT, f"result {result.id}", self._result(result))
            case Prepared(recipe=recipe):
                fields = {
                    "InternalId": _structure(self._identity.internal(self._instance, recipe)),
                    "ExternalId": _structure(self._identity.external(self._instance, recipe)),
                    "ProductId": _structure(self._instance.structure("ProductIdDataType")),
                }
                await self._raise("RecipePreparedEventType", ROOT, f"recipe {recipe} is prepared", fields)
            case Message():
                await self._message(notice)

    async def show(self, machine: Machine, prepared: Mapping[str, None]) -> None:
        """Write the variables that say where the system stands."""
        instance = self._instance
        await self._show_state(OUTER, machine.state)
        if machine.mode is None:
            await instance.write_inactive(f"{INNER}.CurrentState")
            await instance.write_inactive(f"{INNER}.CurrentState.Id")
        else:
            await self._show_state(INNER, machine.mode)
        state = instance.structure(
            "SystemStateDescriptionDataType",
            State=instance.made.classes["SystemStateDataType"][_SYSTEM_STATES[machine.mode or machine.state]],
            StateDescription=str(machine.mode or machine.state),
        )
        await instance.write(f"{ROOT}.SystemState", state, ua.VariantType.ExtensionObject)
        for recipe in self._identity.recipes:
            path = f"{RECIPES}.{recipe}.IsPrepared"
            await instance.write(path, recipe in prepared, ua.VariantType.Boolean)

    async def show_fixed(self, since: datetime) -> None:
        """Write the variables that never change: names of recipes and configuration."""
        instance, identity, extension = self._instance, self._identity, ua.VariantType.ExtensionObject
        for recipe in identity.recipes:
            path = f"{RECIPES}.{recipe}"
            await instance.write(f"{path}.InternalId", identity.internal(instance, recipe), extension)
            await instance.write(f"{path}.ExternalId", identity.external(instance, recipe), extension)
            await instance.write(f"{path}.LastModified", since, ua.VariantType.DateTime)
        active = self.configuration(since)
        await instance.write(f"{ROOT}.ConfigurationManagement.ActiveConfiguration", active, extension)

    def configuration(self, since: datetime) -> Any:
        """Return the configuration as the standard's structure."""
        own = self._identity.configured(self._instance)
        return self._instance.structure(
            "ConfigurationDataType", HasTransferableDataOnFile=False, ExternalId=own, InternalId=own, LastModified=since
        )

    async def _show_state(self, path: str, state: State | Mode) -> None:
        shown = f"{path}.CurrentState"
        await self._instance.write(shown, ua.LocalizedText(ua.String(state)), ua.VariantType.LocalizedText)
        await self._instance.write(f"{shown}.Id", self._state_id(state), ua.VariantType.NodeId)

    def _state_id(self, state: str) -> ua.NodeId:
        kind = "VisionAutomaticModeStateMachineType" if state in set(Mode) else "VisionStateMachineType"
        facts = node_set()
        return self._instance.made.node_id(facts.member(facts.types[kind].id, state).id)

    # --- events -------------------------------------------------------------------------------------------

    async def _entered(self, notice: Entered) -> None:
        step = notice.step
        path = INNER if step.inner else OUTER
        fields = {
            "Transition": _text(step.transition.name),
            "Transition/Id": (self._instance.made.node_id(step.transition.id), ua.VariantType.NodeId),
            "Transition/Number": (step.transition.number, ua.VariantType.UInt32),
            "FromState": _text(step.source),
            "FromState/Id": (self._state_id(step.source), ua.VariantType.NodeId),
            "ToState": _text(step.target),
            "ToState/Id": (self._state_id(step.target), ua.VariantType.NodeId),
        }
        job = {"JobId": _structure(self._instance.structure("JobIdDataType", Id=notice.job))}
        for effect in sorted(step.effects - {"RecipePreparedEventType"}):
            said = job if effect in _JOB_EVENTS else fields
            await self._raise(effect, path, f"{step.source} to {step.target}: {notice.text}", said)

    async def _message(self, notice: Message) -> None:
        confirmed = ua.LocalizedText(ua.String("Confirmed" if notice.confirmed else "Unconfirmed"), ua.String("en"))
        acked = ua.LocalizedText(ua.String("Acknowledged" if notice.confirmed else "Unacknowledged"), ua.String("en"))
        enabled, boolean = ua.LocalizedText(ua.String("Enabled"), ua.String("en")), ua.VariantType.Boolean
        severity = 700 if notice.active else 300
        fields: dict[str, tuple[Any, ua.VariantType]] = {
            "NodeId": (self._instance.node_id(f"{ROOT}.Condition.{notice.name}"), ua.VariantType.NodeId),
            "ConditionClassId": (ua.NodeId(ua.Int32(ua.ObjectIds.ProcessConditionClassType)), ua.VariantType.NodeId),
            "ConditionClassName": _text("ProcessConditionClassType"),
            "ConditionName": (notice.name, ua.VariantType.String),
            "BranchId": (ua.NodeId(), ua.VariantType.NodeId),
            "Retain": (notice.active or not notice.confirmed, boolean),
            "EnabledState": (enabled, ua.VariantType.LocalizedText),
            "EnabledState/Id": (True, boolean),
            "Quality": (ua.StatusCode(), ua.VariantType.StatusCode),
            "Quality/SourceTimestamp": (datetime.now(UTC), ua.VariantType.DateTime),
            "LastSeverity": (severity, ua.VariantType.UInt16),
            "LastSeverity/SourceTimestamp": (datetime.now(UTC), ua.VariantType.DateTime),
            "Comment": _text(notice.comment),
            "Comment/SourceTimestamp": (datetime.now(UTC), ua.VariantType.DateTime),
            "ClientUserId": ("", ua.VariantType.String),
            "AckedState": (acked, ua.VariantType.LocalizedText),
            "AckedState/Id": (notice.confirmed, boolean),
            "ConfirmedState": (confirmed, ua.VariantType.LocalizedText),
            "ConfirmedState/Id": (notice.confirmed, boolean),
            "BlockReaction": (notice.active, boolean),
            "StopReaction": (notice.active, boolean),
            "CausePath": (notice.name, ua.VariantType.String),
            "ErrorString": (notice.text, ua.VariantType.String),
        }
        kind = "VisionWarningConditionType" if notice.passing else "VisionErrorConditionType"
        await self._raise(kind, ROOT, notice.text, fields, severity=severity)

    def _result(self, result: Result) -> Fields:
        fields = self.result_fields(result)
        kinds = {
            "IsPartial": ua.VariantType.Boolean,
            "IsSimulated": ua.VariantType.Boolean,
            "ResultState": ua.VariantType.Int32,
            "CreationTime": ua.VariantType.DateTime,
            "ResultContent": ua.VariantType.Variant,
        }
        return {
            name: (value, kinds.get(name, ua.VariantType.ExtensionObject))
            for name, value in fields.items()
            if name != "HasTransferableDataOnFile"
        }

    def result_fields(self, result: Result) -> dict[str, Any]:
        """Return the fields of ResultDataType, in its order."""
        make, identity, instance = self._instance.structure, self._identity, self._instance
        configured = identity.configured(instance)
        duration = result.processing_ms
        return {
            "ResultId": make("ResultIdDataType", Id=result.id),
            "HasTransferableDataOnFile": False,
            "IsPartial": False,
            "IsSimulated": result.simulated,
            "ResultState": int(result.state),
            "MeasId": make("MeasIdDataType", Id=result.meas),
            "PartId": make("PartIdDataType", Id=result.part),
            "ExternalRecipeId": identity.external(instance, result.recipe),
            "InternalRecipeId": identity.internal(instance, result.recipe),
            "ProductId": make("ProductIdDataType", Id=result.product),
            "ExternalConfigurationId": configured,
            "InternalConfigurationId": configured,
            "JobId": make("JobIdDataType", Id=result.job),
            "CreationTime": result.created,
            "ProcessingTimes": make(
                "ProcessingTimesDataType",
                StartTime=result.started,
                EndTime=result.created,
                ProcessingDuration=duration,
            ),
            "ResultContent": [ua.Variant(result.content, ua.VariantType.String)] if result.content else [],
        }

    async def _raise(self, kind: str, path: str, text: str, fields: Fields, *, severity: int = 0) -> None:
        now = datetime.now(UTC)
        number = uuid4().bytes
        if kind not in self._kinds:
            self._kinds[kind] = _EventType.of(self._instance, kind)
        # The server's comes last: it is the one that the library repeats at a ConditionRefresh.
        for emitting in (self._instance.node_id(ROOT), ua.NodeId(ua.Int32(ua.ObjectIds.Server))):
            event = Event(emitting)
            event.add_property("EventId", number, ua.VariantType.ByteString)
            event.add_property("EventType", self._kinds[kind], ua.VariantType.NodeId)
            event.add_property("SourceNode", self._instance.node_id(path), ua.VariantType.NodeId)
            event.add_property("SourceName", path.rpartition(".")[2], ua.VariantType.String)
            event.add_property("Time", now, ua.VariantType.DateTime)
            event.add_property("ReceiveTime", now, ua.VariantType.DateTime)
            event.add_property("LocalTime", ua.TimeZoneDataType(), ua.VariantType.ExtensionObject)
            event.add_property("Message", ua.LocalizedText(ua.String(text), ua.String("en")), _LOCALIZED)
            event.add_property("Severity", severity or _SEVERITIES.get(kind, 100), ua.VariantType.UInt16)
            for name, (value, variant) in fields.items():
                event.add_property(name, value, variant)
            await self._instance.server.iserver.subscription_service.trigger_event(event)


_LOCALIZED = ua.VariantType.LocalizedText


def _text(text: str) -> tuple[ua.LocalizedText, ua.VariantType]:
    return ua.LocalizedText(ua.String(text)), _LOCALIZED


def _structure(value: Any) -> tuple[Any, ua.VariantType]:
    return value, ua.VariantType.ExtensionObject
