"""Makes the equilibrium frames of alanine dipeptide that the model is trained on.

Plain molecular dynamics hardly ever visits phi > 0, so the frames come from a biased simulation,
and every frame carries the weight that undoes the bias:

1. Well-tempered metadynamics in (phi, psi) gives a rough free energy.
2. A smooth bias U(phi), six Fourier terms, is fitted to its profile along phi and then frozen.
3. Production, one run a seed, under that fixed bias. A frame's log-weight is U(phi) / kT.

Force field amber99sbildn with OBC implicit solvent, no cutoff, no constraints, 300 K, Langevin
dynamics with friction 1/ps and a time step of 1 fs. Frames keep five beads: C N CA C N.

Every stage leaves its result in the work folder. The command can be stopped at any time; run again
with the same arguments, it continues the production where its last checkpoint was.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mdtraj
import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit
from openmmscore.base.files import replace_file
from openmmscore.base.progress import Progress
from openmmscore.evaluation.analysis import (
    BOLTZMANN_KJ,
    dihedrals,
    histogram_2d,
    kish_number,
    noise_floor,
)
from openmmscore.evaluation.metrics import js_divergence, shared_edges
from openmmscore.io import write_frames

HERE = Path(__file__).resolve().parent
FORCE_FIELD = ("amber99sbildn.xml", "amber99_obc.xml")
TEMPERATURE_K = 300.0
FRICTION_PER_PS = 1.0
TIME_STEP_PS = 0.001
KT = BOLTZMANN_KJ * TEMPERATURE_K

PHI, PSI = (0, 1, 2, 3), (1, 2, 3, 4)  # in beads
BEADS = (("ACE", "C"), ("ALA", "N"), ("ALA", "CA"), ("ALA", "C"), ("NME", "N"))

HILL_WIDTH_RAD, HILL_HEIGHT_KJ, HILL_INTERVAL_STEPS = 0.3, 1.0, 250
METADYNAMICS_BIAS_FACTOR = 8.0
GRID = 60

FOURIER_ORDER = 6
BARRIER_DIVISOR = 4.0  # the frozen bias divides the barriers along phi by this
HIGHEST_KJ = 30.0  # the profile is cut here: metadynamics says little about what is above

EQUILIBRATION_STEPS = 100_000
STEPS_PER_FRAME = 1_000
FRAMES_PER_CHECKPOINT = 500
POSITION_QUANTUM_NM = 2.0**-17  # positions are rounded to it, which halves the file
BIAS_GROUP = 1

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Bias:
    """U(phi) = sum over n of cosines[n - 1] cos(n phi) + sines[n - 1] sin(n phi), kJ/mol."""

    cosines: list[float]
    sines: list[float]

    def force(self, torsions: list[list[int]]) -> openmm.PeriodicTorsionForce:
        """The same up to a constant: k (1 + cos(n phi - phase)) with k >= 0. torsions: the four
        particles of phi, of each molecule that the bias acts on."""
        force = openmm.PeriodicTorsionForce()
        force.setForceGroup(BIAS_GROUP)
        for n, (c, s) in enumerate(zip(self.cosines, self.sines, strict=True), start=1):
            for atoms in torsions:
                force.addTorsion(*atoms, n, float(np.arctan2(s, c)), float(np.hypot(c, s)))
        return force


class Molecule:
    """Topology, start positions and a System for each use."""

    def __init__(self) -> None:
        pdb = app.PDBFile(str(HERE / "alanine_dipeptide.pdb"))
        self.topology = pdb.topology
        self.positions = pdb.positions
        names = [(atom.residue.name, atom.name) for atom in pdb.topology.atoms()]
        self.beads = [names.index(bead) for bead in BEADS]

    def system(self) -> openmm.System:
        field = app.ForceField(*FORCE_FIELD)
        return field.createSystem(
            self.topology, nonbondedMethod=app.NoCutoff, constraints=None, rigidWater=False
        )

    def torsion(self, quadruple: tuple[int, ...]) -> list[int]:
        return [self.beads[bead] for bead in quadruple]

    def bead_topology(self) -> mdtraj.Topology:
        whole = mdtraj.Topology.from_openmm(self.topology)
        return whole.subset(self.beads)


def integrator(seed: int) -> openmm.LangevinMiddleIntegrator:
    result = openmm.LangevinMiddleIntegrator(TEMPERATURE_K, FRICTION_PER_PS, TIME_STEP_PS)
    result.setRandomNumberSeed(seed)
    return result


# ---- Stages 1 and 2: the bias ----


def metadynamics_free_energy(
    molecule: Molecule, nanoseconds: float, seed: int, platform: openmm.Platform
) -> Array:
    """(psi, phi) on a periodic grid from -pi, GRID - 1 points a turn, kJ/mol, lowest 0."""
    system = molecule.system()
    variables = []
    for quadruple in (PHI, PSI):
        torsion = openmm.CustomTorsionForce("theta")
        torsion.addTorsion(*molecule.torsion(quadruple))
        variables.append(app.BiasVariable(torsion, -np.pi, np.pi, HILL_WIDTH_RAD, True, GRID))
    metadynamics = app.Metadynamics(
        system,
        variables,
        TEMPERATURE_K,
        METADYNAMICS_BIAS_FACTOR,
        HILL_HEIGHT_KJ,
        HILL_INTERVAL_STEPS,
    )
    simulation = app.Simulation(molecule.topology, system, integrator(seed), platform)
    simulation.context.setPositions(molecule.positions)
    simulation.minimizeEnergy()
    simulation.context.setVelocitiesToTemperature(TEMPERATURE_K, seed)

    total = round(nanoseconds * 1000 / TIME_STEP_PS)
    block = 40 * HILL_INTERVAL_STEPS
    progress = Progress("Metadynamics", total)
    for done in range(0, total, block):
        metadynamics.step(simulation, min(block, total - done))
        progress.update(min(done + block, total))
    progress.close()
    grid = metadynamics.getFreeEnergy().value_in_unit(unit.kilojoules_per_mole)
    free_energy = np.asarray(grid, float)[:-1, :-1]  # the last point of a turn is the first
    return np.asarray(free_energy - free_energy.min())


def fit_bias(free_energy: Array) -> Bias:
    """Least squares of -(1 - 1 / BARRIER_DIVISOR) times the profile along phi."""
    profile = -KT * np.log(np.exp(-free_energy / KT).mean(axis=0))
    profile = np.minimum(profile - profile.min(), HIGHEST_KJ)
    points = len(profile)
    phi = -np.pi + 2 * np.pi * np.arange(points) / points
    orders = np.arange(1, FOURIER_ORDER + 1)
    angles = np.outer(phi, orders)
    basis = np.hstack([np.ones((points, 1)), np.cos(angles), np.sin(angles)])
    target = -(1 - 1 / BARRIER_DIVISOR) * profile
    solution = np.linalg.lstsq(basis, target, rcond=None)[0]
    misfit = np.sqrt(np.mean((basis @ solution - target) ** 2))
    print(f"Bias along phi: {np.ptp(basis @ solution):.1f} kJ/mol deep, fitted to {misfit:.2f}")
    return Bias(solution[1 : FOURIER_ORDER + 1].tolist(), solution[FOURIER_ORDER + 1 :].tolist())


def make_bias(path: Path, settings: dict[str, Any], platform: openmm.Platform) -> Bias:
    if path.exists():
        stored = json.loads(path.read_text())
        require_same(path, stored["settings"], settings)
        print(f"Bias: already in {path}")
        return Bias(**stored["bias"])
    molecule = Molecule()
    free_energy = metadynamics_free_energy(
        molecule, settings["bias_ns"], settings["bias_seed"], platform
    )
    bias = fit_bias(free_energy)
    document = {
        "settings": settings,
        "bias": asdict(bias),
        "free_energy_psi_phi_kj_mol": free_energy.round(3).tolist(),
    }
    replace_file(path, lambda file: file.write(json.dumps(document).encode()))
    return bias


# ---- Stage 3: production ----


@dataclass
class Run:
    """What one production run has so far, and the state to continue from."""

    positions: NDArray[np.float32]  # (frames, beads, 3), nm
    log_weights: Array  # (frames,)
    context: bytes  # OpenMM's checkpoint, random number generators included

    def save(self, path: Path, settings: dict[str, Any]) -> None:
        arrays: dict[str, Any] = {
            "positions": self.positions,
            "log_weights": self.log_weights,
            "context": np.frombuffer(self.context, np.uint8),
            "settings": np.array(json.dumps(settings)),
        }
        replace_file(path, lambda file: np.savez(file, **arrays))

    @classmethod
    def load(cls, path: Path, settings: dict[str, Any]) -> Run:
        with np.load(path) as stored:
            require_same(path, json.loads(str(stored["settings"])), settings)
            return cls(stored["positions"], stored["log_weights"], stored["context"].tobytes())


def produce(
    path: Path, bias: Bias, nanoseconds: float, seed: int, platform: openmm.Platform
) -> Run:
    """One run of `nanoseconds` under the frozen bias, continued from `path` if it exists."""
    molecule = Molecule()
    system = molecule.system()
    system.addForce(bias.force([molecule.torsion(PHI)]))
    dynamics = integrator(seed)
    context = openmm.Context(system, dynamics, platform)
    total = round(nanoseconds * 1000 / TIME_STEP_PS) // STEPS_PER_FRAME
    settings = {"seed": seed, "platform": platform.getName(), "bias": asdict(bias)}

    positions = np.empty((total, len(BEADS), 3), np.float32)
    log_weights = np.empty(total)
    first = 0
    if path.exists():
        run = Run.load(path, settings)
        first = len(run.positions)
        if first >= total:
            print(f"Run of seed {seed}: already in {path}")
            return Run(run.positions[:total], run.log_weights[:total], run.context)
        positions[:first], log_weights[:first] = run.positions, run.log_weights
        context.loadCheckpoint(run.context)
    else:
        context.setPositions(molecule.positions)
        openmm.LocalEnergyMinimizer.minimize(context)
        context.setVelocitiesToTemperature(TEMPERATURE_K, seed)
        dynamics.step(EQUILIBRATION_STEPS)

    progress = Progress(f"Run of seed {seed}", total, first)
    for frame in range(first, total):
        dynamics.step(STEPS_PER_FRAME)
        state = context.getState(getPositions=True)
        positions[frame] = state.getPositions(asNumpy=True)._value[molecule.beads]
        biased = context.getState(getEnergy=True, groups={BIAS_GROUP})
        log_weights[frame] = biased.getPotentialEnergy()._value / KT
        done = frame + 1
        if done % FRAMES_PER_CHECKPOINT == 0 or done == total:
            run = Run(positions[:done], log_weights[:done], context.createCheckpoint())
            run.save(path, settings)
        progress.update(done)
    progress.close()
    return run


# ---- The result ----


def describe(runs: list[Run]) -> None:
    """Prints what each run found, and how well the runs agree."""
    angles = [dihedrals(run.positions, [PHI, PSI]) for run in runs]
    weights = [np.exp(run.log_weights - run.log_weights.max()) for run in runs]
    for number, (angle, weight) in enumerate(zip(angles, weights, strict=True), start=1):
        positive = angle[:, 0] > 0
        print(
            f"Run {number}: {len(angle)} frames, effective number {kish_number(weight):.0f}, "
            f"P(phi > 0) = {weight[positive].sum() / weight.sum():.4f}, "
            f"{np.count_nonzero(np.diff(positive))} crossings of phi = 0 or 180 degrees"
        )
    if len(runs) < 2:
        return
    edges = shared_edges(angles[0], angles[1])
    first, second = (histogram_2d(angles[k], edges, weights[k]) for k in range(2))
    numbers = [kish_number(weights[k]) for k in range(2)]
    floor = noise_floor((first + second) / 2, *numbers)
    print(
        f"JS divergence of the first two runs {js_divergence(first, second):.4f}, "
        f"noise floor {floor.mean:.4f}"
    )


def write_result(
    path: Path, runs: list[Run], seeds: list[int], bias: Bias, settings: dict[str, Any]
) -> None:
    positions = np.concatenate([run.positions for run in runs]).astype(float)
    positions -= positions.mean(axis=1, keepdims=True)
    interval = STEPS_PER_FRAME * TIME_STEP_PS
    times = np.concatenate([interval * np.arange(1, len(run.positions) + 1) for run in runs])
    write_frames(
        path,
        np.round(positions / POSITION_QUANTUM_NM) * POSITION_QUANTUM_NM,
        Molecule().bead_topology(),
        log_weights=np.concatenate([run.log_weights for run in runs]),
        time_ps=times,
        attributes={
            "title": "Alanine dipeptide, five backbone beads, implicit solvent, 300 K",
            "temperature_k": TEMPERATURE_K,
            "force_field": " ".join(FORCE_FIELD),
            "nonbonded": "no cutoff",
            "constraints": "none",
            "integrator": f"LangevinMiddle {FRICTION_PER_PS:g}/ps {1000 * TIME_STEP_PS:g} fs",
            "frame_interval_ps": interval,
            "runs": len(runs),
            "seeds": np.array(seeds),
            "bias_seed": settings["bias_seed"],
            "openmm_version": openmm.version.short_version,
            "bias": "U(phi) = constant + sum_n cos_n cos(n phi) + sin_n sin(n phi), n = 1..6",
            "bias_cos_kj_mol": np.array(bias.cosines),
            "bias_sin_kj_mol": np.array(bias.sines),
            "position_quantum_nm": POSITION_QUANTUM_NM,
        },
    )


def require_same(path: Path, stored: dict[str, Any], wanted: dict[str, Any]) -> None:
    if stored != wanted:
        raise SystemExit(f"{path} was made with other settings: {stored}, not {wanted}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path("alanine_dipeptide.h5"))
    parser.add_argument("--work", type=Path, default=Path("work"), help="folder of the stages")
    parser.add_argument("--ns", type=float, default=18.0, help="length of each run (18)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2], help="one run each (1 2)")
    parser.add_argument("--bias-ns", type=float, default=10.0, help="length of metadynamics (10)")
    parser.add_argument("--bias-seed", type=int, default=1)
    parser.add_argument("--platform", default="Reference", help="Reference is best for 22 atoms")
    options = parser.parse_args()
    if len(set(options.seeds)) != len(options.seeds):
        parser.error("two runs with the same seed would be one run twice")
    if options.ns * 1000 < STEPS_PER_FRAME * TIME_STEP_PS or options.bias_ns <= 0:
        parser.error("--ns must hold at least one frame, and --bias-ns be positive")
    return options


def main() -> None:
    options = arguments()
    platform = openmm.Platform.getPlatformByName(options.platform)
    options.work.mkdir(parents=True, exist_ok=True)
    settings = {"bias_ns": options.bias_ns, "bias_seed": options.bias_seed}
    bias = make_bias(options.work / "bias.json", settings, platform)
    runs = [
        produce(options.work / f"run-{seed}.npz", bias, options.ns, seed, platform)
        for seed in options.seeds
    ]
    describe(runs)
    write_result(options.output, runs, options.seeds, bias, settings)
    print(f"Wrote {options.output}")


if __name__ == "__main__":
    main()
