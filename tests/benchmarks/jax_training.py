"""A training step in JAX and float32, all of it compiled: samples, loss, gradient, AdamW, average.

The same recipe, initial weights, loss and optimizer as score-train's, with random numbers of its
own. Data stay on the device, and the state is updated in place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from tests.benchmarks.jax_network import ENERGIES
from tests.benchmarks.model_file import ModelFile, read_model
from tests.benchmarks.recipe_file import Recipe, read_recipe
from tests.benchmarks.serve import Job, fastest

import score_reference as ref

Array: TypeAlias = jax.Array
DRAWS = 2**16  # frames drawn in advance by their weights; a step takes any of them


class Samples(NamedTuple):
    """Noised frames of a step, of any number: clean and noise (samples, n, 3), times (samples)."""

    clean: Array
    noise: Array
    t: Array


class State(NamedTuple):
    """What a step changes."""

    step: Array
    key: Array
    parameters: ref.Parameters
    first: ref.Parameters
    second: ref.Parameters
    average: ref.Parameters


Loss = Callable[[ref.Parameters, Samples], Array]
Sums = tuple[Array, ref.Parameters]  # loss and gradient
Gradient = Callable[[ref.Parameters, Samples], Sums]


def denoising_loss(kind: str, model: ModelFile, recipe: Recipe) -> Loss:
    """Denoising score matching, the mean over samples. Other losses go beside it."""
    network, schedule, energy = model.network, ref.Schedule(), ENERGIES[kind]

    def one(parameters: ref.Parameters, clean: Array, noise: Array, t: Array) -> Array:
        x = schedule.diffuse(clean, noise, t)
        score = -jax.grad(energy, argnums=2)(network, parameters, x, t)
        weight = ref.equal_weight(t, recipe.middle, recipe.t_begin, recipe.t_end)
        return weight * jnp.mean((noise + schedule.noise(t) * score) ** 2)

    def mean(parameters: ref.Parameters, samples: Samples) -> Array:
        return jnp.mean(jax.vmap(partial(one, parameters))(*samples))

    return mean


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


def _draw(recipe: Recipe, frames: Array, key: Array) -> Samples:
    """The samples of a step: times stratified over them, noise in pairs where it is antithetic."""
    copies = 2 if recipe.antithetic else 1
    count = recipe.batch // copies
    frame_key, rotation_key, noise_key, time_key = jax.random.split(key, 4)
    clean = frames[jax.random.randint(frame_key, (count,), 0, len(frames))]
    clean = jnp.einsum("snd,sed->sne", clean, _rotations(rotation_key, count))
    noise = jax.random.normal(noise_key, clean.shape)
    strata = (jnp.arange(count) + jax.random.uniform(time_key, (count,))) / count
    t = recipe.t_begin + (recipe.t_end - recipe.t_begin) * strata
    if not recipe.antithetic:
        return Samples(clean, noise, t)
    return Samples(jnp.tile(clean, (2, 1, 1)), jnp.concatenate([noise, -noise]), jnp.tile(t, 2))


def _in_chunks(loss: Loss, size: int) -> Gradient:
    """Loss and gradient, from `size` samples at a time."""
    gradient = jax.value_and_grad(loss)

    def function(parameters: ref.Parameters, samples: Samples) -> Sums:
        chunks = len(samples.t) // size
        if chunks == 1:
            return gradient(parameters, samples)
        cut = jax.tree.map(lambda a: a.reshape(chunks, size, *a.shape[1:]), samples)

        def add(total: Sums, chunk: Samples) -> tuple[Sums, None]:
            return jax.tree.map(jnp.add, total, gradient(parameters, chunk)), None

        zero = (jnp.zeros(()), jax.tree.map(jnp.zeros_like, parameters))
        total, _ = jax.lax.scan(add, zero, cut)
        return jax.tree.map(lambda a: a / chunks, total)

    return function


def _on_devices(gradient: Gradient, devices: int) -> Gradient:
    """The same with the samples shared among devices."""
    if devices == 1:
        return gradient
    each, all_of_them = PartitionSpec("devices"), PartitionSpec()

    def function(parameters: ref.Parameters, samples: Samples) -> Sums:
        return jax.lax.pmean(gradient(parameters, samples), "devices")

    return jax.shard_map(
        function,
        mesh=Mesh(np.array(jax.devices()), ("devices",)),
        in_specs=(all_of_them, each),
        out_specs=all_of_them,
        check_vma=False,
    )


def _step(recipe: Recipe, frames: Array, gradient: Gradient, state: State) -> tuple[State, Array]:
    """One step of AdamW and of the moving average. Of the rate's schedule only the warm-up: no
    benchmark comes to the rest."""
    key, draw_key = jax.random.split(state.key)
    loss, g = gradient(state.parameters, _draw(recipe, frames, draw_key))
    n = state.step + 1
    rate = recipe.rate * jnp.minimum(1, n * recipe.batch / max(1, recipe.warm_up))
    b1, b2 = recipe.beta1, recipe.beta2
    first = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, state.first, g)
    second = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, state.second, g)

    def update(p: Array, m: Array, v: Array) -> Array:
        deviation = jnp.sqrt(v / (1 - b2**n)) + recipe.epsilon
        return p - rate * (m / (1 - b1**n) / deviation + recipe.decay * p)

    parameters = jax.tree.map(update, state.parameters, first, second)
    kept = 0.5 ** (recipe.batch / recipe.half_life)
    share = (1 - kept) / (1 - kept**n)
    average = jax.tree.map(lambda a, p: a + share * (p - a), state.average, parameters)
    return State(n, key, parameters, first, second, average), loss


def _initial_state(model: ModelFile) -> State:
    parameters = {name: jnp.asarray(value) for name, value in model.parameters.items()}

    def zeros() -> ref.Parameters:
        return jax.tree.map(jnp.zeros_like, parameters)

    step, key = jnp.zeros((), jnp.float32), jax.random.key(1)
    return State(step, key, parameters, zeros(), zeros(), zeros())


def _frames(recipe: Recipe, scale_nm: float) -> Array:
    """DRAWS frames, normalised and drawn by weight."""
    weights = np.exp(recipe.log_weights - np.max(recipe.log_weights))
    generator = np.random.default_rng(1)
    drawn = recipe.frames[generator.choice(len(weights), DRAWS, p=weights / np.sum(weights))]
    return jnp.asarray((drawn - drawn.mean(axis=1, keepdims=True)) / scale_nm, jnp.float32)


def training_job(kind: str, recipe_path: str, model_path: str) -> Job:
    """The fastest way to take the samples: all at once or in chunks, on one device or on several.
    The result is the loss of every step so far."""
    recipe, model = read_recipe(recipe_path), read_model(model_path)
    frames, loss = _frames(recipe, model.scale_nm), denoising_loss(kind, model, recipe)

    def job(step: Callable[[State], tuple[State, Array]], form: str) -> Job:
        state, losses = _initial_state(model), []

        def call() -> None:
            nonlocal state
            state, value = step(state)
            losses.append(float(value))  # waits for the step

        return Job(call, lambda: np.array(losses), form)

    steps = {}
    for devices in {1, jax.local_device_count()}:
        for size in (8, 32):
            gradient = _on_devices(_in_chunks(loss, size), devices)
            form = f"{size} at once on each of {devices} devices"
            steps[form] = jax.jit(partial(_step, recipe, frames, gradient), donate_argnums=0)
    form = fastest([job(step, form) for form, step in steps.items()]).form
    return job(steps[form], form)
