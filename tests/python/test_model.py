"""openmmscore.Model: what it says of a model, and what it computes."""

import copy
import pickle
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import openmm
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from openmm import unit
from openmmscore import Model, _openmmscore
from openmmscore.model.model import _Evaluator

EPS = np.finfo(np.float64).eps


@pytest.fixture
def positions(model, rng):
    """Twelve molecules as 3 x 4, somewhere around the model's frame."""
    frame = model.frame.value_in_unit(unit.nanometer)
    return frame + 0.03 * rng.standard_normal((3, 4, *frame.shape))


def test_properties_are_those_of_the_file(model, peptide):
    assert model.names == ("C", "N", "CA", "C", "N")
    assert [bead.residue for bead in model.beads] == ["ACE", "ALA", "ALA", "ALA", "NME"]
    assert [bead.residue_index for bead in model.beads] == [0, 1, 1, 1, 2]
    assert_array_equal(model.masses.value_in_unit(unit.dalton), peptide.masses)
    assert_array_equal(model.frame.value_in_unit(unit.nanometer), peptide.frame)
    assert model.dimensions == 3
    assert model.centred
    assert model.temperature == 300 * unit.kelvin
    assert model.scale == 0.1 * unit.nanometer
    assert model.schedule.kind == "variance-preserving"
    assert dict(model.schedule.settings) == {"betaMin": 0.1, "betaMax": 20.0}
    assert model.feature_sizes == ()
    assert dict(model.notes) == {"data": "random weights", "commit": "<&>\n\u03b1"}
    (expert,) = model.experts
    assert (expert.architecture, expert.output) == ("graph-transformer", "energy")
    assert (expert.hidden, expert.layers) == (8, 2)
    assert expert.settings == {"heads": 2, "headWidth": 4}
    assert (expert.t_begin, expert.t_end) == (0.0, 1.0)
    assert expert.base == "none"
    assert model.gaussian is None
    assert "5 beads" in repr(model)
    assert "300" in repr(model)


def test_signal_and_noise_are_those_of_the_schedule(model):
    t = 0.3
    square = np.exp(-0.1 * t - 19.9 * t**2 / 2)
    assert abs(model.signal(t) - np.sqrt(square)) < 1e-15
    assert abs(model.noise(t) - np.sqrt(1 - square)) < 1e-15
    assert abs(model.time_of_noise(model.noise(t)) - t) < 1e-14
    with pytest.raises(openmm.OpenMMException, match=r"getNoise: diffusion time 1\.5 is not in"):
        model.noise(1.5)
    with pytest.raises(openmm.OpenMMException, match="getTimeOfNoise: noise 1 is not in"):
        model.time_of_noise(1)


def test_notes_and_beads_cannot_be_changed(model):
    with pytest.raises(TypeError):
        model.notes["data"] = "others"
    with pytest.raises(AttributeError):
        model.beads[0].name = "X"


def test_xml_and_files_round_trip_bit_by_bit(model, positions, tmp_path):
    text = model.to_xml()
    model.save(tmp_path / "copy.xml")
    model.save(str(tmp_path / "copy.xml.gz"))
    assert (tmp_path / "copy.xml").read_text() == text
    assert (tmp_path / "copy.xml.gz").stat().st_size < len(text)
    expected = model.energy_and_score(positions)
    for same in (
        Model.from_xml(text),
        Model(tmp_path / "copy.xml"),
        Model(str(tmp_path / "copy.xml.gz")),
        pickle.loads(pickle.dumps(model)),
        copy.copy(model),
        copy.deepcopy(model),
    ):
        assert isinstance(same, Model)
        assert same.to_xml() == text
        assert same.beads[2].name == "CA"
        for result, wanted in zip(same.energy_and_score(positions), expected, strict=True):
            assert_array_equal(result, wanted)


def _log_density(gaussian, x, t):
    """log of the density at t of centred normalised coordinates x (n, beads, 3)."""
    log_m = -(t**2) * 19.9 / 4 - 0.1 * t / 2
    variances = np.exp(2 * log_m) * gaussian.variances - np.expm1(2 * log_m)
    z = np.einsum("ki,nic->nkc", gaussian.modes, x)
    squares = np.einsum("nkc,k->n", z**2, 1 / variances)
    return -0.5 * squares - 1.5 * np.log(2 * np.pi * variances).sum()


