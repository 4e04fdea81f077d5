"""Trained diffusion models, evaluated on NumPy arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from openmm import unit

from .. import _openmmscore
from ..base.values import as_count, as_number, as_seed, as_threads
from .arrays import features_of, positions_of
from .parts import USUAL_SCHEDULE, Bead, DataRange, Expert, Gaussian, NoiseSchedule, settings_of
from .text import Tensors, expert_tensors, model_text

__all__ = ["Model"]

_MOST_SAMPLING_STEPS = 10**6


class _Evaluator:
    """The memory in which a model is evaluated, for one thread at a time."""

    this: Any  # SWIG's pointer to the C++ Evaluator
    __swig_destroy__ = _openmmscore.delete_Evaluator

    def __init__(self, model: Model) -> None:
        _openmmscore.Evaluator_swiginit(self, _openmmscore.new_Evaluator(model))


class Model:
    """A trained diffusion model, read from a file (arXiv 2506.17139, section 3).

    A model never changes, and may be used from many threads at once. Models can be pickled.

    Parameters
    ----------
    file : str or os.PathLike
        the path of a model file, .xml or .xml.gz

    Raises
    ------
    openmm.OpenMMException
        where the file cannot be read or is no model, with file and line

    Examples
    --------
    >>> model = Model("model.xml.gz")
    >>> energy, score = model.energy_and_score(model.frame)
    """

    this: Any  # SWIG's pointer to the C++ ScoreModel
    __swig_destroy__ = _openmmscore.delete_ScoreModel

    def __init__(self, file: str | os.PathLike[str]) -> None:
        pointer = _openmmscore.new_ScoreModel(os.fspath(file))
        _openmmscore.ScoreModel_swiginit(self, pointer)

    @classmethod
    def from_xml(cls, xml: str) -> Model:
        """A model from the text of a model file, as `to_xml` returns it."""
        return _openmmscore.ScoreModel_fromXml(xml)

    def to_xml(self) -> str:
        """The model as the text of a model file, uncompressed.

        The same model gives the same text, and `from_xml` gives back the same model, bit for bit.
        """
        return _openmmscore.ScoreModel_toXml(self)

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write the model to a file, compressed if its name ends in .gz.

        On an error (openmm.OpenMMException) the file is as it was before.
        """
        _openmmscore.ScoreModel_save(self, os.fspath(file))

    @classmethod
    def from_tensors(
        cls,
        tensors: Sequence[Mapping[str, ArrayLike]],
        experts: Sequence[Expert],
        beads: Sequence[Bead],
        *,
        scale: float | unit.Quantity,
        temperature: float | unit.Quantity,
        dimensions: int = 3,
        centred: bool = True,
        schedule: NoiseSchedule = USUAL_SCHEDULE,
        feature_sizes: Sequence[int] = (),
        range: DataRange | None = None,
        gaussian: Gaussian | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> Model:
        """A model of parameters that are at hand, as from a network that was trained elsewhere.

        The properties of a model have the same names and types, so that
        ``Model.from_tensors(m.tensors, m.experts, m.beads, scale=m.scale, ...)`` is `m` again.

        Parameters
        ----------
        tensors : sequence of mappings
            for each expert its arrays, by the names and of the shapes that docs/model-format.md
            lists. If all of an expert are float32, so is what `save` writes, else float64.
        experts : sequence of Expert
            the networks
        beads : sequence of Bead
            of every molecule, or for a model with features those of one example molecule
        scale : float or Quantity
            the length that is 1 in the network's coordinates, in nm if without unit
        temperature : float or Quantity
            that of the training data, in K if without unit
        dimensions, centred, schedule, feature_sizes, range, gaussian, notes
            as the properties of these names

        Raises
        ------
        openmm.OpenMMException
            where a model file of these values would be refused; the line is that of `to_xml`
        ValueError
            where there are not as many `tensors` as `experts`

        Examples
        --------
        >>> tensors = {name: np.asarray(values) for name, values in trained.items()}
        >>> settings = {"heads": 8, "headWidth": 64}
        >>> expert = Expert("graph-transformer", "energy", 128, 3, 0, 1, settings=settings)
        >>> model = Model.from_tensors([tensors], [expert], beads, scale=0.1, temperature=300)
        """
        text = model_text(
            tensors,
            experts,
            beads,
            scale=scale,
            temperature=temperature,
            dimensions=dimensions,
            centred=centred,
            schedule=schedule,
            feature_sizes=feature_sizes,
            range=range,
            gaussian=gaussian,
            notes=notes or {},
        )
        return cls.from_xml(text)

    def __reduce__(self) -> tuple[Any, ...]:
        return Model.from_xml, (self.to_xml(),)

    def __copy__(self) -> Model:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        return self

    def __repr__(self) -> str:
        beads = f"{len(self.beads)} beads" if self.beads else "any beads"
        experts = ", ".join(
            f"{e.architecture} {e.hidden} x {e.layers} ({e.output})" for e in self.experts
        )
        return f"<openmmscore.Model: {beads}, {self.temperature}, {experts}>"

    @cached_property
    def beads(self) -> tuple[Bead, ...]:
        """The beads: of every molecule, or for a model with features those of one example molecule
        (possibly none)."""

        def bead(index: int) -> Bead:
            values = _openmmscore.ScoreModel_getBead(self, index)
            name, residue, residue_index, mass, position, features = values
            return Bead(
                name,
                residue,
                residue_index,
                unit.Quantity(mass, unit.dalton),
                unit.Quantity(np.array(position), unit.nanometer),
                tuple(features),
            )

        return tuple(bead(index) for index in range(_openmmscore.ScoreModel_getNumBeads(self)))

    @cached_property
    def experts(self) -> tuple[Expert, ...]:
        """The neural networks, each with the range of diffusion time that it owns."""
        count = _openmmscore.ScoreModel_getNumExperts(self)
        return tuple(
            Expert(
                *_openmmscore.ScoreModel_getExpert(self, index),
                _openmmscore.ScoreModel_getExpertBase(self, index),
                settings_of(_openmmscore.ScoreModel_getExpertSettings(self, index)),
            )
            for index in range(count)
        )

    @cached_property
    def tensors(self) -> tuple[Tensors, ...]:
        """The parameters of every expert, arrays by the names that docs/model-format.md lists, of
        the type that the model file has, float32 or float64."""
        found = expert_tensors(self.to_xml())
        return tuple(MappingProxyType(each) for each in found)

    @cached_property
    def gaussian(self) -> Gaussian | None:
        """The Gaussian of the training data, or None: no expert has it as its base."""
        over, *numbers = _openmmscore.ScoreModel_getGaussian(self)
        if over == "none":
            return None
        variances, directions, mean = (np.array(values, np.float64) for values in numbers)
        for array in (variances, directions, mean):
            array.flags.writeable = False
        return Gaussian(
            over,
            variances,
            directions.reshape(len(variances), -1),
            mean if len(mean) else None,
        )

    @cached_property
    def notes(self) -> Mapping[str, str]:
        """Free text, by name, about where the model came from."""
        count = _openmmscore.ScoreModel_getNumNotes(self)
        return MappingProxyType(
            dict(_openmmscore.ScoreModel_getNote(self, index) for index in range(count))
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the beads."""
        return tuple(bead.name for bead in self.beads)

    @property
    def masses(self) -> unit.Quantity:
        """(beads,), the masses of the beads, a Quantity in dalton."""
        masses = [bead.mass.value_in_unit(unit.dalton) for bead in self.beads]
        return unit.Quantity(np.array(masses, np.float64), unit.dalton)

    @property
    def frame(self) -> unit.Quantity:
        """(beads, dimensions), positions to start from, a Quantity in nm."""
        frame = [bead.position.value_in_unit(unit.nanometer) for bead in self.beads]
        positions = np.array(frame, np.float64).reshape(-1, 3)[:, : self.dimensions]
        return unit.Quantity(positions, unit.nanometer)

    @property
    def dimensions(self) -> int:
        """The number of coordinates of a bead: 3, or 1 or 2 for a toy potential."""
        return _openmmscore.ScoreModel_getDimensions(self)

    @property
    def centred(self) -> bool:
        """Whether the mean over a molecule's beads is removed inside every call, so that the
        energy does not change when the molecule is moved."""
        return _openmmscore.ScoreModel_isCentred(self)

    @property
    def temperature(self) -> unit.Quantity:
        """The temperature of the training data, a Quantity in kelvin."""
        return unit.Quantity(_openmmscore.ScoreModel_getTemperature(self), unit.kelvin)

    @property
    def scale(self) -> unit.Quantity:
        """The length that is 1 in the model's coordinates, a Quantity in nm."""
        return unit.Quantity(_openmmscore.ScoreModel_getScale(self), unit.nanometer)

    @property
    def range(self) -> DataRange | None:
        """How far the training data reach, or None where the model file does not say it."""
        centre = _openmmscore.ScoreModel_getCentreRange(self)
        if not centre > 0:
            return None
        return DataRange(
            unit.Quantity(_openmmscore.ScoreModel_getNeighbourRange(self), unit.nanometer),
            unit.Quantity(centre, unit.nanometer),
        )

    @cached_property
    def schedule(self) -> NoiseSchedule:
        """How noise grows with the diffusion time."""
        count = _openmmscore.ScoreModel_getNumNoiseScheduleSettings(self)
        settings = (_openmmscore.ScoreModel_getNoiseScheduleSetting(self, k) for k in range(count))
        return NoiseSchedule(_openmmscore.ScoreModel_getNoiseSchedule(self), dict(settings))

    def signal(self, t: float) -> float:
        """m(t), what is left of the data at diffusion time t of [0, 1]: x_t = m x_0 + sigma eps."""
        return _openmmscore.ScoreModel_getSignal(self, as_number("t", t))

    def noise(self, t: float) -> float:
        """sigma(t), the standard deviation of the noise at diffusion time t of [0, 1], in the
        model's coordinates."""
        return _openmmscore.ScoreModel_getNoise(self, as_number("t", t))

    def time_of_noise(self, noise: float) -> float:
        """The diffusion time t with sigma(t) = noise, of [0, 1); above 1 for noise that the model
        never reaches."""
        return _openmmscore.ScoreModel_getTimeOfNoise(self, as_number("noise", noise))

    @cached_property
    def feature_sizes(self) -> tuple[int, ...]:
        """Of every integer feature the number of values that it may have, from 0; empty for a
        model that knows its beads one by one."""
        count = _openmmscore.ScoreModel_getNumFeatures(self)
        return tuple(_openmmscore.ScoreModel_getFeatureSize(self, k) for k in range(count))

    def energy_and_score(
        self,
        positions: ArrayLike | unit.Quantity,
        t: float = 1e-5,
        features: ArrayLike | None = None,
        precision: Literal["double", "single"] = "double",
        threads: int = 1,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The energies and scores of any number of molecules at one diffusion time.

        Other Python threads run meanwhile. Many molecules in one call take less time than in many
        calls. What a call needed is kept for the next, which starts faster if it differs in nothing
        but positions and time.

        Parameters
        ----------
        positions : array_like or Quantity, (..., beads, dimensions)
            in nm if without unit; any origin if the model is `centred`
        t : float
            the diffusion time, owned by an expert that gives an energy
        features : array_like of int, (beads, features) or (..., beads, features), optional
            for a model with features, by default those in its list of beads
        precision : "double" or "single"
            of the arithmetic
        threads : int
            the number of threads, on which no result depends, or, where `score-info --build`
            says that OpenBLAS's products are in use, only its rounding

        Returns
        -------
        energies : ndarray, (...)
            E(x, t) in kT; log q_t(x) = -E(x, t) + const
        scores : ndarray, (..., beads, dimensions)
            d log q_t / d r = -dE / dr in 1/nm

        Raises
        ------
        ValueError
            where an argument has a wrong shape, type or value
        openmm.OpenMMException
            where an energy or score is not finite, with the index of the molecule in the flattened
            batch
        """
        array = positions_of(self, positions)
        energies = np.empty(array.shape[:-2])
        scores = self._evaluate(array, energies, t, features, precision, threads)
        return energies, scores

    def score(
        self,
        positions: ArrayLike | unit.Quantity,
        t: float = 1e-5,
        features: ArrayLike | None = None,
        precision: Literal["double", "single"] = "double",
        threads: int = 1,
    ) -> NDArray[np.float64]:
        """The scores alone, which every expert gives. Otherwise as `energy_and_score`."""
        return self._evaluate(positions_of(self, positions), None, t, features, precision, threads)

    @overload
    def sample(
        self,
        n: int,
        seed: int = ...,
        *,
        solver: str = ...,
        steps: int | None = ...,
        threads: int = ...,
    ) -> NDArray[np.float32]: ...
    @overload
    def sample(
        self,
        n: int,
        seed: int = ...,
        *,
        solver: str = ...,
        steps: int | None = ...,
        threads: int = ...,
        log_density: Literal[True],
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]: ...
    def sample(
        self,
        n: int,
        seed: int = 1,
        *,
        solver: str = "sde-dpm-solver++",
        steps: int | None = None,
        threads: int = 1,
        log_density: bool = False,
    ) -> NDArray[np.float32] | tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Independent samples by the reverse diffusion process, those that score-sample writes.

        Other Python threads run meanwhile. Ctrl-C ends it with KeyboardInterrupt.

        Parameters
        ----------
        n : int
            how many; the first of many are those of few
        seed : int
            of the random numbers
        solver : "sde-dpm-solver++" or "euler-maruyama"
            see docs/sampling.md
        steps : int, optional
            the number of evaluations of the model's score, by default 100 and 1000
        threads : int
            the number of threads, on which no result depends; with OpenBLAS's products
            (docs/architecture.md) its rounding may
        log_density : bool
            whether log-densities are wanted, too

        Returns
        -------
        positions : ndarray, (n, beads, dimensions)
            float32, in nm
        log_density : ndarray, (n,)
            -E at diffusion time 1e-5: the model's own up to a constant, not the sampler's

        Raises
        ------
        ValueError
            where an argument has a wrong value, or the model does not have what is needed
        openmm.OpenMMException
            where a sample is not finite
        """
        count = as_count("n", n, least=0)
        if count >= 2**32:
            raise ValueError(f"n is {count}, must be less than 2^32")
        number = 0 if steps is None else as_count("steps", steps)
        if number > _MOST_SAMPLING_STEPS:
            raise ValueError(f"steps is {number}, must be at most {_MOST_SAMPLING_STEPS}")
        threads, seed = as_threads("threads", threads), as_seed("seed", seed)
        threads = min(threads, max(count, 1))
        positions = np.empty((count, len(self.beads), self.dimensions), np.float32)
        densities = np.empty(count) if log_density else None
        _openmmscore.drawSamples(self, solver, number, seed, threads, positions, densities)
        return positions if densities is None else (positions, densities)

    def _evaluate(
        self,
        positions: NDArray[np.float64],
        energies: NDArray[np.float64] | None,
        t: float,
        features: ArrayLike | None,
        precision: str,
        threads: int,
    ) -> NDArray[np.float64]:
        if precision not in ("double", "single"):
            raise ValueError(f"precision is {precision!r}, must be 'double' or 'single'")
        scores = np.empty_like(positions)
        # A thread takes the last call's evaluator away, so that no other uses it meanwhile.
        evaluator = self.__dict__.pop("_evaluator", None) or _Evaluator(self)
        _openmmscore.Evaluator_evaluate(
            evaluator,
            precision == "single",
            as_number("t", t),
            as_threads("threads", threads),
            positions.shape[-2],
            positions,
            features_of(self, features, positions.shape[:-1]),
            energies,
            scores,
        )
        self._evaluator = evaluator
        return scores


_openmmscore.ScoreModel_swigregister(Model)
_openmmscore.Evaluator_swigregister(_Evaluator)
