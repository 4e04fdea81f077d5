"""The toy systems: their truth is true, their samples follow it, and so do their models."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import openmm
import pytest
from openmm import unit
from openmmscore import Model, create_system
from scipy import stats

from toy_accuracy import accuracy, compare
from toys import (
    TOYS,
    Array,
    MuellerBrown,
    Toy,
    grid,
    points,
    signal,
    well_weights,
)

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SHIPPED = sorted(path for name in TOYS for path in (EXAMPLES / name).glob("model*.xml.gz"))

every_toy = pytest.mark.parametrize("name", TOYS)


# ---- The truth ----


@every_toy
@pytest.mark.parametrize("t", [1e-5, 9e-4, 1e-3, 0.03, 0.3, 1.0])
def test_densities_are_normalised(name, t):
    toy = TOYS[name]
    axes, cell = grid(toy, t, 300)
    # The midpoint rule has no visible error for densities whose features, here 0.06 nm or more, are
    # several cells wide; what is left is what lies beyond the bounds, some exp(-7^2/2) = 2e-11.
    assert np.exp(-toy.energies(axes, t)).sum() * cell == pytest.approx(1, abs=1e-9)


def test_both_ways_to_blur_agree_where_either_does():
    toy = MuellerBrown()
    t = 9e-4  # sigma / m is 0.0099 nm, the spacing 0.01
    axes, _ = grid(toy, t, 60)
    narrow, wide = toy._narrowly_blurred(axes, t), toy._blurred(axes, t)
    likely = narrow > 1e-8 * narrow.max()
    assert likely.sum() > 100
    # The errors that both state: 6!/12! and 2 exp(-2 pi^2 0.99^2) in each of two dimensions.
    np.testing.assert_allclose(narrow[likely], wide[likely], rtol=2 * (1.5e-6 + 8e-9))


def residual(toy: Toy, centre: Array, t: float, step: float) -> tuple[float, float]:
    """d/dt l - beta/2 [laplace l + |grad l|^2 + x . grad l + D] at a point, l = log q_t, by central
    differences of second order; and the largest of its terms."""
    dimensions = len(centre)
    axes: list[Array] = [x + step * np.array([-1.0, 0.0, 1.0]) for x in centre]
    time_step = step * t
    later, now, earlier = (-toy.energies(axes, t + k * time_step) for k in (1, 0, -1))
    middle = (1,) * dimensions
    in_time = (later[middle] - earlier[middle]) / (2 * time_step)
    terms = [float(dimensions)]
    for k, x in enumerate(centre):
        line = now[tuple(slice(None) if j == k else 1 for j in range(dimensions))]
        gradient = (line[2] - line[0]) / (2 * step)
        terms += [(line[2] - 2 * line[1] + line[0]) / step**2, gradient**2, x * gradient]
    beta = 0.1 + (20 - 0.1) * t
    return in_time - beta / 2 * sum(terms), beta / 2 * max(map(abs, terms))


PLACES: dict[str, list[tuple[float, ...]]] = {
    "double_well": [(-4.0,), (0.3,), (5.5,)],
    "double_well_2d": [(-5.5, -4.0), (0.5, 0.2), (4.0, 5.0)],
    "mueller_brown": [(-0.5, 1.4), (-0.8, 0.6), (0.6, 0.1)],
}


@every_toy
@pytest.mark.parametrize("t", [1e-4, 0.02, 0.3, 0.9])
def test_densities_obey_the_fokker_planck_equation(name, t):
    for place in PLACES[name]:
        centre = signal(t) * np.array(place)
        # So that differences of second order vanish as they must, errors of rounding, about
        # 1e-15 |l| / step^2, have to stay below theirs: hence no smaller steps.
        (coarse, largest), (fine, _) = (
            residual(TOYS[name], centre, t, step) for step in (4e-3, 2e-3)
        )
        rounding = 1e-6 * largest
        assert abs(coarse) < 0.02 * largest
        assert abs(fine) < abs(coarse) / 3.5 + rounding  # a quarter, but for terms of fourth order


def test_mueller_browns_lines_run_through_its_saddle_points():
    toy = MuellerBrown()
    for x, y in ((-0.822, 0.624), (0.212, 0.293)):
        step = 1e-4
        sides = np.array([x, x, x + step, x - step]), np.array([y + step, y - step, y, y])
        up, down, right, left = toy.potential(*sides)
        # The curvatures are some 1,000 kJ/mol/nm^2, and the points are given to 0.0005 nm.
        assert abs(right - left) / (2 * step) < 1
        assert abs(up - down) / (2 * step) < 1
        either_side = np.array([[x - 0.01, y + 0.01], [x + 0.01, y - 0.01]])
        first, second = toy.wells(either_side)
        assert second == first + 1


@pytest.mark.parametrize(
    ("name", "expected"), [("double_well", [0.5, 0.5]), ("double_well_2d", [0.2, 0.8])]
)
def test_weights_of_the_double_wells(name, expected):
    toy = TOYS[name]
    axes, _ = grid(toy, 1e-5, 300)
    weights = well_weights(toy, axes, toy.energies(axes, 1e-5))
    # On the far side of the barrier is the tail of a normal distribution beyond 5: 3e-7.
    np.testing.assert_allclose(weights, expected, atol=1e-6)


# ---- The samples ----


@every_toy
def test_samples_follow_the_truth(name):
    toy = TOYS[name]
    count = 100_000
    samples = toy.samples(count, seed=1)
    assert samples.shape == (count, len(toy.bounds_nm))
    # Exact shares of coarse cells are sums over 10 fine cells a dimension, at so small a time that
    # noise is 1 % of a cell. Cells where fewer than 20 samples are expected are one.
    fine, _ = grid(toy, 1e-5, 1000)
    shares = np.exp(-toy.energies(fine, 1e-5))
    edges = [np.append(axis - (axis[1] - axis[0]) / 2, axis[-1] + (axis[1] - axis[0]) / 2)[::10]
             for axis in fine]  # fmt: skip
    for axis in range(len(edges)):
        shares = np.add.reduceat(shares, np.arange(0, 1000, 10), axis=axis)
    expected = count * shares.ravel() / shares.sum()
    observed = np.histogramdd(samples, edges)[0].ravel()
    assert observed.sum() == count
    many = expected >= 20
    expected = np.append(expected[many], expected[~many].sum())
    observed = np.append(observed[many], observed[~many].sum())
    chi_square = ((observed - expected) ** 2 / expected).sum()
    # A right sampler exceeds it for one seed in 10,000.
    assert chi_square < stats.chi2.isf(1e-4, len(expected) - 1)


@every_toy
def test_wells_have_their_share_of_the_samples(name):
    toy = TOYS[name]
    count = 100_000
    axes, _ = grid(toy, 1e-5, 500)
    shares = well_weights(toy, axes, toy.energies(axes, 1e-5))
    observed = np.bincount(toy.wells(toy.samples(count, seed=1)))
    # 4 standard errors are exceeded by chance once in 16,000. Cells of 0.01 nm cut by a border are
    # all one well's: 0.001 more.
    errors = np.sqrt(shares * (1 - shares) / count)
    assert (np.abs(observed / count - shares) < 4 * errors + 0.001).all()


def test_mueller_browns_samples_are_in_the_right_places():
    # By parts: the mean of dV/dx_i is 0, that of x_i dV/dx_j is kT where i = j, else 0. These means
    # show a displacement of 0.005 nm, a cell of the sampler, along either axis by 7 standard errors
    # or more; the histogram's chi-square does not.
    toy = MuellerBrown()
    x, y = toy.samples(100_000, seed=1).T
    step = 1e-5
    slopes = [
        (toy.potential(x + step, y) - toy.potential(x - step, y)) / (2 * step),
        (toy.potential(x, y + step) - toy.potential(x, y - step)) / (2 * step),
    ]
    for i, slope in enumerate(slopes):
        for values, expected in (
            (slope, 0.0),
            (x * slope, toy.kt_kj_mol * (i == 0)),
            (y * slope, toy.kt_kj_mol * (i == 1)),
        ):
            assert abs(values.mean() - expected) < 4 * values.std() / np.sqrt(len(values))


@every_toy
def test_samples_are_those_of_their_seed(name):
    first, again, other = (TOYS[name].samples(1000, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.isin(first, other).any()


def test_the_command_writes_what_recipes_read(tmp_path):
    command = [sys.executable, str(EXAMPLES / "toys" / "toy_data.py"), "double_well_2d"]
    subprocess.run(
        [*command, "--frames", "50", "--seed", "3", "--output", str(tmp_path / "new" / "folder")],
        check=True,
    )
    frames = np.load(tmp_path / "new" / "folder" / "double_well_2d.npy")
    assert frames.dtype == np.float32
    samples = TOYS["double_well_2d"].samples(50, seed=3)
    np.testing.assert_array_equal(frames, samples[:, None, :].astype(np.float32))
    refused = subprocess.run([*command, "--frames", "0"], capture_output=True, text=True)
    assert refused.returncode == 2
    assert "--frames is 0" in refused.stderr


# ---- The comparison ----


@every_toy
def test_the_truth_is_without_error_and_an_error_is_measured(name):
    toy = TOYS[name]
    axes, _ = grid(toy, 0.01, 200)
    exact = toy.energies(axes, 0.01)
    wave = 0.1 * np.sin(3 * points(axes)[..., 0])
    same = compare(toy, axes, exact + 7.5 + 1e-5 * wave, 0.01)
    assert max(same.rms_kt, same.low_rms_kt) < 2e-6
    assert max(same.js, same.outside) < 1e-6  # exp(-15) = 3e-7
    np.testing.assert_allclose(same.wells, same.exact_wells, rtol=1e-5)

    weights = np.exp(exact.min() - exact)
    mean = np.average(wave, weights=weights)
    off = compare(toy, axes, exact + wave, 0.01)
    assert off.rms_kt == pytest.approx(np.sqrt(np.average((wave - mean) ** 2, weights=weights)))
    low = exact < exact.min() + 5
    assert off.low_rms_kt == pytest.approx(np.sqrt(np.mean((wave[low] - mean) ** 2)))
    # To second order in an error d of the energy the divergence is the variance of d, over 8.
    assert off.js == pytest.approx(off.rms_kt**2 / 8, rel=0.1)


def test_what_lies_outside_is_counted_alone():
    toy = TOYS["double_well"]
    axes, _ = grid(toy, 1e-5, 2000)
    exact = toy.energies(axes, 1e-5)
    outside = exact > exact.min() + 15
    step = axes[0][1] - axes[0][0]
    # Beyond 15 kT it is as high as in the centre of a well.
    hollow = np.where(outside, exact.min(), exact)
    result = compare(toy, axes, hollow, 1e-5)
    extra = outside.sum() * step * np.exp(-exact.min())
    assert result.outside == pytest.approx(extra / (1 + extra), rel=1e-5)
    assert result.js < 1e-6
    np.testing.assert_allclose(result.wells, [0.5, 0.5], atol=1e-6)


def test_shares_of_wells_are_of_the_models_energy():
    toy = TOYS["double_well_2d"]
    axes, _ = grid(toy, 1e-5, 300)
    tilted = toy.energies(axes, 1e-5) - np.log(2) * toy.wells(points(axes))
    result = compare(toy, axes, tilted, 1e-5)
    np.testing.assert_allclose(result.wells, [1 / 9, 8 / 9], atol=2e-6)
    np.testing.assert_allclose(result.exact_wells, [1 / 5, 4 / 5], atol=1e-6)


# ---- Shipped models ----


shipped_models = pytest.mark.parametrize("name", [path.parent.name for path in SHIPPED])


@shipped_models
def test_shipped_models_energy_is_nearly_the_exact_one(name):
    result = accuracy(TOYS[name], Model(EXAMPLES / name / "model.xml.gz"), 1e-5)
    # What the README states of it, rounded up.
    assert result.rms_kt < 0.04
    assert result.low_rms_kt < 0.06
    if name != "mueller_brown":
        np.testing.assert_allclose(result.wells, result.exact_wells, rtol=0.02)


@shipped_models
@pytest.mark.parametrize("platform", ["Reference", "CPU"])
def test_unused_coordinates_are_untouched_and_unforced(name, platform):
    model = Model(EXAMPLES / name / "model.xml.gz")
    system, _, positions = create_system(model, copies=3)
    start = np.array(positions.value_in_unit(unit.nanometer))
    start[:, model.dimensions :] += [[0.3], [-7.0], [1e3]]
    integrator = openmm.VerletIntegrator(1e-3)
    context = openmm.Context(system, integrator, openmm.Platform.getPlatformByName(platform))
    context.setPositions(start)
    forces = context.getState(forces=True).getForces(asNumpy=True)
    forces = forces.value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
    assert (forces[:, model.dimensions :] == 0).all()
    _, scores = model.energy_and_score(start[:, None, : model.dimensions])
    expected = TOYS[name].kt_kj_mol * scores[:, 0]
    assert np.abs(expected).max() > 0
    # The temperature in the model file has 7 digits; the CPU platform computes in float.
    np.testing.assert_allclose(forces[:, : model.dimensions], expected, rtol=1e-3, atol=1e-3)

    integrator.step(10)
    moved = context.getState(positions=True).getPositions(asNumpy=True)
    moved = moved.value_in_unit(unit.nanometer) - start
    assert (moved[:, model.dimensions :] == 0).all()
    assert (moved[:, : model.dimensions] != 0).any()
