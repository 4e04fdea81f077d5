"""openmmscore.sampling.ReplicaExchange: swaps leave every state's distribution as it is, and carry
what rarely happens in one state over from another."""

import itertools
import math
import signal
from types import SimpleNamespace
from typing import Any

import numpy as np
import openmm
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from openmm import unit
from openmmscore.sampling import ReplicaExchange, choose_ladder, model_energies, replicas
from openmmscore.sampling.ladders import (
    energy_range,
    evenly_spaced,
    expected_acceptance,
    geometric_times,
    states_needed,
)
from openmmscore.sampling.swaps import RoundTrips, SwapAttempt, attempt_swaps

TEMPERATURE_K = 300.0
KT = 0.00831446261815324 * TEMPERATURE_K
TIME = "ScoreForceDiffusionTime"
SCALE = "ScoreForceScale"
SOFTNESS = [1.0, 0.4, 0.16, 0.06]  # barriers of 12.3, 4.9, 2.0 and .7 kT from the right
COPIES = 32


def wells(x):
    """Energy over kT whose density is 1/5 N(-5, 1) + 4/5 N(5, 1)."""
    return -np.logaddexp(np.log(0.2) - (x + 5) ** 2 / 2, np.log(0.8) - (x - 5) ** 2 / 2)


def double_wells(copies):
    """A System of particles that each feel `softness` times the two wells along x."""
    force = openmm.CustomExternalForce(
        f"{KT!r} * softness * -log(0.2 * exp(-(x + 5)^2 / 2) + 0.8 * exp(-(x - 5)^2 / 2))"
    )
    force.addGlobalParameter("softness", 1.0)
    system = openmm.System()
    for _ in range(copies):
        force.addParticle(system.addParticle(1.0))
    system.addForce(force)
    return system


def wells_energies(positions, parameters):
    return parameters["softness"] * wells(positions[:, 0, 0])


def well_exchange(copies=COPIES, softness=SOFTNESS, energies=wells_energies, **more):
    """All copies at the bottom of the well on the right. The time step is .16 of the inverse
    frequency in the wells, which are harmonic: the integrator's error of their width is below 1 %.
    """
    settings: dict[str, Any] = {"timestep": 0.1, "steps": 10, "platform": "Reference"} | more
    states = [{"softness": value} for value in softness]
    exchange = ReplicaExchange(
        double_wells(copies), states, energies, copies, TEMPERATURE_K, **settings
    )
    exchange.set_positions(np.tile([5.0, 0.0, 0.0], (copies, 1)))
    return exchange


def on_the_left(positions):
    return positions[..., 0, 0] < 0


def interrupting(calls_before, energies):
    """Energies that press Ctrl-C after so many calls."""
    calls = itertools.count()

    def interrupt(positions, parameters):
        if next(calls) == calls_before:
            signal.raise_signal(signal.SIGINT)
        return energies(positions, parameters)

    return interrupt


@pytest.fixture(scope="module")
def run():
    """2000 ps of the double well with exchange."""
    return well_exchange().run(2000, equilibration=100)


