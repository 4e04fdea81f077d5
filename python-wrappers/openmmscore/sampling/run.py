"""What every run does beside its steps: it goes on from a checkpoint and saves others, shows how
far it is, ends early at Ctrl-C or at a limit on time, and is watched."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..base.interruption import Interruption
from ..base.progress import Progress
from ..model.reach import BrokenMoleculeError
from .checkpoint import Members, State
from .run_output import RunOutput
from .watch import Watch

__all__ = ["Run"]


class Run:
    """One run of so many steps, or of whatever `did` counts.

    total: how many there are; who ends a part of the run early lowers it. done: of them, from the
    start of the run, be it in another process. output: open; a run that it has saved goes on from
    there.
    """

    def __init__(
        self,
        title: str,
        total: int,
        *,
        watch: Watch | None = None,
        output: RunOutput | None = None,
        time_limit_s: float = math.inf,
    ) -> None:
        self.title, self.total, self.done = title, total, 0
        self.watch, self.output, self.time_limit_s = watch, output, time_limit_s
        self.steps_per_second = 0.0
        self._interruption = Interruption()
        self._state: Callable[[], State] = dict

    def saved(self, members: Members, steps: int, copies: int) -> State | None:
        """What was saved; None where the run begins. members: what is checked of it here; steps and
        copies: of the whole run, in all states. ValueError where one is missing or wrong."""
        if self.output is None or self.output.saved is None:
            return None
        watched = {} if self.watch is None else self.watch.members(steps, copies)
        state = self.output.members({**members, **watched})
        if self.watch is not None:
            self.watch.restore(state)
        return {**self.output.saved, **state}

    @contextmanager
    def going(self, state: Callable[[], State]) -> Iterator[None]:
        """The steps. Saves what is interrupted, and in the end what the watch finds wrong, which
        --allow-broken can still finish. state: of the run, for a checkpoint."""
        first = self.done
        limit = self.time_limit_s if self.time_limit_s < math.inf else None
        self._progress = Progress(self.title, self.total, first, limit_s=limit)
        self._started = time.perf_counter()
        self._state = state
        try:
            with self._interruption:
                yield
                if self.interrupted:
                    self._save()
            self.steps_per_second = (self.done - first) / self._elapsed()
            self._progress.close()
            self._judge()
        finally:
            self._state = dict  # else a Context would stay until garbage is collected

    def _judge(self) -> None:
        try:
            if self.watch is not None:
                self.watch.finish()
        except BrokenMoleculeError:
            self._save()
            raise

    def did(self, steps: int) -> None:
        self.done += steps
        self._progress.update(self.done)
        if self.output is not None:
            self.output.save_if_due(self._whole_state)

    def is_over(self, limit_s: float = math.inf) -> bool:
        """Whether it must end: interrupted, or so many seconds after its start."""
        return self._interruption.asked or self._elapsed() >= limit_s

    @property
    def interrupted(self) -> bool:
        """Before all was done."""
        return self._interruption.asked and self.done < self.total

    def _elapsed(self) -> float:
        return time.perf_counter() - self._started

    def _whole_state(self) -> State:
        return {**self._state(), **({} if self.watch is None else self.watch.state())}

    def _save(self) -> None:
        if self.output is not None:
            self.output.save_or_tell(self._whole_state())
