"""Frames of files against those of the data: has a molecule fallen apart
(`openmmscore.model.reach`)?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..base.progress import say
from ..model.reach import FACTOR, BrokenMoleculeError, Reach
from .analysis import Array
from .ensembles import Ensemble, Measurement, read_ensemble

__all__ = ["FrameCheck"]

_SHARE = 1e-3  # of independent samples; fewer are told, but change no figure


class FrameCheck:
    """Frames of files against those of the data, which are the first that are read.

    Stands in for the measurement that `openmmscore.evaluation.ensembles.read_ensemble` makes of
    positions.
    """

    def __init__(self, allow: bool) -> None:
        self.allow = allow
        self._limit: Reach | None = None
        self._told: list[str] = []
        self._refused: list[str] = []

    def read(
        self,
        path: Path,
        coordinates: Measurement,
        independent: bool = False,
    ) -> Ensemble:
        """Reads a file and checks its frames, which `finish` tells. independent: samples, of which
        a few may be broken."""
        kept: list[NDArray[np.float32]] = []

        def measure(positions: NDArray[np.float32]) -> Array:
            kept.append(positions)
            return coordinates(positions)

        found = read_ensemble(path, measure)
        positions = kept.pop()
        if self._limit is None:
            counted = positions[found.counted]
            self._limit = Reach.of_frames(counted, _is_centred(counted)).times(FACTOR)
        else:
            self._check(path, positions, found.copy, independent)
        return found

    def _check(
        self,
        path: Path,
        positions: NDArray[np.float32],
        copy: NDArray[np.int64] | None,
        independent: bool,
    ) -> None:
        assert self._limit is not None
        centred = _is_centred(positions)
        broken = np.flatnonzero(self._limit.beyond(positions, centred))
        if not len(broken):
            return
        first = int(broken[0])
        whose = "" if copy is None else f" of copy {copy[first]}"
        text = (
            f"{path}: {len(broken)} of {len(positions)} frames are of a molecule that has fallen "
            f"apart, the first is frame {first}{whose}: "
            f"{self._limit.describe(positions[first], centred)}, {FACTOR:g} times what the data "
            "have"
        )
        few = independent and len(broken) <= _SHARE * len(positions)
        (self._told if self.allow or few else self._refused).append(text)

    def finish(self) -> None:
        """Says what was found; raises where it is too much."""
        for text in self._told:
            say(f"warning: {text}", error=True)
        if self._refused:
            raise BrokenMoleculeError(f"{self._refused[0]} (--allow-broken goes on)")


def _is_centred(positions: NDArray[np.float32]) -> bool:
    """A file does not say it: a single particle's place counts, a molecule's does not."""
    return positions.shape[1] > 1
