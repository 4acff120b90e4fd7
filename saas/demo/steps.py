"""Shows what the demo is doing: a ticked line for each step, a bar while it lasts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

# Where nobody watches there is no window to fit into.
_LOG_COLUMNS = 120


class Step:
    """One line of the demo while it runs."""

    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._bar = progress.add_task(title, total=None, detail="")
        self.detail = ""

    def advance(self, *, done: float, total: float, detail: str = "") -> None:
        """Move the bar; the last detail stays on the finished line."""
        self.detail = detail
        self._progress.update(self._bar, completed=done, total=total, detail=detail)


class Steps:
    """The demo's terminal: bars where somebody watches, plain lines where nobody does."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        if not self.console.is_terminal:
            self.console.width = _LOG_COLUMNS

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show a step while its block runs, and a tick with its time when it is done."""
        started = time.monotonic()
        progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("[dim]{task.fields[detail]}"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        with progress:
            step = Step(progress, title)
            try:
                yield step
            except BaseException:
                self._line("[red]✗[/]", title, step.detail, time.monotonic() - started)
                raise
        self._line("[green]✓[/]", title, step.detail, time.monotonic() - started)

    def say(self, text: str) -> None:
        """Print a line between steps."""
        self.console.print(text, markup=False, soft_wrap=True)

    def _line(self, mark: str, title: str, detail: str, seconds: float) -> None:
        self.console.print(
            f" {mark} {title}" + (f" [dim]· {detail}[/]" if detail else ""),
            f"[dim]{seconds:.1f} s[/]",
            soft_wrap=True,
        )
