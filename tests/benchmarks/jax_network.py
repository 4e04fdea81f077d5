"""The network in JAX and float32, in two forms that give the same energy.

The published form is the reference implementation's: the keys and values of edges are arrays of
n x n x (heads x width). The affine form makes use of their being affine in x_j - x_i, with which
all edges cost no more than the beads: e_ij = B(x_j) - B(x_i) + c with B linear. What depends on i
alone cancels in the softmax and is added after it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from tests.benchmarks.model_file import ModelFile, chunk_sizes
from tests.benchmarks.serve import Job, fastest

import score_reference as ref

jax.config.update("jax_enable_x64", False)  # which the reference implementation has switched on

MOST_AT_ONCE = 8  # molecules; more were never faster
Energy = Callable[[ref.Network, ref.Parameters, jax.Array, jax.Array], jax.Array]


def published_energy(
    network: ref.Network, parameters: ref.Parameters, x: jax.Array, t: jax.Array
) -> jax.Array:
    """E () of x (n, d), which is normalised."""
    return ref.evaluate(network, parameters, jnp.zeros((len(x), 0), int), x, t)


def _affine_attention(
    network: ref.Network, parameters: ref.Parameters, prefix: str, node: jax.Array, x: jax.Array
) -> jax.Array:
    n, heads, width = len(x), network.heads, network.head_width
    packed = ref._dense(parameters, f"{prefix}.query_key_value", node)
    query, key, value = (part.reshape(n, heads, width) for part in jnp.split(packed, 3, axis=-1))
    edge = parameters[f"{prefix}.attention_edge.weight"]
    bead = x @ (parameters["edge.weight"] @ edge)
    constant = parameters["edge.bias"] @ edge + parameters[f"{prefix}.attention_edge.bias"]
    bead_heads = bead.reshape(n, heads, width)
    similarity = jnp.einsum("ihw,jhw->hij", query, key + bead_heads) / jnp.sqrt(float(width))
    share = jax.nn.softmax(similarity, axis=-1)
    out = jnp.einsum("hij,jhw->ihw", share, value + bead_heads).reshape(n, heads * width)
    return ref._dense(parameters, f"{prefix}.attention_out", out - bead + constant)


def affine_energy(
    network: ref.Network, parameters: ref.Parameters, x: jax.Array, t: jax.Array
) -> jax.Array:
    """E () of x (n, d), which is normalised."""
    x = x - jnp.mean(x, axis=0, keepdims=True)
    node = ref._embed(network, parameters, jnp.zeros((len(x), 0), int), t, len(x))
    for layer in range(network.layers):
        prefix = f"layer.{layer}"
        normed = ref._layer_norm(network, parameters, f"{prefix}.attention_norm", node)
        new = _affine_attention(network, parameters, prefix, normed, x)
        node = ref._gate(parameters[f"{prefix}.attention_gate.weight"], new, node)
        new = ref._layer_norm(network, parameters, f"{prefix}.feedforward_norm", node)
        new = ref._gelu(network, ref._dense(parameters, f"{prefix}.feedforward_in", new))
        new = ref._dense(parameters, f"{prefix}.feedforward_out", new)
        node = ref._gate(parameters[f"{prefix}.feedforward_gate.weight"], new, node)
    return jnp.sum(ref._dense(parameters, "readout", node))


ENERGIES: dict[str, Energy] = {"jax": published_energy, "jax-affine": affine_energy}


Function = Callable[[jax.Array], tuple[jax.Array, jax.Array]]


def energy_and_gradient(kind: str, model: ModelFile, t: float) -> Function:
    """x (n, d) -> E (), dE/dx (n, d). Weights and time are constants to the compiler."""
    parameters = {name: jnp.asarray(value) for name, value in model.parameters.items()}

    def energy(x: jax.Array) -> jax.Array:
        return ENERGIES[kind](model.network, parameters, x, jnp.float32(t))

    return jax.value_and_grad(energy)


def batched(function: Function, size: int, molecules: int) -> Function:
    """The same for (molecules, n, d), `size` molecules at once."""
    if molecules == 1:
        return lambda x: jax.tree.map(lambda part: part[None], function(x[0]))
    if size == molecules:
        return jax.vmap(function)
    return lambda x: jax.lax.map(function, x, batch_size=size if size > 1 else None)


@dataclass(frozen=True)
class Way:
    """One of several ways to evaluate molecules (molecules, n, d)."""

    form: str
    devices: int
    function: Function

    def place(self, x: NDArray[np.float64]) -> jax.Array:
        """Puts positions where the function wants them."""
        array = jnp.asarray(x, jnp.float32)
        return array.reshape(self.devices, -1, *array.shape[1:]) if self.devices > 1 else array

    def job(self, x: NDArray[np.float64]) -> Job:
        """Evaluating the same positions again and again; they are placed already."""
        inputs = self.place(x)
        return Job(
            call=lambda: jax.block_until_ready(self.function(inputs)),
            result=lambda: np.concatenate([np.ravel(part) for part in self.function(inputs)]),
            form=self.form,
        )


def best_way(kind: str, model: ModelFile, x: NDArray[np.float64], t: float) -> Way:
    """The fastest of: molecules one by one, or in chunks; by one device that has all threads, or
    shared among devices that have one each."""
    jax.clear_caches()
    one = energy_and_gradient(kind, model, t)
    ways: dict[str, Way] = {}
    for devices in {1, jax.local_device_count()}:
        if len(x) % devices:
            continue
        molecules = len(x) // devices
        for size in chunk_sizes(kind, min(MOST_AT_ONCE, molecules), model.network):
            function = batched(one, size, molecules)
            form = f"{size} at once" + (f" on each of {devices} devices" if devices > 1 else "")
            compiled = jax.pmap(function) if devices > 1 else jax.jit(function)
            ways[form] = Way(form, devices, compiled)
    return ways[fastest([way.job(x) for way in ways.values()]).form]


def force_job(kind: str, model: ModelFile, x: NDArray[np.float64], t: float) -> Job:
    return best_way(kind, model, x, t).job(x)
