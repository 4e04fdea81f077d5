"""openmmscore.create_system: a first simulation."""

import doctest
import inspect
import io
from pathlib import Path

import numpy as np
import openmm
import openmmscore
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from openmm import app, unit
from openmmscore import ScoreForce, create_system


def test_the_system_has_real_masses_and_one_molecule_a_copy(model, peptide):
    system, _, _ = create_system(model, copies=3)
    assert system.getNumParticles() == 15
    masses = [system.getParticleMass(k).value_in_unit(unit.dalton) for k in range(15)]
    assert masses == 3 * peptide.masses
    assert system.getNumForces() == 1
    force = ScoreForce.cast(system.getForce(0))
    assert force.getNumMolecules() == 3
    assert force.getMoleculeParameters(2) == ([10, 11, 12, 13, 14], [])
    assert not system.usesPeriodicBoundaryConditions()


def test_the_topology_names_what_the_model_names(model):
    _, topology, _ = create_system(model, copies=2)
    assert topology.getNumChains() == 2
    for chain in topology.chains():
        assert [residue.name for residue in chain.residues()] == ["ACE", "ALA", "NME"]
        names = [[atom.name for atom in residue.atoms()] for residue in chain.residues()]
        assert names == [["C"], ["N", "CA", "C"], ["N"]]
        symbols = [atom.element.symbol if atom.element else None for atom in chain.atoms()]
        assert symbols == ["C", "N", "C", None, "N"]


@pytest.mark.parametrize("spacing", [None, 2.5, 25 * unit.angstrom])
def test_copies_stand_apart_on_a_grid(model, peptide, spacing):
    _, _, positions = create_system(model, copies=10, spacing=spacing)
    copies = positions.value_in_unit(unit.nanometer).reshape(10, 5, 3)
    shifts = copies[:, 0] - copies[0, 0]
    # Shifting rounds to the last bit of positions below 8 nm.
    assert_allclose(copies - shifts[:, None], np.tile(peptide.frame, (10, 1, 1)), atol=4e-15)
    assert_array_equal(copies[0], peptide.frame)
    step = 0.42 + 1.0 if spacing is None else 2.5
    distances = np.linalg.norm(shifts[:, None] - shifts[None], axis=-1)
    assert_allclose(distances[~np.eye(10, dtype=bool)].min(), step, atol=1e-14)
    assert shifts.max() < 2 * step + 1e-12


def test_copies_without_spacing_coincide(model, peptide):
    _, _, positions = create_system(model, copies=2, spacing=0)
    assert_array_equal(positions._value, np.tile(peptide.frame, (2, 1)))


def test_copies_of_a_toy_move_only_where_it_does_not_matter(toy):
    system, _, positions = create_system(toy, copies=3)
    values = positions.value_in_unit(unit.nanometer)
    assert_array_equal(values[:, :2], [[0.3, -0.2]] * 3)
    assert len(set(values[:, 2])) == 3
    reference = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), reference)
    context.setPositions(positions)
    forces = context.getState(forces=True).getForces(asNumpy=True)._value
    assert_array_equal(forces[1], forces[0])
    assert_array_equal(forces[2], forces[0])


@pytest.mark.parametrize("platform", ["Reference", "CPU"])
def test_a_simulation_runs(model_file, platform):
    system, topology, positions = create_system(model_file, copies=4)
    integrator = openmm.LangevinMiddleIntegrator(300, 1, 0.002)
    simulation = app.Simulation(
        topology, system, integrator, openmm.Platform.getPlatformByName(platform)
    )
    simulation.context.setPositions(positions)
    simulation.context.setVelocitiesToTemperature(300)
    simulation.step(100)
    state = simulation.context.getState(energy=True, positions=True)
    assert np.isfinite(state.getPotentialEnergy()._value)
    moved = state.getPositions(asNumpy=True)._value - positions._value
    assert np.isfinite(moved).all()
    assert (np.abs(moved) > 0).all()
    # Every copy has gone its own way.
    assert np.ptp(moved.reshape(4, 5, 3), axis=0).min() > 0
    file = io.StringIO()
    app.PDBFile.writeFile(topology, state.getPositions(), file)
    assert file.getvalue().count("\nHETATM") + file.getvalue().count("\nATOM") == 20


def test_the_example_of_the_documentation_runs(model, tmp_path, monkeypatch):
    model.save(tmp_path / "model.xml.gz")
    monkeypatch.chdir(tmp_path)
    for documented in (openmmscore, openmmscore.Model, create_system, ScoreForce):
        names = {name: getattr(openmmscore, name) for name in openmmscore.__all__}
        test = doctest.DocTestParser().get_doctest(
            inspect.getdoc(documented) or "",
            {**names, "system": openmm.System()},
            "documentation",
            None,
            None,
        )
        assert test.examples
        runner = doctest.DocTestRunner()
        runner.run(test)
        assert runner.summarize().failed == 0


def test_the_example_of_the_readme_is_that_of_the_documentation():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    for example in doctest.DocTestParser().get_examples(openmmscore.__doc__ or ""):
        assert f"\n{example.source}" in readme


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"copies": 0}, "0"),
        ({"copies": -2}, "-2"),
        ({"copies": 1.5}, r"1\.5"),
        ({"copies": True}, "True"),
        ({"spacing": -1}, "-1"),
        ({"spacing": float("nan")}, "nan"),
        ({"spacing": float("inf")}, "inf"),
        ({"spacing": "wide"}, "'wide'"),
        ({"spacing": 1 * unit.kelvin}, "K"),
    ],
)
def test_misuse_is_a_value_error_with_the_value(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        create_system(model, **arguments)


def test_a_missing_file_is_an_error_with_its_name():
    with pytest.raises(openmm.OpenMMException, match=r"missing\.xml"):
        create_system("missing.xml")
