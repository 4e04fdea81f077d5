"""ScoreForce survives XmlSerializer, copy and pickle, alone and inside a System."""

import copy
import pickle

import openmm
import pytest
from openmm import XmlSerializer, unit
from openmmscore import ScoreForce


@pytest.fixture
def force(model):
    """A force in which nothing has its default."""
    force = ScoreForce(model)
    force.addMolecule([0, 1, 2, 3, 4])
    force.addMolecule([9, 8, 7, 6, 5])
    force.setDiffusionTime(0.1 + 0.2)
    force.setScale(1 / 3)
    force.setDiffusionTimeParameterName("time <&>")
    force.setScaleParameterName("lambda")
    force.addEnergyParameterDerivative("lambda")
    force.addEnergyParameterDerivative("time <&>")
    force.setUsesPeriodicBoundaryConditions(True)
    force.setForceGroup(7)
    force.setName("learned \u03b1")
    return force


@pytest.fixture
def system(force):
    """Ten particles under the force."""
    system = openmm.System()
    for _ in range(10):
        system.addParticle(12.0)
    system.addForce(force)
    return system


def assert_same(force, other):
    assert isinstance(other, ScoreForce)
    assert other.getModel().to_xml() == force.getModel().to_xml()
    assert other.getNumMolecules() == force.getNumMolecules() == 2
    for index in range(2):
        assert other.getMoleculeParameters(index) == force.getMoleculeParameters(index)
    for get in (
        "getDiffusionTime",
        "getScale",
        "getDiffusionTimeParameterName",
        "getScaleParameterName",
        "getNumEnergyParameterDerivatives",
        "usesPeriodicBoundaryConditions",
        "getForceGroup",
        "getName",
    ):
        assert getattr(other, get)() == getattr(force, get)(), get
    for index in range(2):
        name = force.getEnergyParameterDerivativeName(index)
        assert other.getEnergyParameterDerivativeName(index) == name


@pytest.mark.parametrize(
    "duplicate",
    [
        lambda force: ScoreForce.cast(XmlSerializer.deserialize(XmlSerializer.serialize(force))),
        lambda force: pickle.loads(pickle.dumps(force)),
        copy.copy,
        copy.deepcopy,
    ],
    ids=["xml", "pickle", "copy", "deepcopy"],
)
def test_a_force_survives(force, duplicate):
    other = duplicate(force)
    assert_same(force, other)
    assert other.thisown
    other.setScale(0.9)
    assert force.getScale() == 1 / 3
    assert XmlSerializer.serialize(duplicate(force)) == XmlSerializer.serialize(force)


@pytest.mark.parametrize(
    "duplicate",
    [
        lambda system: XmlSerializer.deserialize(XmlSerializer.serialize(system)),
        lambda system: pickle.loads(pickle.dumps(system)),
        copy.copy,
        copy.deepcopy,
    ],
    ids=["xml", "pickle", "copy", "deepcopy"],
)
def test_a_force_in_a_system_survives(system, force, model, duplicate):
    other = duplicate(system)
    assert_same(force, ScoreForce.cast(other.getForce(0)))
    energies = []
    for each in (system, other):
        reference = openmm.Platform.getPlatformByName("Reference")
        context = openmm.Context(each, openmm.VerletIntegrator(0.001), reference)
        frame = model.frame.value_in_unit(unit.nanometer)
        context.setPositions([*frame, *frame])
        energies.append(context.getState(energy=True).getPotentialEnergy()._value)
    assert energies[0] == energies[1] != 0


def test_features_survive(feature_model):
    force = ScoreForce(feature_model)
    force.addMolecule([0, 1, 2])
    force.addMolecule([3, 4], [[2, 1], [0, 0]])
    other = copy.deepcopy(force)
    for index in range(2):
        assert other.getMoleculeParameters(index) == force.getMoleculeParameters(index)
