"""A peptide's numbers, NAME.system, read and evaluated as their formulae say: NumPy, double."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import mdtraj
import numpy as np
from numpy.typing import NDArray
from openmmscore.io.topologies import topology_from_json

Array = NDArray[np.float64]

COULOMB = 138.93545764438198  # OpenMM's, kJ/mol nm
COULOMB_OF_BORN = 138.935485  # that of its generalized Born models


@dataclass
class Neck:
    """d0, m0: (atoms, atoms), the first index that of the atom whose integral it is."""

    scale: float
    cutoff: float
    d0: Array
    m0: Array


class Numbers:
    """The content of a file, checked to be complete and in order."""

    def __init__(self, text: str) -> None:
        lines = (line for line in text.splitlines() if not line.startswith("#"))
        assert next(lines) == "score-peptide-md 1"
        self.name = _words(lines, "name")[0]
        count = int(_words(lines, "atoms")[0])
        atoms = _rows(lines, count)
        self.mass, self.positions = atoms[:, 0], atoms[:, 1:4]
        self.charge, self.sigma, self.epsilon = atoms[:, 4:].T
        self.bonds = _rows(lines, int(_words(lines, "bonds")[0]))
        self.angles = _rows(lines, int(_words(lines, "angles")[0]))
        self.torsions = _rows(lines, int(_words(lines, "torsions")[0]))
        self.exceptions = _rows(lines, int(_words(lines, "exceptions")[0]))
        words = _words(lines, "born")
        self.offset, self.solute, self.solvent, self.surface = map(float, words)
        self.born = _rows(lines, count)
        words = next(lines).split()
        self.neck = None
        if words[0] == "neck":
            self.neck = _neck(lines, words[1:], count)
            words = next(lines).split()
        assert words[0] == "beads"
        self.beads = [int(word) for word in next(lines).split()]
        assert len(self.beads) == int(words[1])
        self.bead_topology = _topology(lines, "bead_topology")
        self.atom_topology = _topology(lines, "atom_topology")
        self.equivalent = _rows(lines, int(_words(lines, "equivalent")[0])).astype(int)
        assert list(lines) == ["end"]

    def energy(self, x: Array) -> tuple[float, float]:
        """The energy in the positions x, kJ/mol, and how far from it OpenMM's can be.

        Sums of the same n terms in other orders differ by at most n eps times the sum of their
        sizes. The terms' own rounding is that of some ten operations, and of sums over the n / 10
        or fewer terms of a Born radius, and so is less.
        """
        terms = self.terms(x)
        bound = len(terms) * np.finfo(float).eps * np.abs(terms).sum()
        return float(terms.sum()), float(bound)

    def terms(self, x: Array) -> Array:
        """All terms of the energy in the positions x, kJ/mol."""
        parts = [self._bonds(x), self._angles(x), self._torsions(x), self._pairs(x)]
        return np.concatenate([*parts, self._generalized_born(x)])

    def _bonds(self, x: Array) -> Array:
        i, j = self.bonds[:, :2].astype(int).T
        length, k = self.bonds[:, 2:].T
        r = np.linalg.norm(x[i] - x[j], axis=1)
        return np.asarray(k / 2 * (r - length) ** 2)

    def _angles(self, x: Array) -> Array:
        i, j, m = self.angles[:, :3].astype(int).T
        angle, k = self.angles[:, 3:].T
        a, b = x[i] - x[j], x[m] - x[j]
        sine = np.linalg.norm(np.cross(a, b), axis=1)
        theta = np.arctan2(sine, (a * b).sum(axis=1))
        return np.asarray(k / 2 * (theta - angle) ** 2)

    def _torsions(self, x: Array) -> Array:
        i, j, m, n = self.torsions[:, :4].astype(int).T
        periodicity, phase, k = self.torsions[:, 4:].T
        a, b, c = x[j] - x[i], x[m] - x[j], x[n] - x[m]
        first, second = np.cross(a, b), np.cross(b, c)
        sine = np.linalg.norm(b, axis=1) * (a * second).sum(axis=1)
        phi = np.arctan2(sine, (first * second).sum(axis=1))
        return np.asarray(k * (1 + np.cos(periodicity * phi - phase)))

    def _pairs(self, x: Array) -> Array:
        """Coulomb, and both parts of Lennard-Jones."""
        charges = np.outer(self.charge, self.charge)
        sigma = (self.sigma[:, None] + self.sigma) / 2
        epsilon = np.sqrt(np.outer(self.epsilon, self.epsilon))
        i, j = self.exceptions[:, :2].astype(int).T
        for pair in ((i, j), (j, i)):
            charges[pair], sigma[pair], epsilon[pair] = self.exceptions[:, 2:].T
        i, j = np.triu_indices(len(x), 1)
        r = np.linalg.norm(x[i] - x[j], axis=1)
        power = (sigma[i, j] / r) ** 6
        well = 4 * epsilon[i, j]
        return np.concatenate([COULOMB * charges[i, j] / r, well * power**2, -well * power])

    def _generalized_born(self, x: Array) -> Array:
        charge, offset_radius = self.born[:, :2].T
        radius = offset_radius + self.offset
        B = self.born_radii(x)
        factor = COULOMB_OF_BORN * (1 / self.solute - 1 / self.solvent)
        i, j = np.triu_indices(len(x), 1)
        square, product = ((x[i] - x[j]) ** 2).sum(axis=1), B[i] * B[j]
        f = np.sqrt(square + product * np.exp(-square / (4 * product)))
        alone = -factor / 2 * charge**2 / B
        surface = self.surface * (radius + 0.14) ** 2 * (radius / B) ** 6
        return np.concatenate([alone, surface, -factor * charge[i] * charge[j] / f])

    def born_radii(self, x: Array) -> Array:
        """(atoms,), nm."""
        _, own, scaled, alpha, beta, gamma = self.born.T
        radius = own + self.offset
        r = np.linalg.norm(x[:, None] - x, axis=2)
        np.fill_diagonal(r, 1.0)  # only that nothing is divided by 0
        U, D = r + scaled, np.abs(r - scaled)
        overlapping = own[:, None] <= U  # else U can be negative: GBn2 has sr < 0 for sulfur
        U, L = np.where(overlapping, U, 1.0), np.maximum(own[:, None], D)
        bracket = 1 / L - 1 / U + (r - scaled**2 / r) * (1 / U**2 - 1 / L**2) / 4
        terms = np.where(overlapping, (bracket + np.log(L / U) / r / 2) / 2, 0.0)
        if self.neck is not None:
            near = r <= radius[:, None] + radius + self.neck.cutoff
            d = r - self.neck.d0
            terms += near * self.neck.scale * self.neck.m0 / (1 + 100 * d**2 + 3e5 * d**6)
        np.fill_diagonal(terms, 0.0)
        psi = own * terms.sum(axis=1)
        tanh = np.tanh(alpha * psi - beta * psi**2 + gamma * psi**3)
        return np.asarray(1 / (1 / own - tanh / radius))


def _words(lines: Iterator[str], name: str) -> list[str]:
    first, *others = next(lines).split()
    assert first == name
    return others


def _rows(lines: Iterator[str], count: int) -> NDArray[Any]:
    return np.array([[float(word) for word in next(lines).split()] for _ in range(count)])


def _neck(lines: Iterator[str], words: list[str], count: int) -> Neck:
    index = _rows(lines, count)[:, 0].astype(int)
    d0, m0 = (_rows(lines, int(words[0]))[np.ix_(index, index)] for _ in range(2))
    return Neck(float(words[1]), float(words[2]), d0, m0)


def _topology(lines: Iterator[str], name: str) -> mdtraj.Topology:
    first, text = next(lines).split(maxsplit=1)
    assert first == name
    return topology_from_json(text)
