"""The models of the plugin written a second time, plainly, in JAX and float64.

Nothing here is fast and nothing is shared with the C core: attention forms its edges as arrays of
n x n x (heads x width), and every derivative comes from automatic differentiation. What
`make_fixtures.py` writes from it is what the C core is tested against.

Method: Plainer et al., arXiv 2506.17139; network: Arts et al., arXiv 2302.00600. Parameters are a
dict from tensor name to array, names and shapes as in plugin/score/model/network.h: a weight is
inputs x outputs, so that a layer is rows @ weight + bias.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)

Array: TypeAlias = jax.Array
Parameters = dict[str, Array]
Function = Callable[[Array, Array], Array]  # of x (n, d) and t ()

FEATURE_WIDTH = 16
FEEDFORWARD_FACTOR = 4
NORM_EPSILON = 1e-6


class Schedule:
    """A variance-preserving process: x_t = m x_0 + sigma eps, m^2 + sigma^2 = 1."""

    def beta(self, t: Array) -> Array:
        raise NotImplementedError

    def log_signal(self, t: Array) -> Array:
        """Minus half the integral of beta from 0 to t."""
        raise NotImplementedError

    def signal(self, t: Array) -> Array:
        return jnp.exp(self.log_signal(t))

    def noise(self, t: Array) -> Array:
        """sigma(t) = sqrt(1 - m^2), exact also where t is small."""
        return jnp.sqrt(-jnp.expm1(2 * self.log_signal(t)))

    def diffuse(self, x0: Array, eps: Array, t: Array) -> Array:
        """x_t = m x_0 + sigma eps, the same shape as x_0."""
        return self.signal(t) * x0 + self.noise(t) * eps


@dataclass(frozen=True)
class Linear(Schedule):
    """beta(t) = beta_min + (beta_max - beta_min) t."""

    beta_min: float = 0.1
    beta_max: float = 20.0

    def beta(self, t: Array) -> Array:
        return self.beta_min + (self.beta_max - self.beta_min) * t

    def log_signal(self, t: Array) -> Array:
        return -(t**2) * (self.beta_max - self.beta_min) / 4 - self.beta_min * t / 2


@dataclass(frozen=True)
class Cosine(Schedule):
    """m = cos(theta)/cos(theta_0), theta growing evenly from theta_0 = (pi/2) offset/(1 + offset)
    until m is `end`."""

    offset: float = 0.008
    end: float = 0.005

    def angles(self) -> tuple[Array, Array]:
        """theta at t = 0, and its slope."""
        first = jnp.pi / 2 * jnp.asarray(self.offset) / (1 + self.offset)
        return first, jnp.arccos(self.end * jnp.cos(first)) - first

    def beta(self, t: Array) -> Array:
        first, slope = self.angles()
        return 2 * slope * jnp.tan(first + slope * t)

    def log_signal(self, t: Array) -> Array:
        """From 1 - m^2 = (sin^2 theta - sin^2 theta_0)/cos^2 theta_0."""
        first, slope = self.angles()
        turned = slope * t
        return jnp.log1p(-jnp.sin(turned) * jnp.sin(turned + 2 * first) / jnp.cos(first) ** 2) / 2


SCHEDULE = Linear()
"""That of every network which names no other."""


@dataclass(frozen=True)
class Gaussian:
    """Of data at t = 0, normalised: what lies beneath a network with a base.

    `covariance` is that of the coordinates, bead after bead, (n d, n d), without the mean over
    beads where the network is centred; or a number, the variance of every coordinate of any
    molecule.
    """

    covariance: Array
    mean: Array | None = None  # (n d,)


@dataclass(frozen=True)
class Network:
    """One expert. `feature_sizes` empty: beads are known one by one (one-hot)."""

    architecture: str  # "graph_transformer" or "mlp"
    output: str  # "energy" or "score"
    hidden: int
    layers: int
    heads: int
    head_width: int
    beads: int  # of every molecule; of no meaning with features
    dimensions: int
    centred: bool
    t_begin: float
    t_end: float
    feature_sizes: tuple[int, ...] = ()
    time_variance: float = 0.0  # above 0: features of the noise's scale, see time_features
    activation: str = "gelu-tanh"  # of a graph transformer; "gelu": with the error function
    norm_epsilon: float = NORM_EPSILON
    base: Gaussian | None = field(default=None, compare=False)  # of an energy
    schedule: Schedule = SCHEDULE

    @property
    def time_feature_count(self) -> int:
        return 4 + (3 if self.t_begin > 0 else 0) + (4 if self.time_variance > 0 else 0)


def equal_weight(t: Array, middle: float, t_begin: float, t_end: float) -> Array:
    """The weight w(t) of a loss: (t1-t0)/(2(m-t0)) for t <= m, else (t1-t0)/(2(t1-m))."""
    half = (t_end - t_begin) / 2
    return jnp.where(t <= middle, half / (middle - t_begin), half / (t_end - middle))


def time_features(network: Network, t: Array) -> Array:
    """What a network sees of its time t (): (4,) or (7,). The ends of the range belong to it, so
    the derivative by t is the inner one there and zero only outside."""
    begin, end = network.t_begin, network.t_end
    t = jnp.where(t < begin, begin, jnp.where(t > end, end, t))
    turn = 2 * jnp.pi
    features = [
        t - (end - begin) / 2,
        jnp.cos(turn * t),
        jnp.sin(turn * t),
        -jnp.cos(2 * turn * t),
    ]
    if begin > 0:
        u = (t - begin) / (end - begin)
        features += [jnp.cos(turn * u), jnp.sin(turn * u), -jnp.cos(2 * turn * u)]
    if network.time_variance > 0:

        def height(time: Array) -> Array:
            square = -jnp.expm1(2 * network.schedule.log_signal(time))
            return jnp.log(square + network.time_variance)

        first, last = height(jnp.asarray(begin)), height(jnp.asarray(end))
        u = (height(t) - first) / (last - first)
        features += [u - 0.5, jnp.cos(turn * u), jnp.sin(turn * u), -jnp.cos(2 * turn * u)]
    return jnp.stack(features)


def parameter_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of an expert."""
    shapes: dict[str, tuple[int, ...]] = {}

    def dense(name: str, inputs: int, outputs: int) -> None:
        shapes[f"{name}.weight"] = (inputs, outputs)
        shapes[f"{name}.bias"] = (outputs,)

    def norm(name: str) -> None:
        shapes[f"{name}.scale"] = (network.hidden,)
        shapes[f"{name}.bias"] = (network.hidden,)

    h = network.hidden
    coordinates = network.beads * network.dimensions
    if network.architecture == "mlp":
        width = coordinates + network.time_feature_count
        for layer in range(network.layers):
            dense(f"layer.{layer}", width, h)
            width = h
        dense("readout", h, 1 if network.output == "energy" else coordinates)
        return shapes
    attention = network.heads * network.head_width
    for k, size in enumerate(network.feature_sizes):
        shapes[f"feature.{k}"] = (size, FEATURE_WIDTH)
    inputs = FEATURE_WIDTH * len(network.feature_sizes) or network.beads
    dense("embedding", inputs + network.time_feature_count, h)
    dense("edge", network.dimensions, h)
    for layer in range(network.layers):
        prefix = f"layer.{layer}"
        norm(f"{prefix}.attention_norm")
        dense(f"{prefix}.query_key_value", h, 3 * attention)
        dense(f"{prefix}.attention_edge", h, attention)
        dense(f"{prefix}.attention_out", attention, h)
        shapes[f"{prefix}.attention_gate.weight"] = (3 * h,)
        norm(f"{prefix}.feedforward_norm")
        dense(f"{prefix}.feedforward_in", h, FEEDFORWARD_FACTOR * h)
        dense(f"{prefix}.feedforward_out", FEEDFORWARD_FACTOR * h, h)
        shapes[f"{prefix}.feedforward_gate.weight"] = (3 * h,)
    if network.output == "energy":
        dense("readout", h, 1)
    else:
        dense("readout", network.beads * h, coordinates)
    return shapes


