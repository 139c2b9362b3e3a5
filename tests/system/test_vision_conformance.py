"""Our machine vision server against OPC 40100-1, seen by a client of another make (node-opcua)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from itertools import count, product
from typing import Any

import pytest
import pytest_asyncio

from inspector.domain import FaultCode, InspectionReport, Trigger, Verdict
from inspector.plc.vision.facts import node_set
from inspector.plc.vision.machine import Mode, State
from inspector.plc.vision.system import Refusal
from tests.support.vision import (
    CAUSE,
    FAIL,
    INNER,
    NOTHING,
    OUTER,
    PASS,
    Bench,
    Foreign,
    foreign,
    named,
    number,
    stand,
    text,
    vision,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

TYPES = {name: fact.id for name, fact in node_set().types.items()}
RECIPES = "VisionSystem.RecipeManagement"
RESULTS = "VisionSystem.ResultManagement"
CONFIGURATION = "VisionSystem.ConfigurationManagement"
SERVER = "i=2253"
MARKS = count()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[tuple[Bench, Foreign]]:
    async with foreign() as client, vision() as bench:
        answer = await client.ask("connect", url=bench.source.url)
        assert "error" not in answer, answer
        await client.ask("listen", nodes=[SERVER, "VisionSystem"], fields=FIELDS)
        yield bench, client
        await client.ask("disconnect")


@pytest_asyncio.fixture(loop_scope="module")
async def bench(shared: tuple[Bench, Foreign]) -> Bench:
    """The server, in Ready with the line's own recipe prepared and nothing under way."""
    bench, client = shared
    bench.go.set()
    bench.verdict = lambda _trigger: PASS
    await stand(bench, Mode.READY)
    # Events come in order: when this one is heard from both, all from before are behind us.
    mark = f"mark {next(MARKS)}"
    bench.system.call_failed(mark)
    await bench.source._tell()
    await client.until(lambda events: [each["event"]["Message"] for each in events].count(mark) == 2)
    client.events.clear()
    return bench


@pytest.fixture
def client(shared: tuple[Bench, Foreign], bench: Bench) -> Foreign:
    return shared[1]


def job(*, meas: str = "", part: str = "", recipe: str = "", product: str = "") -> tuple[dict[str, Any], ...]:
    """Return the arguments of StartSingleJob and StartContinuous."""
    return (
        named(TYPES["MeasIdDataType"], meas),
        named(TYPES["PartIdDataType"], part),
        named(TYPES["RecipeIdExternalDataType"], recipe),
        named(TYPES["ProductIdDataType"], product),
        NOTHING,
    )


def recipe_of(external: str = "", internal: str = "") -> tuple[dict[str, Any], ...]:
    return named(TYPES["RecipeIdExternalDataType"], external), named(TYPES["RecipeIdInternalDataType"], internal)


def error(refusal: Refusal) -> int:
    return -1 - list(Refusal).index(refusal)


def of(events: list[dict[str, Any]], kind: str, where: str = SERVER) -> list[dict[str, Any]]:
    """Return the events of this type that came from ``where``."""
    return [
        each for each in events if each["from"] == where and each["event"]["EventType"].endswith(f";i={TYPES[kind]}")
    ]


def some(kind: str, least: int = 1) -> Callable[[list[dict[str, Any]]], bool]:
    """Wait for so many events of this type, from the server and from the instance."""
    return lambda events: all(len(of(events, kind, where)) >= least for where in (SERVER, "VisionSystem"))


# --- nodes and types --------------------------------------------------------------------------------------


async def test_every_node_of_the_standard_is_there(client: Foreign) -> None:
    facts = list(node_set().nodes.values())
    space = (await client.ask("names", nodes=[TYPES["VisionSystemType"]]))["names"][0][0]
    names = (await client.ask("names", nodes=[fact.id for fact in facts]))["names"]
    assert names == [[0 if fact.core else space, fact.name] for fact in facts]
    assert len(names) == 790