class Stratified:
    """In place of a generator: every joint state meets all of n evenly spaced numbers."""

    def __init__(self, n):
        self.numbers = (np.arange(n) + 0.5) / n

    def random(self, count):
        return np.tile(self.numbers, count // len(self.numbers))


@pytest.mark.parametrize("parity", [0, 1])
def test_a_swap_step_leaves_the_joint_distribution_as_it_is(rng, parity):
    levels, points, n = 3, 3, 4000
    energies = 2 * rng.standard_normal((levels, points))
    joint = np.array(list(itertools.product(range(points), repeat=levels)))
    probability = np.exp(-energies[np.arange(levels), joint].sum(axis=1))
    probability /= probability.sum()

    numbers: Any = Stratified(n)
    before = np.repeat(joint, n, axis=0).T  # every copy is one joint state with one number
    attempts = attempt_swaps(before, lambda x, k: energies[k, x], parity, numbers)
    after = before.copy()
    for attempt in attempts:
        attempt.swap(after)
    start, end = (points ** np.arange(levels)[::-1] @ each for each in (before, after))
    moves = np.zeros((len(joint), len(joint)))
    np.add.at(moves, (start, end), 1 / n)
    # A probability of acceptance is met to within half a spacing of the numbers.
    assert_allclose(probability @ moves, probability, atol=1 / n)
    flow = probability[:, None] * moves
    assert_allclose(flow, flow.T, atol=1 / n)
    assert np.count_nonzero(moves * (1 - np.eye(len(joint))) > 0.01) >= 12


def test_a_swap_takes_along_all_that_belongs_to_a_configuration():
    values = np.arange(24).reshape(4, 3, 2)
    SwapAttempt(1, np.zeros(3), np.array([True, False, True])).swap(values)
    assert_array_equal(values[0], [[0, 1], [2, 3], [4, 5]])
    assert_array_equal(values[1], [[12, 13], [8, 9], [16, 17]])
    assert_array_equal(values[2], [[6, 7], [14, 15], [10, 11]])
    assert_array_equal(values[3], [[18, 19], [20, 21], [22, 23]])


def test_the_weights_of_wells_are_right_though_all_copies_start_in_one(run):
    share, error = run.mean(on_the_left)
    assert 0 < error < 0.012
    assert abs(share - 0.2) < 3 * error
    mean, error = run.mean(lambda positions: positions[..., 0, 0])
    assert abs(mean - 3) < 3 * error
    square, error = run.mean(lambda positions: (np.abs(positions[..., 0, 0]) - 5) ** 2)
    assert abs(square - 1) < 3 * error + 0.01


def test_without_exchange_they_are_not():
    run = well_exchange().run(300, exchange=False)
    assert run.mean(on_the_left)[0] == 0
    assert not run.attempts.any()
    assert np.isnan(run.acceptance).all()


def test_every_state_samples_its_own_distribution():
    run = well_exchange().run(1000, equilibration=100, interval=5, record_all=True)
    assert run.all_positions.shape == (200, 4, COPIES, 1, 3)
    assert_array_equal(run.all_positions[:, 0], run.positions)
    grid = np.linspace(-40, 40, 8001)
    for k, softness in enumerate(SOFTNESS):
        density = np.exp(-softness * wells(grid))
        expected = (density * grid**2).sum() / density.sum()
        squares = (run.all_positions[:, k, :, 0, 0].astype(float) ** 2).mean(axis=0)
        error = squares.std(ddof=1) / math.sqrt(COPIES)
        assert 0 < error < 0.05 * expected
        assert abs(squares.mean() - expected) < 3 * error + 0.01


def test_acceptance_and_cost_are_those_of_the_exact_distributions(run):
    assert_array_equal(run.attempts, 1000 * COPIES)
    grid = np.linspace(-40, 40, 1601)
    energy = wells(grid)
    for pair, (first, second) in enumerate(itertools.pairwise(SOFTNESS)):
        densities = [np.exp(-softness * energy) for softness in (first, second)]
        joint = np.outer(*densities)
        joint /= joint.sum()
        cost = (first - second) * (energy[None, :] - energy[:, None])
        expected = (joint * np.exp(-np.maximum(cost, 0))).sum()
        # Decisions of one copy, 2 ps apart, remember each other for less than 20 ps, so 32000 count
        # as 3000: a standard error of at most .5 / sqrt(3000) = .009.
        assert abs(run.acceptance[pair] - expected) < 3 * 0.009
        # Costs have, so close together, the variance of two exponentials of mean about 1.
        assert abs(run.mean_cost[pair] - (joint * cost).sum()) < 3 * 2 / math.sqrt(3000)


def test_round_trips_are_counted_from_the_target_to_the_last_state_and_back(rng):
    states, copies = 4, 3
    trips = RoundTrips(states, copies)
    ladders = [list(range(states)) for _ in range(copies)]  # which walker is where
    seen = [["bottom", "", "", ""] for _ in range(copies)]  # of each walker: the end it was at last
    expected = np.zeros(copies, int)
    for step in range(400):
        attempts = [
            SwapAttempt(lower, np.zeros(copies), rng.random(copies) < 0.5)
            for lower in range(step % 2, states - 1, 2)
        ]
        trips.follow(attempts)
        for copy, (ladder, ends) in enumerate(zip(ladders, seen, strict=True)):
            for attempt in attempts:
                if attempt.accepted[copy]:
                    k = attempt.lower
                    ladder[k], ladder[k + 1] = ladder[k + 1], ladder[k]
            expected[copy] += ends[ladder[0]] == "top"
            ends[ladder[0]] = "bottom"
            if ends[ladder[-1]] == "bottom":  # a trip begins at the target
                ends[ladder[-1]] = "top"
        assert_array_equal(trips.completed, expected)
    assert expected.min() > 10


def test_round_trips_happen_in_every_copy(run):
    assert run.round_trips.shape == (COPIES,)
    assert run.round_trips.min() > 50


def test_velocities_go_with_positions():
    # One after the other: all Contexts of the Reference platform draw from one stream of numbers.
    exchange = well_exchange(copies=3, softness=[1.0, 1.0])
    run = exchange.run(1, record_all=True)
    reference = well_exchange(copies=3, softness=[1.0, 1.0])
    apart = reference.run(1, exchange=False, record_all=True)
    assert_array_equal(run.accepted, [3])  # the states are the same: swaps cost nothing
    assert_array_equal(run.all_positions, apart.all_positions[:, ::-1])
    assert_array_equal(exchange._positions(), reference._positions()[::-1])
    assert_array_equal(exchange._velocities(), reference._velocities()[::-1])


@pytest.mark.parametrize("platform", ["Reference", "CPU"])
def test_a_seed_gives_the_same_run_and_another_another(platform):
    runs = [well_exchange(copies=4, seed=seed, platform=platform).run(30) for seed in (7, 7, 8)]
    assert_array_equal(runs[0].positions, runs[1].positions)
    assert_array_equal(runs[0].accepted, runs[1].accepted)
    assert not np.array_equal(runs[0].positions, runs[2].positions)


def test_states_have_noise_of_their_own():
    exchange = well_exchange(copies=2, softness=[1.0, 1.0], platform="CPU")
    run = exchange.run(5, exchange=False, record_all=True)
    assert not np.isclose(run.all_positions[:, 0], run.all_positions[:, 1]).any()
    seeds = {context.getIntegrator().getRandomNumberSeed() for context in exchange._contexts}
    assert len(seeds) == 2
    assert 0 not in seeds  # which lets OpenMM choose


def test_frames_are_recorded_at_the_interval_after_equilibration():
    exchange = well_exchange(copies=2)
    run = exchange.run(10, equilibration=5, interval=3)
    assert_allclose(run.time_ps, [3, 6, 9])
    assert run.positions.shape == (3, 2, 1, 3)
    time = exchange._contexts[0].getState().getTime()
    assert_allclose(time.value_in_unit(unit.picosecond), 15)
    assert run.attempts.sum() == 2 * (5 * 2 + 5 * 1)  # ten sweeps: two pairs and one, in turn


def test_an_interrupted_run_keeps_what_it_recorded():
    # The first four calls compare energies; then a sweep has 8 and 4 in turn.
    energies = interrupting(4 + 60, wells_energies)
    handler = signal.getsignal(signal.SIGINT)
    exchange = well_exchange(copies=2, energies=energies)
    run = exchange.run(1000)
    assert run.interrupted
    assert len(run.positions) == len(run.time_ps) == 11
    assert signal.getsignal(signal.SIGINT) is handler
    assert not exchange.run(3).interrupted


def test_an_interrupted_pilot_run_is_no_ladder(model, monkeypatch):
    energies = interrupting(20, model_energies(model))
    monkeypatch.setattr(replicas, "model_energies", lambda *_, **__: energies)
    pilot = geometric_times(model, 4, 0.3)
    with pytest.raises(KeyboardInterrupt):
        choose_ladder(model, TIME, pilot, copies=2, time=1, steps=5, platform="Reference")


def test_an_error_needs_two_copies_and_finite_values(run):
    frame, copy = np.indices(run.positions.shape[:2])
    mean, error = run.mean(lambda positions: copy + 10 * (frame % 2))
    assert mean == pytest.approx(5 + 15.5)
    # The variance of 0 to n - 1 is (n^2 - 1) / 12 with n below, n (n + 1) / 12 with n - 1.
    assert error == pytest.approx(math.sqrt(COPIES * (COPIES + 1) / 12 / COPIES))
    with pytest.raises(ValueError, match=r"shape \(2000, 32, 1\), not \(2000, 32\)"):
        run.mean(lambda positions: positions[..., 0])
    with pytest.raises(ValueError, match="not finite"):
        run.mean(lambda positions: positions[..., 0, 0] * np.nan)
    with pytest.raises(ValueError, match="needs 2 copies"):
        well_exchange(copies=1).run(5).mean(on_the_left)


def test_swaps_go_by_the_energies_of_the_contexts():
    with pytest.raises(ValueError, match=r"change by -?[\d.]+ kT, those of the Context by -?[\d.]"):
        well_exchange(energies=lambda x, p: 1.1 * wells_energies(x, p))
    with pytest.raises(ValueError, match=r"shape \(\), not \(32,\)"):
        well_exchange(energies=lambda x, p: 1.0)

    def broken(positions, parameters):
        return np.where(np.arange(COPIES) == 5, np.nan, wells_energies(positions, parameters))

    with pytest.raises(ValueError, match=r"copy 5 at \{'softness': 1\.0\} is nan"):
        well_exchange(energies=broken)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"softness": [1.0]}, "1 states"),
        ({"softness": [1.0, math.nan]}, "softness of state 1 is nan"),
        ({"timestep": 0}, "timestep is 0, must be positive"),
        ({"friction": -1}, "friction is -1"),
        ({"steps": 0}, "steps is 0"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_wrong_settings_are_errors(changes, message):
    with pytest.raises(ValueError, match=message):
        well_exchange(**changes)


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ([{"softness": 1}, {"stiffness": 1}], "state 1 sets"),
        ([{"stiffness": 1}, {"stiffness": 2}], r"no parameter stiffness, but \['softness'\]"),
        ([{}, {}], "state 0 sets"),
        ([{"softness": "a"}, {"softness": 1}], "softness is 'a'"),
    ],
)
def test_wrong_states_are_errors(states, message):
    with pytest.raises(ValueError, match=message):
        ReplicaExchange(double_wells(2), states, wells_energies, 2, 300, platform="Reference")


