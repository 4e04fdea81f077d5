"""The samples of a training step in JAX and float32, drawn inside it."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from tests.benchmarks.recipe_file import Recipe

import score_reference as ref


class Pairs(NamedTuple):
    """What times are to be told from, and the logarithm of the odds of having drawn (t, other) and
    not (other, t)."""

    other: Array
    log_odds: Array


class Samples(NamedTuple):
    """Noised frames, any number of them, and what losses other than denoising need of them."""

    clean: Array  # (samples, n, 3)
    noise: Array  # (samples, n, 3)
    t: Array  # (samples,)
    probes: Array | None  # (samples, 2, n, 3) of +1 and -1
    pairs: Pairs | None


def _height(t: Array, variance: float) -> Array:
    """u(t) = log(sigma^2 + variance)."""
    return jnp.log(-jnp.expm1(2 * ref.SCHEDULE.log_signal(t)) + variance)


def _log_slope(t: Array, variance: float) -> Array:
    """log du/dt; sigma^2 = 1 - m^2 and (m^2)' = -beta m^2."""
    rate = jnp.log(ref.SCHEDULE.beta(t)) + 2 * ref.SCHEDULE.log_signal(t)
    return rate - _height(t, variance)


def _time(height: Array, variance: float, recipe: Recipe) -> Array:
    """The t of u(t) in the recipe's range: the root of t^2 slope/4 + t beta_min/2 + log m = 0."""
    square = jnp.maximum(jnp.exp(height) - variance, 0)
    log_m, half = jnp.log1p(-square) / 2, ref.SCHEDULE.beta_min / 2
    slope = ref.SCHEDULE.beta_max - ref.SCHEDULE.beta_min
    t = -2 * log_m / (half + jnp.sqrt(half * half - slope * log_m))
    return jnp.clip(t, recipe.t_begin, recipe.t_end)


def _ends(variance: float, recipe: Recipe) -> tuple[Array, Array]:
    begin, end = _height(jnp.array([recipe.t_begin, recipe.t_end]), variance)
    return begin, end


def _times_at(fraction: Array, recipe: Recipe) -> Array:
    if recipe.time_variance is None:
        return recipe.t_begin + (recipe.t_end - recipe.t_begin) * fraction
    begin, end = _ends(recipe.time_variance, recipe)
    return _time(begin + (end - begin) * fraction, recipe.time_variance, recipe)


def _log_density(t: Array, recipe: Recipe) -> Array | float:
    """Of the times drawn, up to a constant."""
    return 0.0 if recipe.time_variance is None else _log_slope(t, recipe.time_variance)


def _draw_pairs(key: Array, t: Array, recipe: Recipe) -> Pairs:
    """Other times have u within the recipe's width of that of t, reflected at the ends."""
    pairs = recipe.classification
    begin, end = _ends(pairs.variance, recipe)
    step = pairs.width * jax.random.uniform(key, t.shape, minval=-1, maxval=1)
    place = jnp.abs(_height(t, pairs.variance) + step - begin) % (2 * (end - begin))
    height = begin + jnp.minimum(place, 2 * (end - begin) - place)
    other = _time(height, pairs.variance, recipe)
    odds = _log_slope(other, pairs.variance) - _log_slope(t, pairs.variance)
    return Pairs(other, odds + _log_density(t, recipe) - _log_density(other, recipe))


def _rotations(key: Array, count: int) -> Array:
    """Uniformly distributed rotations (count, 3, 3), of normal quaternions."""
    q = jax.random.normal(key, (count, 4))
    w, x, y, z = (q / jnp.linalg.norm(q, axis=-1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return jnp.moveaxis(jnp.array(rows), -1, 0)


def draw(recipe: Recipe, frames: Array, key: Array) -> Samples:
    """The samples of a step: times stratified over them, noise in pairs where it is antithetic."""
    copies = 2 if recipe.antithetic else 1
    count = recipe.batch // copies
    frame_key, rotation_key, noise_key, time_key, probe_key, pair_key = jax.random.split(key, 6)
    clean = frames[jax.random.randint(frame_key, (count,), 0, len(frames))]
    clean = jnp.einsum("snd,sed->sne", clean, _rotations(rotation_key, count))
    noise = jax.random.normal(noise_key, clean.shape)
    strata = (jnp.arange(count) + jax.random.uniform(time_key, (count,))) / count
    t = _times_at(strata, recipe)
    if recipe.antithetic:
        clean, t = jnp.tile(clean, (2, 1, 1)), jnp.tile(t, 2)
        noise = jnp.concatenate([noise, -noise])
    probes = pairs = None
    if recipe.fokker_planck > 0:
        shape = (len(t), 2, *clean.shape[1:])
        probes = jax.random.rademacher(probe_key, shape, jnp.float32)
    if recipe.classification.weight > 0:
        pairs = _draw_pairs(pair_key, t, recipe)
    return Samples(clean, noise, t, probes, pairs)
