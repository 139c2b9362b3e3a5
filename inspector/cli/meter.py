"""A level meter on the terminal, for who speaks into a microphone of this machine."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["meter"]


@contextmanager
def meter(rate: int) -> Iterator[Callable[[Any], None]]:
    """Yield what shows how loud samples are, on the terminal, with a warning where they are none or cut off."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from inspector.voice import Watch

    watch = Watch(rate)
    columns = (TextColumn("level"), BarColumn(40), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=60.0)

        def show(pcm: Any) -> None:
            now = watch.take(pcm)
            warning = "no sound: plugged in, not muted?" if watch.dead else ""
            bar.update(
                task,
                completed=max(0.0, 60.0 + now.dbfs),
                description="too loud" if watch.overdriven else warning or f"{now.dbfs:.0f} dB",
            )

        yield show
