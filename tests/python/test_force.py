"""openmmscore.ScoreForce from Python: what it takes, what it returns, what it refuses."""

import copy
import gc
import threading
from dataclasses import replace

import numpy as np
import openmm
import openmmscore
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from openmm import unit
from openmmscore import Model, ScoreForce

EPS = np.finfo(np.float64).eps
TIME = "ScoreForceDiffusionTime"
SCALE = "ScoreForceScale"
KJ = unit.kilojoule_per_mole
# Relative to the largest value: the Reference platform is the core in double, where only units
# are converted; the CPU platform is the core in single precision.
PLATFORMS = [("Reference", 1e-12), ("CPU", 1e-4)]


def system_of(force, particles):
    system = openmm.System()
    for _ in range(particles):
        system.addParticle(12.0)
    system.addForce(force)
    return system


def context_of(force, positions, platform="Reference"):
    system = system_of(force, len(positions))
    context = openmm.Context(
        system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName(platform)
    )
    context.setPositions(positions)
    return context


def energy_and_forces(context):
    state = context.getState(energy=True, forces=True)
    forces = state.getForces(asNumpy=True).value_in_unit(KJ / unit.nanometer)
    return state.getPotentialEnergy().value_in_unit(KJ), forces


@pytest.fixture
def positions(model, rng):
    """Three molecules, (15, 3), nm."""
    frame = model.frame.value_in_unit(unit.nanometer)
    return (frame + 0.03 * rng.standard_normal((3, *frame.shape))).reshape(-1, 3)


@pytest.fixture
def force(model):
    """Three molecules, the second one's particles out of order."""
    force = ScoreForce(model)
    for particles in ([0, 1, 2, 3, 4], [9, 8, 7, 6, 5], [10, 11, 12, 13, 14]):
        force.addMolecule(particles)
    return force


