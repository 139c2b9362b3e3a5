"""What a running command shows on the terminal."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from inspector.domain import Counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from inspector.reports import AdviceWeek
    from inspector.runtime.plant import Summary

__all__ = ["RunDisplay", "agreement_tables", "summary_table"]

MOST_DISAGREEMENTS = 20


class RunDisplay:
    """A line of live counts, with a bar where the number of parts is known; use as a context manager."""

    def __init__(self, console: Console, line: str, parts: int | None) -> None:
        columns = [SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()]
        bar = [BarColumn(), MofNCompleteColumn()] if parts else []
        self._progress = Progress(*columns[:2], *bar, columns[2], console=console, transient=True)
        self._task = self._progress.add_task(f"{line}: starting", total=parts)
        self._line = line

    def __enter__(self) -> RunDisplay:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """Print a line above the counts."""
        self._progress.console.print(text, highlight=False)

    def show(self, counts: Counts) -> None:
        """Show the counts so far."""
        text = (
            f"{self._line}: [green]{counts.passed} passed[/] · [yellow]{counts.review} review[/] · "
            f"[red]{counts.failed} failed[/]" + (f" · {counts.faults} not inspected" if counts.faults else "")
        )
        self._progress.update(self._task, description=text, completed=counts.total)

    def ending(self) -> None:
        """Say that the processes are being stopped."""
        self._progress.update(self._task, description=f"{self._line}: stopping in order")


def summary_table(summary: Summary) -> Table:
    """Return what a run came to."""
    table = Table(title="every trigger accounted for" if summary.complete else "NOT every trigger accounted for")
    table.add_column("")
    table.add_column("parts", justify="right")
    table.add_row("triggers", str(summary.triggers))
    table.add_row("verdicts in the PLC", str(summary.plc_verdicts))
    table.add_row("records", str(summary.records))
    if summary.messages is not None:
        table.add_row("messages at the broker", str(summary.messages))
    table.add_section()
    for outcome, count in summary.outcomes.items():
        table.add_row(outcome, str(count))
    for name, count in summary.restarts.items():
        table.add_row(f"restarts of the {name} process", str(count))
    return table


def agreement_tables(weeks: Sequence[AdviceWeek], currency: str) -> Iterator[Table]:
    """Yield the weeks, the classes of the last of them, and its parts on which adviser and people differ."""
    from inspector.reports import advice_table  # slow to load, and only needed here
    from inspector.reports.words import ReportWords

    told = advice_table(weeks, ReportWords("en", {}), currency)
    table = Table(*told.head, title=told.title)
    for row in told.rows:
        table.add_row(*row)
    yield table
    last = weeks[-1]
    classes = Table("class", "looked at", "same on accept or not", title=f"week from {last.monday}")
    for label, share in last.classes.items():
        classes.add_row(label or "without findings", str(share.of), str(share.number))
    yield classes
    if last.disagreements:
        differ = Table("part", "at", "class", "the adviser", "the person", "by", title="where they differ, the latest")
        for part in last.disagreements[-MOST_DISAGREEMENTS:]:
            said = [decision.name.lower() for decision in (part.opinion, part.person) if decision is not None]
            differ.add_row(part.part_id, f"{part.at:%Y-%m-%d %H:%M}", ", ".join(part.labels), *said, part.by)
        yield differ
