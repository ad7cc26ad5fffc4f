"""What the demo prints: one line per thing that happened, with progress bars where it takes long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from homeostat.types.report import Score

NARROW = 16
"""Letters of a table's cell that are shown whatever the width of the terminal."""


def brief(score: Score | None) -> str:
    """A share with half its interval, as `83.1 ± 2.8 %`."""
    return "–" if score is None else f"{100 * score.mean:.1f} ± {50 * (score.high - score.low):.1f} %"


def points(score: Score | None) -> str:
    """A share as `83.1 % (80.2 to 85.7, n=640)`."""
    if score is None:
        return "–"
    return f"{100 * score.mean:.1f} % ({100 * score.low:.1f} to {100 * score.high:.1f}, n={score.n:,})"


@dataclass(slots=True)
class Scene:
    """The terminal; everything goes to standard error, so that standard output is free for JSON."""

    console: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))
    started: float = field(default_factory=time.time)
    timeline: list[dict[str, object]] = field(default_factory=list)

    def say(self, event: str, text: str, at: float | None = None) -> None:
        """Print a line with the seconds since the start, and keep it for the timeline."""
        elapsed = self._line(event, text)
        plain = Text.from_markup(text).plain
        self.timeline.append({"wall_s": round(elapsed, 1), "time": at, "event": event, "text": plain})

    def table(self, title: str, columns: list[str], rows: list[list[str]], *, left: int = 1) -> None:
        """Print a table whose first `left` columns hold words and the others figures."""
        table = Table(title=title, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
        for k, column in enumerate(columns):
            words = k < left
            table.add_column(
                column,
                justify="left" if words else "right",
                no_wrap=words,
                overflow="ellipsis",
                min_width=min(NARROW, max(len(row[k]) for row in [columns, *rows])),
            )
        for row in rows:
            table.add_row(*row)
        self.console.print()
        self.console.print(table)

    def _line(self, event: str, text: str) -> float:
        """Print a line; the seconds since the start that it carries."""
        elapsed = time.time() - self.started
        self.console.print(f"[dim]{elapsed:6.1f} s[/dim]  [bold]{event:<9}[/bold] {text}", soft_wrap=True)
        return elapsed

    @contextmanager
    def bar(self, name: str, total: float, doing: str = "") -> Iterator[Bar]:
        """A progress bar that lives as long as the block; lines said meanwhile appear above it.

        Where no bar can be drawn, as in a log, a line says at the beginning what is being done, if `doing` does.
        """
        if doing and not self.console.is_interactive:
            self._line(name, doing)
        columns = (
            TextColumn("          [bold]{task.description:<9}[/bold]"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(*columns, console=self.console, transient=True) as progress:
            yield Bar(progress, progress.add_task(name, total=total, note=""))


@dataclass(slots=True)
class Bar:
    """A running progress bar."""

    progress: Progress
    task: TaskID

    def to(self, done: float, total: float | None = None, note: str = "") -> None:
        """Set it to `done`, with a note behind it."""
        self.progress.update(self.task, completed=done, total=total, note=note)

    def training(self, values: dict[str, float]) -> None:
        """Follow a training run's report."""
        self.to(values["step"], values["steps"], f"loss {values['loss']:.3f}  held out {values['held_out']:.3f}")
