"""Systems to simulate, made from a model alone."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from ..base.values import as_number
from .force import ScoreForce
from .model import Model
from .parts import Bead

__all__ = ["create_system"]

_MARGIN_NM = 1.0  # between neighbouring copies, by default


def create_system(
    model: Model | str | os.PathLike[str],
    copies: int = 1,
    spacing: float | unit.Quantity | None = None,
) -> tuple[openmm.System, app.Topology, unit.Quantity]:
    """A System of any number of copies of a model's molecule, ready to simulate.

    The System has the beads' masses and one ScoreForce with one molecule per copy; copies do not
    interact. It is not periodic. Simulate at `model.temperature`, at which the force is a free
    energy's (see `ScoreForce`).

    A toy model in one or two dimensions exerts no force along the others. Its particles drift there
    as a thermostat moves them, which changes nothing along the dimensions that the model uses.

    Parameters
    ----------
    model : Model or str or os.PathLike
        the model, or the path of a model file; its list of beads must not be empty
    copies : int
        the number of molecules
    spacing : float or Quantity, optional
        the distance between neighbouring copies, which stand on a cubic grid, in nm if without
        unit. By default the extent of the molecule plus 1 nm. It changes only how the copies look:
        a model that is not `centred`, where a molecule's place matters, has its copies displaced
        along the dimensions that it does not use, if there are any.

    Returns
    -------
    system : openmm.System
    topology : openmm.app.Topology
        one chain per copy, with the residues and atoms that the model names. An atom has an element
        where its mass is that of one; the model knows no bonds, so there are none.
    positions : Quantity
        (copies x beads, 3) in nm, the model's frame at every place of the grid

    Raises
    ------
    ValueError
        where an argument has a wrong value, or the model has no beads
    openmm.OpenMMException
        where the file cannot be read or is no model, with file and line

    Examples
    --------
    >>> system, topology, positions = create_system("model.xml.gz", copies=10)
    """
    if not isinstance(model, Model):
        model = Model(model)
    if isinstance(copies, bool) or not isinstance(copies, (int, np.integer)) or copies < 1:
        raise ValueError(f"copies is {copies!r}, must be a positive integer")
    if not model.beads:
        raise ValueError("the model has features and no list of beads: build a System by hand")

    beads = len(model.beads)
    system = openmm.System()
    force = ScoreForce(model)
    for copy in range(copies):
        for bead in model.beads:
            system.addParticle(bead.mass)
        force.addMolecule(range(copy * beads, (copy + 1) * beads))
    system.addForce(force)
    return system, _topology(model.beads, copies), _positions(model, copies, spacing)


def _topology(beads: tuple[Bead, ...], copies: int) -> app.Topology:
    topology = app.Topology()
    for _ in range(copies):
        chain = topology.addChain()
        residue = None
        residue_index = None
        for bead in beads:
            if residue is None or bead.residue_index != residue_index:
                residue = topology.addResidue(bead.residue, chain)
                residue_index = bead.residue_index
            topology.addAtom(bead.name, _element(bead.mass), residue)
    return topology


def _element(mass: unit.Quantity) -> Any:
    """The element with this mass, or None: a bead may stand for several atoms."""
    if mass <= 0 * unit.dalton:
        return None
    element = app.Element.getByMass(mass)  # None where it is far below hydrogen's
    near = element is not None and abs(element.mass - mass) < 0.01 * unit.dalton
    return element if near else None


def _positions(model: Model, copies: int, spacing: float | unit.Quantity | None) -> unit.Quantity:
    frame = np.zeros((len(model.beads), 3))
    frame[:, : model.dimensions] = model.frame.value_in_unit(unit.nanometer)
    if spacing is None:
        spacing_nm = float(np.ptp(frame, axis=0).max()) + _MARGIN_NM
    else:
        spacing_nm = as_number("spacing", spacing, unit.nanometer)
        if not 0 <= spacing_nm < math.inf:
            raise ValueError(f"spacing is {spacing}, must not be negative or infinite")
    free_axes = range(3) if model.centred else range(model.dimensions, 3)
    shifts = _grid(copies, list(free_axes)) * spacing_nm
    positions = (shifts[:, None, :] + frame).reshape(-1, 3)
    return unit.Quantity(positions, unit.nanometer)


def _grid(count: int, axes: list[int]) -> NDArray[np.float64]:
    """(count, 3), the first `count` points of a cubic grid that extends along `axes`."""
    points = np.zeros((count, 3))
    if axes:
        side = 1
        while side ** len(axes) < count:
            side += 1
        points[:, axes] = np.stack(np.unravel_index(np.arange(count), (side,) * len(axes)), axis=1)
    return points
