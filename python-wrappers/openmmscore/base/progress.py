"""What a command says: one line that tells how far a long job is and how much time is left, and
words that cost nothing where they cannot be written."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import suppress

__all__ = ["Progress", "duration", "hold_standard_streams", "say", "text_of"]

# Of a stream that is full, closed or None.
_CANNOT_BE_WRITTEN = (AttributeError, OSError, ValueError)


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def duration(seconds: float) -> str:
    """1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def say(text: str, *, end: str = "\n", error: bool = False) -> None:
    """Prints on stdout, or stderr, if that can be: a result is worth more than words about it."""
    with suppress(*_CANNOT_BE_WRITTEN):
        stream = sys.stderr if error else sys.stdout
        encoding = getattr(stream, "encoding", None) or "utf-8"
        shown = text.encode(encoding, "backslashreplace").decode(encoding)
        print(shown, end=end, file=stream, flush=True)


def text_of(error: BaseException) -> str:
    """What an error says, with the file first if it has one; in one line, whatever a path has in
    it."""
    text = str(error) or type(error).__name__
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        text = f"{os.fsdecode(error.filename)}: {error.strerror}"
    return _CONTROL.sub("?", text)


def hold_standard_streams() -> None:
    """Opens what is closed of stdin, stdout and stderr: else the next file that is opened has its
    number, and gets what libraries say there."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


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
        self.terminal = False
        with suppress(*_CANNOT_BE_WRITTEN):
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
            say("", error=True)

    def _show(self, text: str) -> None:
        line = f"{self.title}: {text}"
        say(f"\r{line:<60}" if self.terminal else f"{line}\n", end="", error=True)
