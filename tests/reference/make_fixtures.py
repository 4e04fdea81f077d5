"""Writes the fixtures that test_reference.c compares the C core with.

    python tests/reference/make_fixtures.py [directory]

The same versions (README.md) give the same numbers; layout of a file in README.md too.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

import score_reference as ref

Numbers = NDArray[np.float64]

WEIGHT_BITS = 6  # of a weight's mantissa: few, so that files are small and float is exact
INPUT_STEP = 2.0**-10  # inputs are multiples of this, for the same reason
GRADIENT_BITS = 38  # a gradient is kept to its tensor's maximum times 2^-38, 4e-12
SCALE_NM = 0.125


@dataclass(frozen=True)
class Case:
    """One fixture: a network and the molecules and times it is evaluated at."""

    name: str
    seed: int
    network: ref.Network
    sizes: tuple[int, ...]  # beads of the molecules, taken in turn
    times: tuple[float, ...]  # one a sample
    middle: float  # of equal_weight
    fokker_planck: bool
    over: str | None = None  # of the Gaussian beneath the network


GRAPH = ref.Network("graph_transformer", "energy", 32, 2, 8, 64, 5, 3, True, 0.0, 1.0)
MLP = ref.Network("mlp", "energy", 16, 3, 0, 0, 1, 2, False, 0.0, 0.1)
SMALL = replace(GRAPH, hidden=8, layers=1, heads=2, head_width=4)
CASES = [
    Case("one_hot_5", 1, GRAPH, (5,), (1e-5, 1e-5, 0.03, 0.03, 0.3, 0.75, 1.0), 0.3, True),
    Case(
        "one_hot_10",
        2,
        replace(GRAPH, beads=10, t_end=0.1),
        (10,),
        (1e-5, 1e-5, 0.01, 0.05, 0.1),
        0.03,
        False,
    ),
    Case(
        "features",
        3,
        replace(GRAPH, beads=0, feature_sizes=(6, 4, 3)),
        (5, 7),
        (1e-5, 1e-5, 0.03, 0.03, 0.5, 0.9),
        0.3,
        False,
    ),
    Case(
        "score_expert",
        4,
        replace(GRAPH, output="score", t_begin=0.6),
        (5,),
        (0.6, 0.7, 0.7, 0.85, 1.0),
        0.8,
        False,
    ),
    Case(
        "seven_time_features",
        5,
        replace(GRAPH, t_begin=0.1, t_end=0.6),
        (5,),
        (0.1, 0.2, 0.2, 0.35, 0.5, 0.6),
        0.35,
        True,
    ),
    Case("mlp", 6, MLP, (1,), (1e-5, 1e-5, 0.01, 0.05, 0.05, 0.1), 0.05, True),
    # Centring changes nothing in a graph transformer, which sees differences alone.
    Case(
        "mlp_centred",
        8,
        replace(MLP, beads=3, dimensions=3, centred=True),
        (3,),
        (1e-5, 0.01, 0.05, 0.1),
        0.03,
        True,
    ),
    Case(
        "noise_features",
        9,
        replace(
            GRAPH, hidden=16, heads=2, head_width=16, t_begin=1e-5, t_end=0.1, time_variance=1e-3
        ),
        (5,),
        (1e-5, 2e-3, 2e-3, 0.03, 0.1),
        0.03,
        True,
    ),
    Case(
        "mlp_score_expert",
        7,
        replace(MLP, output="score", t_begin=0.6, t_end=1.0),
        (1,),
        (0.6, 0.7, 0.7, 1.0),
        0.8,
        False,
    ),
    Case("base_beads", 10, SMALL, (5,), (1e-5, 1e-5, 0.03, 0.3, 1.0), 0.3, True, "beads"),
    Case(
        "base_all",
        11,
        replace(SMALL, beads=0, feature_sizes=(3, 2)),
        (4, 3),
        (1e-5, 1e-5, 0.03, 0.03, 0.7),
        0.3,
        False,  # samples of two sizes
        "all",
    ),
    # The epsilon is large enough to matter.
    Case(
        "settings",
        13,
        replace(SMALL, activation="gelu", norm_epsilon=0.01),
        (5,),
        (1e-5, 1e-5, 0.03, 0.3, 1.0),
        0.3,
        True,
    ),
    Case(
        "cosine",
        14,
        replace(SMALL, time_variance=1e-3, schedule=ref.Cosine()),
        (5,),
        (1e-5, 2e-3, 0.03, 0.3, 0.9),
        0.3,
        True,
        "beads",
    ),
    Case("base_coordinates", 12, MLP, (1,), (1e-5, 0.01, 0.05, 0.1), 0.05, True, "coordinates"),
]


def keep_bits(values: Numbers, bits: int) -> Numbers:
    """Rounds every value to `bits` bits of mantissa."""
    mantissa, exponent = np.frexp(values)
    rounded: Numbers = np.ldexp(np.round(mantissa * 2.0**bits) / 2.0**bits, exponent)
    return rounded


def keep_digits_of_maximum(values: Numbers, bits: int) -> Numbers:
    """Rounds to multiples of the largest value's power of two times 2^-bits."""
    largest = float(np.max(np.abs(values)))
    if largest == 0:
        return values
    step = 2.0 ** (np.ceil(np.log2(largest)) - bits)
    rounded: Numbers = np.round(values / step) * step
    return rounded


