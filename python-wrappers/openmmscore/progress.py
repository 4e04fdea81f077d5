"""One line that says how far a long job is and how much time is left."""

from __future__ import annotations

import sys
import time


def duration(seconds: float) -> str:
    """1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Progress:
    """Rewrites one line on a terminal; elsewhere writes a line now and then."""

    def __init__(self, title: str, total: int, done: int = 0) -> None:
        self.title = title
        self.total = total
        self.first = done
        self.started = time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.every = 0.5 if self.terminal else 30.0
        self.shown = self.started

    def update(self, done: int, note: str = "") -> None:
        now = time.monotonic()
        if now - self.shown < self.every:
            return
        self.shown = now
        self._show(done, note)

    def close(self, done: int | None = None) -> None:
        """Ends the line. done: where the job stopped, if it is not finished."""
        self._show(self.total if done is None else done, "")
        if self.terminal:
            print(file=sys.stderr)

    def _show(self, done: int, note: str) -> None:
        elapsed = time.monotonic() - self.started
        new = done - self.first
        if done >= self.total:
            timing = f"took {duration(elapsed)}"
        elif new > 0:
            timing = f"{duration(elapsed * (self.total - done) / new)} left"
        else:
            timing = "starting"
        line = f"{self.title}: {100 * done / self.total:3.0f} %, {timing}{note and ', ' + note}"
        print(f"\r{line:<78}" if self.terminal else line, end="", file=sys.stderr, flush=True)
        if not self.terminal:
            print(file=sys.stderr)
