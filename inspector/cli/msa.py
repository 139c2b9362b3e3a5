"""`inspector msa`: how much of the measured variation is the measuring itself, after AIAG MSA, 4th edition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["app"]

app = typer.Typer(
    name="msa",
    no_args_is_help=True,
    help="Measurement system analysis after AIAG: plan a study, then read it; exit code 1 where it is not acceptable.",
)

Study = Annotated[Path, typer.Argument(help="CSV file of the study, its columns named in the first line.")]
Page = Annotated[Path | None, typer.Option("--html", help="Write the report with its charts to this file.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command(epilog="Example: inspector msa plan --parts 10 --appraisers Ann,Bo,Cy --trials 3 > study.csv")
def plan(
    parts: Annotated[int, typer.Option(min=2, max=500)] = 10,
    appraisers: Annotated[str, typer.Option(help="Names, with commas between.")] = "A,B,C",
    trials: Annotated[int, typer.Option(min=2, max=50)] = 3,
    attribute: Annotated[bool, typer.Option("--attribute", help="For verdicts (ok, nok) instead of values.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Another order of chance.")] = 1,
) -> None:
    """Print a study to fill in: who measures which part next, in an order of chance."""
    from inspector.gauging.msa_files import plan as planned

    names = [name.strip() for name in appraisers.split(",") if name.strip()]
    typer.echo(planned(parts, names, trials, attribute=attribute, seed=seed), nl=False)


@app.command(epilog="Example: inspector msa grr study.csv --tolerance 0.4 --html report.html")
def grr(
    study: Study,
    tolerance: Annotated[
        float | None, typer.Option(help="USL - LSL, in the unit of the readings; without it, the total variation.")
    ] = None,
    html: Page = None,
    as_json: Json = False,
) -> None:
    """Gauge repeatability and reproducibility, crossed, by analysis of variance; columns part, appraiser, value."""
    from inspector.gauging import msa_charts
    from inspector.gauging.msa_files import read_numbers, read_rows
    from inspector.gauging.msa_variable import Acceptance, Reading, gauge_study

    rows = read_rows(study, ("part", "appraiser", "value"))
    values = read_numbers(study, rows, "value")
    readings = [Reading(row["part"], row["appraiser"], value) for row, value in zip(rows, values, strict=True)]
    result = _asked(lambda: gauge_study(readings, tolerance=tolerance), study)
    of = {} if result.percent_of_tolerance is None else {"% of tolerance": f"{result.percent_of_tolerance:.1f}"}
    figures = {
        "parts x appraisers x trials": f"{result.parts} x {result.appraisers} x {result.trials}",
        "repeatability (EV)": f"{result.repeatability:.4g}",
        "reproducibility (AV)": f"{result.reproducibility:.4g}",
        "gauge R&R": f"{result.grr:.4g}",
        "parts (PV)": f"{result.part_variation:.4g}",
        "total (TV)": f"{result.total:.4g}",
        "% of total variation": f"{result.percent_of_total:.1f}",
        **of,
        "distinct categories": str(result.categories),
        "interaction": "pooled into repeatability" if result.pooled else f"{result.interaction:.4g}",
    }
    charts = (msa_charts.components_chart(result), msa_charts.parts_chart(readings))
    _tell("Gauge R&R", result.acceptance.value, figures, result, charts, html, as_json)
    _exit_unless(result.acceptance is not Acceptance.UNACCEPTABLE)


@app.command(epilog="Example: inspector msa bias readings.csv --reference 6.0")
def bias(
    study: Study,
    reference: Annotated[float, typer.Option(help="The certified value of the part.")],
    as_json: Json = False,
) -> None:
    """Whether repeated readings of one part are off its reference; column value."""
    from inspector.gauging.msa_files import read_numbers, read_rows
    from inspector.gauging.msa_variable import bias as analysed

    values = read_numbers(study, read_rows(study, ("value",)), "value")
    result = _asked(lambda: analysed(values, reference), study)
    figures = {
        "readings": str(result.readings),
        "mean": f"{result.mean:.6g}",
        "bias": f"{result.bias:+.4g}",
        "95 % of the bias": f"{result.low:+.4g} … {result.high:+.4g}",
        "repeatability": f"{result.repeatability:.4g}",
        "t, p": f"{result.t:.3f}, {result.p:.3g}",
    }
    _tell("Bias", _word(result.acceptable), figures, result, (), None, as_json)
    _exit_unless(result.acceptable)


@app.command(epilog="Example: inspector msa linearity readings.csv --html report.html")
def linearity(study: Study, html: Page = None, as_json: Json = False) -> None:
    """Whether the bias changes over the range; columns reference, value."""
    from inspector.gauging import msa_charts
    from inspector.gauging.msa_files import read_numbers, read_rows
    from inspector.gauging.msa_variable import linearity as analysed

    rows = read_rows(study, ("reference", "value"))
    pairs = list(zip(read_numbers(study, rows, "reference"), read_numbers(study, rows, "value"), strict=True))
    result = _asked(lambda: analysed(pairs), study)
    figures = {
        "readings": str(result.readings),
        "bias": f"{result.slope:+.5g} x reference {result.intercept:+.5g}",
        "p of slope, of intercept": f"{result.slope_p:.3g}, {result.intercept_p:.3g}",
        "R squared": f"{result.r_squared:.3f}",
        **{f"mean bias at {at:g}": f"{value:+.4g}" for at, value in result.mean_bias.items()},
    }
    chart = msa_charts.linearity_chart(pairs, result)
    _tell("Linearity", _word(result.acceptable), figures, result, (chart,), html, as_json)
    _exit_unless(result.acceptable)


@app.command(epilog="Example: inspector msa stability readings.csv --html report.html")
def stability(study: Study, html: Page = None, as_json: Json = False) -> None:
    """Whether readings of the same part stay where they were; columns subgroup (in order of time), value."""
    from inspector.gauging import msa_charts
    from inspector.gauging.msa_files import read_numbers, read_rows
    from inspector.gauging.msa_variable import stability as analysed

    rows = read_rows(study, ("subgroup", "value"))
    groups: dict[str, list[float]] = {}
    for row, value in zip(rows, read_numbers(study, rows, "value"), strict=True):
        groups.setdefault(row["subgroup"], []).append(value)
    result = _asked(lambda: analysed(groups), study)
    figures = {
        "subgroups": str(len(result.names)),
        "centre": f"{result.centre:.6g}",
        "limits of averages": f"{result.mean_limits[0]:.6g} … {result.mean_limits[1]:.6g}",
        "limits of spread": f"{result.spread_limits[0]:.4g} … {result.spread_limits[1]:.4g}",
        "alarms": "; ".join(result.alarms) or "none",
    }
    chart = msa_charts.stability_chart(result)
    _tell("Stability", "stable" if result.stable else "not stable", figures, result, (chart,), html, as_json)
    _exit_unless(result.stable)


@app.command(epilog="Example: inspector msa attribute verdicts.csv --json")
def attribute(study: Study, as_json: Json = False) -> None:
    """Agreement of verdicts: kappa, misses, false alarms; columns part, appraiser, rating, reference (ok or nok)."""
    from inspector.gauging.msa_attribute import Rating, agreement
    from inspector.gauging.msa_files import read_rows, verdict_of
    from inspector.gauging.msa_variable import Acceptance

    rows = read_rows(study, ("part", "appraiser", "rating", "reference"))
    ratings = [
        Rating(row["part"], row["appraiser"], verdict_of(study, row, "rating"), verdict_of(study, row, "reference"))
        for row in rows
    ]
    result = _asked(lambda: agreement(ratings), study)
    figures = {"parts x trials": f"{result.parts} x {result.trials}"}
    for one in result.appraisers:
        shares = (one.effectiveness, one.miss_rate, one.false_alarm_rate)
        told = ["-" if share is None else f"{share:.1%}" for share in shares]
        figures[one.name] = (
            f"kappa {one.kappa:.2f}, effective {told[0]}, misses {told[1]}, false alarms {told[2]}: "
            f"{one.acceptance.value}"
        )
    figures |= {f"{a} and {b}": f"kappa {value:.2f}" for (a, b), value in result.between.items()}
    classes = list(Acceptance)
    worst = max((one.acceptance for one in result.appraisers), key=classes.index)
    _tell("Attribute agreement", worst.value, figures, result, (), None, as_json)
    _exit_unless(worst is not Acceptance.UNACCEPTABLE)


def _asked(analyse: Any, study: Path) -> Any:
    from inspector.domain import ConfigurationError

    try:
        return analyse()
    except ValueError as error:
        raise ConfigurationError(
            f"{study}: {error}", remedy="Complete the study; 'inspector msa plan' makes one"
        ) from error


def _tell(
    title: str,
    verdict: str,
    figures: Mapping[str, str],
    result: Any,
    charts: Sequence[str],
    html: Path | None,
    as_json: bool,
) -> None:
    import json
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    from inspector.domain import ConfigurationError
    from inspector.gauging.msa_charts import page

    if html is not None:
        try:
            html.write_text(page(title, verdict, figures, charts), encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{html}: cannot be written: {error.strerror}", remedy="Choose another") from error
    if as_json:
        typer.echo(json.dumps({"verdict": verdict, **_keyed(asdict(result))}, allow_nan=False))
        return
    table = Table("figure", "value", title=f"{title}: {verdict}")
    for name, value in figures.items():
        table.add_row(name, value)
    Console().print(table)


def _keyed(value: Any) -> Any:
    """Return the value with keys that JSON has: pairs become ``a and b``."""
    if isinstance(value, dict):
        return {" and ".join(k) if isinstance(k, tuple) else str(k): _keyed(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_keyed(item) for item in value]
    return None if isinstance(value, float) and value in {float("inf"), float("-inf")} else value


def _word(acceptable: bool) -> str:
    return "acceptable" if acceptable else "not acceptable"


def _exit_unless(good: bool) -> None:
    if not good:
        raise typer.Exit(1)