@dataclass(frozen=True)
class Modes:
    """A Gaussian as the core wants it: variances along orthonormal directions."""

    variances: Numbers  # (modes,)
    directions: Numbers | None  # (modes, width); None: one variance for all
    mean: Numbers | None  # (width,)

    def covariance(self, width: int) -> ref.Array:
        """Of all `width` coordinates, or the one variance."""
        if self.directions is None:
            return jnp.asarray(self.variances[0])
        dense = self.directions.T @ np.diag(self.variances) @ self.directions
        copies = width // len(dense)  # where over beads, one for every dimension
        return jnp.asarray(np.kron(dense, np.eye(copies)))


def random_modes(case: Case, random: np.random.Generator) -> Modes | None:
    """Modes in no particular direction, with variances from .1 to 2."""
    if case.over is None:
        return None
    if case.over == "all":
        return Modes(np.array([1.3]), None, None)
    network = case.network
    columns = 1 if case.over == "beads" else network.dimensions
    width = network.beads * columns
    modes = width - (columns if network.centred else 0)
    vectors = random.standard_normal((width, modes))
    if network.centred:
        mean_over_beads = vectors.reshape(network.beads, columns, modes).mean(axis=0)
        vectors -= np.tile(mean_over_beads, (network.beads, 1))
    directions = np.linalg.qr(vectors)[0].T
    variances = 0.1 * 20 ** random.uniform(size=modes)
    mean = random.standard_normal(width) if case.over == "coordinates" else None
    return Modes(variances, np.ascontiguousarray(directions), mean)


def upon(network: ref.Network, modes: Modes | None) -> ref.Network:
    """The network with this Gaussian beneath it."""
    if modes is None:
        return network
    width = network.beads * network.dimensions
    mean = None if modes.mean is None else jnp.asarray(modes.mean)
    return replace(network, base=ref.Gaussian(modes.covariance(width), mean))


def random_parameters(network: ref.Network, random: np.random.Generator) -> dict[str, Numbers]:
    """Weights of order 1/sqrt(inputs), biases that are not zero, norm scales that are not one."""
    parameters = {}
    for name, shape in ref.parameter_shapes(network).items():
        noise = random.standard_normal(shape)
        if name.endswith(".scale"):
            values = 1 + 0.3 * noise
        elif name.endswith(".bias"):
            values = 0.3 * noise
        elif name.startswith("feature."):
            values = noise
        else:
            values = noise / np.sqrt(shape[0])
        parameters[name] = keep_bits(values, WEIGHT_BITS)
    return parameters


