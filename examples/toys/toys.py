"""Three systems of one particle in one or two dimensions whose truth is known exactly.

A particle's distribution q_0 is exp(-E) on a line or plane; lengths are in nm, E is in kT. The
diffusion of arXiv 2506.17139 turns it into q_t, the distribution of x_t = m x_0 + sigma eps, with

    log m(t) = -t^2 (20 - 0.1)/4 - 0.1 t/2,    sigma^2 = 1 - m^2.

Everything here is exact at any time t: energies E(x, t) = -log q_t(x), normalised, and samples.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from openmm import unit

Array = NDArray[np.float64]

BETA_MIN, BETA_MAX = 0.1, 20.0
GAS_CONSTANT_KJ = unit.MOLAR_GAS_CONSTANT_R.value_in_unit(unit.kilojoule_per_mole / unit.kelvin)
SPACING_NM = 0.01  # of the grids on which the Mueller-Brown potential is integrated


def log_signal(t: float) -> float:
    """log m(t)."""
    return -t * t * (BETA_MAX - BETA_MIN) / 4 - BETA_MIN * t / 2


def signal(t: float) -> float:
    """m(t)."""
    return float(np.exp(log_signal(t)))


def noise(t: float) -> float:
    """sigma(t)."""
    return float(np.sqrt(-np.expm1(2 * log_signal(t))))


def points(axes: Sequence[Array]) -> Array:
    """(n_1, ..., n_d, d), the grid that d axes span."""
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


class Toy(Protocol):
    """A particle whose distribution is known.

    kt_kj_mol : the energy that 1 in E stands for
    bounds_nm : of every dimension, beyond which q_0 is below 1e-14 of its maximum
    """

    @property
    def kt_kj_mol(self) -> float: ...

    @property
    def bounds_nm(self) -> tuple[tuple[float, float], ...]: ...

    def energies(self, axes: Sequence[Array], t: float) -> Array:
        """(n_1, ..., n_d), E(x, t) = -log q_t(x) on the grid of d axes, each in nm."""
        ...

    def wells(self, positions: Array) -> NDArray[np.intp]:
        """(...), the well, from 0, that each of the positions (..., d) belongs to."""
        ...

    def samples(self, count: int, seed: int) -> Array:
        """(count, d), independent draws from q_0."""
        ...


def temperature_k(toy: Toy) -> float:
    return toy.kt_kj_mol / float(GAS_CONSTANT_KJ)


def grid(toy: Toy, t: float, count: int) -> tuple[list[Array], float]:
    """The midpoints of `count` cells a dimension, and a cell's size, that hold all of q_t.

    Where q_0 is bounded by bounds_nm, q_t is by m times those and 7 sigma: exp(-7^2/2) = 2e-11.
    """
    axes: list[Array] = []
    size = 1.0
    for low, high in toy.bounds_nm:
        begin, end = (
            signal(t) * edge + side * 7 * noise(t) for edge, side in ((low, -1), (high, 1))
        )
        step = (end - begin) / count
        axes.append(np.linspace(begin + step / 2, end - step / 2, count))
        size *= step
    return axes, size


def well_weights(toy: Toy, axes: Sequence[Array], energies: Array) -> Array:
    """The share of exp(-E) in each well, E given on the grid of `axes`."""
    probabilities = np.exp(energies.min() - energies)
    sums = np.bincount(toy.wells(points(axes)).ravel(), weights=probabilities.ravel())
    return sums / sums.sum()


@dataclass(frozen=True)
class Wells:
    """A mixture of normal distributions of unit variance: so is q_t, with m times the centres."""

    weights: tuple[float, ...]
    centres_nm: tuple[tuple[float, ...], ...]
    kt_kj_mol: float = 1.0

    @property
    def bounds_nm(self) -> tuple[tuple[float, float], ...]:
        return tuple((min(c) - 8, max(c) + 8) for c in zip(*self.centres_nm, strict=True))

    def energies(self, axes: Sequence[Array], t: float) -> Array:
        x = points(axes)
        logarithms = [
            np.log(weight) - ((x - signal(t) * np.array(centre)) ** 2).sum(axis=-1) / 2
            for weight, centre in zip(self.weights, self.centres_nm, strict=True)
        ]
        return np.asarray(len(axes) * np.log(2 * np.pi) / 2 - np.logaddexp.reduce(logarithms))

    def wells(self, positions: Array) -> NDArray[np.intp]:
        """The nearest centre."""
        offsets = positions[..., None, :] - np.array(self.centres_nm)
        return np.asarray((offsets**2).sum(axis=-1).argmin(axis=-1))

    def samples(self, count: int, seed: int) -> Array:
        random = np.random.default_rng(seed)
        chosen = random.choice(len(self.weights), size=count, p=self.weights)
        centres = np.array(self.centres_nm)[chosen]
        return np.asarray(centres + random.standard_normal(centres.shape))


@dataclass(frozen=True)
class MuellerBrown:
    """The Mueller-Brown potential, exp(-V/kT) with V in kJ/mol and kT = 23 kJ/mol.

    V = sum over k of A_k exp[a_k dx^2 + b_k dx dy + c_k dy^2], dx = x - x_k, dy = y - y_k.
    """

    kt_kj_mol: float = 23.0
    bounds_nm: tuple[tuple[float, float], ...] = ((-3.6, 1.7), (-1.7, 3.6))

    def potential(self, x: Array, y: Array) -> Array:
        """V in kJ/mol at x and y in nm, two arrays whose shapes fit together."""
        terms = zip(
            (-200.0, -100.0, -170.0, 15.0),
            (-1.0, -1.0, -6.5, 0.7),
            (0.0, 0.0, 11.0, 0.6),
            (-10.0, -10.0, -6.5, 0.7),
            (1.0, 0.0, -0.5, -1.0),
            (0.0, 0.5, 1.5, 1.0),
            strict=True,
        )
        return np.asarray(
            sum(
                A * np.exp(a * (x - x0) ** 2 + b * (x - x0) * (y - y0) + c * (y - y0) ** 2)
                for A, a, b, c, x0, y0 in terms
            )
        )

    def _boltzmann(self, axes: Sequence[Array]) -> Array:
        """exp(-V/kT) on the grid of two axes."""
        return np.exp(-self.potential(axes[0][:, None], axes[1][None, :]) / self.kt_kj_mol)

    def _cells(self, spacing: float) -> tuple[list[Array], Array]:
        """Midpoints of square cells, and the integral of exp(-V/kT) in each by the midpoint rule.

        For a smooth function that vanishes at the bounds the error of their sum falls faster than
        any power of the spacing; at 0.01 nm it is far below rounding.
        """
        axes = [np.arange(low + spacing / 2, high, spacing) for low, high in self.bounds_nm]
        return axes, self._boltzmann(axes) * spacing**2

    def energies(self, axes: Sequence[Array], t: float) -> Array:
        narrow = noise(t) < SPACING_NM * signal(t)
        densities = self._narrowly_blurred(axes, t) if narrow else self._blurred(axes, t)
        return np.asarray(-np.log(np.maximum(densities, np.finfo(float).tiny)))  # at most 708

    def _blurred(self, axes: Sequence[Array], t: float) -> Array:
        """q_t(y), the integral over x of q_0(x) N(y; m x, sigma^2): one product a dimension.

        With cells of sigma/m or less the midpoint rule's relative error for the normal distribution
        is at most 2 exp(-2 pi^2) = 5e-9; q_0 is smoother than that.
        """
        m, sigma = signal(t), noise(t)
        cells, densities = self._cells(SPACING_NM)
        densities /= densities.sum()
        for axis, cell in zip(axes, cells, strict=True):
            kernel = np.exp(-(((axis[:, None] - m * cell) / sigma) ** 2) / 2)
            kernel /= sigma * np.sqrt(2 * np.pi)
            densities = np.tensordot(densities, kernel, (0, 1))
        return densities

    def _narrowly_blurred(self, axes: Sequence[Array], t: float) -> Array:
        """q_t(y), the mean over eps of q_0((y - sigma eps)/m)/m^2: Gauss-Hermite of 6 x 6 nodes.

        Over one sigma E changes by less than 1 where E is below 20; the error of 6 nodes for
        exp(eps) is 6!/12! = 2e-6 of it.
        """
        m, sigma = signal(t), noise(t)
        nodes, weights = np.polynomial.hermite_e.hermegauss(6)
        weights /= weights.sum()
        densities = np.zeros([len(axis) for axis in axes])
        for (i, first), (j, second) in itertools.product(enumerate(nodes), repeat=2):
            before = [(axes[0] - sigma * first) / m, (axes[1] - sigma * second) / m]
            densities += weights[i] * weights[j] * self._boltzmann(before)
        return densities / (m**2 * self._cells(SPACING_NM)[1].sum())

    def wells(self, positions: Array) -> NDArray[np.intp]:
        """From the upper left to the lower right; lines y - x = constant through the saddle points
        (-0.822, 0.624) and (0.212, 0.293) part them."""
        return np.searchsorted([-1.446, -0.081], positions[..., 0] - positions[..., 1])

    def samples(self, count: int, seed: int) -> Array:
        """By rejection, so without any error: a cell by its midpoint's density, a point in it, and
        which is kept with the probability of its own density over `most` midpoints'."""
        random = np.random.default_rng(seed)
        spacing, most = 0.005, 1.5
        axes, shares = self._cells(spacing)
        cumulative = np.cumsum(shares) / shares.sum()
        kept: list[Array] = []
        while sum(map(len, kept)) < count:
            cells = np.searchsorted(cumulative[:-1], random.random(count), side="right")
            indices = np.unravel_index(cells, shares.shape)
            middles = np.stack([axis[i] for axis, i in zip(axes, indices, strict=True)], axis=-1)
            candidates = middles + spacing * (random.random(middles.shape) - 0.5)
            gains = self.potential(*middles.T) - self.potential(*candidates.T)
            ratios = np.exp(gains / self.kt_kj_mol) / most
            if ratios.max() > 1:
                raise AssertionError(f"a cell's density varies by a factor {most * ratios.max():g}")
            kept.append(candidates[random.random(count) < ratios])
        return np.concatenate(kept)[:count]


TOYS: dict[str, Toy] = {
    "double_well": Wells((0.5, 0.5), ((-5.0,), (5.0,))),
    "double_well_2d": Wells((0.2, 0.8), ((-5.0, -5.0), (5.0, 5.0))),
    "mueller_brown": MuellerBrown(),
}