MANDATORY = {
    "VisionSystem": "VisionSystemType",
    OUTER: "VisionStateMachineType",
    INNER: "VisionAutomaticModeStateMachineType",
    RECIPES: "RecipeManagementType",
    RESULTS: "ResultManagementType",
    CONFIGURATION: "ConfigurationManagementType",
}
METHODS = {
    OUTER: {"Halt", "Reset", "SelectModeAutomatic", "ConfirmAll"},
    INNER: {"Abort", "Stop", "StartSingleJob", "StartContinuous", "SimulationMode"},
    RECIPES: {"GetRecipeListFiltered", "PrepareRecipe", "UnprepareRecipe", "ReleaseRecipeHandle"},
    RESULTS: {"GetResultById", "GetResultComponentsById", "GetResultListFiltered", "ReleaseResultHandle"},
    CONFIGURATION: {
        "ActivateConfiguration",
        "GetConfigurationById",
        "GetConfigurationList",
        "ReleaseConfigurationHandle",
    },
}


async def test_the_instance_has_every_mandatory_member(client: Foreign) -> None:
    for path, kind in MANDATORY.items():
        references = (await client.ask("browse", node=path))["references"]
        [definition] = [each["node"] for each in references if each["by"] == "ns=0;i=40"]
        assert definition.endswith(f";i={TYPES[kind]}")
        members = {each["name"]: each for each in references if each["by"] in {"ns=0;i=46", "ns=0;i=47"}}
        children = node_set().children[TYPES[kind]]
        needed = {fact.name for fact in children if fact.rule == "Mandatory" and fact.kind != "ObjectType"}
        assert needed <= members.keys()
        assert METHODS.get(path, set()) == {name for name, each in members.items() if each["kind"] == "Method"}


async def test_no_placeholder_is_left(client: Foreign) -> None:
    for path in ("VisionSystem", RECIPES, f"{RECIPES}.Recipes", RESULTS, CONFIGURATION):
        names = [each["name"] for each in (await client.ask("browse", node=path))["references"]]
        assert not any(name.startswith("<") for name in names)


async def test_methods_show_their_arguments(client: Foreign) -> None:
    for path, names in METHODS.items():
        for name in names:
            fact = next(each for each in node_set().children[TYPES[MANDATORY[path]]] if each.name == name)
            for child in node_set().children[fact.id]:
                [shown] = await client.value(f"{path}.{name}.{child.name}")
                assert [each["name"] for each in shown] == [each.name for each in child.value]


async def test_the_server_and_the_instance_notify(client: Foreign) -> None:
    answer = await client.ask("read", nodes=["VisionSystem"], attribute="EventNotifier")
    assert answer["values"] == [["Good", 1]]


async def test_nothing_of_the_standard_can_be_written(client: Foreign) -> None:
    for node, kind, value in (
        (f"{OUTER}.CurrentState", "LocalizedText", {"text": "Ready"}),
        (f"{RECIPES}.Recipes.default.IsPrepared", "Boolean", False),
        (6308, "String", "a type's own variable"),
    ):
        assert (await client.ask("write", node=node, type=kind, value=value))["status"] == "BadUserAccessDenied"


# --- transitions ------------------------------------------------------------------------------------------

CALLS: dict[str, tuple[str, tuple[dict[str, Any], ...]]] = {
    "Halt": (OUTER, CAUSE),
    "Reset": (OUTER, CAUSE),
    "SelectModeAutomatic": (OUTER, ()),
    "StartSingleJob": (INNER, job()),
    "StartContinuous": (INNER, job()),
    "Stop": (INNER, CAUSE),
    "Abort": (INNER, CAUSE),
    "PrepareRecipe": (RECIPES, recipe_of("default")),
    "UnprepareRecipe": (RECIPES, recipe_of("default")),
}
WORKING = {"Initialized", "Ready", "SingleExecution", "ContinuousExecution"}
LEADS: dict[str, dict[str, str]] = {
    "Halt": dict.fromkeys(WORKING | {"Preoperational", "Error"}, "Halted"),
    # "The Reset method shall always be executable": in Preoperational it leads nowhere.
    "Reset": dict.fromkeys(WORKING | {"Preoperational", "Error", "Halted"}, "Preoperational"),
    "SelectModeAutomatic": {"Preoperational": "Initialized"},
    "StartSingleJob": {"Ready": "SingleExecution"},
    "StartContinuous": {"Ready": "ContinuousExecution"},
    # Stop lets the inspection end first.
    "Stop": {"SingleExecution": "SingleExecution", "ContinuousExecution": "ContinuousExecution"},
    "Abort": {"SingleExecution": "Ready", "ContinuousExecution": "Ready"},
    "PrepareRecipe": {"Initialized": "Ready", "Ready": "Ready"},
    "UnprepareRecipe": {"Ready": "Initialized"},
}
PLACES = ["Preoperational", "Halted", "Error", *sorted(WORKING)]