def test_wrong_systems_are_errors():
    states = [{"softness": value} for value in SOFTNESS]
    system = double_wells(3)
    with pytest.raises(ValueError, match="3 particles does not consist of 2 copies"):
        ReplicaExchange(system, states, wells_energies, 2, 300)
    system.setParticleMass(2, 2.0)
    with pytest.raises(ValueError, match="mass of particle 0 is not the same in all copies"):
        ReplicaExchange(system, states, wells_energies, 3, 300)
    system = double_wells(2)
    system.addForce(openmm.MonteCarloBarostat(1, 300))
    with pytest.raises(ValueError, match="MonteCarloBarostat"):
        ReplicaExchange(system, states, wells_energies, 2, 300)


def test_a_run_needs_positions_and_time():
    states = [{"softness": value} for value in SOFTNESS]
    exchange = ReplicaExchange(double_wells(2), states, wells_energies, 2, 300)
    with pytest.raises(ValueError, match="set positions"):
        exchange.run(1)
    with pytest.raises(ValueError, match=r"shape \(1, 3\), must have \(2, 3\)"):
        exchange.set_positions([[0.0, 0.0, 0.0]])
    exchange.set_positions(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="time of 0 has no frame"):
        exchange.run(0)
    with pytest.raises(ValueError, match="equilibration is -1"):
        exchange.run(1, equilibration=-1)


