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
    """Rewrites one line on a terminal; elsewhere writes a line now and then.

    total: of whatever is counted; done: how much of it is there from the start. limit_s: the
    seconds after which the job stops in any case.
    """

    def __init__(self, title: str, total: int, done: int = 0, limit_s: float | None = None) -> None:
        self.title = title
        self.total = total
        self.first = done
        self.limit_s = limit_s
        self.started = time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.every = 0.5 if self.terminal else 30.0
        self.shown = self.started

    def update(self, done: int) -> None:
        now = time.monotonic()
        if now - self.shown < self.every or done <= self.first:
            return
        self.shown = now
        elapsed = now - self.started
        share = done / self.total
        left = elapsed * (self.total - done) / (done - self.first)
        if self.limit_s is not None:
            share = max(share, min(1.0, elapsed / self.limit_s))
            left = min(left, max(0.0, self.limit_s - elapsed))
        self._show(f"{100 * share:3.0f} %, {duration(left)} left")

    def close(self) -> None:
        self._show(f"took {duration(time.monotonic() - self.started)}")
        if self.terminal:
            print(file=sys.stderr)

    def _show(self, text: str) -> None:
        line = f"{self.title}: {text}"
        print(
            f"\r{line:<60}" if self.terminal else f"{line}\n", end="", file=sys.stderr, flush=True
        )