def _dense(parameters: Parameters, name: str, x: Array) -> Array:
    return x @ parameters[f"{name}.weight"] + parameters[f"{name}.bias"]


def _layer_norm(network: Network, parameters: Parameters, name: str, x: Array) -> Array:
    deviation = x - jnp.mean(x, axis=-1, keepdims=True)
    variance = jnp.mean(deviation**2, axis=-1, keepdims=True)
    normed = deviation / jnp.sqrt(variance + network.norm_epsilon)
    return normed * parameters[f"{name}.scale"] + parameters[f"{name}.bias"]


def _gelu(network: Network, x: Array) -> Array:
    if network.activation == "gelu":
        return 0.5 * x * (1 + jax.scipy.special.erf(x / jnp.sqrt(2)))
    return 0.5 * x * (1 + jnp.tanh(jnp.sqrt(2 / jnp.pi) * (x + 0.044715 * x**3)))


def _gate(weight: Array, new: Array, old: Array) -> Array:
    """Mix new g + old (1 - g) with g = sigmoid(w . [new, old, new - old]), one g a bead."""
    g = jax.nn.sigmoid(jnp.concatenate([new, old, new - old], axis=-1) @ weight)[:, None]
    return new * g + old * (1 - g)


def _attention(
    network: Network, parameters: Parameters, prefix: str, node: Array, edge: Array
) -> Array:
    """From node (n, h) and edge (n, n, h) to (n, h)."""
    n, heads, width = node.shape[0], network.heads, network.head_width
    packed = _dense(parameters, f"{prefix}.query_key_value", node)
    query, key, value = (part.reshape(n, heads, width) for part in jnp.split(packed, 3, axis=-1))
    e = _dense(parameters, f"{prefix}.attention_edge", edge).reshape(n, n, heads, width)
    keys = key[None, :, :, :] + e  # (i, j, head, width)
    values = value[None, :, :, :] + e
    similarity = jnp.sum(query[:, None, :, :] * keys, axis=-1) / jnp.sqrt(float(width))
    share = jax.nn.softmax(similarity, axis=1)  # over j, for every (i, head)
    out = jnp.sum(share[:, :, :, None] * values, axis=1)
    return _dense(parameters, f"{prefix}.attention_out", out.reshape(n, heads * width))


