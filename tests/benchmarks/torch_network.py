"""The network in PyTorch and float32, eager or compiled, in the two forms of jax_network.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import jax.numpy as jnp
import numpy as np
import torch
from numpy.typing import NDArray
from tests.benchmarks.model_file import ModelFile, chunk_sizes
from tests.benchmarks.serve import Job, fastest
from torch.nn import functional

import score_reference as ref

Tensor: TypeAlias = torch.Tensor


class Energy:
    """E (molecules) of x (molecules, n, d), which is normalised, at one diffusion time."""

    def __init__(self, model: ModelFile, affine: bool, t: float) -> None:
        self.network, self.affine = model.network, affine
        # A linear layer takes its weight as outputs x inputs.
        self.tensors = {
            name: torch.tensor(np.ascontiguousarray(value.T))
            for name, value in model.parameters.items()
        }
        time = np.asarray(ref.time_features(model.network, jnp.float32(t)))
        beads = torch.eye(model.network.beads)
        time_rows = torch.tensor(time).expand(len(beads), -1)
        self.tensors["node"] = self.dense("embedding", torch.cat([beads, time_rows], -1))
        for layer in range(model.network.layers):
            name = f"layer.{layer}.attention_edge"
            weight, bias = self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]
            self.tensors[f"{name}.map"] = weight @ self.tensors["edge.weight"]
            self.tensors[f"{name}.constant"] = weight @ self.tensors["edge.bias"] + bias

    def dense(self, name: str, x: Tensor) -> Tensor:
        return functional.linear(x, self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"])

    def norm(self, name: str, x: Tensor) -> Tensor:
        scale, bias = self.tensors[f"{name}.scale"], self.tensors[f"{name}.bias"]
        return functional.layer_norm(x, (self.network.hidden,), scale, bias, ref.NORM_EPSILON)

    def gate(self, name: str, new: Tensor, old: Tensor) -> Tensor:
        inputs = torch.cat([new, old, new - old], -1)
        g = torch.sigmoid(inputs @ self.tensors[f"{name}.weight"])[..., None]
        return new * g + old * (1 - g)

    def published_attention(self, name: str, node: Tensor, edge: Tensor) -> Tensor:
        m, n, _ = node.shape
        heads, width = self.network.heads, self.network.head_width
        packed = self.dense(f"{name}.query_key_value", node)
        query, key, value = (part.reshape(m, n, heads, width) for part in packed.chunk(3, -1))
        e = self.dense(f"{name}.attention_edge", edge).reshape(m, n, n, heads, width)
        similarity = torch.einsum("mihw,mijhw->mihj", query, key[:, None] + e) / width**0.5
        share = torch.softmax(similarity, -1)
        out = torch.einsum("mihj,mijhw->mihw", share, value[:, None] + e)
        return self.dense(f"{name}.attention_out", out.reshape(m, n, heads * width))

    def affine_attention(self, name: str, node: Tensor, x: Tensor) -> Tensor:
        m, n, _ = node.shape
        heads, width = self.network.heads, self.network.head_width

        def split(rows: Tensor) -> Tensor:
            return rows.reshape(m, n, heads, width).transpose(1, 2)

        packed = self.dense(f"{name}.query_key_value", node)
        query, key, value = map(split, packed.chunk(3, -1))
        bead = functional.linear(x, self.tensors[f"{name}.attention_edge.map"])
        edge = split(bead)
        out = functional.scaled_dot_product_attention(query, key + edge, value + edge)
        rows = out.transpose(1, 2).reshape(m, n, heads * width)
        constant = self.tensors[f"{name}.attention_edge.constant"]
        return self.dense(f"{name}.attention_out", rows - bead + constant)

    def __call__(self, x: Tensor) -> Tensor:
        x = x - x.mean(1, keepdim=True)
        node = self.tensors["node"].expand(x.shape[0], -1, -1)
        if not self.affine:
            edge = self.dense("edge", x[:, None] - x[:, :, None])
        for layer in range(self.network.layers):
            name = f"layer.{layer}"
            new = self.norm(f"{name}.attention_norm", node)
            if self.affine:
                new = self.affine_attention(name, new, x)
            else:
                new = self.published_attention(name, new, edge)
            node = self.gate(f"{name}.attention_gate", new, node)
            new = self.norm(f"{name}.feedforward_norm", node)
            new = functional.gelu(self.dense(f"{name}.feedforward_in", new), approximate="tanh")
            new = self.dense(f"{name}.feedforward_out", new)
            node = self.gate(f"{name}.feedforward_gate", new, node)
        return self.dense("readout", node).sum((1, 2))


Function = Callable[[Tensor], tuple[Tensor, Tensor]]


def _eager(energy: Energy) -> Function:
    def function(x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.detach().requires_grad_(True)
        e = energy(x)
        (gradient,) = torch.autograd.grad(e.sum(), x)
        return e.detach(), gradient

    return function


def _compiled(energy: Energy) -> Function:
    """Energy and gradient as one compiled function, faster than autograd of a compiled energy."""

    def total(x: Tensor) -> tuple[Tensor, Tensor]:
        e = energy(x)
        return e.sum(), e

    def function(x: Tensor) -> tuple[Tensor, Tensor]:
        gradient, (_, e) = torch.func.grad_and_value(total, has_aux=True)(x)
        return e, gradient

    return torch.no_grad()(torch.compile(function, dynamic=False))


def force_job(kind: str, model: ModelFile, x: NDArray[np.float64], t: float) -> Job:
    """The fastest way to take the molecules x (molecules, n, d): all at once, or in chunks."""
    torch._dynamo.reset()
    energy = Energy(model, kind.endswith("-affine"), t)
    make: Callable[[Energy], Function] = _compiled if "compile" in kind else _eager
    inputs = torch.tensor(x, dtype=torch.float32)

    def candidate(size: int) -> Job:
        function = make(energy)
        parts = inputs.split(size)

        def call() -> list[tuple[Tensor, Tensor]]:
            return [function(part) for part in parts]

        def result() -> NDArray[np.float64]:
            columns = zip(*call(), strict=True)
            return np.concatenate([torch.cat(column).ravel().numpy() for column in columns])

        return Job(call=call, result=result, form=f"{size} at once")

    sizes = chunk_sizes(kind, len(inputs), model.network)
    return fastest([candidate(size) for size in sizes])
