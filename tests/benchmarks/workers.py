"""The participants of a benchmark: processes that do what a line on their standard input says.

All speak the language of worker.c. They take turns, so that whatever else the machine does meets
them alike, and are bound to the same cores.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


class WorkerError(RuntimeError):
    """A participant could not do what it was told."""


class Worker:
    """One process. `name` is what it is called in a table."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        cores: Sequence[int],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, cores)  # inherited; the process's threads too are on these cores
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **(environment or {})},
            )
        finally:
            os.sched_setaffinity(0, allowed)

    def ask(self, *words: object) -> list[str]:
        """Sends one line and returns the words of the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write("\t".join(map(str, words)) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline().rstrip("\n").split("\t")
        except BrokenPipeError:
            answer = [""]
        if answer[0] != "ok":
            said = " ".join(answer[1:]) or f"ended with status {self._process.wait()}"
            raise WorkerError(f"{self.name}: {words[0]}: {said}")
        return answer[1:]

    def time(self, calls: int, warm: int) -> tuple[float, list[float]]:
        """Processor time of all timed calls together and the time of each, in s."""
        processor, *times = map(float, self.ask("time", calls, warm))
        return processor, times

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it may have ended already
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


@dataclass
class Timing:
    """What one participant needed, in s."""

    times: list[float] = field(default_factory=list)
    processor: float = 0.0

    @property
    def best(self) -> float:
        return min(self.times)

    @property
    def median(self) -> float:
        return statistics.median(self.times)

    @property
    def cores(self) -> float:
        """How many cores were busy in the mean."""
        return self.processor / sum(self.times)


@dataclass(frozen=True)
class Effort:
    """How long a cell of a table is measured: seconds a participant, in so many rounds. What takes
    longer is called `least` times, once in each of so many rounds."""

    seconds: float
    rounds: int
    least: int

    def plan(self, one_call: float) -> tuple[int, int]:
        """Rounds to take part in, and calls in each."""
        affordable = max(self.least, int(self.seconds / max(one_call, 1e-9)))
        rounds = min(self.rounds, affordable)
        return rounds, min(1000, affordable // rounds)


FULL = Effort(seconds=0.5, rounds=12, least=3)
QUICK = Effort(seconds=0.05, rounds=2, least=1)
SHORT = 0.05  # s; a call that takes longer than this is not made faster by one before it


def take_turns(workers: Sequence[Worker], effort: Effort) -> dict[str, Timing]:
    """Times every worker's job. In every round each has its turn, of as many calls as `effort`
    affords, after one that is not timed."""
    plans = {}
    for worker in workers:
        one_call = worker.time(1, 1)[1][0]
        plans[worker] = (one_call, *effort.plan(one_call))
    timings = {worker.name: Timing() for worker in workers}
    for round_number in range(effort.rounds):
        for worker, (one_call, rounds, calls) in plans.items():
            done = round_number * rounds // effort.rounds
            if (round_number + 1) * rounds // effort.rounds == done:
                continue  # takes part in fewer rounds, evenly spread
            processor, times = worker.time(calls, 1 if one_call < SHORT else 0)
            timings[worker.name].times += times
            timings[worker.name].processor += processor
    return timings
