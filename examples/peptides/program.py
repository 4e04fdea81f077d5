"""Runs of score-peptide-md: one after the other, each continued where it was stopped.

While a run goes on its frames are in OUTPUT.unfinished and its state is in OUTPUT.checkpoint, both
the program's. A finished OUTPUT is never touched again. The program has a lock on OUTPUT.unfinished
while it runs, also where what started it is gone, so that no run is ever made by two.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from openmmscore.base.files import is_locked
from openmmscore.base.interruption import Interruption
from openmmscore.base.progress import duration

__all__ = ["PROGRAM", "Job", "Outcome", "State", "atom_count", "find_program", "run_all"]

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "release" / "bin" / "score-peptide-md"

PAIRS_PER_SECOND = 3.7e8
"""Squares of the number of atoms, times copies and steps, that a thread does: a first guess."""

_POLL_S = 0.2


class State(Enum):
    FINISHED = "finished"
    BEGUN = "begun"
    MISSING = "missing"


class Outcome(Enum):
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    BUSY = "made by another process"


@dataclass(frozen=True)
class Job:
    """A run of the program. words: of its command line, but for the system, --output and what
    continues a stopped run. cost: atoms squared, times copies and steps."""

    title: str
    system: Path
    output: Path
    words: tuple[str, ...]
    cost: float

    @property
    def checkpoint(self) -> Path:
        return self.output.with_name(self.output.name + ".checkpoint")

    @property
    def unfinished(self) -> Path:
        return self.output.with_name(self.output.name + ".unfinished")

    @property
    def state(self) -> State:
        if self.output.is_file():
            return State.FINISHED
        begun = self.checkpoint.is_file() or self.unfinished.is_file()
        return State.BEGUN if begun else State.MISSING

    def command(self, program: Path, threads: int) -> list[str]:
        words = [str(program), str(self.system), "--output", str(self.output), *self.words]
        # A run that was killed before its first checkpoint has an unfinished file: also resumed.
        return [*words, "--threads", str(threads), "--resume"]


def find_program(path: Path) -> Path:
    """ValueError where it can't be run."""
    if not path.is_file() or not os.access(path, os.X_OK):
        raise ValueError(f"{path} is no program: build the project, or name it with --program")
    return path.resolve()


def atom_count(system: Path) -> int:
    """Of a file of numbers, from its line `atoms N`."""
    with system.open() as file:
        for line in file:
            words = line.split()
            if words[:1] == ["atoms"] and len(words) > 1 and words[1].isdigit():
                return int(words[1])
    raise ValueError(f"{system}: no line 'atoms N'")


def run_all(jobs: Sequence[Job], program: Path, threads: int = 1) -> bool:
    """Runs what is not finished, in order; says how much time is left over all.

    Ctrl-C or SIGTERM ends the run that is going on, with its state kept, and all of it. A run that
    fails does not keep the others from being made. Returns whether all are finished.
    """
    left = [job for job in jobs if job.state is not State.FINISHED]
    clock = _Clock(threads)
    counts = dict.fromkeys(Outcome, 0)
    with Interruption() as interruption:
        for number, job in enumerate(left):
            if interruption.asked:
                counts[Outcome.STOPPED] += len(left) - number
                break
            remaining = clock.duration(sum(each.cost for each in left[number:]))
            _say(f"{job.title}: {number + 1} of {len(left)}, {remaining} left over all")
            outcome = _run(job, program, threads, interruption, clock)
            counts[outcome] += 1
    for outcome, count in counts.items():
        if count and outcome is not Outcome.FINISHED:
            _say(f"{count} runs {outcome.value}")
    return sum(counts.values()) == counts[Outcome.FINISHED]


class _Clock:
    """How long the rest takes, from what is done."""

    def __init__(self, threads: int) -> None:
        self.cost, self.seconds, self.guess = 0.0, 0.0, PAIRS_PER_SECOND * threads

    def add(self, cost: float, seconds: float) -> None:
        self.cost += cost
        self.seconds += seconds

    def duration(self, cost: float) -> str:
        rate = self.cost / self.seconds if self.seconds > 0 else self.guess
        return duration(cost / rate)


def _run(
    job: Job, program: Path, threads: int, interruption: Interruption, clock: _Clock
) -> Outcome:
    job.output.parent.mkdir(parents=True, exist_ok=True)
    if is_locked(job.unfinished):
        return Outcome.BUSY
    if job.state is State.FINISHED:  # by another process, since the list was made
        return Outcome.FINISHED
    whole = not job.unfinished.is_file()
    begun = time.monotonic()
    status = _wait(job.command(program, threads), interruption)
    if status == 0 and job.output.is_file():
        if whole:
            clock.add(job.cost, time.monotonic() - begun)
        return Outcome.FINISHED
    if interruption.asked:
        return Outcome.STOPPED
    if is_locked(job.unfinished):  # by a program that was started at the same time
        return Outcome.BUSY
    _say(f"{job.title}: {program.name} ended with status {status}, {job.output} is not finished")
    return Outcome.FAILED


def _wait(command: list[str], interruption: Interruption) -> int:
    """The program's status. It has a session of its own, so that Ctrl-C reaches it only once."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    told = False
    try:
        while True:
            try:
                return process.wait(_POLL_S)
            except subprocess.TimeoutExpired:
                if interruption.asked and not told:
                    process.terminate()
                    told = True
    except BaseException:  # Ctrl-C again: what its last checkpoint does not hold is lost
        process.kill()
        process.wait()
        raise


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
