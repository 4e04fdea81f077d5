"""OpenMM as a participant (workers.py).

    python -m tests.benchmarks.openmm_steps KIND THREADS

answers this line:

    steps MODEL POSITIONS   molecules at these positions, on the CPU platform; a call of the job is
                            STEPS steps of a Langevin integrator

KIND is what acts on them: external, a CustomExternalForce that costs nothing; score, a ScoreForce;
python, a PythonForce that calls JAX's affine form; torch, a TorchForce of PyTorch's affine form.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openmm
from numpy.typing import NDArray
from tests.benchmarks.model_file import read_model
from tests.benchmarks.peer import DIFFUSION_TIME
from tests.benchmarks.serve import Job, serve

STEPS = 10
STEP_PS = 1e-6  # so short that the molecules stay where they are
MASS_AMU = 110.0
BOLTZMANN_KJ = 0.00831446261815324  # kJ/mol/K

Positions = NDArray[np.float64]  # molecules x beads x 3, in nm
MakeForce = Callable[[Path, Positions], openmm.Force]


def _external(_path: Path, positions: Positions) -> openmm.Force:
    force = openmm.CustomExternalForce("1e-6*x")
    for particle in range(positions.shape[0] * positions.shape[1]):
        force.addParticle(particle)
    return force


def _score(path: Path, positions: Positions) -> openmm.Force:
    from openmmscore import ScoreForce

    force = ScoreForce(str(path))
    beads = positions.shape[1]
    for molecule in range(len(positions)):
        force.addMolecule(range(molecule * beads, (molecule + 1) * beads))
    return force


def _python(path: Path, positions: Positions) -> openmm.Force:
    from tests.benchmarks.jax_network import best_way

    model = read_model(path)
    way = best_way("jax-affine", model, positions / model.scale_nm, DIFFUSION_TIME)
    kt = BOLTZMANN_KJ * model.temperature_k

    def compute(state: openmm.State) -> tuple[float, NDArray[np.float64]]:
        x = state.getPositions(asNumpy=True)._value.reshape(positions.shape) / model.scale_nm
        energy, gradient = way.function(way.place(x))
        force = np.asarray(gradient, np.float64).reshape(-1, 3) * (-kt / model.scale_nm)
        return kt * float(np.sum(energy)), force

    return openmm.PythonForce(compute)


def _torch(path: Path, positions: Positions) -> openmm.Force:
    import openmmtorch
    import torch
    from tests.benchmarks.torch_network import Energy

    model = read_model(path)
    energy = Energy(model, affine=True, t=DIFFUSION_TIME)
    kt = BOLTZMANN_KJ * model.temperature_k

    class Potential(torch.nn.Module):
        """kJ/mol of positions in nm, as TorchForce gives them: particles x 3, double."""

        def forward(self, r: torch.Tensor) -> torch.Tensor:
            x = r.to(torch.float32).reshape(positions.shape) / model.scale_nm
            return kt * energy(x).sum()

    example = torch.tensor(positions.reshape(-1, 3))
    return openmmtorch.TorchForce(torch.jit.freeze(torch.jit.trace(Potential().eval(), example)))


FORCES: dict[str, MakeForce] = {
    "external": _external,
    "score": _score,
    "python": _python,
    "torch": _torch,
}


def _job(kind: str, threads: int, path: Path, positions_path: str) -> Job:
    beads = read_model(path).network.beads
    positions = np.fromfile(positions_path, "<f8").reshape(-1, beads, 3)
    system = openmm.System()
    for _ in range(positions.shape[0] * beads):
        system.addParticle(MASS_AMU)
    system.addForce(FORCES[kind](path, positions))
    integrator = openmm.LangevinMiddleIntegrator(300, 1, STEP_PS)
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(system, integrator, platform, {"Threads": str(threads)})
    context.setPositions(positions.reshape(-1, 3))

    def forces() -> NDArray[np.float64]:
        context.setPositions(positions.reshape(-1, 3))
        state = context.getState(energy=True, forces=True)
        numbers = state.getForces(asNumpy=True)._value.ravel()
        return np.concatenate([[state.getPotentialEnergy()._value], numbers])

    return Job(call=lambda: integrator.step(STEPS), result=forces)


def main() -> None:
    kind, threads = sys.argv[1], int(sys.argv[2])
    if kind == "torch":
        import torch

        torch.set_num_threads(threads)
    serve(lambda words: _job(kind, threads, Path(words[1]), words[2]))


if __name__ == "__main__":
    main()