@pytest.mark.parametrize(("method", "place"), list(product(CALLS, PLACES)))
async def test_every_transition_legal_and_illegal(bench: Bench, client: Foreign, method: str, place: str) -> None:
    await stand(bench, place)
    assert await client.state() == place
    bench.go.clear()
    path, arguments = CALLS[method]
    answer = await client.call(f"{path}.{method}", *arguments)
    if method == "UnprepareRecipe" and place == "Initialized":
        assert answer["outputs"][-1] == error(Refusal.NOT_PREPARED)
    elif place in LEADS[method]:
        assert (answer["status"], answer["outputs"][-1]) == ("Good", 0)
        assert await client.state() == LEADS[method][place]
    else:
        assert answer["status"] == "BadInvalidState"
        assert await client.state() == place


async def test_the_inner_machine_is_inactive_while_the_outer_does_not_work(bench: Bench, client: Foreign) -> None:
    await stand(bench, State.HALTED)
    assert await client.value(f"{INNER}.CurrentState", f"{INNER}.CurrentState.Id") == ["BadStateNotActive"] * 2
    [name, node] = await client.value(f"{OUTER}.CurrentState", f"{OUTER}.CurrentState.Id")
    assert name == "Halted"
    halted = node_set().member(TYPES["VisionStateMachineType"], "Halted").id
    assert node.endswith(f";i={halted}")


async def test_a_method_may_be_named_by_its_declaration_but_not_on_another_object(client: Foreign) -> None:
    declaration = node_set().member(TYPES["VisionStateMachineType"], "Halt").id
    wrong = await client.ask("call", object=RECIPES, method=f"{OUTER}.Halt", args=list(CAUSE))
    assert wrong["status"] == "BadMethodInvalid"
    wrong = await client.ask("call", object=RECIPES, method=declaration, args=list(CAUSE))
    assert wrong["status"] == "BadMethodInvalid"
    right = await client.ask("call", object=OUTER, method=declaration, args=list(CAUSE))
    assert (right["status"], await client.state()) == ("Good", "Halted")


# --- arguments --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "arguments", "status", "at"),
    [
        (f"{OUTER}.Halt", CAUSE[:1], "BadArgumentsMissing", None),
        (f"{OUTER}.Halt", (*CAUSE, number(1)), "BadTooManyArguments", None),
        (f"{OUTER}.Halt", (text("7"), text("")), "BadInvalidArgument", 0),
        (f"{OUTER}.Halt", (number(7, "UInt16"), text("")), "BadInvalidArgument", 0),
        (f"{OUTER}.Halt", (number(7), number(8)), "BadInvalidArgument", 1),
        (f"{INNER}.StartSingleJob", job()[:4], "BadArgumentsMissing", None),
        (f"{INNER}.StartSingleJob", (*job()[:2], job()[0], *job()[3:]), "BadInvalidArgument", 2),
        (f"{INNER}.StartSingleJob", (job()[0], text("P1"), *job()[2:]), "BadInvalidArgument", 1),
        (f"{INNER}.StartSingleJob", job(part=" P1"), "BadInvalidArgument", 1),
        (f"{INNER}.StartSingleJob", job(part="P" * 300), "BadInvalidArgument", 1),
        (f"{OUTER}.SelectModeAutomatic", CAUSE, "BadTooManyArguments", None),
        (f"{RESULTS}.GetResultById", (number(1), number(0)), "BadInvalidArgument", 0),
        (f"{RESULTS}.ReleaseResultHandle", (number(1),), "BadInvalidArgument", 0),
    ],
)
async def test_bad_arguments(
    client: Foreign, path: str, arguments: tuple[dict[str, Any], ...], status: str, at: int | None
) -> None:
    answer = await client.call(path, *arguments)
    assert answer["status"] == status
    assert [index for index, each in enumerate(answer["inputs"]) if each != "Good"] == ([] if at is None else [at])
    assert await client.state() == "Ready", "nothing happened"


