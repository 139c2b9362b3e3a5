"""The methods of the vision system: arguments checked, then done, and answered with the standard's status codes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from asyncua import ua

from inspector.plc.vision.events import Announcer, Identity
from inspector.plc.vision.facts import Argument, node_set
from inspector.plc.vision.instance import RECIPES, Instance, Method
from inspector.plc.vision.machine import IllegalTransitionError
from inspector.plc.vision.results import Handles, Result
from inspector.plc.vision.system import Refusal, Refused, VisionSystem

__all__ = ["ERRORS", "Calls"]

log = logging.getLogger(__name__)

ERRORS = {refusal: -number for number, refusal in enumerate(Refusal, start=1)}
"""The Error argument: 0 is well, above 0 the standard's (it has none yet), below 0 ours."""

_NUMBERS = {
    "Boolean": ua.VariantType.Boolean,
    "Int32": ua.VariantType.Int32,
    "ResultStateDataType": ua.VariantType.Int32,
    "UInt32": ua.VariantType.UInt32,
    "Handle": ua.VariantType.UInt32,
    "String": ua.VariantType.String,
    "LocalizedText": ua.VariantType.LocalizedText,
    "TriStateBooleanDataType": ua.VariantType.Int32,
    "NodeId": ua.VariantType.NodeId,
    "UtcTime": ua.VariantType.DateTime,
}
_Each = TypeVar("_Each")
_DONT_CARE = 2
_LONGEST_NAME = 256
_LONGEST_TEXT = 4096
_LONGEST_LIST = 100


class _BadArguments(Exception):
    def __init__(self, status: int, results: Sequence[int] = ()) -> None:
        super().__init__("arguments")
        self.status, self.results = status, results


