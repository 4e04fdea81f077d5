"""Slow coordinates of a protein: linear maps of the distances between its beads.

    python -m openmmscore.projection data.h5 --lag 20 --output slow.npz

finds the two linear combinations of distances whose autocorrelation at a lag of so many frames is
the largest (time-lagged independent component analysis, TICA), in which simulations are compared by
`score-evaluate --coordinates projection:slow.npz`. The map belongs to the data: the
same one is applied to all that is compared with them. Frames are those of
`openmmscore.evaluation.ensembles`; they must be in their order in time, and of equal weight.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .base.command import run_command
from .base.files import naming
from .base.progress import say
from .evaluation.analysis import Array
from .evaluation.ensembles import read_ensemble
from .evaluation.projection import slowest
from .options import program

__all__ = ["main"]


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog=program("projection"),
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path, help="frames of a molecule, .h5 or .npy")
    parser.add_argument("--lag", type=int, required=True, help="in frames")
    parser.add_argument("--dimensions", type=int, choices=(1, 2), default=2)
    parser.add_argument("--output", type=Path, required=True, help="the map, .npz")
    options = parser.parse_args(words)
    return run_command(lambda: _project(options), failed=2)


def _project(options: argparse.Namespace) -> int:
    if options.output.suffix != ".npz":
        raise ValueError(f"{options.output}: must end in .npz")
    runs = _runs(options.data)
    with naming(options.data):
        projection = slowest(runs, options.lag, options.dimensions)
    projection.save(options.output)
    say(f"Wrote {options.output}: {len(projection.pairs)} distances")
    return 0


def _runs(path: Path) -> list[NDArray[np.float32]]:
    def flat(positions: NDArray[np.float32]) -> Array:
        if positions.shape[2] != 3:
            raise ValueError(f"positions of shape {positions.shape}, must be in 3 dimensions")
        return np.asarray(positions.reshape(len(positions), -1), float)

    read = read_ensemble(path, flat)
    if np.ptp(read.weights) > 0:
        raise ValueError(f"{path}: frames have different weights")
    with naming(path):
        series = read.series()
    return [np.asarray(run.reshape(len(run), -1, 3), np.float32) for run in series]


if __name__ == "__main__":
    sys.exit(main())