@pytest.mark.parametrize(
    ("path", "arguments", "why"),
    [
        (f"{INNER}.StartSingleJob", job(recipe="none such"), Refusal.UNKNOWN_RECIPE),
        (f"{INNER}.StartSingleJob", job(recipe="fine"), Refusal.NOT_PREPARED),
        (f"{INNER}.StartSingleJob", job(product="board"), Refusal.UNKNOWN_PRODUCT),
        (
            f"{INNER}.StartSingleJob",
            (*job()[:4], {"type": "Int32", "value": [1], "array": True}),
            Refusal.PARAMETERS,
        ),
        (f"{RECIPES}.PrepareRecipe", recipe_of("none such"), Refusal.UNKNOWN_RECIPE),
        (f"{RECIPES}.UnprepareRecipe", recipe_of("fine"), Refusal.NOT_PREPARED),
        (f"{RESULTS}.GetResultById", (named(TYPES["ResultIdDataType"], "?"), number(0)), Refusal.UNKNOWN_RESULT),
        (
            f"{RESULTS}.GetResultComponentsById",
            (named(TYPES["ResultIdDataType"], "?"), number(0)),
            Refusal.UNKNOWN_RESULT,
        ),
        (f"{RESULTS}.ReleaseResultHandle", (number(4_000_000, "UInt32"),), Refusal.UNKNOWN_HANDLE),
        (
            f"{CONFIGURATION}.ActivateConfiguration",
            (named(TYPES["ConfigurationIdDataType"], "other"),),
            Refusal.UNKNOWN_CONFIGURATION,
        ),
        (f"{INNER}.SimulationMode", ({"type": "Boolean", "value": True}, *CAUSE), Refusal.SIMULATION),
    ],
)
async def test_what_is_not_there_is_answered_with_an_error_of_ours(
    client: Foreign, path: str, arguments: tuple[dict[str, Any], ...], why: Refusal
) -> None:
    answer = await client.call(path, *arguments)
    assert answer["status"] == "Good"
    assert answer["outputs"][-1] == error(why) < 0
    # Every client hears of a call that failed, with its arguments (11.5).
    events = await client.until(some("VisionWarningConditionType"))
    [told] = of(events, "VisionWarningConditionType")
    assert told["event"]["Message"].startswith(path.rpartition(".")[2])
    assert await client.state() == "Ready"


# --- events -----------------------------------------------------------------------------------------------

ALWAYS = ["EventId", "EventType", "SourceNode", "SourceName", "Time", "ReceiveTime", "Message", "Severity"]
TRANSITION = ["Transition", "Transition.Id", "FromState", "FromState.Id", "ToState", "ToState.Id"]
RESULT = [
    "CreationTime",
    "InternalConfigurationId",
    "InternalRecipeId",
    "IsPartial",
    "ResultId",
    "ResultState",
]
RESULT_MORE = [
    "ExternalConfigurationId",
    "ExternalRecipeId",
    "IsSimulated",
    "MeasId",
    "PartId",
    "ProcessingTimes",
    "ProductId",
    "ResultContent",
]
PREPARED = ["ExternalId", "InternalId"]
CONDITION = [
    "ConditionName",
    "Retain",
    "EnabledState",
    "EnabledState.Id",
    "AckedState",
    "AckedState.Id",
    "Comment",
    "Quality",
    "LastSeverity",
    "ClientUserId",
    "BlockReaction",
    "StopReaction",
]
FIELDS = [*ALWAYS, *TRANSITION, "JobId", *RESULT, *RESULT_MORE, *PREPARED, *CONDITION]
KINDS = {
    "EventId": "ByteString",
    "EventType": "NodeId",
    "SourceNode": "NodeId",
    "SourceName": "String",
    "Time": "DateTime",
    "ReceiveTime": "DateTime",
    "Message": "LocalizedText",
    "Severity": "UInt16",
    "Transition": "LocalizedText",
    "Transition.Id": "NodeId",
    "FromState": "LocalizedText",
    "FromState.Id": "NodeId",
    "ToState": "LocalizedText",
    "ToState.Id": "NodeId",
    "CreationTime": "DateTime",
    "IsPartial": "Boolean",
    "IsSimulated": "Boolean",
    "ResultState": "Int32",
    "ResultContent": "Variant",
}