@pytest.mark.parametrize("t", [1e-5, 0.03, 0.7, 1.0])
def test_without_weights_a_model_is_its_gaussian(gaussian_text, positions, t):
    model = Model.from_xml(gaussian_text.xml())
    x = positions[0] / 0.1
    energy, _ = model.energy_and_score(positions[0], t)
    expected = -_log_density(gaussian_text.gaussian, x - x.mean(axis=1, keepdims=True), t)
    assert_allclose(energy, expected, rtol=100 * EPS, atol=0)


def test_a_base_is_added_to_the_network(model, based_model, gaussian_text, positions):
    x = positions[0] / 0.1
    below = -_log_density(gaussian_text.gaussian, x - x.mean(axis=1, keepdims=True), 0.03)
    energy = based_model.energy_and_score(positions[0], 0.03)[0]
    assert_allclose(energy, model.energy_and_score(positions[0], 0.03)[0] + below, rtol=1000 * EPS)


def test_the_gaussian_of_a_model(gaussian_text):
    model = Model.from_xml(gaussian_text.xml())
    assert model.experts[0].base == "gaussian"
    assert model.gaussian is not None
    assert model.gaussian.over == "beads"
    assert_array_equal(model.gaussian.variances, gaussian_text.gaussian.variances)
    assert_array_equal(model.gaussian.directions, gaussian_text.gaussian.modes)
    assert model.gaussian.mean is None
    with pytest.raises(ValueError, match="read-only"):
        model.gaussian.variances[0] = 1
    for same in (Model.from_xml(model.to_xml()), pickle.loads(pickle.dumps(model))):
        assert same.to_xml() == model.to_xml()
        assert same.gaussian is not None
        assert_array_equal(same.gaussian.directions, model.gaussian.directions)
    wrong = replace(gaussian_text.gaussian, variances=np.array([1.0, 1.0, -0.5, 1.0]))
    with pytest.raises(openmm.OpenMMException, match=r"mode 2 has the variance -0\.5"):
        Model.from_xml(replace(gaussian_text, gaussian=wrong).xml())


def test_energy_of_a_perceptron_is_its_formula(toy, toy_weights, rng):
    """x -> swish(W x + b) -> ... -> E, with the time features of a range that begins at 0."""
    t = 0.2
    x = rng.standard_normal((7, 1, 2))
    features = [t - 0.5, np.cos(2 * np.pi * t), np.sin(2 * np.pi * t), -np.cos(4 * np.pi * t)]
    h = np.hstack([x[:, 0], np.tile(features, (7, 1))])
    for layer in range(2):
        z = h @ toy_weights[f"layer.{layer}.weight"] + toy_weights[f"layer.{layer}.bias"]
        h = z / (1 + np.exp(-z))
    expected = (h @ toy_weights["readout.weight"])[:, 0] + toy_weights["readout.bias"]
    energy, _ = toy.energy_and_score(x, t)
    # Three sums of at most 8 terms of order 1, each with a relative error of a few eps.
    assert_allclose(energy, expected, rtol=0, atol=200 * EPS)


@pytest.mark.parametrize("t", [1e-5, 0.03, 0.7])
def test_the_score_is_minus_the_gradient_of_the_energy(model, positions, t):
    x = positions[0, 0]
    energy, score = model.energy_and_score(x, t)

    def difference(step):
        shifts = step * np.eye(x.size).reshape(x.size, *x.shape)
        up, _ = model.energy_and_score(x + shifts, t)
        down, _ = model.energy_and_score(x - shifts, t)
        return -((up - down) / (2 * step)).reshape(x.shape)

    step = 1e-4
    coarse, fine = difference(2 * step), difference(step)
    extrapolated = (4 * fine - coarse) / 3
    # The error that the extrapolation removes bounds the one that is left; the rest is rounding,
    # 100 eps of an energy divided by the step.
    tolerance = np.abs(fine - coarse).max() + 100 * EPS * (1 + abs(energy)) / step
    assert tolerance < 1e-3 * np.abs(score).max()
    assert_allclose(score, extrapolated, rtol=0, atol=tolerance)


