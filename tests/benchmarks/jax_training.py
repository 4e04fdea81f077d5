"""A training step in JAX and float32, compiled as one: samples, losses, gradient, AdamW, average.

The same recipe, initial weights, losses and optimizer as score-train's, with random numbers of its
own. Data stay on the device, and the state is updated in place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh, PartitionSpec
from tests.benchmarks.jax_losses import Losses, make_losses
from tests.benchmarks.jax_samples import Samples, draw
from tests.benchmarks.model_file import ModelFile, read_model
from tests.benchmarks.recipe_file import Recipe, read_recipe
from tests.benchmarks.serve import Job, fastest

import score_reference as ref

DRAWS = 2**16  # frames drawn in advance by their weights; a step takes any of them


class State(NamedTuple):
    """What a step changes."""

    step: Array
    key: Array
    parameters: ref.Parameters
    first: ref.Parameters
    second: ref.Parameters
    average: ref.Parameters


Sums = tuple[ref.Parameters, Array]  # gradient of the sum of the losses, and the losses
Gradient = Callable[[ref.Parameters, Samples], Sums]


def _in_chunks(losses: Losses, size: int) -> Gradient:
    """Gradient and losses, from `size` samples at a time."""

    def total(parameters: ref.Parameters, samples: Samples) -> tuple[Array, Array]:
        values = losses(parameters, samples)
        return jnp.sum(values), values

    gradient = jax.grad(total, has_aux=True)

    def function(parameters: ref.Parameters, samples: Samples) -> Sums:
        chunks = len(samples.t) // size
        if chunks == 1:
            return gradient(parameters, samples)
        cut = jax.tree.map(lambda a: a.reshape(chunks, size, *a.shape[1:]), samples)

        def add(total: Sums, chunk: Samples) -> tuple[Sums, None]:
            return jax.tree.map(jnp.add, total, gradient(parameters, chunk)), None

        zero = (jax.tree.map(jnp.zeros_like, parameters), jnp.zeros(3))
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
    g, losses = gradient(state.parameters, draw(recipe, frames, draw_key))
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
    return State(n, key, parameters, first, second, average), losses


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
    The result is the losses of every step so far."""
    recipe, model = read_recipe(recipe_path), read_model(model_path)
    frames, losses = _frames(recipe, model.scale_nm), make_losses(kind, model, recipe)

    def job(step: Callable[[State], tuple[State, Array]], form: str) -> Job:
        state, given = _initial_state(model), []

        def call() -> None:
            nonlocal state
            state, values = step(state)
            given.append(np.asarray(values))  # waits for the step

        return Job(call, lambda: np.array(given), form)

    steps = {}
    for devices in {1, jax.local_device_count()}:
        for size in (8, 32):
            gradient = _on_devices(_in_chunks(losses, size), devices)
            form = f"{size} at once on each of {devices} devices"
            steps[form] = jax.jit(partial(_step, recipe, frames, gradient), donate_argnums=0)
    form = fastest([job(step, form) for form, step in steps.items()]).form
    return job(steps[form], form)
