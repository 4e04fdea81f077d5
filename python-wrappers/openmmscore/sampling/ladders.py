"""Ladders of diffusion times (or of any parameter) for `openmmscore.sampling.replicas`.

Two neighbouring states exchange configurations with a mean probability that depends on how far
their distributions overlap. Let Delta be the reduced energy that a swap costs, E_1(x_2) + E_2(x_1)
- E_1(x_1) - E_2(x_2), with x_1 and x_2 drawn from the two states. Its mean J, the sum of both
Kullback-Leibler divergences, is that of a normal distribution of variance 2 J when the states are
close, and then ::

    <min(1, exp(-Delta))> = erfc(sqrt(J) / 2).

sqrt(J) is a length: it adds up along the ladder as J itself does not. So the lengths measured
between the states of one ladder, however spaced, tell where to place the states of another whose
acceptances are equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..model.model import Model

__all__ = [
    "check_acceptance",
    "energy_range",
    "evenly_spaced",
    "expected_acceptance",
    "geometric_times",
    "states_needed",
]

_LEAST_LENGTH = 1e-6  # of a step whose mean cost came out as 0 or, by chance, below


def energy_range(model: Model, time: float = 1e-5) -> tuple[float, float]:
    """The diffusion times around `time` at which the model has an energy, without a gap.

    ValueError where it has none at `time` itself.
    """
    owned = sorted((e.t_begin, e.t_end) for e in model.experts if e.output == "energy")
    first = last = None
    for begin, end in owned:
        if last is not None and begin <= last:
            last = max(last, end)
        elif last is None or last < time:
            first, last = begin, end
    if first is None or last is None or not first <= time <= last:
        raise ValueError(f"the model has no energy at diffusion time {time:g}, but in {owned}")
    return first, last


def geometric_times(
    model: Model, count: int, last: float, first: float = 1e-5, variance: float = 0.0
) -> list[float]:
    """`count` diffusion times from `first` to `last`, geometric in the width of the noise.

    That is sigma(t), or sqrt(sigma(t)^2 + variance) where the data are known to be no narrower than
    `variance`, in the model's units of length.
    """
    begin, end = energy_range(model, first)
    if count < 2:
        raise ValueError(f"a ladder has at least 2 states, not {count}")
    if not 0 < first < last <= end:
        raise ValueError(
            f"a ladder from diffusion time {first:g} to {last:g}: must rise, and the model has an "
            f"energy from {begin:g} to {end:g}"
        )
    if not 0 <= variance < math.inf:
        raise ValueError(f"variance is {variance}, must not be negative or infinite")
    squares = [model.noise(time) ** 2 + variance for time in (first, last)]
    between = np.geomspace(squares[0], squares[1], count)[1:-1] - variance
    return [first, *(model.time_of_noise(math.sqrt(value)) for value in between), last]


def check_acceptance(name: str, acceptance: float) -> None:
    if not 0 < acceptance < 1:
        raise ValueError(f"{name} is {acceptance}, must be between 0 and 1")


def expected_acceptance(length: float) -> float:
    """The mean acceptance of swaps between two states at this distance."""
    return math.erfc(length / 2)


def states_needed(costs: ArrayLike, acceptance: float) -> int:
    """The number of states between whose neighbours swaps succeed with this probability.

    costs: (pairs,), the mean of Delta of every pair of another ladder with the same ends.
    """
    check_acceptance("acceptance", acceptance)
    length = float(_lengths(costs).sum())
    count = 2
    while expected_acceptance(length / (count - 1)) < acceptance:
        count += 1
    return count


def evenly_spaced(values: Sequence[float], costs: ArrayLike, count: int) -> list[float]:
    """`count` values, from the first to the last of `values`, at equal lengths of each other.

    values: (states,), of one parameter, rising or falling; costs: (states - 1,), the mean of Delta
    between neighbours. Between the given values the length grows evenly in the logarithm of the
    parameter, or in the parameter itself where it is not positive.
    """
    steps = np.diff(values)
    if len(steps) == 0 or not ((steps > 0).all() or (steps < 0).all()):
        raise ValueError(f"a ladder must rise or fall from state to state, not {list(values)}")
    lengths = _lengths(costs)
    if len(lengths) != len(steps):
        raise ValueError(f"costs of {len(lengths)} pairs for {len(values)} states")
    if count < 2:
        raise ValueError(f"a ladder has at least 2 states, not {count}")
    positions = np.concatenate([[0.0], np.cumsum(lengths)])
    targets = np.linspace(0, positions[-1], count)[1:-1]
    if min(values) > 0:
        between = np.exp(np.interp(targets, positions, np.log(values)))
    else:
        between = np.interp(targets, positions, values)
    return [float(values[0]), *between.tolist(), float(values[-1])]


def _lengths(costs: ArrayLike) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """sqrt(J) of every pair."""
    means = np.asarray(costs, float)
    if means.ndim != 1 or not np.isfinite(means).all():
        raise ValueError(f"the mean costs of swaps are {costs!r}, must be finite numbers")
    return np.sqrt(np.maximum(means, _LEAST_LENGTH**2))
