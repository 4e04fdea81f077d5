"""OpenMM's checkpoint of a Context in a checkpoint of a run."""

from __future__ import annotations

import os
import zlib

import numpy as np
import openmm
from openmm import unit

from ..base.files import naming
from .checkpoint import Member, Members, State, checked

__all__ = ["context_state", "restore_context"]

_THREADS = "Threads"
_MOST_THREADS = 2**20


def context_state(context: openmm.Context, end: str = "") -> State:
    """OpenMM's checkpoint, its CRC-32, and the number of threads that it is good for. end: of
    their names."""
    content = context.createCheckpoint()
    return {
        f"context{end}": np.frombuffer(content, np.uint8),
        f"context_crc32{end}": np.array(zlib.crc32(content)),
        f"threads{end}": np.array(_threads(context)),
    }


def _members(end: str) -> Members:
    return {
        f"context{end}": Member("u1", (None,)),
        f"context_crc32{end}": Member("i8", (), 0, 2**32 - 1),
        f"threads{end}": Member("i8", (), 0, _MOST_THREADS),
    }


def restore_context(
    path: str | os.PathLike[str], context: openmm.Context, state: State, seed: int, end: str = ""
) -> None:
    """Everything as it was, or, with another number of threads, of which each has random numbers of
    its own: positions and velocities, and new random numbers from `seed`.

    path: of the checkpoint. ValueError, with its name, where the state is of no such Context.
    """
    own = checked(path, state, _members(end))
    before, is_same = dict(context.getParameters()), own[f"threads{end}"] == _threads(context)
    content = own[f"context{end}"].tobytes()
    with naming(path):
        if zlib.crc32(content) != own[f"context_crc32{end}"]:  # OpenMM crashes on some of them
            raise ValueError(f"context{end} is damaged: it has not its CRC-32")
        try:
            context.loadCheckpoint(content)
        except openmm.OpenMMException as error:
            raise ValueError(f"context{end}: {error}") from error
        _check(context, before, f"context{end}")
        if is_same and context.createCheckpoint() != content:
            raise ValueError(f"context{end} is not of this run")
    if is_same:
        return
    kept = context.getState(positions=True, velocities=True, parameters=True)
    context.getIntegrator().setRandomNumberSeed(seed)
    context.reinitialize()
    context.setState(kept)


def _check(context: openmm.Context, parameters: dict[str, float], name: str) -> None:
    state = context.getState(positions=True, velocities=True)
    nm_per_ps = unit.nanometer / unit.picosecond
    for what, values in (
        ("position", state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)),
        ("velocity", state.getVelocities(asNumpy=True).value_in_unit(nm_per_ps)),
    ):
        if not np.isfinite(values).all():
            raise ValueError(f"{name} has a {what} that is not finite")
    for each, value in context.getParameters().items():
        if each not in parameters:
            raise ValueError(f"{name} has a parameter {each!r}, this run has none of that name")
        if value != parameters[each]:
            raise ValueError(f"{name} has {each} {value}, this run has {parameters[each]}")


def _threads(context: openmm.Context) -> int:
    """0 on platforms without such a setting."""
    platform = context.getPlatform()
    if _THREADS not in platform.getPropertyNames():
        return 0
    return int(platform.getPropertyValue(context, _THREADS))
