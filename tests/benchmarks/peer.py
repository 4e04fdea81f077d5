"""A peer of the plugin as a participant (workers.py).

    python -m tests.benchmarks.peer KIND THREADS

answers these lines:

    force MODEL POSITIONS   KIND is jax, jax-affine, torch, torch-compile, torch-affine or
                            torch-compile-affine: energies and scores of a file of positions, as
                            worker.c has it, in float at diffusion time 1e-5
    product                 KIND is numpy or torch: one large matrix product
    train RECIPE INITIAL    KIND is jax or jax-affine: a step of training (jax_training.py)

What libraries need to know of the number of threads before they are loaded is in the environment.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from tests.benchmarks.serve import Job, serve

DIFFUSION_TIME = 1e-5
PRODUCT_SIZE = 1024


def _force(kind: str, model_path: str, positions_path: str) -> Job:
    from tests.benchmarks.model_file import read_model

    model = read_model(model_path)
    shape = (-1, model.network.beads, model.network.dimensions)
    x = np.fromfile(positions_path, "<f8").reshape(shape) / model.scale_nm
    if kind.startswith("jax"):
        from tests.benchmarks.jax_network import force_job
    else:
        from tests.benchmarks.torch_network import force_job
    job = force_job(kind, model, x, DIFFUSION_TIME)

    def energies_and_scores() -> NDArray[np.float64]:
        numbers = job.result().astype(np.float64)
        numbers[len(x) :] /= -model.scale_nm  # of dE/dx
        return numbers

    return replace(job, result=energies_and_scores)


def _product(kind: str) -> Job:
    a = np.ones((PRODUCT_SIZE, PRODUCT_SIZE), np.float32)
    if kind == "numpy":
        out = np.empty_like(a)
        return Job(call=lambda: np.matmul(a, a, out=out))
    import torch

    b = torch.tensor(a)
    c = torch.empty_like(b)
    return Job(call=lambda: torch.matmul(b, b, out=c))


def _train(kind: str, recipe: str, initial: str) -> Job:
    from tests.benchmarks.jax_training import training_job

    return training_job(kind, recipe, initial)


def main() -> None:
    kind, threads = sys.argv[1], int(sys.argv[2])
    if kind.startswith("torch"):
        import torch

        torch.set_num_threads(threads)
    jobs: dict[str, Callable[..., Job]] = {
        "force": _force,
        "product": _product,
        "train": _train,
    }
    serve(lambda words: jobs[words[0]](kind, *words[1:]))


if __name__ == "__main__":
    main()
