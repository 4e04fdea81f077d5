"""Forces learned from molecular data, for OpenMM.

`ScoreForce` is an OpenMM force whose energy and gradient come from a trained energy-based diffusion
model. `Model` evaluates such a model on NumPy arrays. `create_system` makes a System to simulate
from a model file.

>>> from openmm import LangevinMiddleIntegrator
>>> from openmm.app import Simulation
>>> from openmmscore import create_system
>>> system, topology, positions = create_system("model.xml.gz", copies=10)
>>> simulation = Simulation(topology, system, LangevinMiddleIntegrator(300, 1, 0.002))
>>> simulation.context.setPositions(positions)
>>> simulation.context.setVelocitiesToTemperature(300)
>>> simulation.step(1000)
"""

import openmm as _openmm  # noqa: F401  # its libraries must be loaded before those of this package

from .model.force import ScoreForce
from .model.model import Model
from .model.parts import Bead, DataRange, Expert, Gaussian, NoiseSchedule
from .model.plugins import load_plugins
from .model.system import create_system

__all__ = [
    "Bead",
    "DataRange",
    "Expert",
    "Gaussian",
    "Model",
    "NoiseSchedule",
    "ScoreForce",
    "create_system",
]

load_plugins()
del load_plugins
