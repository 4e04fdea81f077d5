"""Swaps between the states of `openmmscore.sampling.replicas`, and what a run of them records."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checkpoint import Member, Members, State

__all__ = ["ExchangeResult", "Record", "RoundTrips", "SwapAttempt", "attempt_swaps"]

Array = NDArray[np.float64]

_COUNTS = ("attempts", "accepted", "cost")
_TRIPS = ("walker", "started", "returning", "completed")


@dataclass
class SwapAttempt:
    """One attempt of every copy to swap the states `lower` and `lower + 1`.

    cost: (copies,), Delta. accepted: (copies,).
    """

    lower: int
    cost: Array
    accepted: NDArray[np.bool_]

    def swap(self, values: NDArray[Any]) -> None:
        """Swaps what belongs to the configurations. values: (states, copies, ...), in place."""
        pair = values[self.lower : self.lower + 2]
        pair[:, self.accepted] = pair[::-1, self.accepted]


def attempt_swaps(
    configurations: NDArray[Any],
    reduced: Callable[[NDArray[Any], int], Array],
    parity: int,
    random: np.random.Generator,
) -> list[SwapAttempt]:
    """Metropolis decisions on the pairs (0, 1), (2, 3), ... if parity is 0, else (1, 2), ...

    configurations: (states, copies, ...), which stay as they are: `SwapAttempt.swap` acts.
    reduced(configurations[i], k): (copies,), their reduced energies in state k.
    """
    attempts = []
    for lower in range(parity, len(configurations) - 1, 2):
        first, second = configurations[lower], configurations[lower + 1]
        cost = (reduced(second, lower) + reduced(first, lower + 1)) - (
            reduced(first, lower) + reduced(second, lower + 1)
        )
        probability = np.exp(-np.maximum(cost, 0))
        attempts.append(SwapAttempt(lower, cost, random.random(len(cost)) < probability))
    return attempts


class RoundTrips:
    """How often walkers went from state 0 to the last one and back.

    A walker is a configuration that goes through the states.
    """

    def __init__(self, states: int, copies: int) -> None:
        self.walker = np.tile(np.arange(states)[:, None], (1, copies))
        self.started = np.zeros((states, copies), bool)  # of walkers: once seen at state 0
        self.returning = np.zeros((states, copies), bool)  # and then on top
        self.completed = np.zeros(copies, np.int64)
        self._look()

    def _look(self) -> None:
        copies = np.arange(self.walker.shape[1])
        top, bottom = (self.walker[-1], copies), (self.walker[0], copies)
        self.returning[top] |= self.started[top]
        self.completed += self.returning[bottom]
        self.returning[bottom] = False
        self.started[bottom] = True

    def follow(self, attempts: Sequence[SwapAttempt]) -> None:
        for attempt in attempts:
            attempt.swap(self.walker)
        self._look()


@dataclass
class ExchangeResult:
    """What a run recorded, equilibration left out.

    positions: (frames, copies, particles, 3), nm, of state 0, the target; no frames where they went
    to a file.
    all_positions: (frames, states, copies, particles, 3) if asked for; state k samples its own
    parameters, so its plain means are those of state k.
    time_ps: (frames,), from the end of equilibration.
    attempts, accepted: (pairs,), numbers of swaps between states k and k + 1.
    mean_cost: (pairs,), the mean of Delta; what `openmmscore.sampling.ladders` needs.
    round_trips: (copies,), journeys of a configuration from state 0 to the last and back.
    interrupted: whether Ctrl-C ended it early.
    """

    positions: NDArray[np.float32]
    all_positions: NDArray[np.float32] | None
    time_ps: Array
    attempts: NDArray[np.int64]
    accepted: NDArray[np.int64]
    mean_cost: Array
    round_trips: NDArray[np.int64]
    interrupted: bool

    @property
    def acceptance(self) -> Array:
        """(pairs,), the share of swaps that were accepted; NaN where none was tried."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.accepted / self.attempts)

    def mean(self, observable: Callable[[NDArray[np.float32]], ArrayLike]) -> tuple[float, float]:
        """Mean and standard error of an observable in the target state.

        observable: takes positions (frames, copies, particles, 3), returns (frames, copies). The
        error comes from the scatter of the copies, which are independent, whatever the correlation
        within one; it says nothing about what no copy has seen.
        """
        values = np.asarray(observable(self.positions), float)
        frames, copies = self.positions.shape[:2]
        if values.shape != (frames, copies):
            raise ValueError(f"the observable has shape {values.shape}, not {(frames, copies)}")
        if frames < 1 or copies < 2:
            raise ValueError(f"{frames} frames of {copies} copies: an error needs 2 copies")
        if not np.isfinite(values).all():
            raise ValueError("the observable has a value that is not finite")
        means = values.mean(axis=0)
        return float(means.mean()), float(means.std(ddof=1) / math.sqrt(copies))