def peptide_states(*times):
    return [{TIME: time} for time in times]


@pytest.mark.parametrize("platform", ["Reference", "CPU"])
def test_a_model_runs_at_many_times_and_scales(model, platform):
    ladders: list[list[dict[str, float]]] = [
        peptide_states(1e-5, 0.1, 0.4),
        [{SCALE: 1}, {SCALE: 0.5}],
        [{TIME: 1e-5, SCALE: 1}, {TIME: 0.2, SCALE: 0.7}],
    ]
    for states in ladders:
        exchange = ReplicaExchange.from_model(model, states, 3, steps=5, platform=platform)
        run = exchange.run(0.1)
        assert run.positions.shape == (10, 3, 5, 3)
        assert np.isfinite(run.positions).all()
        assert run.attempts.all()


def test_energies_of_a_model_are_those_of_its_context(model, rng):
    states = [{TIME: 1e-5, SCALE: 1}, {TIME: 0.2, SCALE: 0.7}]
    exchange = ReplicaExchange.from_model(model, states, 2, temperature=350, platform="Reference")
    start = np.array(model.frame._value) + 0.02 * rng.standard_normal((2, 5, 3))
    exchange.set_positions(start)  # compares
    energies = model_energies(model, temperature=350)
    kt = KT * 350 / 300
    for state, context in zip(states, exchange._contexts, strict=True):
        energy = context.getState(energy=True).getPotentialEnergy()._value
        found = np.sum(energies(start, state)) * kt
        assert_allclose(found, energy, rtol=1e-12)