def complete(said: dict[str, Any], *fields: str) -> None:
    """Check that every one of these fields has a value of its type."""
    for name in (*ALWAYS, *fields):
        assert said["event"][name] is not None, name
        assert said["types"][name] == KINDS.get(name, "ExtensionObject"), name


async def test_a_job_tells_everything_from_the_server_and_from_the_instance(bench: Bench, client: Foreign) -> None:
    answer = await client.call(f"{INNER}.StartSingleJob", *job(meas="M7", part="P7"))
    [started, _] = answer["outputs"]
    await client.until(some("ReadyEventType"))
    events = await client.until(some("StateChangedEventType", 2))
    for where in (SERVER, "VisionSystem"):
        [begun] = of(events, "JobStartedEventType", where)
        [done] = of(events, "ReadyEventType", where)
        [result] = of(events, "ResultReadyEventType", where)
        for each in (begun, done, result):
            complete(each, "JobId")
            assert each["event"]["JobId"] == started
        complete(result, *RESULT, *RESULT_MORE)
        told = result["event"]
        assert told["SourceNode"] == "ns=2;s=VisionSystem"
        assert (told["MeasId"], told["PartId"]) == ({"id": "M7"}, {"id": "P7"})
        assert (told["ResultState"], told["IsPartial"], told["ResultContent"]) == (
            1,
            False,
            ['{"result": "OK", "serial": "P7"}'],
        )
        changes = of(events, "StateChangedEventType", where)
        for each in changes:
            complete(each, *TRANSITION)
            assert each["event"]["SourceNode"] == f"ns=2;s={INNER}"
        assert [each["event"]["Transition"] for each in changes] == [
            "ReadyToSingleExecution",
            "SingleExecutionToReadyAuto",
        ]
    both = [
        {each["event"]["EventId"] for each in of(events, "ResultReadyEventType", where)}
        for where in (SERVER, "VisionSystem")
    ]
    assert both[0] == both[1], "it is the same event, wherever it is heard"


async def test_a_filter_by_type_lets_its_subtypes_through(bench: Bench) -> None:
    kinds = {"i=2041": {"JobStartedEventType", "StateChangedEventType", "ResultReadyEventType", "ReadyEventType"}}
    kinds |= {"i=2311": {"StateChangedEventType"}, str(TYPES["ReadyEventType"]): {"ReadyEventType"}}
    async with foreign() as other:
        for of_type, expected in kinds.items():
            await other.ask("connect", url=bench.source.url)
            filtered = int(of_type) if of_type.isdigit() else of_type
            await other.ask("listen", nodes=[SERVER], fields=["EventType", "Message"], of=filtered)
            await other.call(f"{INNER}.StartSingleJob", *job())
            wanted = {f"ns=3;i={TYPES[name]}" for name in expected}
            events = await other.until(lambda told: wanted <= {each["event"]["EventType"] for each in told})  # noqa: B023
            assert {each["event"]["EventType"] for each in events} == wanted
            await other.ask("disconnect")
            other.events.clear()
            await stand(bench, Mode.READY)


async def test_a_prepared_recipe_is_told(client: Foreign) -> None:
    await client.call(f"{RECIPES}.PrepareRecipe", *recipe_of("fine"))
    events = await client.until(some("RecipePreparedEventType"))
    for where in (SERVER, "VisionSystem"):
        [told] = of(events, "RecipePreparedEventType", where)
        complete(told, *PREPARED)
        assert told["event"]["ExternalId"] == {"id": "fine"}
        assert told["event"]["InternalId"]["hash"] == "cd" * 32


async def test_an_error_stands_until_its_cause_is_gone_and_somebody_confirmed_it(bench: Bench, client: Foreign) -> None:
    await bench.source.set_ready(False, fault=FaultCode.STORAGE)
    events = await client.until(some("ErrorEventType"))
    assert await client.state() == "Error"
    [failed] = of(events, "ErrorEventType")
    complete(failed, *TRANSITION)
    [condition] = of(await client.until(some("VisionErrorConditionType")), "VisionErrorConditionType")
    for name in CONDITION:
        assert condition["event"][name] is not None, name
    assert (condition["event"]["Retain"], condition["event"]["AckedState.Id"]) == (True, False)
    await bench.source.set_ready(True)
    events = await client.until(some("ErrorResolvedEventType"))
    complete(of(events, "ErrorResolvedEventType")[0], *TRANSITION)
    assert await client.state() == "Ready"
    answer = await client.call(f"{OUTER}.ConfirmAll", {"type": "LocalizedText", "value": {"text": "seen"}})
    assert (answer["status"], answer["outputs"]) == ("Good", [])
    events = await client.until(some("VisionErrorConditionType", 3))
    last = of(events, "VisionErrorConditionType")[-1]["event"]
    assert (last["Retain"], last["AckedState.Id"], last["Comment"]) == (False, True, "seen")


