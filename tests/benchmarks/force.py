"""Energy and forces of a graph transformer, 128 x 3 with 8 heads of 64: this plugin's and others'.

The same random weights for all, molecules at random positions, diffusion time 1e-5. README.md says
what the table means.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.benchmarks.operations import Shape, force_operations, force_weight_bytes
from tests.benchmarks.peer import PRODUCT_SIZE
from tests.benchmarks.session import Session, best_rate, integers, note_disturbances, parser
from tests.benchmarks.workers import Worker, take_turns

PEERS = {
    "jax": "JAX",
    "jax-affine": "JAX affine",
    "torch": "torch",
    "torch-affine": "torch affine",
    "torch-compile": "torch.compile",
    "torch-compile-affine": "torch.compile affine",
}
SUBJECTS = ("score", "reference", *PEERS)
SCALE_NM = 0.3  # of bench_model.c
UNIT = 2.0**-24  # float's rounding
# Forces of float and of double agree to this, relative to the root mean square force: what the CPU
# platform is held to. An energy is a sum over beads of numbers of order 1, each at the end of some
# hundred roundings.
FORCE_TOLERANCE = 1e-4
ENERGY_TOLERANCE = 1000 * UNIT


def network_shape(beads: int) -> Shape:
    return Shape(beads, hidden=128, layers=3, heads=8, head_width=64)


def _result(session: Session, worker: Worker, molecules: int) -> list[NDArray[np.float64]]:
    """Energies and scores of what a participant has been asked for."""
    path = session.scratch / "result"
    worker.ask("time", 1, 0)
    worker.ask("write", path)
    numbers = np.fromfile(path, "<f8")
    return [numbers[:molecules], numbers[molecules:]]


def _check(session: Session, truth: list[NDArray[np.float64]], worker: Worker, beads: int) -> float:
    """The largest difference of a score to the reference's, relative to the root mean square. Too
    large a one ends the benchmark: the times would not be of the same work."""
    energies, scores = _result(session, worker, len(truth[0]))
    energy_error = np.max(np.abs(energies - truth[0])) / beads
    force_error = np.max(np.abs(scores - truth[1])) / np.sqrt(np.mean(truth[1] ** 2))
    if not (energy_error <= ENERGY_TOLERANCE and force_error <= FORCE_TOLERANCE):
        sys.exit(
            f"{worker.name}, {beads} beads, {len(energies)} molecules: not the reference's result: "
            f"energy a bead differs by {energy_error:.3g} kT, force by {force_error:.3g} of its rms"
        )
    return float(force_error)


def write_positions(path: Path, beads: int, molecules: int) -> None:
    generator = np.random.default_rng(beads)
    path.write_bytes(generator.normal(0, SCALE_NM, (molecules, beads, 3)).astype("<f8").tobytes())


def write_model(core: Worker, path: Path, shape: Shape) -> None:
    """Has the core write random weights, once."""
    if not path.exists():
        network = (shape.hidden, shape.layers, shape.heads, shape.head_width)
        core.ask("model", path, shape.beads, *network)


def measure_cell(
    session: Session, peers: Sequence[Worker], beads: int, molecules: int, threads: int
) -> None:
    """One row of the table."""
    shape = network_shape(beads)
    model, positions = session.scratch / f"{beads}.xml", session.scratch / "positions"
    write_positions(positions, beads, molecules)
    own = [session.core(name, threads) for name in ("score", "reference", "read")]
    score, reference, read = own
    write_model(score, model, shape)
    score.ask("force", model, "single", molecules, threads, positions)
    reference.ask("force", model, "double", molecules, threads, positions)
    read.ask("read", force_weight_bytes(shape), threads)
    row: dict[str, str | int | float] = {
        "beads": beads,
        "molecules": molecules,
        "threads": threads,
        "operations": molecules * force_operations(shape),
        "weight bytes": force_weight_bytes(shape),
    }
    truth = _result(session, reference, molecules)
    row["score error"] = _check(session, truth, score, beads)
    row["MB"] = int(score.ask("memory")[0]) / 1024
    taking_part = [score, read, *([reference] if session.wants("reference") else [])]
    for peer in peers:
        if peer.name not in PEERS:
            taking_part.append(peer)
        elif form := session.ready(peer, "force", model, positions):
            row[f"{peer.name} form"] = form[0]
            row[f"{peer.name} error"] = _check(session, truth, peer, beads)
            taking_part.append(peer)
    session.add_row(row, take_turns(taking_part, session.effort))
    session.close(own)


def measure(session: Session) -> None:
    for threads in session.options.threads:
        peers = [
            session.python("peer", name, name, threads) for name in PEERS if session.wants(name)
        ]
        products = [
            session.python("peer", f"{kind} product", kind, threads) for kind in ("numpy", "torch")
        ]
        usable = [product for product in products if session.ready(product, "product") is not None]
        for beads in session.options.beads:
            for molecules in session.options.molecules:
                measure_cell(session, [*peers, *usable], beads, molecules, threads)
        session.close([*peers, *products])


def derive(session: Session) -> None:
    """What follows from all rows of a number of threads together: floors and ratios."""
    one_thread = {
        (row["beads"], row["molecules"]): row["score"]
        for row in session.rows
        if row["threads"] == 1
    }
    for threads in session.options.threads:
        rows = [row for row in session.rows if row["threads"] == threads]
        product = 2.0 * PRODUCT_SIZE**3
        peak = best_rate(rows, product, "numpy product", "torch product")
        bandwidth = best_rate(rows, float(rows[0]["weight bytes"]), "read")
        session.note(
            f"{threads} threads: matrix products {1e-9 * peak:.0f} Gflop/s, "
            f"reading the weights {1e-9 * bandwidth:.1f} GB/s"
        )
        for row in rows:
            score = float(row["score"])
            floor = 1e3 * float(row["operations"]) / peak
            bound = max(floor, 1e3 * float(row["weight bytes"]) / bandwidth)
            row.update({"peak": peak, "bandwidth": bandwidth, "floor": floor, "bound": bound})
            row.update({"x floor": score / floor, "x bound": score / bound})
            row["Mflop"] = 1e-6 * float(row["operations"])
            for name in ("reference", *PEERS):
                if name in row:
                    row[f"{name}/score"] = float(row[name]) / score
            if threads > 1 and (row["beads"], row["molecules"]) in one_thread:
                row["speed-up"] = float(one_thread[row["beads"], row["molecules"]]) / score


def print_table(session: Session) -> None:
    errors = [value for row in session.rows for key, value in row.items() if key.endswith(" error")]
    largest = max(map(float, errors))
    session.note(f"Largest difference of a force to Reference's: {largest:.2g} of the rms force.")
    columns = {
        "beads": "beads",
        "molecules": "molecules",
        "threads": "threads",
        "x floor": "x floor",
        "x bound": "x bound",
        "speed-up": "speed-up",
        "reference/score": "Reference",
        **{f"{name}/score": title for name, title in PEERS.items()},
        "score": "ms",
        "score median": "median ms",
        "Mflop": "Mflop",
        "MB": "MB",
    }
    present = {key for row in session.rows for key in row}
    session.finish({key: title for key, title in columns.items() if key in present})


def options() -> argparse.Namespace:
    result = parser("Energy and forces, beside other programs'.", SUBJECTS)
    result.add_argument("--beads", type=integers, default=[5, 10, 20, 28, 35, 56], metavar="N,...")
    result.add_argument("--molecules", type=integers, default=[1, 8, 64], metavar="N,...")
    return result.parse_args()


def main() -> None:
    with Session(options()) as session:
        measure(session)
        derive(session)
        note_disturbances(session)
        print_table(session)


if __name__ == "__main__":
    main()