@pytest.mark.parametrize(("platform", "tolerance"), PLATFORMS)
@pytest.mark.parametrize(("t", "scale"), [(1e-5, 1.0), (0.02, 0.7)])
def test_energy_and_forces_are_those_of_the_model(
    model, force, positions, platform, tolerance, t, scale
):
    force.setDiffusionTime(t)
    force.setScale(scale)
    energy, forces = energy_and_forces(context_of(force, positions, platform))
    batch = positions.reshape(3, 5, 3).copy()
    batch[1] = batch[1, ::-1]
    energies, scores = model.energy_and_score(batch, t)
    scores[1] = scores[1, ::-1]
    kt = scale * (model.temperature * unit.MOLAR_GAS_CONSTANT_R).value_in_unit(KJ)
    assert_allclose(energy, kt * energies.sum(), rtol=0, atol=tolerance * kt * abs(energies).max())
    expected = kt * scores.reshape(-1, 3)
    assert_allclose(forces, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize(("platform", "tolerance"), PLATFORMS)
def test_a_toy_in_two_dimensions_has_no_force_along_the_third(toy, platform, tolerance):
    context = context_of(ScoreForce(toy), [[0.4, -0.3, 5.0]], platform)
    energy, forces = energy_and_forces(context)
    energies, scores = toy.energy_and_score([[0.4, -0.3]])
    kt = (toy.temperature * unit.MOLAR_GAS_CONSTANT_R).value_in_unit(KJ)
    expected = np.append(kt * scores, 0)
    assert_allclose(energy, kt * energies, rtol=tolerance)
    assert_allclose(forces[0], expected, rtol=0, atol=tolerance * np.abs(expected).max())
    assert forces[0, 2] == 0


@pytest.mark.parametrize(("platform", "tolerance"), PLATFORMS)
def test_features_of_a_molecule(feature_model, rng, platform, tolerance):
    x = 0.15 * rng.standard_normal((7, 3))
    features = [[0, 1], [2, 0], [1, 1], [0, 0]]
    force = ScoreForce(feature_model)
    force.addMolecule([0, 1, 2])
    force.addMolecule([3, 4, 5, 6], features)
    energy, _ = energy_and_forces(context_of(force, x, platform))
    first, _ = feature_model.energy_and_score(x[:3])
    second, _ = feature_model.energy_and_score(x[3:], features=features)
    kt = (feature_model.temperature * unit.MOLAR_GAS_CONSTANT_R).value_in_unit(KJ)
    expected = kt * (first + second)
    assert_allclose(energy, expected, rtol=0, atol=tolerance * kt * (abs(first) + abs(second)))


def test_a_force_without_molecules_takes_the_whole_system(model, positions):
    energy, _ = energy_and_forces(context_of(ScoreForce(model), positions[:5]))
    force = ScoreForce(model)
    force.addMolecule(range(5))
    assert energy == energy_and_forces(context_of(force, positions[:5]))[0]


def test_a_force_is_made_from_a_file_or_a_model(model, model_file):
    for argument in (model, model_file, str(model_file)):
        force = ScoreForce(argument)
        assert isinstance(force.getModel(), Model)
        assert force.getModel().to_xml() == model.to_xml()


def test_the_model_outlives_its_force(model_file):
    model = ScoreForce(model_file).getModel()
    gc.collect()
    assert model.names[2] == "CA"
    assert np.isfinite(model.energy_and_score(model.frame)[0])


def test_molecules_are_returned_as_they_were_given(model, feature_model):
    force = ScoreForce(model)
    assert force.getNumMolecules() == 0
    assert force.addMolecule(range(5)) == 0
    assert force.addMolecule(np.arange(5, 10)) == 1
    assert force.addMolecule(particle for particle in (14, 13, 12, 11, 10)) == 2
    assert force.getNumMolecules() == 3
    assert force.getMoleculeParameters(1) == ([5, 6, 7, 8, 9], [])
    assert force.getMoleculeParameters(2) == ([14, 13, 12, 11, 10], [])
    force.setMoleculeParameters(1, (9, 8, 7, 6, 5))
    assert force.getMoleculeParameters(1) == ([9, 8, 7, 6, 5], [])

    force = ScoreForce(feature_model)
    force.addMolecule([0, 1], [[2, 1], [0, 0]])
    force.addMolecule([2, 3], [2, 1, 0, 0])
    force.addMolecule([4, 5], np.array([[2, 1], [0, 0]], np.uint8))
    for index in range(3):
        assert force.getMoleculeParameters(index)[1] == [2, 1, 0, 0]
    force.setMoleculeParameters(0, *force.getMoleculeParameters(2))
    assert force.getMoleculeParameters(0) == ([4, 5], [2, 1, 0, 0])


def test_other_settings_are_returned_as_they_were_given(model):
    force = ScoreForce(model)
    assert (force.getDiffusionTime(), force.getScale()) == (1e-5, 1.0)
    force.setDiffusionTime(0.02)
    force.setScale(unit.Quantity(0.5))
    assert (force.getDiffusionTime(), force.getScale()) == (0.02, 0.5)
    assert force.getDiffusionTimeParameterName() == TIME
    assert force.getScaleParameterName() == SCALE
    force.setDiffusionTimeParameterName("time")
    force.setScaleParameterName("lambda")
    assert force.getDiffusionTimeParameterName() == "time"
    assert force.getScaleParameterName() == "lambda"
    force.addEnergyParameterDerivative("lambda")
    force.addEnergyParameterDerivative("lambda")
    assert force.getNumEnergyParameterDerivatives() == 1
    assert force.getEnergyParameterDerivativeName(0) == "lambda"
    assert not force.usesPeriodicBoundaryConditions()
    force.setUsesPeriodicBoundaryConditions(True)
    assert force.usesPeriodicBoundaryConditions()
    assert force.getName() == "ScoreForce"
    force.setName("learned")
    force.setForceGroup(3)
    assert (force.getName(), force.getForceGroup()) == ("learned", 3)


@pytest.mark.parametrize(("platform", "tolerance"), PLATFORMS)
@pytest.mark.parametrize("name", [TIME, SCALE])
def test_parameter_derivatives_are_differences(force, positions, platform, tolerance, name):
    value = {TIME: 0.05, SCALE: 0.8}[name]
    force.setDiffusionTime(0.05)
    force.setScale(0.8)
    force.addEnergyParameterDerivative(TIME)
    force.addEnergyParameterDerivative(SCALE)
    context = context_of(force, positions, platform)
    state = context.getState(parameterDerivatives=True)
    derivative = state.getEnergyParameterDerivatives()[name]

    exact = context_of(ScoreForce.cast(force).__copy__(), positions, "Reference")
    exact.setParameter(TIME, 0.05)
    exact.setParameter(SCALE, 0.8)

    def difference(step):
        energies = []
        for shifted in (value + step, value - step):
            exact.setParameter(name, shifted)
            energies.append(energy_and_forces(exact)[0])
        return (energies[0] - energies[1]) / (2 * step), max(map(abs, energies))

    step = 1e-4
    (coarse, _), (fine, size) = difference(2 * step), difference(step)
    # What the extrapolation removes bounds what is left of it; then rounding of the difference and
    # of the platform.
    atol = abs(fine - coarse) + 100 * EPS * size / step + tolerance * (size + abs(fine))
    assert atol < 0.01 * abs(fine) + 1e-3 * size
    assert_allclose(derivative, (4 * fine - coarse) / 3, rtol=0, atol=atol)


def test_context_parameters_change_energy_and_forces(model, force, positions):
    context = context_of(force, positions)
    assert context.getParameter(TIME) == 1e-5
    assert context.getParameter(SCALE) == 1.0
    energy, forces = energy_and_forces(context)
    context.setParameter(SCALE, 0.5)
    half_energy, half_forces = energy_and_forces(context)
    assert half_energy == 0.5 * energy
    assert_allclose(half_forces, 0.5 * forces, rtol=4 * EPS)
    context.setParameter(TIME, 0.5)
    assert abs(energy_and_forces(context)[0] - half_energy) > 1e-6


@pytest.mark.parametrize(("platform", "tolerance"), PLATFORMS)
def test_wrapped_molecules_are_made_whole_if_asked(model, positions, platform, tolerance):
    box = 1.0
    wrapped = (positions + 0.9 * box) % box
    assert np.abs(wrapped - positions).max() > 0.5
    energies = []
    for periodic, x in [(False, positions), (True, wrapped), (False, wrapped)]:
        force = ScoreForce(model)
        force.setUsesPeriodicBoundaryConditions(periodic)
        for k in range(3):
            force.addMolecule(range(5 * k, 5 * k + 5))
        system = system_of(force, 15)
        system.setDefaultPeriodicBoxVectors(*(box * np.eye(3)))
        chosen = openmm.Platform.getPlatformByName(platform)
        context = openmm.Context(system, openmm.VerletIntegrator(0.001), chosen)
        context.setPositions(x)
        energies.append(energy_and_forces(context)[0])
    # Wrapping rounds coordinates of order 1 nm, where the scale is 0.1 nm.
    assert_allclose(energies[1], energies[0], rtol=0, atol=30 * tolerance * abs(energies[0]))
    assert abs(energies[2] - energies[0]) > 0.01


def test_update_parameters_in_context(force, positions):
    context = context_of(force, positions)
    force.setMoleculeParameters(0, [4, 3, 2, 1, 0])
    before = energy_and_forces(context)
    force.updateParametersInContext(context)
    after = energy_and_forces(context)
    assert abs(after[0] - before[0]) > 1e-6
    fresh = energy_and_forces(context_of(force.__copy__(), positions))
    assert after[0] == fresh[0]
    assert_array_equal(after[1], fresh[1])


@pytest.mark.parametrize(("platform", "tolerance"), PLATFORMS)
def test_energies_of_molecules(force, model, positions, platform, tolerance):
    context = context_of(force, positions, platform)
    context.setParameter(SCALE, 0.5)
    context.setParameter(TIME, 0.02)
    energies = force.getMoleculeEnergies(context).value_in_unit(KJ)
    molecules = positions.reshape(3, 5, 3).copy()
    molecules[1] = molecules[1, ::-1]
    kt = 300 * unit.MOLAR_GAS_CONSTANT_R.value_in_unit(KJ / unit.kelvin)
    expected = 0.5 * kt * model.energy_and_score(molecules, 0.02)[0]
    assert_allclose(energies, expected, rtol=0, atol=tolerance * np.abs(expected).max())
    assert_allclose(energies.sum(), energy_and_forces(context)[0], rtol=1e-12)
    whole = ScoreForce(model)
    one = whole.getMoleculeEnergies(context_of(whole, positions[:5], platform))
    assert one.shape == (1,)
    with pytest.raises(TypeError):
        force.getMoleculeEnergies(None)


@pytest.mark.parametrize("platform", ["Reference", "CPU"])
def test_two_contexts_in_two_threads(model, positions, platform):
    def simulate(seed, results):
        force = ScoreForce(model)
        for k in range(3):
            force.addMolecule(range(5 * k, 5 * k + 5))
        system = system_of(force, 15)
        # No thermostat: the Reference platform's random numbers are shared by all Contexts.
        integrator = openmm.VerletIntegrator(0.002)
        chosen = openmm.Platform.getPlatformByName(platform)
        properties = {"Threads": "1"} if platform == "CPU" else {}
        context = openmm.Context(system, integrator, chosen, properties)
        context.setPositions(positions)
        context.setVelocities(0.3 * np.random.default_rng(seed).standard_normal((15, 3)))
        integrator.step(200)
        results[seed] = context.getState(positions=True).getPositions(asNumpy=True)._value

    alone: dict[int, np.ndarray] = {}
    for seed in (1, 2):
        simulate(seed, alone)
    together: dict[int, np.ndarray] = {}
    threads = [threading.Thread(target=simulate, args=(seed, together)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in (1, 2):
        assert np.isfinite(alone[seed]).all()
        assert_array_equal(together[seed], alone[seed])


def test_a_system_takes_ownership(force, positions):
    assert force.thisown
    system = system_of(force, len(positions))
    assert not force.thisown
    with pytest.raises(Exception, match="does not own"):
        openmm.System().addForce(force)
    del force
    gc.collect()
    assert ScoreForce.cast(system.getForce(0)).getNumMolecules() == 3


def test_cast_gives_back_the_force_of_a_system(force, positions):
    system = system_of(force, len(positions))
    system.addForce(openmm.HarmonicBondForce())
    generic = system.getForce(0)
    assert not isinstance(generic, ScoreForce)
    assert ScoreForce.isinstance(generic)
    assert ScoreForce.isinstance(force)
    assert not ScoreForce.isinstance(system.getForce(1))
    assert not ScoreForce.isinstance(5)
    found = ScoreForce.cast(generic)
    assert isinstance(found, ScoreForce)
    assert not found.thisown
    found.setScale(0.25)
    assert force.getScale() == 0.25
    for other in (system.getForce(1), system, None, 5):
        with pytest.raises(TypeError, match="is not a ScoreForce"):
            ScoreForce.cast(other)


def test_ownership_is_shared_by_a_cast(force):
    generic = openmm.XmlSerializer.clone(force)
    found = ScoreForce.cast(generic)
    del generic
    gc.collect()
    assert found.thisown
    assert found.getNumMolecules() == 3
    system = system_of(found, 15)
    assert not found.thisown
    del found
    gc.collect()
    assert ScoreForce.isinstance(system.getForce(0))


def test_methods_refuse_what_is_no_score_force():
    with pytest.raises(TypeError, match="not a ScoreForce"):
        ScoreForce.getNumMolecules(openmm.HarmonicBondForce())
    with pytest.raises(TypeError):
        ScoreForce.getNumMolecules(None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda force: force.addMolecule(range(4)), "4 particles.* 5 beads"),
        (lambda force: force.addMolecule([0, 1, 2, 3, 3]), "particle 3"),
        (lambda force: force.addMolecule([0, 1, 2, 3, -7]), "-7"),
        (lambda force: force.addMolecule(range(5), [1]), "1"),
        (lambda force: force.getMoleculeParameters(1), "index 1"),
        (lambda force: force.setMoleculeParameters(-1, range(5)), "index -1"),
        (lambda force: force.setDiffusionTime(-0.5), "-0.5"),
        (lambda force: force.setDiffusionTime(float("nan")), "nan"),
        (lambda force: force.setScale(float("inf")), "inf"),
        (lambda force: force.setDiffusionTimeParameterName(""), "name"),
        (lambda force: force.setScaleParameterName(TIME), TIME),
        (lambda force: force.addEnergyParameterDerivative("volume"), "volume"),
        (lambda force: force.getEnergyParameterDerivativeName(2), "2"),
    ],
)
def test_misuse_is_an_openmm_exception_with_the_value(model, call, message):
    force = ScoreForce(model)
    force.addMolecule(range(5))
    with pytest.raises(openmm.OpenMMException, match=message):
        call(force)
    assert force.getNumMolecules() == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda force: force.addMolecule("abcde"), ValueError, "particles"),
        (lambda force: force.addMolecule([0, 1, 2, 3, 4.5]), ValueError, r"4\.5"),
        (lambda force: force.addMolecule([0, 1, 2, 3, None]), ValueError, "None"),
        (lambda force: force.addMolecule([0, 1, 2, 3, 2**40]), ValueError, str(2**40)),
        (lambda force: force.addMolecule(7), ValueError, "7"),
        (lambda force: force.addMolecule([[0, 1], [2]]), ValueError, "inhomogeneous"),
        (lambda force: force.addMolecule([[0, 1], [2, 3]]), ValueError, r"\(2, 2\)"),
        (lambda force: force.setMoleculeParameters(0, [[0, 1, 2, 3, 4]]), ValueError, r"\(1, 5\)"),
        (lambda force: force.addMolecule(range(5), np.zeros((2, 5), int)), ValueError, r"\(2, 5\)"),
        (
            lambda force: force.addMolecule(range(5), np.zeros((5, 1, 1), int)),
            ValueError,
            "5, 1, 1",
        ),
        (lambda force: force.addMolecule({0, 1, 2, 3, 4}), ValueError, "{0, 1, 2, 3, 4}"),
        (lambda force: force.getMoleculeParameters("first"), TypeError, None),
        (lambda force: force.setScale("half"), ValueError, "'half'"),
        (lambda force: force.setScale(1 * unit.nanometer), ValueError, "nm"),
        (lambda force: force.setDiffusionTime(1 * unit.picosecond), ValueError, "ps"),
        (lambda force: force.setScaleParameterName(5), TypeError, None),
        (lambda force: force.updateParametersInContext(None), (TypeError, ValueError), None),
    ],
)
def test_arguments_of_a_wrong_type_are_python_errors(model, call, error, message):
    with pytest.raises(error, match=message):
        call(ScoreForce(model))