@pytest.mark.parametrize("precision", ["double", "single"])
def test_a_batch_is_its_molecules_one_by_one(model, positions, precision):
    energy, score = model.energy_and_score(positions, precision=precision)
    assert energy.shape == (3, 4)
    assert score.shape == (3, 4, 5, 3)
    assert energy.dtype == score.dtype == np.float64
    # Matrix products of another size may add in another order: some hundred terms of order 1.
    eps = EPS if precision == "double" else np.finfo(np.float32).eps
    for index in np.ndindex(3, 4):
        one_energy, one_score = model.energy_and_score(positions[index], precision=precision)
        assert one_energy.shape == ()
        assert_allclose(energy[index], one_energy, rtol=0, atol=500 * eps * (1 + abs(one_energy)))
        assert_allclose(score[index], one_score, rtol=0, atol=500 * eps * np.abs(score).max())


def test_single_precision_is_close_to_double(model, positions):
    energy, score = model.energy_and_score(positions)
    energy_f, score_f = model.energy_and_score(positions, precision="single")
    assert not np.array_equal(score, score_f)
    assert_allclose(energy_f, energy, rtol=0, atol=1e-4 * np.abs(energy).max())
    assert_allclose(score_f, score, rtol=0, atol=1e-4 * np.abs(score).max())


@pytest.mark.parametrize("precision", ["double", "single"])
def test_results_do_not_depend_on_threads(model, rng, precision):
    frame = model.frame.value_in_unit(unit.nanometer)
    positions = frame + 0.03 * rng.standard_normal((500, *frame.shape))
    expected = model.energy_and_score(positions, precision=precision)
    for threads in (2, 3, 8):
        result = model.energy_and_score(positions, precision=precision, threads=threads)
        for values, wanted in zip(result, expected, strict=True):
            assert_array_equal(values, wanted)


def test_no_call_depends_on_those_before_it(feature_model, rng):
    x = 0.15 * rng.standard_normal((4, 3, 3))
    one, all_ = rng.integers(0, (3, 2), size=(3, 2)), rng.integers(0, (3, 2), size=(4, 3, 2))
    calls = [
        {"positions": x},
        {"positions": 2 * x, "t": 0.3},
        {"positions": x[:2], "features": one},
        {"positions": x, "features": one},
        {"positions": x, "features": one[::-1]},
        {"positions": x, "features": all_},
        {"positions": x, "features": all_, "precision": "single"},
        {"positions": x, "features": all_, "threads": 3},
        {"positions": x.reshape(2, 6, 3), "features": all_.reshape(2, 6, 2)},
    ]
    text = feature_model.to_xml()  # for models that have not been called yet
    expected = [Model.from_xml(text).energy_and_score(**call) for call in calls]
    for k in [*range(9), *range(8, -1, -1), *rng.integers(0, 9, 50)]:
        for values, wanted in zip(
            feature_model.energy_and_score(**calls[k]), expected[k], strict=True
        ):
            assert_array_equal(values, wanted)


def test_a_call_after_one_that_failed(model, positions):
    expected = model.score(positions)
    with pytest.raises(openmm.OpenMMException):
        model.score(1e308 * positions)
    assert_array_equal(model.score(positions), expected)


