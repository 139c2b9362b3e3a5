"""`inspector say`, `ask` and `voice`: hear a recording, answer a question, fetch models, measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inspector.cli.meter import meter
from inspector.cli.voice_bench import bench
from inspector.cli.voice_options import Engine, EngineOption, JsonOption, ModelOption

if TYPE_CHECKING:
    from inspector.domain import Recogniser, Transcript
    from inspector.settings import LineSettings
    from inspector.voice import Dialogue, Interpreter, Microphone

__all__ = ["app", "ask", "say"]

app = typer.Typer(no_args_is_help=True, help="Speech models, and how well commands are recognised.")
models_app = typer.Typer(no_args_is_help=True, help="Speech models that are not shipped.")
app.add_typer(models_app, name="models")
app.command()(bench)


LineOption = Annotated[
    Path | None, typer.Option("--line", help="YAML of a line: its parts, recipes and zones; default: any number.")
]
LanguageOption = Annotated[str, typer.Option("--language", help="en or zh.")]


def say(
    file: Annotated[
        Path | None, typer.Argument(help="WAV or FLAC file, any rate from 8 kHz, any number of channels.")
    ] = None,
    mic: Annotated[bool, typer.Option("--mic", help="Listen to a microphone of this machine instead.")] = False,
    device: Annotated[
        str, typer.Option(help="Part of the microphone's name, as 'inspector voice devices' lists it.")
    ] = "",
    line: LineOption = None,
    language: LanguageOption = "en",
    engine: EngineOption = Engine.EMBEDDED,
    model: ModelOption = "",
    as_json: JsonOption = False,
) -> None:
    """Hear a recording or a microphone: what is understood, how sure, and what the voice would say. Nothing is changed.

    With --mic it listens until something was said, ten seconds at most, and shows how loud it is. Ends with 1 where
    nothing was understood.

    For example:

      inspector say question.wav --line line.yaml

      inspector say --mic --line line.yaml
    """
    from inspector.runtime.speaking import ReadingDesk, build_dialogue, build_grammar, build_recogniser, opened_record
    from inspector.voice import Interpreter, NoTrail, PortAudioMicrophone, read_audio

    if mic == (file is not None):
        raise typer.BadParameter("give either a file or --mic")
    settings = _settings(line)
    pcm = None if file is None else read_audio(file)
    with opened_record(settings) as record:
        grammar = build_grammar(settings, language, record)
        why_not = "a recording changes nothing" if pcm is not None else "what is said here changes nothing"
        dialogue = build_dialogue(grammar, language, ReadingDesk(record, settings, why_not=why_not), NoTrail())
        recogniser = build_recogniser(engine.value, grammar, language, model=model)
        if pcm is None:
            with PortAudioMicrophone(device) as microphone:
                rows = _overheard(recogniser, microphone, dialogue, Interpreter(grammar))
        else:
            rows = _heard(recogniser, pcm, dialogue, Interpreter(grammar))
    _print_rows({"file": str(file) if file else "microphone", "heard": rows}, as_json=as_json)
    if not any(row["intent"] for row in rows):
        raise typer.Exit(1)


def ask(
    question: Annotated[str, typer.Argument(help='For example "why did part 0042 fail".')],
    line: LineOption = None,
    language: LanguageOption = "en",
    part: Annotated[str, typer.Option(help="Ask about this part: its id, or the last number in it.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Answer a typed question from the record of a line, in the sentences that can also be spoken.

    Ends with 1 where it was not understood or has no answer. Commands are understood but not carried out. With
    --part, the question is about that part: is there …, how many, which is the largest, where, why, how far from the
    limit.

    For example:

      inspector ask "what was the last defect" --line line.yaml

      inspector ask "how far from the limit is the last part" --line line.yaml

      inspector ask 最近的缺陷是什么 --language zh --line line.yaml

      inspector ask "is there a spur near the connector" --part 4711 --line line.yaml
    """
    if part:
        from inspector.cli.words import ask_part

        ask_part(question, part, line, language, as_json=as_json)
        return
    from inspector.domain import Transcript
    from inspector.runtime.speaking import ReadingDesk, build_dialogue, build_grammar, opened_record
    from inspector.voice import Interpreter, NoTrail

    settings = _settings(line)
    with opened_record(settings) as record:
        grammar = build_grammar(settings, language, record)
        desk = ReadingDesk(record, settings, why_not="questions only are answered here")
        dialogue = build_dialogue(grammar, language, desk, NoTrail())
        row = _turn(Transcript(question, 1.0, final=True), dialogue, Interpreter(grammar))
    _print_rows({"question": question, **row}, as_json=as_json)
    if row["kind"] != "answer":
        raise typer.Exit(1)