def random_inputs(case: Case, random: np.random.Generator) -> dict[str, NDArray[np.generic]]:
    """Samples, rows molecule after molecule. Not centred: the model has to do that."""
    samples, d = len(case.times), case.network.dimensions
    beads = np.array([case.sizes[k % len(case.sizes)] for k in range(samples)], dtype=np.int32)
    rows = int(np.sum(beads))

    def normal(*shape: int) -> Numbers:
        values: Numbers = np.round(random.standard_normal(shape) / INPUT_STEP) * INPUT_STEP
        return values

    inputs: dict[str, NDArray[np.generic]] = {
        "beads": beads,
        "t": np.array(case.times),
        "x0": normal(rows, d) + np.repeat(normal(samples, d), beads, axis=0),
        "eps": normal(rows, d),
        "z1": normal(rows, d),
        "z2": normal(rows, d),
        "direction_x": normal(rows, d),
        "direction_t": normal(samples),
    }
    if case.network.feature_sizes:
        columns = [random.integers(0, size, rows) for size in case.network.feature_sizes]
        inputs["features"] = np.stack(columns, axis=1).astype(np.int32)
    return inputs


class Sample:
    """The rows of one sample."""

    def __init__(self, inputs: dict[str, NDArray[np.generic]], k: int) -> None:
        first = int(np.sum(inputs["beads"][:k]))
        rows = slice(first, first + int(inputs["beads"][k]))
        self.t = jnp.asarray(inputs["t"][k])
        self.x0, self.eps, self.z1, self.z2, self.dx = (
            jnp.asarray(inputs[name][rows]) for name in ("x0", "eps", "z1", "z2", "direction_x")
        )
        self.dt = jnp.asarray(inputs["direction_t"][k])
        features = inputs.get("features")
        empty = np.zeros((self.x0.shape[0], 0), dtype=np.int32)
        self.features = jnp.asarray(empty if features is None else features[rows])


def expected_values(
    case: Case, parameters: ref.Parameters, samples: list[Sample], schedule: ref.Schedule
) -> dict[str, Numbers]:
    """Outputs and their derivatives at x_t: per sample, or per row (x, score)."""
    network = case.network

    @jax.jit
    def values(
        features: jax.Array, x: jax.Array, t: jax.Array, *lines: jax.Array
    ) -> dict[str, jax.Array]:
        z1, z2, dx, dt = lines

        def output(x: jax.Array, t: jax.Array) -> jax.Array:
            return ref.evaluate(network, parameters, features, x, t)

        first, second = ref.directional_derivatives(output, x, t, dx, dt)
        found = {
            "x": x,
            "score": ref.score(network, parameters, features, x, t),
            "first_order": first[None] if first.ndim == 0 else first,
            "second_order": second[None] if second.ndim == 0 else second,
        }
        if network.output == "energy":
            log_q = ref.log_density(network, parameters, features)
            constant = float(ref.density_dimensions(network, x.shape[0]))
            found["energy"] = output(x, t)[None]
            found["time_derivative"] = jax.grad(output, argnums=1)(x, t)[None]
            products = [ref.hessian_product(log_q, x, t, z) for z in (z1, z2)]
            found["hessian_products"] = jnp.stack(products)[None]
            residuals = [
                ref.fp_residual_exact(log_q, schedule, x, t, z, constant) for z in (z1, z2)
            ]
            found["fp_residuals"] = jnp.stack(residuals)[None]
        return found

    parts = [
        values(s.features, schedule.diffuse(s.x0, s.eps, s.t), s.t, s.z1, s.z2, s.dx, s.dt)
        for s in samples
    ]
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}


def mean_loss_and_gradient(
    case: Case,
    parameters: ref.Parameters,
    samples: list[Sample],
    schedule: ref.Schedule,
    fokker_planck: bool,
) -> tuple[float, dict[str, Numbers]]:
    """The mean over samples of either loss, and its gradient by every parameter."""

    @jax.jit
    def one(
        parameters: ref.Parameters, features: jax.Array, x0: jax.Array, *rest: jax.Array
    ) -> tuple[jax.Array, ref.Parameters]:
        eps, t, z1, z2 = rest

        def loss(parameters: ref.Parameters) -> jax.Array:
            if fokker_planck:
                x = schedule.diffuse(x0, eps, t)
                return ref.fp_loss(
                    case.network, schedule, case.middle, parameters, features, x, t, z1, z2
                )
            return ref.dsm_loss(
                case.network, schedule, case.middle, parameters, features, x0, eps, t
            )

        return jax.value_and_grad(loss)(parameters)

    found = [one(parameters, s.features, s.x0, s.eps, s.t, s.z1, s.z2) for s in samples]
    gradient = {
        name: np.mean([np.asarray(part[name]) for _, part in found], axis=0) for name in parameters
    }
    return float(np.mean([value for value, _ in found])), gradient


