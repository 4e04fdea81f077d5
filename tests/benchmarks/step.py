"""A whole step of OpenMM's CPU platform with a learned force, beside a step with none.

The same network, weights and positions as in force.py. README.md says what the table means.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from numpy.typing import NDArray
from tests.benchmarks.force import FORCE_TOLERANCE, network_shape, write_model, write_positions
from tests.benchmarks.openmm_steps import STEPS
from tests.benchmarks.session import Session, integers, parser
from tests.benchmarks.workers import Worker, take_turns

PEERS = {"python": "PythonForce", "torch": "TorchForce"}


def _forces(session: Session, worker: Worker) -> NDArray[np.float64]:
    path = session.scratch / "result"
    worker.ask("write", path)
    return np.fromfile(path, "<f8")[1:]


def _check(session: Session, truth: NDArray[np.float64], worker: Worker) -> None:
    """Ends the benchmark where a peer's forces are not ScoreForce's."""
    error = np.max(np.abs(_forces(session, worker) - truth)) / np.sqrt(np.mean(truth**2))
    if not error <= FORCE_TOLERANCE:
        sys.exit(f"{worker.name}: forces differ from ScoreForce's by {error:.3g} of their rms")


def measure_row(session: Session, beads: int, molecules: int, threads: int) -> None:
    model, positions = session.scratch / f"{beads}.xml", session.scratch / "positions"
    write_positions(positions, beads, molecules)
    core = session.core("force", threads)
    write_model(core, model, network_shape(beads))
    core.ask("force", model, "single", molecules, threads, positions)
    names = ["external", "score", *(name for name in PEERS if session.wants(name))]
    workers = [session.python("openmm_steps", name, name, threads) for name in names]
    ready = [w for w in workers if session.ready(w, "steps", model, positions) is not None]
    by_name = {worker.name: worker for worker in ready}
    truth = _forces(session, by_name["score"])
    for name in PEERS:
        if name in by_name:
            _check(session, truth, by_name[name])
    timings = take_turns([core, *ready], session.effort)
    for name in by_name:
        timings[name].times = [time / STEPS for time in timings[name].times]
        timings[name].processor /= STEPS
    row: dict[str, str | int | float] = {"beads": beads, "molecules": molecules, "threads": threads}
    session.add_row(row, timings)
    score = timings["score"].best
    row["overhead"] = 1e3 * (score - timings["force"].best)
    row.update({f"{name}/score": timings[name].best / score for name in PEERS if name in timings})
    session.close([core, *workers])


def options() -> argparse.Namespace:
    result = parser("Steps of OpenMM, by what the force is written in.", PEERS)
    result.add_argument("--beads", type=integers, default=[10, 28], metavar="N,...")
    result.add_argument("--molecules", type=integers, default=[1, 64], metavar="N,...")
    return result.parse_args()


def main() -> None:
    with Session(options()) as session:
        for threads in session.options.threads:
            for beads in session.options.beads:
                for molecules in session.options.molecules:
                    measure_row(session, beads, molecules, threads)
        session.finish(
            {
                "beads": "beads",
                "molecules": "molecules",
                "threads": "threads",
                **{f"{name}/score": title for name, title in PEERS.items()},
                "score": "ScoreForce ms",
                "score median": "median ms",
                "force": "of it the network ms",
                "overhead": "the rest ms",
                "external": "step without it ms",
            }
        )


if __name__ == "__main__":
    main()
