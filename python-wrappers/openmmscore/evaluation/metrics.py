"""Metrics of the evaluation: how far two histograms differ.

A metric is a function of two histograms and its entry in METRICS; table, errors, noise floors and
evaluation.json follow from the entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

try:
    from scipy.special import rel_entr
except ImportError as error:
    raise ImportError(f"{error}: {__name__} needs openmm-score[data]", name=error.name) from error

__all__ = [
    "JS",
    "METRICS",
    "Bins",
    "Measure",
    "Metric",
    "js_divergence",
    "pmf_edges",
    "pmf_error",
    "shared_edges",
    "total_variation",
]

Array = NDArray[np.float64]
Measure = Callable[[Array, Array], float]
"""Of two histograms of the same shape and of any normalisation."""


def js_divergence(p: ArrayLike, q: ArrayLike) -> float:
    """Jensen-Shannon divergence of two histograms of the same shape, natural logarithm.

    JS = (KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2; from 0 (equal) to log 2 (disjoint).
    p and q are normalised here.
    """
    first, second = (each / each.sum() for each in _two_histograms(p, q))
    middle = (first + second) / 2
    divergence = (rel_entr(first, middle).sum() + rel_entr(second, middle).sum()) / 2
    return float(np.maximum(divergence, 0))  # rounding makes that of equal ones -1e-17


def pmf_error(p: ArrayLike, q: ArrayLike, empty: float = 1e-6) -> float:
    """Error of the potential of mean force, in (kT)^2, as in the evaluation of arXiv 2506.17139.

    The sum over bins of (log p - log q)^2 (p + q) / 2, divided by that of (p + q) / 2. It has no
    root. p and q are histograms of the same shape, with the bins of `pmf_edges`; both are
    normalised here. A bin that only one of them has visited has the probability `empty` in the
    other; a bin that none has visited does not count.
    """
    first, second = _two_histograms(p, q)
    visited = (first > 0) | (second > 0)
    first, second = (
        np.where(each > 0, each / each.sum(), empty)[visited] for each in (first, second)
    )
    weight = (first + second) / 2
    return float((np.log(first / second) ** 2 * weight).sum() / weight.sum())


def total_variation(p: ArrayLike, q: ArrayLike) -> float:
    """Total variation distance of two histograms of the same shape: sum |p - q| / 2.

    The largest difference of the weights that they give to any set of bins; from 0 (equal) to 1
    (disjoint). p and q are normalised here.
    """
    first, second = (each / each.sum() for each in _two_histograms(p, q))
    return float(np.abs(first - second).sum() / 2)


def _two_histograms(p: ArrayLike, q: ArrayLike) -> tuple[Array, Array]:
    first, second = np.asarray(p, float), np.asarray(q, float)
    if first.shape != second.shape:
        raise ValueError(f"histograms of shapes {first.shape} and {second.shape}")
    for each in (first, second):
        if not np.isfinite(each).all() or each.min() < 0 or not each.any():
            raise ValueError("histograms must be finite, not negative and not empty")
    return first, second


def shared_edges(first: ArrayLike, second: ArrayLike, bins: int = 64) -> list[Array]:
    """Edges of `bins` equal bins along each column, over the range of both sets together.

    first, second: (frames, columns). Returns one array of bins + 1 edges a column.
    """
    both = np.concatenate([np.asarray(first, float), np.asarray(second, float)])
    return [
        np.linspace(low, high, bins + 1) for low, high in zip(both.min(0), both.max(0), strict=True)
    ]


def pmf_edges(limits: Sequence[tuple[float, float]], bins: int = 64) -> list[Array]:
    """Edges for `pmf_error`, as in the evaluation of arXiv 2506.17139.

    limits: the low and the high limit of each column. Of the `bins` bins a column, bins - 2 are
    equal and between the limits; one takes all that is below, one all that is above (or at the high
    limit). Returns one array of bins + 1 edges a column, from -inf to inf.
    """
    if bins < 3:
        raise ValueError(f"bins is {bins}, must be at least 3, two of them for outliers")
    return [
        np.concatenate([[-np.inf], np.linspace(low, high, bins - 1), [np.inf]])
        for low, high in limits
    ]


@dataclass(frozen=True)
class Bins:
    """js: bins a column over the range of both sets. pmf: bins a column between pmf_limits."""

    js: int
    pmf: int
    pmf_limits: Sequence[tuple[float, float]]


def _over_both(bins: Bins, first: Array, second: Array) -> list[Array]:
    return shared_edges(first, second, bins.js)


def _between_limits(bins: Bins, first: Array, second: Array) -> list[Array]:
    return pmf_edges(bins.pmf_limits, bins.pmf)


@dataclass(frozen=True)
class Metric:
    """How far two histograms differ.

    name: in evaluation.json. title: of its column. edges: of their bins, an array a column, from
    the options and the frames, (frames, columns), of both sets. digits: behind the point, in the
    table. has_ratio: the table has a column of the value in floors.
    """

    name: str
    title: str
    measure: Measure
    edges: Callable[[Bins, Array, Array], list[Array]]
    digits: int
    has_ratio: bool = False


JS = Metric("js", "JS", js_divergence, _over_both, digits=4, has_ratio=True)
"""The metric that a bound is for."""

METRICS = (
    JS,
    Metric("pmf", "PMF error", pmf_error, _between_limits, digits=3),
    Metric("tv", "TV", total_variation, _over_both, digits=4),
)
