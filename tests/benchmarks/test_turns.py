"""Participants of a benchmark, with one that needs nothing installed."""

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.benchmarks.table import markdown, number
from tests.benchmarks.workers import Effort, Worker, WorkerError, take_turns

PROGRAM = """
import time
import numpy as np
from tests.benchmarks.serve import Job, serve

def make(words):
    if words[0] != "sleep":
        raise ValueError(f"cannot {words[0]}")
    print("not an answer")
    calls = []
    def call():
        calls.append(1)
        time.sleep(float(words[1]))
    return Job(call, lambda: np.array([len(calls)]), form="asleep")

serve(make)
"""


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    worker = Worker("sleeper", [sys.executable, "-c", PROGRAM], [0])
    yield worker
    worker.close()


def test_a_participant_answers_in_turn(worker: Worker, tmp_path: Path) -> None:
    assert worker.ask("sleep", 0.002) == ["asleep"]
    processor, times = worker.time(3, 2)
    assert len(times) == 3
    assert min(times) >= 0.002
    assert processor >= 0
    assert worker.ask("write", tmp_path / "calls") == []
    assert np.fromfile(tmp_path / "calls", "<f8") == [5]


def test_what_a_participant_cannot_do_is_an_error_and_not_its_end(worker: Worker) -> None:
    with pytest.raises(WorkerError, match="sleeper: run: ValueError: cannot run"):
        worker.ask("run")
    assert worker.ask("sleep", 0) == ["asleep"]


def test_a_participant_that_ended_is_an_error() -> None:
    worker = Worker("gone", [sys.executable, "-c", "raise SystemExit(3)"], [0])
    with pytest.raises(WorkerError, match="ended with status 3"):
        worker.ask("sleep", 0)
    worker.close()


def test_all_take_their_planned_turns(worker: Worker) -> None:
    worker.ask("sleep", 0.001)
    effort = Effort(seconds=0.03, rounds=4, least=4)
    timing = take_turns([worker], effort)["sleeper"]
    assert 4 <= len(timing.times) <= 28
    assert timing.best <= timing.median


def test_effort_goes_to_many_calls_of_a_fast_job_and_few_of_a_slow_one() -> None:
    effort = Effort(seconds=1, rounds=10, least=3)
    assert effort.plan(1e-3) == (10, 100)
    assert effort.plan(0.25) == (4, 1)
    assert effort.plan(5) == (3, 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.5, "1234"), (1.2345, "1.23"), (0.012345, "0.0123"), (0.0, "0"), (7, "7"), ("a", "a")],
)
def test_numbers_have_three_digits(value: str | int | float, text: str) -> None:
    assert number(value) == text


def test_a_missing_number_is_a_dash() -> None:
    assert number(math.nan) == "-"
    assert markdown([{"a": 1}], {"a": "A", "b": "B"}).splitlines() == [
        "| A | B |",
        "|--:|--:|",
        "| 1 | - |",
    ]