class Record:
    """What a run keeps, while it grows: counts, and frames, of which there are `kept`, interval_ps
    and `every` sweeps apart; frames is how many there is room for, 0 where they go elsewhere."""

    def __init__(
        self,
        states: int,
        copies: int,
        particles: int,
        frames: int,
        interval_ps: float,
        record_all: bool,
        every: int = 1,
    ) -> None:
        kept = states if record_all else 1
        self.every = every
        self.record_all = record_all
        self.positions = np.empty((frames, kept, copies, particles, 3), np.float32)
        self.interval_ps = interval_ps
        self.kept = 0
        self.attempts = np.zeros(states - 1, np.int64)
        self.accepted = np.zeros(states - 1, np.int64)
        self.cost = np.zeros(states - 1)
        self.trips = RoundTrips(states, copies)

    def state(self) -> State:
        """All but the frames, for `restore`."""
        trips = {name: getattr(self.trips, name) for name in _TRIPS}
        counts = {name: getattr(self, name) for name in _COUNTS}
        return {**trips, **counts}

    def members(self) -> Members:
        """Of `state`."""
        pairs, (states, copies) = self.attempts.shape, self.trips.walker.shape
        return {
            "walker": Member("i8", (states, copies), 0, states - 1),
            "started": Member("?", (states, copies)),
            "returning": Member("?", (states, copies)),
            "completed": Member("i8", (copies,), 0),
            "attempts": Member("i8", pairs, 0),
            "accepted": Member("i8", pairs, 0),
            "cost": Member("f8", pairs),
        }

    def restore(self, state: State, kept: int, sweeps: int) -> None:
        """kept: frames, of so many sweeps. ValueError where no run comes there."""
        copies = self.trips.walker.shape[1]
        if kept != sweeps // self.every:
            raise ValueError(f"frames are {kept}, of {sweeps} sweeps")
        each = np.arange(len(self.trips.walker))[:, None]
        wrong = np.flatnonzero((np.sort(state["walker"], axis=0) != each).any(axis=0))
        if wrong.size:
            raise ValueError(
                f"walker of copy {wrong[0]} is {state['walker'][:, wrong[0]].tolist()}"
            )
        if (state["returning"] & ~state["started"]).any():
            raise ValueError("returning has a walker that never started")
        if (state["completed"] > sweeps).any():
            raise ValueError(f"completed has {state['completed'].max()}, of {sweeps} sweeps")
        wrong = np.flatnonzero(
            (state["accepted"] > state["attempts"]) | (state["attempts"] > copies * sweeps)
        )
        if wrong.size:
            raise ValueError(
                f"accepted are {state['accepted'][wrong[0]]} of {state['attempts'][wrong[0]]} "
                f"attempts at pair {wrong[0]}, of {copies} copies in {sweeps} sweeps"
            )
        for name in _TRIPS:
            setattr(self.trips, name, state[name])
        for name in _COUNTS:
            setattr(self, name, state[name])
        self.kept = kept

    def count(self, attempts: Sequence[SwapAttempt]) -> None:
        for attempt in attempts:
            self.attempts[attempt.lower] += len(attempt.accepted)
            self.accepted[attempt.lower] += attempt.accepted.sum()
            self.cost[attempt.lower] += attempt.cost.sum()
        self.trips.follow(attempts)

    def add(self, positions: Array) -> None:
        """positions: (states, copies, particles, 3)."""
        if len(self.positions):
            frame = self.positions[self.kept]
            frame[:] = positions[: len(frame)]
        self.kept += 1

    def finish(self, interrupted: bool) -> ExchangeResult:
        positions = self.positions[: self.kept]
        with np.errstate(invalid="ignore"):
            mean_cost = self.cost / self.attempts
        return ExchangeResult(
            positions=positions[:, 0],
            all_positions=positions if self.record_all else None,
            time_ps=np.arange(1, self.kept + 1, dtype=np.float64) * self.interval_ps,
            attempts=self.attempts,
            accepted=self.accepted,
            mean_cost=mean_cost,
            round_trips=self.trips.completed,
            interrupted=interrupted,
        )
