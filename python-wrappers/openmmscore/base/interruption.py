"""Ctrl-C, SIGTERM, or the end of the terminal, as a request to end a long job where nothing is
lost."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interruption"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """SIGINT, SIGTERM and SIGHUP set `asked`, so that a loop can end; a second Ctrl-C raises
    KeyboardInterrupt.

    Signals that are ignored stay ignored (nohup, the background of a script), and a handler that
    was not installed by Python, which Python could not put back, stays in its place.
    """

    asked = False
    _previous: dict[int, Any]

    def __enter__(self) -> Interruption:
        self._previous = {}
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                handler = signal.getsignal(number)
                if handler is not None and handler != signal.SIG_IGN:
                    self._previous[number] = handler
                    signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: Any, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        # A terminal that closes sends several signals, and they are one request.
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True