def test_threads_may_share_a_model(model, rng):
    frame = model.frame.value_in_unit(unit.nanometer)
    batches = [frame + 0.03 * rng.standard_normal((300 + k % 2, *frame.shape)) for k in range(4)]
    expected = [model.score(batch) for batch in batches]
    found: dict[int, list[np.ndarray]] = {}

    def evaluate(k):
        found[k] = [model.score(batches[k]) for _ in range(20)]

    threads = [threading.Thread(target=evaluate, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(4):
        for scores in found[k]:
            assert_array_equal(scores, expected[k])


def test_an_empty_batch_gives_empty_results(model):
    energy, score = model.energy_and_score(np.empty((2, 0, 5, 3)))
    assert energy.shape == (2, 0)
    assert score.shape == (2, 0, 5, 3)
    with pytest.raises(ValueError, match=r"1\.5"):
        model.energy_and_score(np.empty((0, 5, 3)), 1.5)


def test_positions_of_any_layout_type_and_unit(model, positions):
    expected = model.energy_and_score(positions)
    for same in (
        positions.tolist(),
        np.asfortranarray(positions),
        np.repeat(positions, 2, axis=-1)[..., ::2],
        positions * unit.nanometer,
        unit.Quantity(positions.tolist(), unit.nanometer),
    ):
        for result, wanted in zip(model.energy_and_score(same), expected, strict=True):
            assert_array_equal(result, wanted)
    energy, score = model.energy_and_score(unit.Quantity(10 * positions, unit.angstrom))
    # The change of unit rounds a coordinate once, and the energy changes by the score times that.
    shift = EPS * np.abs(positions).max() * np.abs(expected[1]).max() * positions[0, 0].size
    assert_allclose(energy, expected[0], rtol=0, atol=shift + 500 * EPS * np.abs(energy).max())
    assert_allclose(score, expected[1], rtol=1e-10, atol=1e-10 * np.abs(score).max())
    energy, _ = model.energy_and_score(positions.astype(np.float32))
    assert_array_equal(
        energy, model.energy_and_score(positions.astype(np.float32).astype(float))[0]
    )


def test_inputs_are_not_changed(model, positions):
    before = positions.copy()
    model.energy_and_score(positions)
    assert_array_equal(positions, before)
    positions.setflags(write=False)
    model.energy_and_score(positions)


def test_a_centred_model_does_not_see_where_a_molecule_is(model, positions):
    energy, score = model.energy_and_score(positions)
    shift = np.array([1.0, -2.0, 0.5])
    moved_energy, moved_score = model.energy_and_score(positions + shift)
    # Adding the shift rounds the coordinates by eps of it, in units of the scale of 0.1 nm.
    tolerance = 10 * EPS * 2.0 * np.abs(score).max()
    assert_allclose(moved_energy, energy, rtol=0, atol=15 * tolerance + 500 * EPS)
    assert_allclose(moved_score, score, rtol=0, atol=1e-10 * np.abs(score).max())


def test_features_of_one_molecule_and_of_each(feature_model, rng):
    x = 0.1 * rng.standard_normal((6, 4, 3))
    features = rng.integers(0, (3, 2), size=(6, 4, 2))
    energy, score = feature_model.energy_and_score(x, features=features)
    for k in range(6):
        one_energy, one_score = feature_model.energy_and_score(x[k], features=features[k])
        assert_allclose(energy[k], one_energy, rtol=0, atol=500 * EPS * (1 + abs(one_energy)))
        assert_allclose(score[k], one_score, rtol=0, atol=500 * EPS * np.abs(score).max())
    shared, _ = feature_model.energy_and_score(x, features=features[0])
    repeated, _ = feature_model.energy_and_score(x, features=np.repeat(features[:1], 6, axis=0))
    assert_array_equal(shared, repeated)
    assert abs(shared[1] - energy[1]) > 1e-6


def test_features_are_by_default_those_of_the_bead_list(feature_model, rng):
    x = 0.1 * rng.standard_normal((3, 3))
    listed = [bead.features for bead in feature_model.beads]
    assert_array_equal(
        feature_model.energy_and_score(x)[1],
        feature_model.energy_and_score(x, features=listed)[1],
    )


def test_an_expert_that_gives_scores_alone(mixed_model, positions):
    score = mixed_model.score(positions, 0.5)
    assert score.shape == positions.shape
    with pytest.raises(ValueError, match="score"):
        mixed_model.energy_and_score(positions, 0.5)
    assert_array_equal(
        mixed_model.score(positions, 0.05), mixed_model.energy_and_score(positions, 0.05)[1]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"positions": np.zeros((4, 3))}, r"\(4, 3\)"),
        ({"positions": np.zeros((5, 2))}, r"\(5, 2\)"),
        ({"positions": np.zeros(15)}, r"\(15,\)"),
        ({"positions": 1.0}, r"positions"),
        ({"positions": [[0.0, 1.0], [2.0]]}, "positions"),
        ({"positions": [["a", "b", "c"]] * 5}, "<U1"),
        ({"positions": np.zeros((5, 3), complex)}, "complex"),
        ({"positions": np.zeros((5, 3), bool)}, "bool"),
        ({"positions": [[None] * 3] * 5}, "object"),
        ({"positions": np.where(np.arange(15).reshape(5, 3) == 7, np.nan, 0)}, r"\[2, 1\] is nan"),
        ({"positions": np.where(np.arange(15).reshape(5, 3) == 9, np.inf, 0)}, r"\[3, 0\] is inf"),
        ({"positions": unit.Quantity(np.zeros((5, 3)), unit.kelvin)}, "kelvin"),
        ({"t": -0.25}, r"-0\.25"),
        ({"t": 1.5}, r"1\.5"),
        ({"t": float("nan")}, "nan"),
        ({"t": "soon"}, "'soon'"),
        ({"t": None}, "None"),
        ({"t": 1 * unit.picosecond}, "ps"),
        ({"features": np.zeros((5, 1), int)}, r"\(5, 1\)"),
        ({"precision": "half"}, "'half'"),
        ({"threads": 0}, "0"),
        ({"threads": -1}, "-1"),
        ({"threads": 1.5}, r"1\.5"),
        ({"threads": True}, "True"),
    ],
)
def test_misuse_is_a_value_error_with_the_value(model, arguments, message):
    good = {"positions": model.frame}
    with pytest.raises(ValueError, match=message):
        model.energy_and_score(**{**good, **arguments})


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros((4, 3), int), r"\(4, 3\)"),
        (np.zeros((4, 2)), "float64"),
        ([[0, 0], [0, 0], [3, 0], [0, 0]], r"\[2, 0\] is 3, must be from 0 to 2"),
        ([[0, 0], [0, -1], [0, 0], [0, 0]], r"\[1, 1\] is -1, must be from 0 to 1"),
        (None, "4 beads"),
    ],
)
def test_wrong_features_are_a_value_error_with_the_value(feature_model, features, message):
    with pytest.raises(ValueError, match=message):
        feature_model.energy_and_score(np.zeros((4, 3)), features=features)


