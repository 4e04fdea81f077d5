"""The force that a trained diffusion model exerts in OpenMM."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import openmm
from numpy.typing import ArrayLike
from openmm import unit

from .. import _openmmscore
from ..base.values import as_integers, as_number
from .model import Model

__all__ = ["ScoreForce"]


class ScoreForce(openmm.Force):  # type: ignore[misc]  # OpenMM has no type hints
    """The potential of mean force that a trained diffusion model has learned.

    For any number of molecules, ::

        U(r) = scale * sum over molecules of k T E(x, t),    F = -dU/dr = scale * k T * score

    with E the model's energy, score = d log q_t / dr, T the temperature of the training data and t
    the diffusion time, close to zero (arXiv 2506.17139, section 3).

    U is a free energy at T, so simulate at T, `model.temperature`. Nothing compares T with the
    temperature of an integrator: at another one, T', the learned density is sampled to the power
    scale * T / T'.

    Call `addMolecule` once for every molecule. A force without molecules takes the whole System
    for one, if their sizes agree.

    The diffusion time and the scale are parameters of the Context: `Context.setParameter` changes
    them during a simulation. Two forces that use the same name share the parameter, and must give
    it the same default.

    Inside a `CustomCVForce` or an `ATMForce` name the platform, `openmm.Context(system, integrator,
    openmm.Platform.getPlatform("CPU"))`: OpenMM does not see there what this force needs, and where
    it knows OpenCL, CUDA or HIP it takes that one and fails ("does not support all required
    kernels").

    Every misuse raises an `openmm.OpenMMException` (or a ValueError, for an argument that is no
    number at all) that names the value: at once where it can be known, else when a Context is
    created. So does an energy that is not finite, with the index of the molecule.
    `Context.setParameter` takes any number, and a wrong one raises at the next evaluation.

    Parameters
    ----------
    model : Model or str or os.PathLike
        the model, or the path of a model file, .xml or .xml.gz; it must have an expert that gives
        an energy

    Raises
    ------
    openmm.OpenMMException
        where the file cannot be read or is no model, with file and line, or where the model has no
        energy

    Examples
    --------
    >>> force = ScoreForce("model.xml.gz")
    >>> force.addMolecule(range(5))
    0
    >>> system.addForce(force)
    0
    """

    __swig_destroy__ = _openmmscore.delete_ScoreForce

    def __init__(self, model: Model | str | os.PathLike[str]) -> None:
        if not isinstance(model, Model):
            model = Model(model)
        _openmmscore.ScoreForce_swiginit(self, _openmmscore.new_ScoreForce(model))

    @staticmethod
    def isinstance(force: openmm.Force) -> bool:
        """Whether a force is a ScoreForce, be it one that came from `System.getForce` or
        `XmlSerializer.deserialize`, whose Python type is openmm.Force."""
        return isinstance(force, openmm.Force) and _openmmscore.isScoreForce(force)

    @classmethod
    def cast(cls, force: openmm.Force) -> ScoreForce:
        """A force that came from `System.getForce` or `XmlSerializer.deserialize` as a ScoreForce.

        The result and the argument stand for the same force, and share its ownership. As with all
        forces that OpenMM returns, one that belongs to a System lives only as long as the System.

        Parameters
        ----------
        force : openmm.Force
            the force

        Raises
        ------
        TypeError
            if it is not a ScoreForce
        """
        if not cls.isinstance(force):
            raise TypeError(f"{force!r} is not a ScoreForce")
        result = cls.__new__(cls)
        result.this = force.this
        return result

    def __copy__(self) -> ScoreForce:
        return self.cast(openmm.XmlSerializer.clone(self))

    def __deepcopy__(self, memo: dict[int, Any]) -> ScoreForce:
        return self.__copy__()

    def getModel(self) -> Model:
        """The model, which never changes."""
        return _openmmscore.ScoreForce_getModel(self)

    def getNumMolecules(self) -> int:
        """The number of molecules that were added. 0 stands for the whole System as one."""
        return _openmmscore.ScoreForce_getNumMolecules(self)

    def addMolecule(self, particles: Iterable[int], features: ArrayLike = ()) -> int:
        """Add a molecule.

        Parameters
        ----------
        particles : iterable of int
            the indices of its particles, in the order of the model's beads; no particle may be in
            more than one molecule of a force. A model without features takes exactly
            `len(model.beads)` of them.
        features : array_like of int, optional
            for a model with features: those of every particle in turn, or an array of particles x
            features. By default those in the model's list of beads.

        Returns
        -------
        int
            the index of the molecule

        Raises
        ------
        openmm.OpenMMException
            for a number of particles, an index or a feature that cannot be
        ValueError
            for what is no sequence of integers, or an array of another shape
        """
        indices = as_integers("particles", particles)
        return _openmmscore.ScoreForce_addMolecule(
            self, indices, as_integers("features", features, rows=len(indices))
        )

    def getMoleculeParameters(self, index: int) -> tuple[list[int], list[int]]:
        """Get the particles and features of a molecule.

        Parameters
        ----------
        index : int
            the index of the molecule

        Returns
        -------
        particles : list of int
            the indices of its particles
        features : list of int
            the features of every particle in turn, empty if they are those in the model's list of
            beads
        """
        particles, features = _openmmscore.ScoreForce_getMoleculeParameters(self, index)
        return list(particles), list(features)

    def setMoleculeParameters(
        self, index: int, particles: Iterable[int], features: ArrayLike = ()
    ) -> None:
        """Set the particles and features of a molecule.

        Parameters
        ----------
        index : int
            the index of the molecule
        particles : iterable of int
            the indices of its particles, as for `addMolecule`
        features : array_like of int, optional
            their features, as for `addMolecule`
        """
        indices = as_integers("particles", particles)
        _openmmscore.ScoreForce_setMoleculeParameters(
            self, index, indices, as_integers("features", features, rows=len(indices))
        )

    def getDiffusionTime(self) -> float:
        """The diffusion time in a new Context, a number without unit, 1e-5 by default."""
        return _openmmscore.ScoreForce_getDiffusionTime(self)

    def setDiffusionTime(self, time: float) -> None:
        """Set the diffusion time in a new Context.

        Parameters
        ----------
        time : float
            positive, without unit, and owned by an expert of the model that gives an energy
        """
        _openmmscore.ScoreForce_setDiffusionTime(self, as_number("time", time))

    def getScale(self) -> float:
        """The factor of the energy in a new Context, 1 by default."""
        return _openmmscore.ScoreForce_getScale(self)

    def setScale(self, scale: float) -> None:
        """Set the factor of the energy in a new Context.

        Parameters
        ----------
        scale : float
            any finite number, without unit
        """
        _openmmscore.ScoreForce_setScale(self, as_number("scale", scale))

    def getDiffusionTimeParameterName(self) -> str:
        """The name of the Context parameter that is the diffusion time, by default
        "ScoreForceDiffusionTime"."""
        return _openmmscore.ScoreForce_getDiffusionTimeParameterName(self)

    def setDiffusionTimeParameterName(self, name: str) -> None:
        """Set the name of the Context parameter that is the diffusion time.

        Parameters
        ----------
        name : str
            not empty, and not the name of the other parameter
        """
        _openmmscore.ScoreForce_setDiffusionTimeParameterName(self, name)

    def getScaleParameterName(self) -> str:
        """The name of the Context parameter that is the factor of the energy, by default
        "ScoreForceScale"."""
        return _openmmscore.ScoreForce_getScaleParameterName(self)

    def setScaleParameterName(self, name: str) -> None:
        """Set the name of the Context parameter that is the factor of the energy.

        Parameters
        ----------
        name : str
            not empty, and not the name of the other parameter
        """
        _openmmscore.ScoreForce_setScaleParameterName(self, name)

    def addEnergyParameterDerivative(self, name: str) -> None:
        """Request the derivative of the energy with respect to a Context parameter of this force.

        It is then computed along with the forces, and found in
        `State.getEnergyParameterDerivatives`, in kJ/mol. Asking again for the same one changes
        nothing. The request follows the parameter when it gets another name.

        Parameters
        ----------
        name : str
            `getDiffusionTimeParameterName()` or `getScaleParameterName()`
        """
        _openmmscore.ScoreForce_addEnergyParameterDerivative(self, name)

    def getNumEnergyParameterDerivatives(self) -> int:
        """The number of derivatives that were requested."""
        return _openmmscore.ScoreForce_getNumEnergyParameterDerivatives(self)

    def getEnergyParameterDerivativeName(self, index: int) -> str:
        """The name of the parameter of a derivative that was requested.

        Parameters
        ----------
        index : int
            the index of the derivative
        """
        return _openmmscore.ScoreForce_getEnergyParameterDerivativeName(self, index)

    def setUsesPeriodicBoundaryConditions(self, periodic: bool) -> None:
        """Set whether molecules may be broken over periodic boundaries.

        They are then made whole, each bead put at the image nearest to the bead before it. This is
        needed where particles have been wrapped into the box one by one. Off by default. Molecules
        never interact with their own images.

        Parameters
        ----------
        periodic : bool
            whether to use periodic boundary conditions
        """
        _openmmscore.ScoreForce_setUsesPeriodicBoundaryConditions(self, periodic)

    def usesPeriodicBoundaryConditions(self) -> bool:
        """Whether molecules may be broken over periodic boundaries."""
        return _openmmscore.ScoreForce_usesPeriodicBoundaryConditions(self)

    def updateParametersInContext(self, context: openmm.Context) -> None:
        """Copy the particles and features of all molecules to a Context that exists already.

        Their number must be what it was. Nothing else is copied: use `Context.setParameter` for
        the diffusion time and the scale, and `Context.reinitialize` for all other changes, among
        them which particles OpenMM takes to belong together when it wraps positions or scales the
        box. This costs as much as to create the force's part of a Context, many times a step.

        Parameters
        ----------
        context : openmm.Context
            the Context
        """
        _openmmscore.ScoreForce_updateParametersInContext(self, context)

    def getMoleculeEnergies(self, context: openmm.Context) -> unit.Quantity:
        """Get the energy of every molecule, at the positions and parameters of a Context.

        Their sum is the energy of this force, which is that of its group if it is there alone. All
        forces of the group are evaluated.

        Parameters
        ----------
        context : openmm.Context
            the Context

        Returns
        -------
        Quantity
            (molecules,), an array in kJ/mol; of one, if none was added
        """
        energies = np.array(_openmmscore.ScoreForce_getMoleculeEnergies(self, context))
        return unit.Quantity(energies, unit.kilojoule_per_mole)


_openmmscore.ScoreForce_swigregister(ScoreForce)
