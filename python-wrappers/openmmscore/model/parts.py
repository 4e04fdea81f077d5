"""What a model is made of, beside its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from openmm import unit

__all__ = [
    "USUAL_SCHEDULE",
    "Bead",
    "DataRange",
    "Expert",
    "Gaussian",
    "NoiseSchedule",
    "settings_of",
]


Setting: TypeAlias = int | float | str


@dataclass(frozen=True)
class Bead:
    """One entry of a model's list of beads.

    name : the name of the atom, e.g. "CA"
    residue : the name of the residue, e.g. "ALA"
    residue_index : counts the residues from 0
    mass : Quantity, in dalton
    position : Quantity, three coordinates in a frame to start from, in nm; those beyond the
        model's dimensions are 0
    features : the integers by which a model with features knows the bead
    """

    name: str
    residue: str
    residue_index: int
    mass: unit.Quantity
    position: unit.Quantity
    features: tuple[int, ...]


@dataclass(frozen=True)
class Expert:
    """One neural network of a model, which owns a range of diffusion time.

    architecture : "graph-transformer" or "mlp"
    output : "energy", or "score" for an expert that gives the gradient alone
    hidden, layers : width and number of the layers
    t_begin, t_end : the range of diffusion time, both ends included
    base : "none", or "gaussian": the energy is that of the network minus log g_t, the model's
        `gaussian` diffused until t
    settings : the others that a model file has, by their names there: of a graph transformer heads,
        headWidth, activation and normEpsilon, of all timeVariance. What is optional there may be
        left out.
    """

    architecture: str
    output: str
    hidden: int
    layers: int
    t_begin: float
    t_end: float
    base: str = "none"
    settings: Mapping[str, Setting] = field(default_factory=dict, hash=False)


def settings_of(words: Mapping[str, str]) -> Mapping[str, Setting]:
    """Numbers, where the words are some."""

    def value(word: str) -> Setting:
        for kind in (int, float):
            with suppress(ValueError):
                return kind(word)
        return word

    return {name: value(word) for name, word in words.items()}


@dataclass(frozen=True)
class Gaussian:
    """The Gaussian of the training data, in coordinates that are divided by the model's scale and,
    where it is centred, without the mean over beads.

    At time t it has become the Gaussian of mean m mean and of variances m^2 variances + sigma^2,
    m and sigma being those of the diffusion.

    over : what a mode is made of: "beads" (it is the same along every dimension), "coordinates"
        (bead after bead), or "all" (every coordinate has the one variance)
    variances : (modes,)
    directions : (modes, beads) or (modes, beads x dimensions), orthonormal; (1, 0) if over all
    mean : (beads x dimensions,), or None where it is 0
    """

    over: str
    variances: NDArray[np.float64]
    directions: NDArray[np.float64]
    mean: NDArray[np.float64] | None


@dataclass(frozen=True)
class NoiseSchedule:
    """How noise grows with the diffusion time; `Model.signal` and `Model.noise` are its functions.

    kind : its word in model files, e.g. "variance-preserving" for a beta that is linear in time
    settings : by their names in model files
    """

    kind: str
    settings: Mapping[str, float] = field(hash=False)


USUAL_SCHEDULE = NoiseSchedule("variance-preserving", {"betaMin": 0.1, "betaMax": 20.0})


@dataclass(frozen=True)
class DataRange:
    """How far the frames reach that a model was trained on. A structure far beyond is none that
    the model knows.

    neighbours : Quantity, the largest distance of beads next to each other in the list of beads, in
        nm; of a single bead 0
    centre : Quantity, the largest distance of a bead from the mean over its molecule's beads, in
        nm; where the model is not `centred`, from the origin
    """

    neighbours: unit.Quantity
    centre: unit.Quantity