# --- jobs and their results -------------------------------------------------------------------------------


@pytest.mark.parametrize(("verdict", "word"), [(PASS, "OK"), (FAIL, "NOK")])
async def test_the_verdict_is_in_the_content_and_the_state_says_only_that_it_completed(
    bench: Bench, client: Foreign, verdict: Verdict, word: str
) -> None:
    bench.verdict = lambda _trigger: verdict
    await client.call(f"{INNER}.StartSingleJob", *job(part="P1"))
    [told] = of(await client.until(some("ResultReadyEventType")), "ResultReadyEventType")
    assert told["event"]["ResultContent"] == [f'{{"result": "{word}", "serial": "P1"}}']
    assert told["event"]["ResultState"] == 1
    wanted = (named(TYPES["ResultIdDataType"], told["event"]["ResultId"]["id"]), number(0))
    [handle, result, code] = (await client.call(f"{RESULTS}.GetResultById", *wanted))["outputs"]
    assert code == 0
    assert result["resultContent"] == told["event"]["ResultContent"]
    assert (result["partId"], result["resultState"], result["isPartial"]) == ({"id": "P1"}, 1, False)
    parts = (await client.call(f"{RESULTS}.GetResultComponentsById", *wanted))["outputs"]
    assert len(parts) == 17
    assert (parts[2], parts[4], parts[6], parts[12], parts[16]) == (False, 1, {"id": "P1"}, result["jobId"], 0)
    release = number(handle, "UInt32")
    assert (await client.call(f"{RESULTS}.ReleaseResultHandle", release))["outputs"] == [0]
    again = await client.call(f"{RESULTS}.ReleaseResultHandle", release)
    assert again["outputs"] == [error(Refusal.UNKNOWN_HANDLE)]


async def test_an_aborted_inspection_has_a_result_that_says_so_and_its_late_verdict_counts_nowhere(
    bench: Bench, client: Foreign
) -> None:
    bench.go.clear()
    reports = len(bench.reports)
    await client.call(f"{INNER}.StartSingleJob", *job(part="P1"))
    await client.call(f"{INNER}.Abort", *CAUSE)
    assert await client.state() == "Ready"
    [told] = of(await client.until(some("ResultReadyEventType")), "ResultReadyEventType")
    assert (told["event"]["ResultState"], told["event"]["ResultContent"]) == (3, [])
    bench.go.set()
    await client.call(f"{INNER}.StartSingleJob", *job(part="P2"))
    events = await client.until(some("ResultReadyEventType", 2))
    assert [each["event"]["PartId"]["id"] for each in of(events, "ResultReadyEventType")] == ["P1", "P2"]
    if len(bench.reports) - reports == 2:  # the line had taken it already: the record says that nobody was told
        assert bench.reports[reports].verdict.fault is FaultCode.PLC_LOST


async def test_stop_lets_the_inspection_end(bench: Bench, client: Foreign) -> None:
    bench.go.clear()
    await client.call(f"{INNER}.StartSingleJob", *job())
    assert (await client.call(f"{INNER}.Stop", *CAUSE))["outputs"] == [0]
    bench.go.set()
    events = await client.until(some("StateChangedEventType", 2))
    assert [each["event"]["Transition"] for each in of(events, "StateChangedEventType")][
        -1
    ] == "SingleExecutionToReadyStop"
    assert len(of(events, "ResultReadyEventType")) == 1