def _embed(network: Network, parameters: Parameters, features: Array, t: Array, n: int) -> Array:
    """One-hot beads, or the embeddings of features (n, k), with the time features: (n, h)."""
    if network.feature_sizes:
        tables = [parameters[f"feature.{k}"] for k in range(len(network.feature_sizes))]
        beads = jnp.concatenate([table[features[:, k]] for k, table in enumerate(tables)], axis=-1)
    else:
        beads = jnp.eye(n)
    time = jnp.broadcast_to(time_features(network, t), (n, network.time_feature_count))
    return _dense(parameters, "embedding", jnp.concatenate([beads, time], axis=-1))


def _graph_transformer(
    network: Network, parameters: Parameters, features: Array, x: Array, t: Array
) -> Array:
    """From x (n, d) to E (), or to the score (n, d) of a score expert."""
    n = x.shape[0]
    node = _embed(network, parameters, features, t, n)
    edge = _dense(parameters, "edge", x[None, :, :] - x[:, None, :])  # edge_ij of x_j - x_i
    for layer in range(network.layers):
        prefix = f"layer.{layer}"
        new = _attention(
            network,
            parameters,
            prefix,
            _layer_norm(network, parameters, f"{prefix}.attention_norm", node),
            edge,
        )
        node = _gate(parameters[f"{prefix}.attention_gate.weight"], new, node)
        new = _layer_norm(network, parameters, f"{prefix}.feedforward_norm", node)
        new = _gelu(network, _dense(parameters, f"{prefix}.feedforward_in", new))
        new = _dense(parameters, f"{prefix}.feedforward_out", new)
        node = _gate(parameters[f"{prefix}.feedforward_gate.weight"], new, node)
    if network.output == "energy":
        return jnp.sum(_dense(parameters, "readout", node))
    return -_dense(parameters, "readout", node.reshape(-1)).reshape(x.shape)


def _mlp(network: Network, parameters: Parameters, x: Array, t: Array) -> Array:
    """From x (n, d) to E (), or to the score (n, d) of a score expert."""
    hidden = jnp.concatenate([x.reshape(-1), time_features(network, t)])
    for layer in range(network.layers):
        hidden = jax.nn.silu(_dense(parameters, f"layer.{layer}", hidden))
    out = _dense(parameters, "readout", hidden)
    return out[0] if network.output == "energy" else -out.reshape(x.shape)


def log_gaussian(network: Network, x: Array, t: Array) -> Array:
    """log g_t (): the normalised density of the diffused Gaussian beneath the network, in the
    coordinates that are seen. Those that are not, of a centred network, get a variance of 1 and are
    0, so that they add nothing to either term."""
    assert network.base is not None
    n, d = x.shape
    every = jnp.eye(n * d)
    seen = every
    if network.centred:
        seen = every - jnp.kron(jnp.ones((n, n)) / n, jnp.eye(d))
    signal, noise = network.schedule.signal(t), network.schedule.noise(t)
    data = network.base.covariance
    if data.ndim == 0:
        data = data * seen
    covariance = signal**2 * data + noise**2 * seen + (every - seen)
    deviation = seen @ x.reshape(-1)
    if network.base.mean is not None:
        deviation = deviation - signal * network.base.mean
    square = jnp.vdot(deviation, jnp.linalg.solve(covariance, deviation))
    log_determinant = jnp.linalg.slogdet(covariance)[1]
    constant = density_dimensions(network, n) * jnp.log(2 * jnp.pi)
    return -0.5 * (square + log_determinant + constant)


def evaluate(
    network: Network, parameters: Parameters, features: Array, x: Array, t: Array
) -> Array:
    """The output of an expert for one molecule: E (), or the score (n, d) of a score expert.
    x (n, d) is normalised; it is centred here, so that this is part of every derivative."""
    if network.centred:
        x = x - jnp.mean(x, axis=0, keepdims=True)
    if network.architecture == "mlp":
        out = _mlp(network, parameters, x, t)
    else:
        out = _graph_transformer(network, parameters, features, x, t)
    return out if network.base is None else out - log_gaussian(network, x, t)


