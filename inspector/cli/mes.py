"""`inspector mes`: hear what a line tells the MES, and see what still waits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from inspector.mes import MessageCounter

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help="Hear what a line tells the MES; see what still waits."
)

ANY_LINE = "v1/+/+/+/+/+/inspection/result"
PASSWORD_ENV = "MES_PASSWORD"  # noqa: S105  (the name of a variable)


@app.command()
def listen(
    source: Annotated[str, typer.Argument(help="Address of the broker (mqtt://host:port), or the YAML of a line.")],
    *,
    topic: Annotated[str, typer.Option(help="What to subscribe to; default: every line, or that of the YAML.")] = "",
    username: Annotated[str, typer.Option(help="User at the broker.")] = "mes",
    password_env: Annotated[str, typer.Option(help="Environment variable with the password.")] = PASSWORD_ENV,
    ca: Annotated[Path | None, typer.Option(help="Certificates to trust instead of the system's, PEM.")] = None,
    client_id: Annotated[str, typer.Option(help="Name of the session that the broker keeps.")] = "inspector-listen",
    ack: Annotated[bool, typer.Option("--ack", help="Acknowledge each result to the line, as an MES does.")] = False,
    store: Annotated[
        Path | None, typer.Option(help="Append each result to this file of JSON lines before it is acknowledged.")
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, help="End after that many results.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each result as one line of JSON.")] = False,
) -> None:
    """Print every result as it arrives: each once, in order, with what came twice or is missing at the end.

    With --ack it takes the place of the MES: a result that it has taken, the line does not send again. Without
    --store that is for rehearsals only.

    For example:

      MES_PASSWORD=… inspector mes listen mqtt://127.0.0.1:1883
      MES_PASSWORD=… inspector mes listen line.yaml --ack --store results.jsonl
    """
    import os
    import threading

    from inspector.domain import ConfigurationError
    from inspector.mes import MessageCounter
    from inspector.mes.kept import KeptMessages

    url, own_topic = _broker_of(source)
    topic = topic or own_topic
    if ack and ("+" in topic or "#" in topic or not topic.endswith("/result")):
        raise ConfigurationError(
            f"--ack needs the topic of one line, not {topic}", remedy="Give --topic v1/…/inspection/result, or the YAML"
        )
    kept = KeptMessages(store) if store is not None else None
    show = _print_json if as_json else _print_line

    def take(message: dict[str, Any]) -> None:
        if kept is not None:
            kept.keep(message)
        show(message)

    counter = MessageCounter(
        url,
        topic,
        client_id=client_id,
        username=username,
        password=os.environ.get(password_env, ""),
        ca_file=ca,
        ack_topic=topic.removesuffix("/result") + "/ack" if ack else "",
        already=kept.already if kept is not None else (),
        on_result=take,
    )
    try:
        counter.start()
        if count is None:
            threading.Event().wait()
        else:
            counter.wait_for(count, threading.TIMEOUT_MAX)
    except KeyboardInterrupt:
        pass
    finally:
        counter.close()
        if kept is not None:
            kept.close()
    typer.echo(_summary(counter), err=True)


@app.command()
def status(
    line: Annotated[Path, typer.Argument(help="YAML of the line.")],
    data: Annotated[
        Path | None, typer.Option(help="The line's data folder; default: $INSPECTOR_DATA, else ./var.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Say how many messages wait in the outbox of a line's record, how old the oldest is, and how fast they go.

    For example:

      inspector mes status line_configs/virtual-board.yaml
    """
    import json
    from datetime import UTC, datetime

    from inspector.domain import Queue, StoreError
    from inspector.settings import data_folder, load_line
    from inspector.store import Database, SqlOutbox

    settings = load_line(line, data=data_folder() if data is None else data.absolute())
    url = str(settings.store.url)
    file = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:") and not file.exists():
        raise StoreError(f"{settings.line} has no record yet: {file}", remedy=f"Start it: inspector run {line}")
    database = Database(url, username=settings.store.username, password=settings.store.password())
    try:
        line_name, station = settings.line, settings.station
        outboxes = {queue: SqlOutbox(database, line=line_name, station=station, queue=queue) for queue in Queue}
        backlogs = {queue: outbox.backlog() for queue, outbox in outboxes.items()}
    finally:
        database.close()
    now = datetime.now(UTC)
    said = {
        queue.value: {
            "waiting": backlog.messages,
            "oldest_age_s": round((now - backlog.oldest).total_seconds(), 1) if backlog.oldest else None,
            "acknowledged": backlog.acknowledged,
            "per_minute": backlog.per_minute,
            "written_per_minute": backlog.written_per_minute,
            "set_aside": backlog.refused,
        }
        for queue, backlog in backlogs.items()
        if queue is not Queue.SPARKPLUG or (settings.connected_mes and settings.connected_mes.sparkplug)
    }
    if as_json:
        typer.echo(json.dumps({"line": settings.line, "station": settings.station, **said}))
        return
    for queue, one in said.items():
        age = one["oldest_age_s"]
        waiting = f"{one['waiting']} waiting" + (f", the oldest for {_age(age)}" if age is not None else "")
        aside = f", {one['set_aside']} set aside" if one["set_aside"] else ""
        typer.echo(
            f"{settings.line} {queue}: {waiting}, {one['acknowledged']} acknowledged; in the last minute "
            f"{one['written_per_minute']} written, {one['per_minute']} acknowledged{aside}"
        )