async def test_a_continuous_job_gives_result_after_result_until_it_is_stopped(bench: Bench, client: Foreign) -> None:
    [started, code] = (await client.call(f"{INNER}.StartContinuous", *job(meas="run")))["outputs"]
    assert code == 0
    await client.until(some("ResultReadyEventType", 3))
    assert await client.state() == "ContinuousExecution"
    assert (await client.call(f"{INNER}.StartSingleJob", *job()))["status"] == "BadInvalidState"
    await client.call(f"{INNER}.Stop", *CAUSE)
    events = await client.until(some("ReadyEventType"))
    results = of(events, "ResultReadyEventType")
    assert {each["event"]["JobId"]["id"] for each in results} == {started["id"]}
    assert len({each["event"]["ResultId"]["id"] for each in results}) == len(results)
    assert await client.state() == "Ready"


async def test_results_are_found_by_what_is_known_of_them(bench: Bench, client: Foreign) -> None:
    for done, part in enumerate(("A", "B", "B"), start=1):
        await client.call(f"{INNER}.StartSingleJob", *job(part=part, meas="found"))
        await client.until(some("ReadyEventType", done))

    async def found(*, state: int = 0, part: str = "", meas: str = "found", most: int = 0, start: int = 0) -> list[Any]:
        answer = await client.call(
            f"{RESULTS}.GetResultListFiltered",
            number(state),
            named(TYPES["MeasIdDataType"], meas),
            named(TYPES["PartIdDataType"], part),
            *recipe_of("default"),
            named(TYPES["ConfigurationIdDataType"], "line-1"),
            named(TYPES["ConfigurationIdDataType"]),
            named(TYPES["ProductIdDataType"]),
            named(TYPES["JobIdDataType"]),
            number(most, "UInt32"),
            number(start, "UInt32"),
            number(0),
        )
        [complete, length, handle, results, code] = answer["outputs"]
        assert (code, length, handle > 0) == (0, len(results), True)
        return [complete, [each["partId"]["id"] for each in results]]

    assert await found() == [True, ["A", "B", "B"]]
    assert await found(part="B") == [True, ["B", "B"]]
    assert await found(state=1) == [True, ["A", "B", "B"]]
    assert await found(state=4) == [True, []]
    assert await found(meas="other") == [True, []]
    assert await found(most=2) == [False, ["A", "B"]]
    assert await found(most=2, start=2) == [True, ["B"]]


# --- recipes and configuration ----------------------------------------------------------------------------


async def test_recipes_are_listed_prepared_and_taken_back(client: Foreign) -> None:
    async def listed(prepared: int = 2, name: str = "", most: int = 0) -> list[Any]:
        answer = await client.call(
            f"{RECIPES}.GetRecipeListFiltered",
            named(TYPES["RecipeIdExternalDataType"], name),
            named(TYPES["ProductIdDataType"]),
            number(prepared),
            number(most, "UInt32"),
            number(0, "UInt32"),
            number(0),
        )
        [complete, length, _handle, recipes, code] = answer["outputs"]
        assert (code, length) == (0, len(recipes))
        return [complete, [each["id"] for each in recipes]]

    assert await listed() == [True, ["default", "fine", "v1.2 (new)"]]
    assert await listed(prepared=1) == [True, ["default"]]
    assert await listed(prepared=0) == [True, ["fine", "v1.2 (new)"]]
    assert await listed(name="fine") == [True, ["fine"]]
    assert await listed(most=1) == [False, ["default"]]
    [internal, completed, code] = (await client.call(f"{RECIPES}.PrepareRecipe", *recipe_of("", "fine")))["outputs"]
    assert (internal["id"], completed, code) == ("fine", True, 0)
    assert await client.value(f"{RECIPES}.Recipes.fine.IsPrepared") == [True]
    own = f"{RECIPES}.Recipes.v1.2 (new)"
    prepared = await client.ask("call", object=own, method=f"{own}.Prepare")
    assert (prepared["outputs"], await client.value(f"{own}.IsPrepared")) == ([True, 0], [True])
    assert (await client.ask("call", object=own, method=f"{own}.Unprepare"))["outputs"] == [0]
    assert (await client.call(f"{RECIPES}.Recipes.fine.Unprepare"))["outputs"] == [0]
    assert await client.value(f"{RECIPES}.Recipes.fine.IsPrepared") == [False]
    assert (await client.call(f"{RECIPES}.UnprepareRecipe", *recipe_of("default")))["outputs"][-1] == 0
    assert await client.state() == "Initialized"
    assert (await client.call(f"{RECIPES}.Recipes.fine.Prepare"))["outputs"] == [True, 0]
    assert await client.state() == "Ready"


