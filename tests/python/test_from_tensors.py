"""Models that are made of arrays, without a file."""

import copy
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import openmm
import pytest
from numpy.testing import assert_array_equal
from openmm import unit
from openmmscore import DataRange, Expert, Gaussian, Model, NoiseSchedule

EXAMPLE = Path(__file__).parents[2] / "examples" / "alanine_dipeptide" / "model.xml.gz"


def rebuilt(model, **changed):
    """The same model, of what it says of itself."""
    return Model.from_tensors(
        **{
            "tensors": model.tensors,
            "experts": model.experts,
            "beads": model.beads,
            "scale": model.scale,
            "temperature": model.temperature,
            "dimensions": model.dimensions,
            "centred": model.centred,
            "schedule": model.schedule,
            "feature_sizes": model.feature_sizes,
            "range": model.range,
            "gaussian": model.gaussian,
            "notes": model.notes,
            **changed,
        }
    )


@pytest.mark.parametrize("name", ["model", "based_model", "mixed_model", "feature_model", "toy"])
def test_a_model_is_what_it_says_of_itself(name, request):
    model = request.getfixturevalue(name)
    again = rebuilt(model)
    assert again.to_xml() == model.to_xml()
    molecules = np.stack([model.frame._value, 1.1 * model.frame._value])
    for found, expected in zip(
        again.energy_and_score(molecules), model.energy_and_score(molecules), strict=True
    ):
        assert_array_equal(found, expected)


def test_a_file_of_floats_survives():
    model = Model(EXAMPLE)
    tensors = model.tensors[0]
    assert {values.dtype for values in tensors.values()} == {np.dtype(np.float32)}
    assert rebuilt(model).to_xml() == model.to_xml()
    assert model.range is not None


def test_settings_reach_the_file(model):
    settings = {**model.experts[0].settings, "activation": "gelu", "normEpsilon": 0.1}
    expert = replace(model.experts[0], settings=settings)
    other = rebuilt(model, experts=[expert])
    assert other.experts == (expert,)
    assert Model.from_xml(other.to_xml()).experts == (expert,)
    frame = model.frame
    assert other.energy_and_score(frame)[0] != model.energy_and_score(frame)[0]


def test_the_range_and_a_gaussian_over_all(model):
    near, far = 0.25 * unit.nanometer, 5.0 * unit.angstrom
    gaussian = Gaussian("all", np.array([0.7]), np.zeros((1, 0)), None)
    expert = replace(model.experts[0], base="gaussian")
    found = rebuilt(model, range=DataRange(near, far), gaussian=gaussian, experts=[expert])
    assert found.range == DataRange(near, 0.5 * unit.nanometer)
    assert found.gaussian is not None
    assert (found.gaussian.over, found.gaussian.variances) == ("all", [0.7])


def test_numbers_without_units_and_lists_will_do(toy):
    expert = Expert("mlp", "energy", 6, 2, 0, 1)
    tensors = {name: values.tolist() for name, values in toy.tensors[0].items()}
    bead = replace(toy.beads[0], mass=1, position=[0.3, -0.2, 0])
    found = rebuilt(
        toy, tensors=[tensors], experts=[expert], beads=[bead], scale=1, temperature=300
    )
    assert found.tensors[0].keys() == toy.tensors[0].keys()
    assert_array_equal(found.frame._value, toy.frame._value)
    frame = toy.frame
    assert found.energy_and_score(frame)[0] == toy.energy_and_score(frame)[0]


def test_tensors_cannot_be_changed(model):
    with pytest.raises(TypeError):
        model.tensors[0]["readout.bias"] = np.zeros(1)
    with pytest.raises(ValueError, match="read-only"):
        model.tensors[0]["readout.bias"][0] = 1


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("readout.bias", None, "readout.bias"),
        ("other", np.zeros(2), "other"),
        ("readout.bias", np.zeros(2), "readout.bias"),
        ("readout.bias", np.array([np.nan]), "readout.bias"),
        ("readout.bias", np.zeros((1, 1, 1)), "1 1 1"),
    ],
)
def test_tensors_that_are_not_those_of_the_network_are_refused(model, name, values, message):
    tensors = {**model.tensors[0], name: values}
    if values is None:
        del tensors[name]
    with pytest.raises(openmm.OpenMMException, match=message):
        rebuilt(model, tensors=[tensors])


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"tensors": []}, ValueError, "tensors of 0 experts, of which there are 1"),
        ({"scale": -1}, openmm.OpenMMException, "scale"),
        ({"scale": 1 * unit.kelvin}, ValueError, "scale is 1 K"),
        ({"temperature": "warm"}, ValueError, "temperature is 'warm'"),
        ({"centred": False, "dimensions": 4}, openmm.OpenMMException, "dimensions"),
        (
            {"schedule": NoiseSchedule("variance-preserving", {"betaMin": 0.1, "betaMax": 0.01})},
            openmm.OpenMMException,
            "betaMax",
        ),
        ({"beads": []}, openmm.OpenMMException, "there is no <Bead>"),
        (
            {"schedule": NoiseSchedule("cosine", {"type": 1})},
            ValueError,
            "settings of a schedule have 'type'",
        ),
    ],
)
def test_values_that_are_out_of_range_are_named(model, changed, error, message):
    with pytest.raises(error, match=message):
        rebuilt(model, **changed)


def test_settings_that_an_expert_has_already_are_refused(model):
    expert = replace(model.experts[0], settings={**model.experts[0].settings, "hidden": 3})
    with pytest.raises(ValueError, match="settings of an expert have 'hidden'"):
        rebuilt(model, experts=[expert])


def test_notes_keep_their_ends_of_lines(model):
    again = rebuilt(model, notes={"a": "x\r\ny"})
    assert again.notes["a"] == "x\r\ny"
    assert Model.from_xml(again.to_xml()).notes["a"] == "x\r\ny"


def test_what_a_model_is_made_of_can_be_copied(model):
    for part in (model.experts, model.schedule):
        assert pickle.loads(pickle.dumps(part)) == part
        assert copy.deepcopy(part) == part
    assert hash(model.experts[0]) == hash(replace(model.experts[0]))
