"""The Python side of the language that worker.c describes."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Job:
    """What is timed: `call` returns only when all is done. `result` gives what calls have given,
    and `form` says in a word which of several ways the job is done, if there are any."""

    call: Callable[[], object]
    result: Callable[[], NDArray[np.float64]] = lambda: np.zeros(0)
    form: str = ""


def _time(job: Job, calls: int, warm: int) -> list[float]:
    for _ in range(warm):
        job.call()
    times = []
    processor = time.process_time()
    for _ in range(calls):
        begin = time.perf_counter()
        job.call()
        times.append(time.perf_counter() - begin)
    return [time.process_time() - processor, *times]


def fastest(candidates: Sequence[Job]) -> Job:
    """The one of several ways to do the same that takes the least time here."""
    if len(candidates) == 1:
        return candidates[0]

    def cost(job: Job) -> float:
        first = _time(job, 1, 1)[1]
        return min([first, *_time(job, min(10, int(0.1 / first)), 0)[1:]])

    return min(candidates, key=cost)


def serve(make_job: Callable[[list[str]], Job]) -> None:
    """Answers lines until there are none. `make_job` gets the words of a line that makes a job."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # what libraries print is no answer
    job = Job(call=lambda: None)
    for line in sys.stdin:
        words = line.rstrip("\n").split("\t")
        try:
            answer: list[object] = []
            if words[0] == "time":
                answer += _time(job, int(words[1]), int(words[2]))
            elif words[0] == "write":
                Path(words[1]).write_bytes(job.result().astype("<f8").tobytes())
            else:
                job = Job(call=lambda: None)  # frees the one before
                job = make_job(words)
                answer.append(job.form)
            print("ok", *answer, sep="\t", file=answers, flush=True)
        except Exception as error:
            traceback.print_exc()
            text = f"{type(error).__name__}: {error}".replace("\n", " ").replace("\t", " ")
            print("error", text[:400], sep="\t", file=answers, flush=True)