def write_array(group: h5py.Group, name: str, values: NDArray[np.generic]) -> None:
    """One chunk and compressed, or plain where that would be larger."""
    if values.size < 64:
        group.create_dataset(name, data=values)
    else:
        group.create_dataset(
            name,
            data=values,
            chunks=values.shape,
            compression="gzip",
            compression_opts=9,
            shuffle=True,
        )


def write_attributes(file: h5py.File, case: Case, schedule: ref.Schedule) -> None:
    network = case.network
    file.attrs["architecture"] = np.bytes_(network.architecture)
    file.attrs["output"] = np.bytes_(network.output)
    integers = {
        "hidden": network.hidden,
        "layers": network.layers,
        "heads": network.heads,
        "head_width": network.head_width,
        "beads": network.beads,
        "dimensions": network.dimensions,
        "centred": int(network.centred),
        "feature_count": len(network.feature_sizes),
    }
    for name, value in integers.items():
        file.attrs[name] = np.int32(value)
    if network.feature_sizes:
        file.attrs["feature_sizes"] = np.array(network.feature_sizes, dtype=np.int32)
    reals = {
        "t_begin": network.t_begin,
        "t_end": network.t_end,
        **vars(schedule),
        "scale_nm": SCALE_NM,
        "weight_middle": case.middle,
    }
    if network.time_variance > 0:
        reals["time_variance"] = network.time_variance
    if network.norm_epsilon != ref.NORM_EPSILON:
        reals["norm_epsilon"] = network.norm_epsilon
    if network.activation != "gelu-tanh":
        file.attrs["activation"] = np.bytes_(network.activation)
    for name, real in reals.items():
        file.attrs[name] = np.float64(real)


def write_fixture(case: Case, directory: Path) -> Path:
    random = np.random.default_rng(case.seed)
    schedule = case.network.schedule
    weights = random_parameters(case.network, random)
    inputs = random_inputs(case, random)
    modes = random_modes(case, random)
    case = replace(case, network=upon(case.network, modes))
    parameters = {name: jnp.asarray(values) for name, values in weights.items()}
    samples = [Sample(inputs, k) for k in range(len(case.times))]
    path = directory / f"{case.name}.h5"
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        write_attributes(file, case, schedule)
        if modes is not None:
            gaussian = file.create_group("gaussian")
            gaussian.attrs["over"] = np.bytes_(case.over)
            for name, numbers in vars(modes).items():
                if numbers is not None:
                    write_array(gaussian, name, numbers)
        for name, weight in weights.items():
            write_array(file.require_group("weights"), name, weight)
        for name, values in inputs.items():
            write_array(file.require_group("inputs"), name, values)
        for name, found in expected_values(case, parameters, samples, schedule).items():
            write_array(file.require_group("expected"), name, found)
        for loss in ("dsm", "fp") if case.fokker_planck else ("dsm",):
            value, gradient = mean_loss_and_gradient(
                case, parameters, samples, schedule, loss == "fp"
            )
            file.attrs[f"{loss}_loss"] = np.float64(value)
            for name, part in gradient.items():
                kept = keep_digits_of_maximum(part, GRADIENT_BITS)
                write_array(file.require_group(f"{loss}_gradient"), name, kept)
    return path


def main() -> None:
    default = Path(__file__).resolve().parent / "fixtures"
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    directory.mkdir(parents=True, exist_ok=True)
    chosen = sys.argv[2:]  # all, if none is named
    for case in CASES:
        if chosen and case.name not in chosen:
            continue
        path = write_fixture(case, directory)
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
