"""What replica-exchange runs say about a state, at any temperature and in the course of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from openmmscore.evaluation.analysis import BOLTZMANN_KJ, autocorrelation_time

from exchange import ExchangeRun, solve
from mbar import Mbar, reduced_energies

__all__ = ["Weighted", "inefficiency", "weighted"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Weighted:
    """Runs with MBAR's solution. inside: of each run, (frames, copies), where it is in the state.

    inefficiency: the number of frames of a copy that count as one, known from the state's
    autocorrelation along copies; reliable: or it is a lower bound.
    """

    runs: Sequence[ExchangeRun]
    inside: Sequence[Flags]
    mbar: Mbar
    inefficiency: float
    reliable: bool

    def _energies(self) -> Array:
        return np.concatenate([run.energies.ravel() for run in self.runs])

    def log_weights(self, temperature_k: float) -> Array:
        """(frames of all runs,), run after run, frame after frame; the weights' sum is 1."""
        return self.mbar.log_weights(reduced_energies(self._energies(), temperature_k))

    def share(self, temperature_k: float) -> tuple[float, float]:
        """The state's share and its standard error."""
        flags = np.concatenate([each.ravel() for each in self.inside])
        return self.mbar.mean(flags, reduced_energies(self._energies(), temperature_k))

    def shares(self, temperatures_k: ArrayLike) -> Array:
        """(temperatures,), without errors."""
        flags = np.concatenate([each.ravel() for each in self.inside])
        return np.array(
            [np.exp(self.log_weights(value))[flags].sum() for value in np.asarray(temperatures_k)]
        )

    def by_time(self, temperature_k: float, windows: int) -> list[tuple[Array, Array]]:
        """Of each run, the ends of windows, ns, and the state's share in each."""
        weights = np.exp(self.log_weights(temperature_k))
        found, first = [], 0
        for run, inside in zip(self.runs, self.inside, strict=True):
            own = weights[first : first + inside.size].reshape(inside.shape)
            first += inside.size
            parts = np.array_split(np.arange(run.frames), min(windows, run.frames))
            shares = [(own * inside)[part].sum() / own[part].sum() for part in parts]
            ends = [run.time_ns[part[-1]] for part in parts]
            found.append((np.array(ends), np.array(shares)))
        return found

    def free_energy_difference(self, temperature_k: float) -> float:
        """kJ/mol, of the state against all else."""
        share, _ = self.share(temperature_k)
        with np.errstate(divide="ignore"):
            return float(-BOLTZMANN_KJ * temperature_k * np.log(share / (1 - share)))


def inefficiency(inside: Sequence[Flags]) -> tuple[float, bool]:
    """The largest of all runs, and whether each is well known. A run that never enters or never
    leaves the state is one independent frame a copy: nothing better is known."""
    times = [autocorrelation_time(each.T.astype(float)) for each in inside]
    return max(1.0, *(each.inefficiency for each in times)), all(each.reliable for each in times)


def weighted(runs: Sequence[ExchangeRun], inside: Sequence[Flags]) -> Weighted:
    number, reliable = inefficiency(inside)
    return Weighted(runs, inside, solve(runs, number), number, reliable)