def test_misuse_that_only_a_context_can_see(model, mixed_model):
    force = ScoreForce(model)
    force.addMolecule([0, 1, 2, 3, 21])
    with pytest.raises(openmm.OpenMMException, match="21"):
        context_of(force, np.zeros((5, 3)))
    force = ScoreForce(model)
    force.addMolecule([0, 1, 2, 3, 4])
    force.addMolecule([4, 5, 6, 7, 8])
    with pytest.raises(openmm.OpenMMException, match="particle 4"):
        context_of(force, np.zeros((9, 3)))
    with pytest.raises(openmm.OpenMMException, match="6"):
        context_of(ScoreForce(model), np.zeros((6, 3)))
    force = ScoreForce(mixed_model)
    force.setDiffusionTime(0.5)
    with pytest.raises(openmm.OpenMMException, match=r"0\.5"):
        energy_and_forces(context_of(force, np.zeros((5, 3))))


@pytest.mark.parametrize("kind", ["CustomCVForce", "ATMForce"])
@pytest.mark.parametrize(("platform", "tolerance"), PLATFORMS)
def test_inside_another_force_the_named_platform_computes(
    force, positions, kind, platform, tolerance
):
    """What OpenMM chooses by itself may lack the kernel, since it does not see the inner force."""
    inner = copy.deepcopy(force)
    expected = context_of(force, positions, platform).getState(energy=True).getPotentialEnergy()
    if kind == "CustomCVForce":
        outer = openmm.CustomCVForce("u")
        outer.addCollectiveVariable("u", inner)
    else:
        outer = openmm.ATMForce("u0")
        outer.addForce(inner)
        for _ in positions:
            outer.addParticle(openmm.Vec3(0, 0, 0))
    context = context_of(outer, positions, platform)
    assert context.getPlatform().getName() == platform
    found = context.getState(energy=True).getPotentialEnergy()
    assert_allclose(found / KJ, expected / KJ, rtol=tolerance)


@pytest.mark.parametrize("platform", ["Reference", "CPU"])
def test_an_energy_that_is_not_finite_names_the_molecule(force, positions, platform):
    positions[5:10] = [[1e308], [-1e308], [0], [0], [0]]
    with pytest.raises(openmm.OpenMMException, match="1"):
        energy_and_forces(context_of(force, positions, platform))


def test_a_model_without_an_energy_is_refused(mixed_text):
    scores = replace(mixed_text, experts=mixed_text.experts[:1])
    with pytest.raises(openmm.OpenMMException, match="no expert that gives an energy"):
        ScoreForce(Model.from_xml(scores.xml()))


def test_missing_file_and_wrong_argument():
    with pytest.raises(openmm.OpenMMException, match=r"missing\.xml"):
        ScoreForce("missing.xml")
    with pytest.raises(TypeError):
        ScoreForce(5)  # type: ignore[arg-type]


def test_everything_public_is_documented():
    for name in openmmscore.__all__:
        assert getattr(openmmscore, name).__doc__
    for name, member in vars(ScoreForce).items():
        if not name.startswith("_"):
            assert member.__doc__, name
