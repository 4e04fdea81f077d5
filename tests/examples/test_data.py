"""The data sets that the repository holds are what their README files say."""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from openmmscore.evaluation.analysis import BOLTZMANN_KJ, dihedrals, kish_number
from openmmscore.io import Frames, read_frames

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PHI_PSI = [(0, 1, 2, 3), (1, 2, 3, 4)]


def read(name: str) -> Frames:
    return read_frames(EXAMPLES / name / f"{name}.h5")


@pytest.mark.parametrize("name", ["alanine_dipeptide", "alanine_dipeptide_explicit"])
def test_beads_and_geometry(name):
    data = read(name)
    atoms = [(atom.residue.name, atom.name) for atom in data.topology.atoms]
    assert atoms == [("ACE", "C"), ("ALA", "N"), ("ALA", "CA"), ("ALA", "C"), ("NME", "N")]
    assert data.attributes["temperature_k"] == 300
    # rounded to a quantum q, five coordinates have a mean of at most q / 2; float32 adds little
    quantum = data.attributes["position_quantum_nm"]
    assert np.abs(data.positions.mean(axis=1, dtype=float)).max() < 0.51 * quantum
    bonds = np.linalg.norm(np.diff(data.positions, axis=1), axis=2)
    np.testing.assert_allclose(bonds.mean(axis=0), [0.133, 0.146, 0.154, 0.133], atol=0.002)
    assert bonds.std(axis=0).max() < 0.005


def test_implicit_weights_undo_the_bias_of_phi():
    data = read("alanine_dipeptide")
    assert data.positions.shape == (36_000, 5, 3)
    phi = dihedrals(data.positions, PHI_PSI)[:, 0]
    cosines, sines = (data.attributes[f"bias_{name}_kj_mol"] for name in ("cos", "sin"))
    angles = np.outer(phi, np.arange(1, len(cosines) + 1))
    bias = np.cos(angles) @ cosines + np.sin(angles) @ sines
    difference = data.log_weights - bias / (BOLTZMANN_KJ * 300)
    # Rounding moves a bead by 4e-6 nm, phi by some 1e-4; the bias has slopes up to 50 kJ/mol.
    assert np.ptp(difference) < 2 * 1e-4 * 50 / (BOLTZMANN_KJ * 300)


def test_implicit_numbers_that_the_readme_states():
    data = read("alanine_dipeptide")
    phi = dihedrals(data.positions, PHI_PSI)[:, 0]
    assert round(kish_number(data.probabilities), -2) == 24_800
    assert round(data.probabilities[phi > 0].sum(), 3) == 0.020


def test_explicit_frames_have_no_weights_and_their_licence_is_there():
    data = read("alanine_dipeptide_explicit")
    assert data.positions.shape == (6750, 5, 3)
    assert not data.log_weights.any()
    licence = (EXAMPLES / "alanine_dipeptide_explicit" / "LICENSE.cgnet").read_text()
    assert "Copyright (c) 2019, coarse-graining" in licence


def test_explicit_frames_are_trained_on_or_compared_with():
    folder = EXAMPLES / "alanine_dipeptide_explicit"
    parts = [read_frames(folder / name) for name in (f"{folder.name}.h5", "reference.h5")]
    trained, held_out = (set(part.time_ps.tolist()) for part in parts)
    assert not trained & held_out
    assert trained | held_out == set(np.arange(0, 100_000, 10.0))


@pytest.mark.parametrize("name", ["alanine_dipeptide", "alanine_dipeptide_explicit"])
def test_recipe_describes_the_data(name):
    recipe = ET.parse(EXAMPLES / name / "recipe.xml").getroot()
    data = read(name)
    source = recipe.find("Data")
    assert source is not None
    assert source.get("file") == f"{name}.h5"
    assert (source.get("logWeights") is None) == (not data.log_weights.any())
    beads = recipe.findall("Model/Bead")
    for bead, atom in zip(beads, data.topology.atoms, strict=True):
        assert bead.get("name") == atom.name
        assert bead.get("residue") == atom.residue.name
        assert bead.get("residueIndex") == str(atom.residue.index)
        assert float(bead.get("mass", "nan")) == pytest.approx(atom.element.mass, abs=2e-3)