def test_an_energy_that_is_not_finite_names_the_molecule(model, positions):
    positions = positions.reshape(12, 5, 3).copy()
    positions[7] *= 1e308  # differences overflow
    with pytest.raises(openmm.OpenMMException, match="7"):
        model.energy_and_score(positions)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", r"broken\.xml"), ("not XML", r"broken\.xml:1"), ("<System/>", "System")],
)
def test_a_file_that_is_no_model_is_an_error_with_its_name(tmp_path, text, message):
    file = tmp_path / "broken.xml"
    file.write_text(text)
    with pytest.raises(openmm.OpenMMException, match=message):
        Model(file)


def test_a_missing_file_and_a_missing_directory_are_errors_with_their_names(model, tmp_path):
    with pytest.raises(openmm.OpenMMException, match=r"missing\.xml"):
        Model(tmp_path / "missing.xml")
    with pytest.raises(openmm.OpenMMException, match="nowhere"):
        model.save(tmp_path / "nowhere" / "model.xml")
    with pytest.raises(TypeError):
        Model(5)  # type: ignore[arg-type]


def test_other_threads_run_meanwhile(model, rng):
    """With a switch interval of minutes a thread runs only when another lets go of the lock."""
    frame = model.frame.value_in_unit(unit.nanometer)
    positions = frame + 0.03 * rng.standard_normal((2000, *frame.shape))
    count = 0
    done = False
    evaluator = _Evaluator(model)

    def counting():
        nonlocal count
        while not done:
            count += 1
            time.sleep(0)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(600)
    thread = threading.Thread(target=counting)
    try:
        thread.start()
        advanced = False
        for _ in range(100):
            array = np.ascontiguousarray(positions)
            scores = np.empty_like(array)
            before = count
            _openmmscore.Evaluator_evaluate(evaluator, False, 1e-5, 1, 5, array, None, None, scores)
            advanced = count > before
            if advanced:
                break
    finally:
        done = True
        sys.setswitchinterval(interval)
        thread.join()
    assert advanced
