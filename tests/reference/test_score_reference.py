"""The JAX implementation against finite differences and against what is known exactly.

Central differences of step h have a truncation error of order h^2 and a rounding error of order
1e-16/h (1e-16/h^2 for second derivatives): about 1e-10 at h = 1e-5, 1e-8 at h = 1e-4. Tolerances
are some hundred times that, for derivatives of order ten to a hundred.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax")
ref = pytest.importorskip("score_reference")
pytest.importorskip("jax.flatten_util")
jnp = jax.numpy

Array = Any  # of JAX or NumPy; JAX need not be installed
Case = tuple[Any, dict[str, Array], "Inputs"]

GRAPH = ref.Network("graph_transformer", "energy", 4, 2, 2, 3, 3, 3, True, 0.0, 1.0)
NETWORKS = {
    "one-hot": GRAPH,
    "features": replace(GRAPH, beads=0, feature_sizes=(3, 2)),
    "seven time features": replace(GRAPH, t_begin=0.1, t_end=0.6),
    "mlp": ref.Network("mlp", "energy", 8, 2, 0, 0, 1, 2, False, 0.0, 0.1),
    "base": replace(GRAPH, beads=0, feature_sizes=(3, 2), base=ref.Gaussian(jnp.asarray(1.3))),
}
SCHEDULE = ref.SCHEDULE


def random_parameters(network: Any, seed: int = 1) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    return {
        name: jnp.asarray(random.standard_normal(shape) / np.sqrt(shape[0]))
        for name, shape in ref.parameter_shapes(network).items()
    }


class Inputs:
    """One molecule, and directions through it."""

    def __init__(self, network: Any, seed: int = 2) -> None:
        random = np.random.default_rng(seed)
        shape = (network.beads or 4, network.dimensions)
        self.x, self.eps, self.z1, self.z2, self.dx = (
            jnp.asarray(random.standard_normal(shape)) for _ in range(5)
        )
        self.t = jnp.asarray(network.t_begin + 0.3 * (network.t_end - network.t_begin))
        self.dt = jnp.asarray(0.7)
        columns = [random.integers(0, size, shape[0]) for size in network.feature_sizes]
        self.features = jnp.asarray(np.array(columns, dtype=np.int32).reshape(-1, shape[0]).T)


@pytest.fixture(params=NETWORKS)
def case(request: pytest.FixtureRequest) -> Case:
    network = NETWORKS[request.param]
    return network, random_parameters(network), Inputs(network)


def close(found: Array, expected: Array, tolerance: float) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.all(np.abs(found - expected) <= tolerance * np.max(np.abs(expected)))


def differences(f: Callable[[Array], Array], x: Array, step: float) -> Array:
    """The gradient of a scalar function by central differences, every coordinate."""

    def values(k: Array) -> Array:
        move = jnp.zeros(x.size).at[k].set(step).reshape(x.shape)
        return jax.vmap(f)(jnp.stack([x + move, x - move]))

    found = jax.jit(lambda: jax.lax.map(values, jnp.arange(x.size), batch_size=64))()
    return ((found[:, 0] - found[:, 1]) / (2 * step)).reshape(x.shape)


def test_score_is_minus_the_gradient_of_the_energy(case: Case) -> None:
    network, parameters, at = case
    expected = -differences(
        lambda x: ref.evaluate(network, parameters, at.features, x, at.t), at.x, 1e-5
    )
    score = jax.jit(lambda x: ref.score(network, parameters, at.features, x, at.t))
    close(score(at.x), expected, 1e-8)


def test_directional_derivatives(case: Case) -> None:
    network, parameters, at = case

    def energy(x: Array, t: Array) -> Array:
        return ref.evaluate(network, parameters, at.features, x, t)

    compiled = jax.jit(energy)

    def along(e: float) -> Array:
        return compiled(at.x + e * at.dx, at.t + e * at.dt)

    first, second = jax.jit(lambda *line: ref.directional_derivatives(energy, *line))(
        at.x, at.t, at.dx, at.dt
    )
    close(first, (along(1e-5) - along(-1e-5)) / 2e-5, 1e-6)
    close(second, (along(1e-4) - 2 * along(0.0) + along(-1e-4)) / 1e-8, 1e-5)


def test_hessian_product_is_the_second_derivative_along_z(case: Case) -> None:
    network, parameters, at = case
    log_q = ref.log_density(network, parameters, at.features)

    def both(x: Array, t: Array, z: Array) -> tuple[Array, Array]:
        _, second = ref.directional_derivatives(log_q, x, t, z, jnp.zeros(()))
        return second, ref.hessian_product(log_q, x, t, z)

    second, product = jax.jit(both)(at.x, at.t, at.z1)
    close(product, second, 1e-12)


@pytest.mark.parametrize(
    ("name", "loss_name"),
    [*((name, "dsm") for name in NETWORKS), ("one-hot", "fp"), ("mlp", "fp")],
)
def test_gradient_of_losses_by_every_parameter(name: str, loss_name: str) -> None:
    network = NETWORKS[name]
    parameters, at = random_parameters(network), Inputs(network)
    middle = network.t_begin + 0.4 * (network.t_end - network.t_begin)

    def loss(parameters: dict[str, Array]) -> Array:
        if loss_name == "dsm":
            return ref.dsm_loss(
                network, SCHEDULE, middle, parameters, at.features, at.x, at.eps, at.t
            )
        return ref.fp_loss(
            network, SCHEDULE, middle, parameters, at.features, at.x, at.t, at.z1, at.z2
        )

    flat, unflatten = jax.flatten_util.ravel_pytree(parameters)
    gradient = jax.jit(jax.grad(loss))(parameters)
    expected = differences(lambda values: loss(unflatten(values)), flat, 1e-5)
    close(jax.flatten_util.ravel_pytree(gradient)[0], expected, 1e-7)


@pytest.mark.parametrize("output", ["energy", "score"])
def test_moving_a_molecule_changes_nothing(output: str) -> None:
    network = replace(GRAPH, output=output)
    parameters, at = random_parameters(network), Inputs(network)
    moved = at.x + jnp.asarray([1.0, -2.0, 3.0])
    expected = ref.evaluate(network, parameters, at.features, at.x, at.t)
    close(ref.evaluate(network, parameters, at.features, moved, at.t), expected, 1e-13)


def test_beads_are_known_by_their_features_alone() -> None:
    network = NETWORKS["features"]
    parameters, at = random_parameters(network), Inputs(network)
    order = jnp.asarray([2, 0, 3, 1])
    expected = ref.evaluate(network, parameters, at.features, at.x, at.t)
    found = ref.evaluate(network, parameters, at.features[order], at.x[order], at.t)
    close(found, expected, 1e-13)


def test_noise_is_exact_where_time_is_small() -> None:
    t = jnp.asarray(1e-5)
    # sigma^2 = 1 - m^2 = b - b^2/2 + ..., b = t beta_min + t^2 (beta_max - beta_min)/2
    b = 1e-5 * 0.1 + 1e-10 * 19.9 / 2
    close(SCHEDULE.noise(t) ** 2, b - b**2 / 2, 1e-12)
    everywhere = jnp.linspace(0.01, 1, 50)
    close(SCHEDULE.noise(everywhere) ** 2 + SCHEDULE.signal(everywhere) ** 2, np.ones(50), 1e-14)


def test_cosine_is_that_of_its_paper() -> None:
    schedule, quarter = ref.Cosine(), np.pi / 2
    assert abs(float(schedule.signal(jnp.asarray(1.0))) - 0.005) < 1e-13
    for t in (0.01, 0.3, 0.9):
        # Of the paper's angle, which ends at pi/2, that of a time .3 % earlier.
        first, slope = (float(angle) for angle in schedule.angles())
        time = slope * t / (quarter - first)
        expected = np.cos(quarter * (time + 0.008) / 1.008) / np.cos(quarter * 0.008 / 1.008)
        close(schedule.signal(jnp.asarray(t)), expected, 1e-13)
        rate = jax.grad(schedule.log_signal)(jnp.asarray(t))
        close(schedule.beta(jnp.asarray(t)), -2 * rate, 1e-12)
    early = jnp.asarray(1e-5)
    integral = 1e-5 * schedule.beta(early / 2)  # by the midpoint, beta being linear to 1e-9
    close(schedule.noise(early) ** 2, -jnp.expm1(-integral), 1e-9)


def test_weight_has_equal_area_on_both_sides() -> None:
    def area(begin: float, end: float) -> float:
        # The weight is constant on either side of the middle.
        return float(ref.equal_weight(jnp.asarray((begin + end) / 2), 0.35, 0.1, 0.6)) * (
            end - begin
        )

    close(area(0.1, 0.35), area(0.35, 0.6), 1e-14)
    close(area(0.1, 0.35) + area(0.35, 0.6), 0.5, 1e-14)


def gaussian(beads: int) -> tuple[Callable[[Array, Array], Array], Array]:
    """The normalised log q_t of Gaussian data on the centred coordinates of `beads` beads, and the
    covariance of all their coordinates."""
    random = np.random.default_rng(3)
    frame = np.linalg.qr(np.c_[np.ones(beads), random.standard_normal((beads, beads - 1))])[0]
    basis = jnp.asarray(np.kron(frame[:, 1:], np.eye(3)))  # (3 n, 3 n - 3), without the centre
    root = random.standard_normal((3 * beads - 3, 3 * beads - 3)) / np.sqrt(3 * beads)
    covariance = jnp.asarray(root @ root.T + 0.1 * np.eye(3 * beads - 3))

    def log_q(x: Array, t: Array) -> Array:
        y = basis.T @ (x - jnp.mean(x, axis=0)).reshape(-1)
        spread = SCHEDULE.signal(t) ** 2 * covariance + SCHEDULE.noise(t) ** 2 * jnp.eye(y.size)
        return -(y @ jnp.linalg.solve(spread, y) + jnp.linalg.slogdet(2 * jnp.pi * spread)[1]) / 2

    return log_q, basis @ covariance @ basis.T


def test_the_base_is_the_gaussian_of_its_covariance() -> None:
    log_q, covariance = gaussian(5)
    network = replace(GRAPH, beads=5, base=ref.Gaussian(covariance))
    x = jnp.asarray(np.random.default_rng(4).standard_normal((5, 3)))
    for time in (1e-5, 0.05, 1.0):
        t = jnp.asarray(time)
        close(ref.log_gaussian(network, x, t), log_q(x, t), 1e-12)
    parameters, at = random_parameters(replace(network, base=None)), Inputs(network)
    bare = ref.evaluate(replace(network, base=None), parameters, at.features, at.x, at.t)
    found = ref.evaluate(network, parameters, at.features, at.x, at.t)
    close(found, bare - log_q(at.x, at.t), 1e-12)


@pytest.mark.parametrize("time", [1e-3, 0.05, 0.4, 1.0])
def test_fp_residual_of_a_gaussian_is_zero_on_the_centred_coordinates(time: float) -> None:
    (log_q, _), t = gaussian(5), jnp.asarray(time)
    x = jnp.asarray(np.random.default_rng(4).standard_normal((5, 3)))
    units = jnp.eye(15).reshape(15, 5, 3)
    divergence = sum(float(ref.hessian_product(log_q, x, t, z)) for z in units)
    scale = abs(float(jax.grad(log_q, argnums=1)(x, t))) + float(SCHEDULE.beta(t) * abs(divergence))

    def residual(constant: float) -> float:
        return float(ref.fp_residual(log_q, SCHEDULE, x, t, divergence, constant))

    assert abs(residual(12.0)) <= 1e-11 * scale
    # With D = 15 in place of D_r = 12 the residual is the three missing coordinates' part.
    close(residual(15.0), -3 * float(SCHEDULE.beta(t)) / 2, 1e-11 * scale)


def test_fp_residual_by_differences_is_near_the_exact_one(case: Case) -> None:
    network, parameters, at = case
    log_q = ref.log_density(network, parameters, at.features)
    # y = x + step z, so the difference falls as step; d/dt's as the product of its steps.
    small = (1e-6, 1e-4, 5e-5)

    def residuals(constant: Array) -> tuple[Array, Array, Array]:
        line = (log_q, SCHEDULE, at.x, at.t, at.z1, constant)
        exact = ref.fp_residual_exact(*line)
        near = ref.fp_residual_differences(*line, *small)
        return exact, near, ref.fp_residual_differences(*line)

    compiled = jax.jit(residuals)
    for constant in (1.0, 12.0):
        exact, near, as_published = compiled(constant)
        close(near, exact, 1e-4)
        close(as_published, exact, 1e-2)