@app.command()
def schema(
    message: Annotated[str, typer.Argument(help="Which message; an unknown one lists them all.")] = "inspection-result",
) -> None:
    """Print the JSON Schema of a message: the result, or another one by its name.

    For example:

      inspector mes schema > inspection-result.json
      inspector mes schema order
    """
    import json

    from inspector.domain import ConfigurationError
    from inspector.mes import catalogue

    names = [entry.name for entry in catalogue.CATALOGUE]
    if message not in names:
        raise ConfigurationError(f"there is no message {message}", remedy=f"There are: {', '.join(names)}")
    typer.echo(json.dumps(catalogue.schema(message), indent=2, ensure_ascii=False))


@app.command()
def asyncapi() -> None:
    """Print the AsyncAPI document: every topic, direction and message with its schema.

    For example:

      inspector mes asyncapi > asyncapi.json
    """
    import json

    from inspector.mes import catalogue

    typer.echo(json.dumps(catalogue.asyncapi(), indent=2, ensure_ascii=False))


def _broker_of(source: str) -> tuple[str, str]:
    """Return broker address and topic: given as such, or read from a line's YAML."""
    if "://" in source:
        return source, ANY_LINE
    from inspector.domain import ConfigurationError
    from inspector.mes import Source, Topics
    from inspector.settings import load_line

    mes: Any = load_line(source).mes
    if mes.kind != "mqtt":
        raise ConfigurationError(
            f"{source} names no broker: mes.kind is {mes.kind}", remedy="Give the address: mqtt://127.0.0.1:PORT"
        )
    return mes.url, Topics(Source(**mes.identity.model_dump())).result


def _print_json(message: dict[str, Any]) -> None:
    import json

    typer.echo(json.dumps(message, ensure_ascii=False))


def _print_line(message: dict[str, Any]) -> None:
    if message.get("schema") != "inspection-result/1":
        typer.echo(f"{message['seq']:>8}  {message.get('schema')}: {message.get('reason', message['msg_id'])}")
        return
    found = ", ".join(defect["class"] for defect in message["defects"]) or message["fault"] or "no defect"
    simulated = "  (simulated)" if message["simulated"] else ""
    typer.echo(
        f"{message['seq']:>8}  {message['ts'][:19]}Z  {message['source']['line']}/{message['station']}  "
        f"{message['serial']:<16}  {message['result']:<7}  {message['cycle_ms']:6.1f} ms  {found}{simulated}"
    )


def _summary(counter: MessageCounter) -> str:
    return f"{counter.count} results, {counter.duplicates} came twice, {counter.gaps} out of order"


def _age(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