def log_density(network: Network, parameters: Parameters, features: Array) -> Function:
    """The function (x, t) -> log q_t(x) = -E(x, t), up to a constant, of an energy expert."""
    return lambda x, t: -evaluate(network, parameters, features, x, t)


def score(network: Network, parameters: Parameters, features: Array, x: Array, t: Array) -> Array:
    """The score d log q_t / dx (n, d) of either kind of expert."""
    if network.output == "score":
        return evaluate(network, parameters, features, x, t)
    return jax.grad(log_density(network, parameters, features))(x, t)


def directional_derivatives(
    f: Function, x: Array, t: Array, dx: Array, dt: Array
) -> tuple[Array, Array]:
    """First and second derivative by e of f(x + e dx, t + e dt) at e = 0."""

    def along(e: Array) -> Array:
        return f(x + e * dx, t + e * dt)

    zero, one = jnp.zeros(()), jnp.ones(())

    def first(e: Array) -> Array:
        return jax.jvp(along, (e,), (one,))[1]

    return jax.jvp(first, (zero,), (one,))


def hessian_product(log_q: Function, x: Array, t: Array, z: Array) -> Array:
    """Estimate the divergence of the score, as z . Hessian(log q) z (), with a random z."""
    _, product = jax.jvp(lambda y: jax.grad(log_q)(y, t), (x,), (z,))
    return jnp.vdot(z, product)


def dsm_loss(
    network: Network,
    schedule: Schedule,
    middle: float,
    parameters: Parameters,
    features: Array,
    x0: Array,
    eps: Array,
    t: Array,
) -> Array:
    """Denoising score matching, one sample: w(t) mean over D of (eps + sigma score(x_t, t))^2."""
    x = schedule.diffuse(x0, eps, t)
    residual = eps + schedule.noise(t) * score(network, parameters, features, x, t)
    return equal_weight(t, middle, network.t_begin, network.t_end) * jnp.mean(residual**2)


def density_dimensions(network: Network, beads: int) -> int:
    """D_r, the number of coordinates that the density lives on."""
    return (beads - (1 if network.centred else 0)) * network.dimensions


def fp_residual(
    log_q: Function, schedule: Schedule, x: Array, t: Array, divergence: Array, constant: float
) -> Array:
    """The Fokker-Planck residual, zero for the true normalised log q where `constant` is D_r:
    d/dt log q - (beta/2) [div score + |score|^2 + x . score + constant]."""
    s = jax.grad(log_q)(x, t)
    rate = jax.grad(log_q, argnums=1)(x, t)
    inner = divergence + jnp.vdot(s, s) + jnp.vdot(x, s) + constant
    return rate - schedule.beta(t) / 2 * inner


def fp_residual_exact(
    log_q: Function, schedule: Schedule, x: Array, t: Array, z: Array, constant: float
) -> Array:
    """The residual with z . Hessian z in place of the divergence."""
    return fp_residual(log_q, schedule, x, t, hessian_product(log_q, x, t, z), constant)


def fp_residual_differences(
    log_q: Function,
    schedule: Schedule,
    x: Array,
    t: Array,
    z: Array,
    constant: float,
    step_x: float = 1e-4,
    step_before: float = 1e-3,
    step_after: float = 5e-4,
) -> Array:
    """The same by differences: the divergence from the score at y = x + step_x z and x - step_x z,
    all else at y, d/dt from log q at t - step_before, t and t + step_after."""
    y = x + step_x * z
    gradient = jax.grad(log_q)
    s = gradient(y, t)
    divergence = jnp.vdot(z, s - gradient(x - step_x * z, t)) / (2 * step_x)
    hs, hd = step_before, step_after
    rate = (hs**2 * log_q(y, t + hd) + (hd**2 - hs**2) * log_q(y, t) - hd**2 * log_q(y, t - hs)) / (
        hs * hd * (hs + hd)
    )
    inner = divergence + jnp.vdot(s, s) + jnp.vdot(y, s) + constant
    return rate - schedule.beta(t) / 2 * inner


def fp_loss(
    network: Network,
    schedule: Schedule,
    middle: float,
    parameters: Parameters,
    features: Array,
    x: Array,
    t: Array,
    z1: Array,
    z2: Array,
) -> Array:
    """The Fokker-Planck loss of one sample without its factor beta_fp: w(t) r_1 r_2 / D^2."""
    log_q = log_density(network, parameters, features)
    constant = float(density_dimensions(network, x.shape[0]))
    r1 = fp_residual_exact(log_q, schedule, x, t, z1, constant)
    r2 = fp_residual_exact(log_q, schedule, x, t, z2, constant)
    weight = equal_weight(t, middle, network.t_begin, network.t_end)
    return weight * r1 * r2 / x.size**2
