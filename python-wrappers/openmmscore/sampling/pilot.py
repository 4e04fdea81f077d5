"""A short run that measures how far apart the states of a ladder are, to space them evenly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openmm import unit

from ..base.values import as_number
from ..model.model import Model
from .ladders import evenly_spaced, states_needed
from .replicas import ReplicaExchange
from .watch import Watch

__all__ = ["ACCEPTANCE", "choose_ladder"]

ACCEPTANCE = 0.3


def choose_ladder(
    model: Model,
    parameter: str,
    values: Sequence[float],
    *,
    acceptance: float = ACCEPTANCE,
    count: int | None = None,
    copies: int = 16,
    time: float | unit.Quantity = 4.0,
    watch: Watch | None = None,
    **settings: Any,
) -> list[float]:
    """Values of a parameter from the first of `values` to the last, for equal acceptance of swaps.

    A short pilot run on the ladder `values`, whose spacing does not matter much, measures how far
    apart its states are (see `openmmscore.sampling.ladders`).

    acceptance: the least that is wanted, which gives the number of states; count: that number
    itself. copies, time: of the pilot run, whose first half is discarded. watch: looks at it.
    settings: those of `ReplicaExchange`.
    """
    states = [{parameter: value} for value in values]
    exchange = ReplicaExchange.from_model(model, states, copies, **settings)
    half = as_number("time", time, unit.picosecond) / 2
    run = exchange.run(half, equilibration=half, title="Pilot run for the ladder", watch=watch)
    if run.interrupted:
        raise KeyboardInterrupt
    if not run.attempts.all():
        raise ValueError(
            f"a pilot run of {2 * half:g} ps is too short: {run.attempts.tolist()} attempts"
        )
    wanted = states_needed(run.mean_cost, acceptance) if count is None else count
    return evenly_spaced(values, run.mean_cost, wanted)
