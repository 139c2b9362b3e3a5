"""`inspector voice bench`: how well commands are recognised in noise."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inspector.cli.voice_options import Engine, EngineOption, JsonOption, ModelOption

__all__ = ["bench"]


def bench(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Recordings: labels.json and clips/, or DIGIT_SPEAKER_INDEX.wav; default: synthetic speech."
        ),
    ] = None,
    grammar: Annotated[
        Path | None, typer.Option(help="JSGF of the recordings; default: orders to a coffee machine.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many recordings.")] = 115,
    snr: Annotated[
        str, typer.Option(help="Signal to noise, dB, separated by commas; 'clean' is one.")
    ] = "clean,20,10,5,0",
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Voices, sentences and parts that nothing was chosen by.")
    ] = False,
    babble: Annotated[
        int, typer.Option(min=0, metavar="MINUTES", help="Instead: minutes of talk that commands nothing.")
    ] = 0,
    noises: Annotated[int, typer.Option(min=1, help="In how many different noises of each level.")] = 1,
    wake: Annotated[
        str, typer.Option(metavar="PHRASE", help="Heard by an open microphone: commands begin with this phrase.")
    ] = "",
    sweep: Annotated[bool, typer.Option("--sweep", help="Instead: joint decoding with several weights w.")] = False,
    engine: EngineOption = Engine.EMBEDDED,
    model: ModelOption = "",
    as_json: JsonOption = False,
) -> None:
    """Measure how well commands are recognised in factory noise, how many wrong ones are accepted, and how quickly.

    For example:

      inspector voice bench --json

      inspector voice bench recordings/orders --count 60 --snr clean,10
    """
    import json

    from inspector.runtime.hearing_bench import measure, measure_babble, measure_sweep, parse_snrs

    levels = parse_snrs(snr)
    if babble:
        figures = measure_babble(babble, wake)
    elif sweep:
        figures = measure_sweep(count, levels)
    else:
        figures = measure(
            folder,
            grammar,
            count,
            levels,
            engine=engine.value,
            model=model,
            held_out=held_out,
            noises=noises,
            wake=wake,
        )
    if as_json:
        typer.echo(json.dumps(figures, ensure_ascii=False))
        return
    for name, rows in figures.items():
        if isinstance(rows, list):
            typer.echo(name)
            for row in rows:
                typer.echo("  " + "  ".join(f"{key} {value}" for key, value in row.items()))
        else:
            typer.echo(f"{name}: {rows}")