class Calls:
    """Answers the calls of the instance's methods.

    Parameters
    ----------
    tell
        Awaited after every call, so that its events are out before its answer.
    """

    def __init__(
        self,
        instance: Instance,
        system: VisionSystem,
        *,
        announcer: Announcer,
        identity: Identity,
        since: datetime,
        tell: Callable[[], Awaitable[None]],
    ) -> None:
        self._instance, self._system, self._announcer, self._identity = instance, system, announcer, identity
        self._since, self._tell = since, tell
        self._handles = Handles()

    def link(self) -> None:
        """Let the server call us; a method may be named by its own node or by that of the type's declaration."""
        space = self._instance.server.iserver.aspace
        by_declaration: dict[str, dict[ua.NodeId, Method]] = {}
        for method in self._instance.methods.values():
            space.add_method_callback(method.node, self._callback({method.owner: method}))
            by_declaration.setdefault(method.declaration.name, {})[method.owner] = method
        for fact in node_set().nodes.values():
            if fact.kind == "Method" and fact.name in by_declaration:
                node = self._instance.made.node_id(fact.id)
                space.add_method_callback(node, self._callback(by_declaration[fact.name]))

    def _callback(self, owners: dict[ua.NodeId, Method]) -> Callable[..., Awaitable[ua.CallMethodResult]]:
        async def answer(owner: ua.NodeId, *given: ua.Variant) -> ua.CallMethodResult:
            method = owners.get(owner)
            if method is None:
                return _status(ua.StatusCodes.BadMethodInvalid)
            result = await self._answer(method, given)
            await self._tell()
            return result

        return answer

    async def _answer(self, method: Method, given: Sequence[ua.Variant]) -> ua.CallMethodResult:
        name = method.declaration.name
        wanted = _arguments(method, "InputArguments")
        text = f"{name}({', '.join(str(each.Value) for each in given)})"[:_LONGEST_TEXT]
        try:
            values = self._checked(wanted, given)
            outputs = getattr(self, f"_do_{_snake(name)}")(method, *values)
        except _BadArguments as bad:
            result = _status(bad.status)
            result.InputArgumentResults = [ua.StatusCode(ua.UInt32(code)) for code in bad.results]
            self._system.call_failed(f"{text}: {result.StatusCode.name}")
            return result
        except IllegalTransitionError as error:
            self._system.call_failed(f"{text}: BadInvalidState, {error}")
            return _status(ua.StatusCodes.BadInvalidState)
        except Refused as error:
            self._system.call_failed(f"{text}: {error.why}")
            outputs = (*_empty(self._instance, method), ERRORS[error.why])
        else:
            outputs = (*outputs, 0)
        return self._returned(method, outputs)

    def _returned(self, method: Method, outputs: Sequence[Any]) -> ua.CallMethodResult:
        said = _arguments(method, "OutputArguments")
        # ConfirmAll alone returns nothing, not even an error.
        variants = [
            ua.Variant(value, _kind(each), is_array=each.array) for each, value in zip(said, outputs, strict=False)
        ]
        return ua.CallMethodResult(StatusCode=ua.StatusCode(), OutputArguments=variants)

    def _checked(self, wanted: Sequence[Argument], given: Sequence[ua.Variant]) -> list[Any]:
        if len(given) != len(wanted):
            fewer = len(given) < len(wanted)
            raise _BadArguments(ua.StatusCodes.BadArgumentsMissing if fewer else ua.StatusCodes.BadTooManyArguments)
        codes = [self._check(argument, variant) for argument, variant in zip(wanted, given, strict=True)]
        if any(codes):
            raise _BadArguments(ua.StatusCodes.BadInvalidArgument, codes)
        return [variant.Value for variant in given]

    def _check(self, wanted: Argument, given: ua.Variant) -> int:
        """Return the status of one argument, 0 where it is good."""
        if wanted.array:
            good = given.Value is None or isinstance(given.Value, list)
            return 0 if good else ua.StatusCodes.BadTypeMismatch
        if wanted.data in _NUMBERS:
            if given.VariantType is not _NUMBERS[wanted.data] or given.is_array:
                null_text = given.Value is None and wanted.data in {"String", "LocalizedText"}
                return 0 if null_text else ua.StatusCodes.BadTypeMismatch
            return self._in_range(wanted, given.Value)
        if not isinstance(given.Value, self._instance.made.classes[wanted.data]):
            return ua.StatusCodes.BadTypeMismatch
        return 0 if _is_name(given.Value.Id) else ua.StatusCodes.BadOutOfRange

    def _in_range(self, wanted: Argument, value: Any) -> int:
        if wanted.data == "TriStateBooleanDataType" and value not in {0, 1, 2}:
            return ua.StatusCodes.BadOutOfRange
        if wanted.data == "String" and value is not None and len(value) > _LONGEST_TEXT:
            return ua.StatusCodes.BadOutOfRange
        return 0

    # --- state machines -----------------------------------------------------------------------------------

    def _do_start_single_job(self, method: Method, *arguments: Any) -> tuple[Any, ...]:
        return self._start(arguments, continuous=False)

    def _do_start_continuous(self, method: Method, *arguments: Any) -> tuple[Any, ...]:
        return self._start(arguments, continuous=True)

    def _start(self, arguments: Sequence[Any], *, continuous: bool) -> tuple[Any, ...]:
        meas, part, recipe, product = (each.Id or "" for each in arguments[:4])
        if arguments[4]:
            if not self._system.machine.allows("StartSingleJob"):
                raise IllegalTransitionError("not in Ready")
            raise Refused(Refusal.PARAMETERS)
        job = self._system.start_job(part=part, meas=meas, recipe=recipe, product=product, continuous=continuous)
        return (self._instance.structure("JobIdDataType", Id=job),)

    def _do_stop(self, method: Method, cause: int, text: str | None) -> tuple[Any, ...]:
        self._system.stop()
        return self._logged("Stop", cause, text)

    def _do_abort(self, method: Method, cause: int, text: str | None) -> tuple[Any, ...]:
        self._system.abort()
        return self._logged("Abort", cause, text)

    def _do_halt(self, method: Method, cause: int, text: str | None) -> tuple[Any, ...]:
        self._system.halt(text or "")
        return self._logged("Halt", cause, text)

    def _do_reset(self, method: Method, cause: int, text: str | None) -> tuple[Any, ...]:
        self._system.reset(text or "")
        return self._logged("Reset", cause, text)

    def _do_select_mode_automatic(self, method: Method) -> tuple[Any, ...]:
        self._system.select_automatic()
        return ()

    def _do_simulation_mode(self, method: Method, activate: bool, cause: int, text: str | None) -> tuple[Any, ...]:
        if not self._system.machine.mode:
            raise IllegalTransitionError("not operational")
        if activate is not self._system.simulated:
            raise Refused(Refusal.SIMULATION)
        return self._logged("SimulationMode", cause, text)

    def _do_confirm_all(self, method: Method, comment: ua.LocalizedText | None) -> tuple[Any, ...]:
        self._system.confirm_all(comment.Text or "" if comment is not None else "")
        return ()

    @staticmethod
    def _logged(method: str, cause: int, text: str | None) -> tuple[Any, ...]:
        log.warning("%s by a client of our OPC UA server, cause %d: %s", method, cause, text or "not said")
        return ()

    # --- recipes ------------------------------------------------------------------------------------------

    def _do_prepare_recipe(self, method: Method, external: Any, internal: Any) -> tuple[Any, ...]:
        recipe = _first_name(internal, external)
        self._system.prepare(recipe)
        return self._identity.internal(self._instance, recipe), True

    def _do_unprepare_recipe(self, method: Method, external: Any, internal: Any) -> tuple[Any, ...]:
        recipe = _first_name(internal, external)
        self._system.unprepare(recipe)
        return (self._identity.internal(self._instance, recipe),)

    def _do_prepare(self, method: Method) -> tuple[Any, ...]:
        self._system.prepare(_recipe_of(method))
        return (True,)

    def _do_unprepare(self, method: Method) -> tuple[Any, ...]:
        self._system.unprepare(_recipe_of(method))
        return ()

    def _do_get_recipe_list_filtered(self, method: Method, *arguments: Any) -> tuple[Any, ...]:
        external, product, prepared, most, start, _timeout = arguments
        found = [
            recipe
            for recipe in self._identity.recipes
            if (not external.Id or external.Id == recipe)
            and not product.Id
            and prepared in {_DONT_CARE, int(recipe in self._system.prepared)}
        ]
        shown, complete = _page(found, most, start)
        names = [self._identity.internal(self._instance, recipe) for recipe in shown]
        return complete, len(names), self._handles.take(), names

    def _do_release_recipe_handle(self, method: Method, handle: int) -> tuple[Any, ...]:
        return self._release(handle)

    def _release(self, handle: int) -> tuple[Any, ...]:
        if not self._handles.release(handle):
            raise Refused(Refusal.UNKNOWN_HANDLE)
        return ()

    # --- configuration ------------------------------------------------------------------------------------

    def _do_activate_configuration(self, method: Method, wanted: Any) -> tuple[Any, ...]:
        self._known_configuration(wanted)
        return ()

    def _do_get_configuration_by_id(self, method: Method, wanted: Any, timeout: int) -> tuple[Any, ...]:
        self._known_configuration(wanted)
        return self._handles.take(), self._announcer.configuration(self._since)

    def _do_get_configuration_list(self, method: Method, most: int, start: int, timeout: int) -> tuple[Any, ...]:
        shown, complete = _page([self._announcer.configuration(self._since)], most, start)
        return complete, len(shown), self._handles.take(), shown

    def _do_release_configuration_handle(self, method: Method, handle: int) -> tuple[Any, ...]:
        return self._release(handle)

    def _known_configuration(self, wanted: Any) -> None:
        if wanted.Id != self._identity.configuration:
            raise Refused(Refusal.UNKNOWN_CONFIGURATION)

    # --- results ------------------------------------------------------------------------------------------

    def _do_get_result_by_id(self, method: Method, wanted: Any, timeout: int) -> tuple[Any, ...]:
        fields = self._announcer.result_fields(self._result(wanted))
        return self._handles.take(), self._instance.structure("ResultDataType", **fields)

    def _do_get_result_components_by_id(self, method: Method, wanted: Any, timeout: int) -> tuple[Any, ...]:
        fields = self._announcer.result_fields(self._result(wanted))
        fields.pop("ResultId")
        return fields.pop("HasTransferableDataOnFile"), self._handles.take(), *fields.values()

    def _do_get_result_list_filtered(self, method: Method, *arguments: Any) -> tuple[Any, ...]:
        state, meas, part, external, internal, outer, inner, product, job, most, start, _timeout = arguments
        wanted: dict[str, object] = {"state": state} if state else {}
        recipe = internal.Id or external.Id
        named = {"meas": meas.Id, "part": part.Id, "recipe": recipe, "product": product.Id, "job": job.Id}
        wanted |= {key: value for key, value in named.items() if value}
        configuration = inner.Id or outer.Id
        fits = not configuration or configuration == self._identity.configuration
        shown, complete = _page(self._system.store.filtered(wanted) if fits else [], most, start)
        made = [self._instance.structure("ResultDataType", **self._announcer.result_fields(each)) for each in shown]
        return complete, len(made), self._handles.take(), made

    def _do_release_result_handle(self, method: Method, handle: int) -> tuple[Any, ...]:
        return self._release(handle)

    def _result(self, wanted: Any) -> Result:
        found = self._system.store.get(wanted.Id or "")
        if found is None:
            raise Refused(Refusal.UNKNOWN_RESULT)
        return found