async def test_a_job_runs_the_recipe_that_it_names_or_the_one_prepared_last(bench: Bench, client: Foreign) -> None:
    await client.call(f"{RECIPES}.PrepareRecipe", *recipe_of("fine"))
    await client.call(f"{INNER}.StartSingleJob", *job())
    await client.until(some("ReadyEventType"))
    await client.call(f"{INNER}.StartSingleJob", *job(recipe="default"))
    await client.until(some("ReadyEventType", 2))
    assert [trigger.recipe for trigger in bench.taken[-2:]] == ["fine", "default"]


async def test_the_configuration_is_the_line(client: Foreign) -> None:
    [active] = await client.value(f"{CONFIGURATION}.ActiveConfiguration")
    assert (active["internalId"]["id"], active["internalId"]["hash"]) == ("line-1", "ef" * 32)
    listing = await client.call(
        f"{CONFIGURATION}.GetConfigurationList", number(0, "UInt32"), number(0, "UInt32"), number(0)
    )
    [complete, length, handle, found, code] = listing["outputs"]
    assert (complete, length, [each["internalId"]["id"] for each in found], code) == (True, 1, ["line-1"], 0)
    own = named(TYPES["ConfigurationIdDataType"], "line-1")
    [_handle, one, code] = (await client.call(f"{CONFIGURATION}.GetConfigurationById", own, number(0)))["outputs"]
    assert (one["internalId"]["id"], code) == ("line-1", 0)
    assert (await client.call(f"{CONFIGURATION}.ActivateConfiguration", own))["outputs"] == [0]
    release = number(handle, "UInt32")
    assert (await client.call(f"{CONFIGURATION}.ReleaseConfigurationHandle", release))["outputs"] == [0]


# --- the line ---------------------------------------------------------------------------------------------


async def test_a_held_line_is_halted_and_a_released_one_ready_again(bench: Bench, client: Foreign) -> None:
    await bench.source.set_ready(False)
    assert await client.state() == "Halted"
    assert (await client.call(f"{INNER}.StartSingleJob", *job()))["status"] == "BadInvalidState"
    await bench.source.set_ready(True)
    assert await client.state() == "Ready"


async def test_what_a_client_halted_the_line_does_not_start(bench: Bench, client: Foreign) -> None:
    await client.call(f"{OUTER}.Halt", *CAUSE)
    await bench.source.set_ready(True)
    assert await client.state() == "Halted"
    await client.call(f"{OUTER}.Reset", *CAUSE)
    await bench.source.set_ready(True)
    assert await client.state() == "Preoperational"


async def test_a_lost_camera_is_an_error_and_a_failed_result(bench: Bench, client: Foreign) -> None:
    bench.verdict = lambda _trigger: Verdict.unknown(FaultCode.CAMERA_LOST, "no camera")
    await client.call(f"{INNER}.StartSingleJob", *job())
    await client.until(some("ErrorEventType"))
    [told] = of(await client.until(some("ResultReadyEventType")), "ResultReadyEventType")
    assert told["event"]["ResultState"] == 4
    assert await client.state() == "Error"
    await bench.source.set_ready(True)
    assert await client.state() == "Error", "only an inspection shows that the camera is back"
    await client.call(f"{OUTER}.Reset", *CAUSE)
    await client.call(f"{OUTER}.SelectModeAutomatic")
    await client.call(f"{RECIPES}.PrepareRecipe", *recipe_of("default"))
    assert await client.state() == "Ready"


async def test_one_bad_picture_is_no_error_of_the_system(bench: Bench, client: Foreign) -> None:
    bench.verdict = lambda _trigger: Verdict.unknown(FaultCode.BAD_FRAME, "dark")
    await client.call(f"{INNER}.StartSingleJob", *job())
    [told] = of(await client.until(some("ResultReadyEventType")), "ResultReadyEventType")
    await client.until(some("ReadyEventType"))
    assert (told["event"]["ResultState"], await client.state()) == (4, "Ready")


async def test_a_report_of_nobody_s_trigger_changes_nothing(bench: Bench, client: Foreign) -> None:
    bench.source.publish(InspectionReport(Trigger("x", "cell-1", 1, datetime.now(UTC)), PASS))
    assert await client.state() == "Ready"
    assert of(client.events, "ResultReadyEventType") == []
