"""Weights for any state of frames that were sampled in several: the multistate Bennett acceptance
ratio, MBAR (Shirts and Chodera, J. Chem. Phys. 129, 124105, 2008), solved by pymbar.

A state k has a reduced potential u_k(x) = U_k(x) / kT_k. Frames of all states together are draws
from the mixture of their distributions, sum_k N_k exp(f_k - u_k(x)) / N, once the reduced free
energies f_k = -ln Z_k are known; so a frame has the weight exp(-u(x)) / sum_k N_k exp(f_k - u_k(x))
in the ensemble of any potential u.

All frames count, correlated or not, which is the best that can be done for the values as long as
every state's frames are about equally correlated. The errors are those of independent frames times
the square root of the statistical inefficiency that the caller states.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from openmmscore.evaluation.analysis import BOLTZMANN_KJ
from scipy.special import logsumexp

logging.getLogger("pymbar").setLevel(logging.ERROR)  # it says at length that jax is not there
import pymbar  # noqa: E402

__all__ = ["Mbar", "initial_free_energies", "reduced_energies", "state_numbers"]

Array = NDArray[np.float64]

_NORMALISATION = 1e-6  # by how much a sum of weights may miss 1
_TEMPERATURE = 1e-6  # relative, the rounding of float32 and some


class Mbar:
    """The free energies of some states, and the weights of their frames in any other.

    free_energies: (states,), reduced, that of the first is 0. errors: (states,), their standard
    errors relative to the first.
    """

    free_energies: Array
    errors: Array

    def __init__(
        self,
        reduced: ArrayLike,
        counts: ArrayLike,
        *,
        inefficiency: float = 1.0,
        initial: ArrayLike | None = None,
    ) -> None:
        """reduced: (states, frames), u_k of every frame in every state. counts: (states,), how many
        of the frames were sampled in each. inefficiency: the number of frames that count as one
        independent frame. initial: (states,), a guess of the free energies.

        ValueError where the numbers make no sense, or where the equations could not be solved.
        """
        self._reduced = np.asarray(reduced, float)
        self._counts = np.asarray(counts, np.int64)
        _check(self._reduced, self._counts, inefficiency)
        self._inefficiency = inefficiency
        self._solver = pymbar.MBAR(
            self._reduced,
            self._counts,
            initial_f_k=None if initial is None else np.asarray(initial, float),
            solver_protocol=({"method": "adaptive", "options": {"min_sc_iter": 0}},),
        )
        self.free_energies = np.asarray(self._solver.f_k, float)
        used = self._counts > 0
        with np.errstate(divide="ignore"):
            numbers = np.log(self._counts)
        self._log_mixture = logsumexp(
            (numbers + self.free_energies)[used, None] - self._reduced[used], axis=0
        )
        missing = np.abs(np.exp(self._log_sums()) - 1).max()
        if not missing <= _NORMALISATION:
            raise ValueError(
                f"MBAR: a state's weights miss the sum 1 by {missing:.1e}: no solution was found"
            )
        found = self._solver.compute_free_energy_differences()
        self.errors = math.sqrt(inefficiency) * np.asarray(found["dDelta_f"], float)[0]

    def _log_sums(self) -> Array:
        """(states,), of each state's weights; 0 where the free energies solve the equations."""
        sums = logsumexp(-self._reduced - self._log_mixture, axis=1)
        return np.asarray(self.free_energies + sums)

    def log_weights(self, reduced: ArrayLike) -> Array:
        """(frames,), of the state whose potential is reduced, (frames,). The weights' sum is 1."""
        potential = np.asarray(reduced, float)
        if potential.shape != self._log_mixture.shape:
            raise ValueError(f"{potential.shape} energies for {self._log_mixture.shape} frames")
        weights = -potential - self._log_mixture
        return np.asarray(weights - logsumexp(weights))

    def mean(self, values: ArrayLike, reduced: ArrayLike) -> tuple[float, float]:
        """Mean and standard error of an observable, (frames,), in the state whose potential is
        reduced, (frames,). The error has both sources: the observable's and the free energies'. It
        is NaN where all values are the same, and nothing is known."""
        observed = np.asarray(values, float)
        low, range_ = float(observed.min()), float(np.ptp(observed))
        if range_ == 0:
            return low, math.nan
        found = self._solver.compute_expectations(  # of positive values: it takes logarithms
            (observed - low) / range_ + 1, u_kn=np.asarray(reduced, float)[None]
        )
        error = math.sqrt(self._inefficiency) * float(found["sigma"][0])
        return low + range_ * (float(found["mu"][0]) - 1), range_ * error


def _check(reduced: Array, counts: NDArray[np.int64], inefficiency: float) -> None:
    if reduced.ndim != 2 or counts.shape != reduced.shape[:1]:
        raise ValueError(
            f"energies of shape {reduced.shape}, not (states, frames), for {counts.shape} states"
        )
    if not np.isfinite(reduced).all():
        frame = int(np.argmin(np.isfinite(reduced).all(axis=0)))
        raise ValueError(f"frame {frame} (from 0) has an energy that is not finite")
    if counts.min() < 0 or counts.sum() != reduced.shape[1] or not counts.any():
        raise ValueError(f"counts {counts.tolist()} of {reduced.shape[1]} frames")
    if not 1 <= inefficiency < math.inf:
        raise ValueError(f"inefficiency is {inefficiency}, must be at least 1")


def reduced_energies(energies_kj_mol: ArrayLike, temperatures_k: ArrayLike) -> Array:
    """(temperatures, frames): U / kT of every frame at every temperature; (frames,) at a single
    one. energies_kj_mol: (frames,)."""
    betas = 1 / (BOLTZMANN_KJ * np.asarray(temperatures_k, float))
    return np.asarray(betas[..., None] * np.asarray(energies_kj_mol, float))


def state_numbers(temperatures_k: ArrayLike, ladder_k: Sequence[float]) -> NDArray[np.int64]:
    """Which of the ladder's temperatures each frame has. ValueError where it has none of them."""
    values, ladder = np.asarray(temperatures_k, float), np.asarray(ladder_k, float)
    order = np.argsort(ladder)
    middles = (ladder[order][1:] + ladder[order][:-1]) / 2
    numbers = order[np.searchsorted(middles, values)]
    wrong = ~(np.abs(values - ladder[numbers]) <= _TEMPERATURE * ladder[numbers])
    if wrong.any():
        raise ValueError(f"a frame's temperature is {values[wrong][0]:g} K, not on the ladder")
    return np.asarray(numbers, np.int64)


def initial_free_energies(
    energies_kj_mol: ArrayLike, states: ArrayLike, temperatures_k: Sequence[float]
) -> Array:
    """(temperatures,): a guess by the trapezoidal rule, as df / dbeta is the mean energy.

    energies_kj_mol, states: (frames,). temperatures_k: rising. A temperature without frames takes
    the mean energy of those around it.
    """
    energies, numbers = np.asarray(energies_kj_mol, float), np.asarray(states)
    betas = 1 / (BOLTZMANN_KJ * np.asarray(temperatures_k, float))
    counts = np.bincount(numbers, minlength=len(betas))
    sums = np.bincount(numbers, energies, len(betas))
    seen = counts > 0
    means = np.interp(np.arange(len(betas)), np.nonzero(seen)[0], sums[seen] / counts[seen])
    steps = np.diff(betas) * (means[1:] + means[:-1]) / 2
    return np.concatenate([[0.0], np.cumsum(steps)])