def _arguments(method: Method, name: str) -> tuple[Argument, ...]:
    found = (child.value for child in node_set().children[method.declaration.id] if child.name == name)
    return next(found, ())


def _kind(argument: Argument) -> ua.VariantType:
    if argument.data == "BaseDataType":
        return ua.VariantType.Variant
    return _NUMBERS.get(argument.data, ua.VariantType.ExtensionObject)


def _recipe_of(method: Method) -> str:
    """Return the recipe that a method of a recipe's own object is for."""
    return str(method.owner.Identifier).removeprefix(f"{RECIPES}.")


def _empty(instance: Instance, method: Method) -> list[Any]:
    """Return what a refused call returns in place of its results, its Error apart."""
    plain = {"Boolean": False, "UInt32": 0, "Int32": 0, "Handle": 0, "ResultStateDataType": 0}
    return [
        []
        if each.array
        else _never()
        if each.data == "UtcTime"
        else plain.get(each.data)
        if each.data in plain
        else instance.structure(each.data)
        for each in _arguments(method, "OutputArguments")[:-1]
    ]


def _never() -> datetime:
    return datetime(1601, 1, 1, tzinfo=UTC)


def _is_name(name: str | None) -> bool:
    """Return whether a text may name something: trimmed, and not endless."""
    return name is None or (name == name.strip() and len(name) <= _LONGEST_NAME)


def _first_name(internal: Any, external: Any) -> str:
    """Return the name that counts: ours before the plant's (OPC 40100-1, table 33)."""
    return str(internal.Id or external.Id or "")


def _page(found: Sequence[_Each], most: int, start: int) -> tuple[list[_Each], bool]:
    """Return at most ``most`` (0: as many as fit an answer) from ``start`` on, and whether these are the last."""
    end = start + min(most or _LONGEST_LIST, _LONGEST_LIST)
    return list(found[start:end]), end >= len(found)


def _status(code: int) -> ua.CallMethodResult:
    return ua.CallMethodResult(StatusCode=ua.StatusCode(ua.UInt32(code)))


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).strip("_")
