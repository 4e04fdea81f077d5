"""Arrays that a model is evaluated on, checked against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from openmm import unit

from ..base.values import as_array

if TYPE_CHECKING:
    from .model import Model

__all__ = ["features_of", "positions_of"]


def positions_of(model: Model, positions: ArrayLike | unit.Quantity) -> NDArray[np.float64]:
    """Positions of molecules, (..., beads, dimensions), in nm."""
    array = as_array("positions", positions, unit.nanometer)
    beads = "beads" if model.feature_sizes else str(len(model.beads))
    if (
        array.ndim < 2
        or array.shape[-1] != model.dimensions
        or array.shape[-2] < 1
        or (not model.feature_sizes and array.shape[-2] != len(model.beads))
    ):
        raise ValueError(
            f"positions have the shape {array.shape}, must have (..., {beads}, {model.dimensions})"
        )
    return array


def features_of(
    model: Model, features: ArrayLike | None, shape: tuple[int, ...]
) -> NDArray[np.intc] | None:
    """Features for beads of `shape`, of one molecule or of all."""
    count = len(model.feature_sizes)
    if features is None:
        if count and shape[-1] != len(model.beads):
            raise ValueError(
                f"positions are those of {shape[-1]} beads, the model's list has "
                f"{len(model.beads)}: give features"
            )
        return None
    array = np.asarray(features)
    if not count:
        raise ValueError(f"features have the shape {array.shape}, but the model has none")
    if array.dtype.kind not in "iu":
        raise ValueError(f"features have the type {array.dtype}, must be integers")
    if array.shape not in ((shape[-1], count), (*shape, count)):
        raise ValueError(
            f"features have the shape {array.shape}, must have {(shape[-1], count)} or "
            f"{(*shape, count)}"
        )
    wrong = np.argwhere((array < 0) | (array >= np.array(model.feature_sizes)))
    if len(wrong):
        index = tuple(int(i) for i in wrong[0])
        raise ValueError(
            f"features[{', '.join(map(str, index))}] is {array[index]}, must be from 0 to "
            f"{model.feature_sizes[index[-1]] - 1}"
        )
    return np.ascontiguousarray(array, np.intc)