@app.command()
def devices(as_json: JsonOption = False) -> None:
    """Show the microphones of this machine; ends with 1 where there is none.

    For example:

      inspector voice devices
    """
    import json
    from dataclasses import asdict

    from inspector.voice import input_devices

    found = input_devices()
    if as_json:
        typer.echo(json.dumps({"microphones": [asdict(device) for device in found]}))
    for device in found if not as_json else ():
        typer.echo(f"{device.name}  {device.channels} channels  {device.rate} Hz{'  default' * device.default}")
    if not found:
        typer.echo("There is no microphone.", err=True)
        raise typer.Exit(1)


@app.command()
def enrol(
    folder: Annotated[
        Path | None,
        typer.Argument(help="01.wav, 02.wav … of the sentences that --show lists; default: a microphone."),
    ] = None,
    line: LineOption = None,
    language: LanguageOption = "en",
    device: Annotated[str, typer.Option(help="Part of the microphone's name.")] = "",
    engine: EngineOption = Engine.EMBEDDED,
    model: ModelOption = "",
    show: Annotated[bool, typer.Option("--show", help="Only list the sentences.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Have twenty sentences read aloud, and say how well this voice is understood and which 'voice.trust' suits it.

    Nothing is changed and no sound is kept. Ends with 1 where less than half was understood.

    For example:

      inspector voice enrol --line line.yaml
    """
    import json

    from inspector.runtime.speaking import build_grammar, build_recogniser, opened_record
    from inspector.voice import DEFAULT_GATE, PortAudioMicrophone, Press, listened, read_aloud, read_audio
    from inspector.voice import sentences_to_read as sentences
    from inspector.voice import trust_from as trusted

    settings = _settings(line)
    with opened_record(settings) as record:
        grammar = build_grammar(settings, language, record)
    to_read = list(sentences(grammar))
    if show:
        for number, (sentence, _) in enumerate(to_read, 1):
            typer.echo(f"{number:02}  {sentence}")
        return
    recogniser = build_recogniser(engine.value, grammar, language, model=model)

    def from_file(number: int, _: str) -> tuple[str, float]:
        press = Press(recogniser)
        press.feed(read_audio(Path(folder or ".") / f"{number:02}.wav"))
        heard = press.finish()
        return heard.text, heard.confidence

    def from_microphone(number: int, sentence: str) -> tuple[str, float]:
        typer.echo(f"{number:02} of {len(to_read)}  Read aloud: {sentence}", err=True)
        with PortAudioMicrophone(device) as microphone, meter(microphone.rate) as shown:
            heard = listened(Press(recogniser, microphone.rate), microphone, shown)
        return heard.text, heard.confidence

    try:
        reads = read_aloud(to_read, grammar, from_microphone if folder is None else from_file)
    finally:
        recogniser.close()
    trust, right = trusted(reads, DEFAULT_GATE), sum(read.right for read in reads)
    if as_json:
        rows = [{"sentence": r.sentence, "right": r.right, "confidence": round(r.confidence, 3)} for r in reads]
        typer.echo(json.dumps({"read": rows, "right": right, "trust": trust}))
    else:
        for read in reads:
            typer.echo(f"{'ok ' if read.right else 'NO '} {read.confidence:.2f}  {read.sentence}")
        typer.echo(f"{right} of {len(reads)} understood. In the line's YAML: voice: {{trust: {trust:g}}}")
    if right < len(reads) / 2:
        raise typer.Exit(1)


@models_app.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """Show the models that can be fetched, and whether they are here."""
    import json

    from inspector.voice import CATALOGUE, cache_folder, installed_model

    rows = [
        {
            "name": model.name,
            "language": model.language,
            "licence": model.licence,
            "url": model.url,
            "path": None if (path := installed_model(model.name, cache_folder())) is None else str(path),
        }
        for model in CATALOGUE.values()
    ]
    if as_json:
        typer.echo(json.dumps({"models": rows}))
        return
    for row in rows:
        typer.echo(f"{row['name']}  {row['language']}  {row['licence']}  {row['path'] or 'not here'}")


@models_app.command()
def pull(name: Annotated[str, typer.Argument(help="Name of a model, such as vosk-en-small.")]) -> None:
    """Fetch a model: checked against its pinned SHA-256; goes on where an earlier download broke off."""
    from rich.progress import BarColumn, DownloadColumn, Progress

    from inspector.domain import ModelError
    from inspector.voice import CATALOGUE, cache_folder
    from inspector.voice import pull as fetch

    model = CATALOGUE.get(name)
    if model is None:
        raise ModelError(f"there is no speech model {name!r}", remedy=f"Choose one of {', '.join(CATALOGUE)}")
    with Progress("{task.description}", BarColumn(), DownloadColumn(), transient=True) as bar:
        task = bar.add_task(name, total=None)
        path = fetch(model, cache_folder(), progress=lambda have, total: bar.update(task, completed=have, total=total))
    typer.echo(str(path))


def _settings(line: Path | None) -> LineSettings | None:
    from inspector.settings import load_line

    return None if line is None else load_line(line)


def _heard(recogniser: Recogniser, pcm: Any, dialogue: Dialogue, interpreter: Interpreter) -> list[dict[str, Any]]:
    from inspector.domain import NOBODY
    from inspector.voice import finals, levels

    level = levels(pcm)
    if level.silent or level.overdriven:
        reply = dialogue.unheard("silent" if level.silent else "overdriven", NOBODY)
        return [_row("", 0.0, None, reply.kind.value, reply.text)]
    try:
        rows = [_turn(transcript, dialogue, interpreter) for transcript in finals(recogniser, pcm)]
    finally:
        recogniser.close()
    if rows:
        return rows
    reply = dialogue.unheard("nothing_said", NOBODY)
    return [_row("", 0.0, None, reply.kind.value, reply.text)]


def _overheard(
    recogniser: Recogniser, microphone: Microphone, dialogue: Dialogue, interpreter: Interpreter
) -> list[dict[str, Any]]:
    """Listen until something was said, with a level meter beside it."""
    from inspector.domain import NOBODY, Transcript
    from inspector.voice import Press, listened

    typer.echo("Speak.", err=True)
    try:
        with meter(microphone.rate) as show:
            heard = listened(Press(recogniser, microphone.rate), microphone, show)
    finally:
        recogniser.close()
    if heard.unheard:
        reply = dialogue.unheard(heard.unheard, NOBODY)
        return [_row("", 0.0, None, reply.kind.value, reply.text)]
    return [_turn(Transcript(heard.text, heard.confidence, final=True), dialogue, interpreter)]


def _turn(transcript: Transcript, dialogue: Dialogue, interpreter: Interpreter) -> dict[str, Any]:
    """Return one utterance and the reply to it, as somebody gets it whose role allows everything."""
    from inspector.domain import Person, Role
    from inspector.voice import Meaning

    meaning = interpreter.understand(transcript.text)
    reply = dialogue.say(transcript.text, Person("", Role.ENGINEER), confidence=transcript.confidence)
    understood = meaning if isinstance(meaning, Meaning) else None
    return _row(transcript.text, transcript.confidence, understood, reply.kind.value, reply.text)


def _row(text: str, confidence: float, meaning: Any, kind: str, reply: str) -> dict[str, Any]:
    return {
        "text": text,
        "confidence": round(confidence, 3),
        "intent": meaning.intent if meaning else None,
        "slots": dict(meaning.slots) if meaning else {},
        "kind": kind,
        "reply": reply,
    }


def _print_rows(body: dict[str, Any], *, as_json: bool) -> None:
    import json

    if as_json:
        typer.echo(json.dumps(body, ensure_ascii=False))
        return
    for row in body.get("heard", [body]):
        if row["text"] and "heard" in body:
            typer.echo(f"heard ({row['confidence']:.2f}): {row['text']}")
        typer.echo(row["reply"])
