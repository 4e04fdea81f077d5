"""The losses of a training step in JAX and float32, those of plugin/trainer/losses/loss.h."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from tests.benchmarks.jax_network import ENERGIES
from tests.benchmarks.jax_samples import Samples
from tests.benchmarks.model_file import ModelFile
from tests.benchmarks.recipe_file import Recipe

import score_reference as ref

Losses = Callable[[ref.Parameters, Samples], Array]
LogDensity = Callable[[Array, Array], Array]  # x (n, d), t -> l


class Derivatives(NamedTuple):
    """Of l = log q at x_t."""

    score: Array  # dl/dx (n, d)
    rate: Array  # dl/dt
    second: Array  # z . Hessian z (2,), for two directions z


def _derivatives(log_q: LogDensity, x: Array, t: Array, probes: Array) -> Derivatives:
    """The gradient, and its derivative forward along both directions."""

    def gradient(y: Array) -> tuple[Array, Array]:
        return jax.grad(log_q, argnums=(0, 1))(y, t)

    (score, rate), push = jax.linearize(gradient, x)
    second = jax.vmap(lambda z: jnp.vdot(z, push(z)[0]))(probes)
    return Derivatives(score, rate, second)


def _fokker_planck(derivatives: Derivatives, x: Array, t: Array, density: int) -> Array:
    """r_1 r_2 / D^2."""
    score, rate, second = derivatives
    inner = second + jnp.vdot(score, score) + jnp.vdot(x, score) + density
    return jnp.prod(rate - ref.SCHEDULE.beta(t) / 2 * inner) / x.size**2


def make_losses(kind: str, model: ModelFile, recipe: Recipe) -> Losses:
    """Means over samples of the losses (3,): denoising, Fokker-Planck and classification, 0 where
    they are not used."""
    network, schedule, energy = model.network, ref.SCHEDULE, ENERGIES[kind]
    density = ref.density_dimensions(network, network.beads)

    def one(parameters: ref.Parameters, sample: Samples) -> Array:
        clean, noise, t, probes, pairs = sample

        def log_q(x: Array, t: Array) -> Array:
            return -energy(network, parameters, x, t)

        x = schedule.diffuse(clean, noise, t)
        weight = ref.equal_weight(t, recipe.middle, recipe.t_begin, recipe.t_end)
        fokker_planck = classification = jnp.zeros(())
        value, score = jax.value_and_grad(log_q)(x, t)
        if probes is not None:
            derivatives = _derivatives(log_q, x, t, probes)
            score = derivatives.score
            residuals = _fokker_planck(derivatives, x, t, density)
            fokker_planck = recipe.fokker_planck * weight * residuals
        if pairs is not None:
            against = log_q(x, pairs.other) - value - pairs.log_odds
            classification = recipe.classification.weight * jax.nn.softplus(against)
        residual = noise + schedule.noise(t) * score
        denoising = recipe.denoising * weight * jnp.mean(residual**2)
        return jnp.stack([denoising, fokker_planck, classification])

    def mean(parameters: ref.Parameters, samples: Samples) -> Array:
        return jnp.mean(jax.vmap(partial(one, parameters))(samples), axis=0)

    return mean