def test_a_time_without_an_energy_is_an_error_before_anything_runs(model, mixed_model):
    with pytest.raises(openmm.OpenMMException, match="belongs to expert 0"):
        ReplicaExchange.from_model(mixed_model, peptide_states(1e-5, 0.05, 0.3), 2)
    with pytest.raises(openmm.OpenMMException, match=r"owns diffusion time 1\.5"):
        ReplicaExchange.from_model(model, peptide_states(1e-5, 1.5), 2)
    with pytest.raises(ValueError, match=r"0\.3: must rise, and the model has an energy from 0 to"):
        geometric_times(mixed_model, 4, 0.3)
    with pytest.raises(ValueError, match=r"no energy at diffusion time 0\.3"):
        energy_range(mixed_model, 0.3)
    assert energy_range(mixed_model) == (0, 0.1)
    assert energy_range(model) == (0, 1)


def test_the_range_of_energies_ends_where_a_score_expert_begins():
    ranges = [(0.6, 0.8, "energy"), (0.8, 1, "energy"), (0.1, 0.6, "score"), (0, 0.1, "energy")]
    experts = [SimpleNamespace(t_begin=a, t_end=b, output=output) for a, b, output in ranges]
    model: Any = SimpleNamespace(experts=experts)
    assert energy_range(model) == (0, 0.1)
    assert energy_range(model, 0.7) == (0.6, 1)
    with pytest.raises(ValueError, match=r"0\.3"):
        energy_range(model, 0.3)


@pytest.mark.parametrize("variance", [0.0, 7e-4])
def test_times_are_geometric_in_the_width_of_the_noise(model, variance):
    times = np.array(geometric_times(model, 6, 0.5, variance=variance))
    assert (times[0], times[-1]) == (1e-5, 0.5)
    widths = -np.expm1(-(0.1 * times + 19.9 * times**2 / 2)) + variance
    steps = np.diff(np.log(widths))
    assert_allclose(steps, steps[0], rtol=1e-9)


def test_a_ladder_is_spaced_by_its_costs():
    # States of scales s of a harmonic energy in d dimensions, J = d/2 (s_1 - s_2)^2 / (s_1 s_2).
    scales = np.array([1.0, 0.97, 0.9, 0.82, 0.79, 0.7])
    costs = 50 * np.diff(scales) ** 2 / (scales[1:] * scales[:-1])
    ladder = evenly_spaced(scales.tolist(), costs, 4)
    assert_allclose(ladder, np.geomspace(1.0, 0.7, 4), rtol=1e-3)  # third order in log(s_1/s_2)
    assert_allclose(evenly_spaced([1, 2, 4], [1, 4], 4), [1, 2, math.sqrt(8), 4], rtol=1e-12)
    assert_allclose(evenly_spaced([-1, 0, 1], [1, 4], 4), [-1, 0, 0.5, 1], atol=1e-15)
    length = np.sqrt(50) * np.log(1 / 0.7)
    count = states_needed(costs, 0.4)
    assert (
        expected_acceptance(length / (count - 1)) >= 0.4 > expected_acceptance(length / (count - 2))
    )
    with pytest.raises(ValueError, match="rise or fall"):
        evenly_spaced([1, 2, 1], [1, 1], 3)
    with pytest.raises(ValueError, match="2 pairs for 2 states"):
        evenly_spaced([1, 2], [1, 1], 3)
    with pytest.raises(ValueError, match="finite"):
        states_needed([math.nan], 0.3)
    with pytest.raises(ValueError, match="acceptance is 1"):
        states_needed([1.0], 1)


def test_expected_acceptance_is_the_mean_over_normal_costs(rng):
    for cost in (0.3, 2.0, 6.0):
        costs = rng.normal(cost, math.sqrt(2 * cost), 100_000)
        accepted = np.minimum(1, np.exp(-costs))
        error = accepted.std() / math.sqrt(len(accepted))
        assert abs(accepted.mean() - expected_acceptance(math.sqrt(cost))) < 4 * error


def test_a_chosen_ladder_has_the_ends_asked_for(model):
    pilot = geometric_times(model, 4, 0.3)
    settings: dict[str, Any] = {"copies": 4, "time": 0.2, "steps": 5, "platform": "Reference"}
    ladder = choose_ladder(model, TIME, pilot, count=3, **settings)
    assert (ladder[0], ladder[-1]) == (1e-5, 0.3)
    assert ladder[0] < ladder[1] < ladder[2]
    with pytest.raises(ValueError, match="too short"):
        choose_ladder(model, TIME, pilot, copies=2, time=0.01, steps=5, platform="Reference")
