"""Training: samples a second of score-train and of a step in JAX with the same loss.

README.md says what the table means.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tests.benchmarks.model_file import read_model
from tests.benchmarks.operations import Shape, dsm_operations
from tests.benchmarks.peer import PRODUCT_SIZE
from tests.benchmarks.recipe_file import read_recipe
from tests.benchmarks.session import Session, best_rate, note_disturbances, parser, words
from tests.benchmarks.table import ROOT
from tests.benchmarks.workers import Worker, take_turns

PEERS = {"jax": "JAX", "jax-affine": "JAX affine"}
RECIPES = {
    "alanine": ROOT / "examples/alanine_dipeptide/recipe.xml",
    "chignolin": Path(__file__).parent / "chignolin.xml",
}
CHECKED_STEPS = 40
# Losses of different random numbers differ by chance; by more than this many standard errors in one
# run of a hundred thousand.
STANDARD_ERRORS = 4.5


def _recipe(session: Session, system: str) -> Path:
    """The recipe's path; where its data are made up, they and it are in the scratch folder."""
    path = RECIPES[system]
    if system != "chignolin":
        return path
    bonds = np.random.default_rng(1).normal(size=(2000, 10, 3))
    bonds *= 0.38 / np.linalg.norm(bonds, axis=-1, keepdims=True)
    np.save(session.scratch / "chignolin.npy", np.cumsum(bonds, axis=1))
    shutil.copy(path, session.scratch)
    return session.scratch / path.name


def _losses(session: Session, worker: Worker) -> tuple[float, float]:
    """Mean loss of the first steps, and its standard error."""
    path = session.scratch / "losses"
    worker.ask("time", CHECKED_STEPS, 0)
    worker.ask("write", path)
    losses = np.fromfile(path, "<f8")[:CHECKED_STEPS]
    return float(np.mean(losses)), float(np.std(losses, ddof=1) / np.sqrt(len(losses)))


def measure_row(
    session: Session, peers: Sequence[Worker], products: Sequence[Worker], system: str, threads: int
) -> None:
    recipe, initial = _recipe(session, system), session.scratch / "initial.xml"
    score = session.core("score", threads)
    score.ask("train", recipe, threads, initial)
    network = read_model(initial).network
    shape = Shape(network.beads, network.hidden, network.layers, network.heads, network.head_width)
    row: dict[str, str | int | float] = {
        "system": system,
        "loss": "DSM",
        "threads": threads,
        "batch": read_recipe(recipe).batch,
        "operations": dsm_operations(shape),
    }
    mean, error = _losses(session, score)
    row["score loss"] = mean
    taking_part = [score, *products]
    for peer in peers:
        if (form := session.ready(peer, "train", recipe, initial)) is None:
            continue
        row[f"{peer.name} form"] = form[0]
        peer_mean, peer_error = _losses(session, peer)
        row[f"{peer.name} loss"] = peer_mean
        if not abs(peer_mean - mean) <= STANDARD_ERRORS * np.hypot(error, peer_error):
            sys.exit(
                f"{peer.name}, {system}: the first {CHECKED_STEPS} losses are {peer_mean:.4f} "
                f"+- {peer_error:.4f} in the mean, score-train's {mean:.4f} +- {error:.4f}"
            )
        taking_part.append(peer)
    session.add_row(row, take_turns(taking_part, session.effort))
    session.close([score])
    print(f"{system}, {threads} threads: {row['score']:.1f} ms", file=sys.stderr, flush=True)


def measure(session: Session) -> None:
    for threads in session.options.threads:
        peers = [
            session.python("peer", name, name, threads) for name in PEERS if session.wants(name)
        ]
        products = [
            session.python("peer", f"{kind} product", kind, threads) for kind in ("numpy", "torch")
        ]
        usable = [product for product in products if session.ready(product, "product") is not None]
        for system in session.options.systems:
            measure_row(session, peers, usable, system, threads)
        session.close([*peers, *products])


def derive(session: Session) -> None:
    """What follows from the times, with the best matrix products of all rows."""
    for threads in session.options.threads:
        rows = [row for row in session.rows if row["threads"] == threads]
        peak = best_rate(rows, 2.0 * PRODUCT_SIZE**3, "numpy product", "torch product")
        session.note(f"{threads} threads: matrix products {1e-9 * peak:.0f} Gflop/s")
        for row in rows:
            sample = 1e-3 * float(row["score"]) / float(row["batch"])
            rate = float(row["operations"]) / sample
            row["samples/s"] = 1 / sample
            row["median samples/s"] = 1e3 * float(row["batch"]) / float(row["score median"])
            row["Mflop"] = 1e-6 * float(row["operations"])
            row["Gflop/s"] = 1e-9 * rate
            row["x floor"] = peak / rate
            for name in PEERS:
                if name in row:
                    row[f"{name}/score"] = float(row[name]) / float(row["score"])


def options() -> argparse.Namespace:
    result = parser("Training steps, beside JAX's.", PEERS)
    result.add_argument("--systems", type=words, default=list(RECIPES), metavar="NAME,...")
    return result.parse_args()


def main() -> None:
    with Session(options()) as session:
        measure(session)
        derive(session)
        note_disturbances(session)
        session.finish(
            {
                "system": "recipe",
                "loss": "loss",
                "threads": "threads",
                "x floor": "x floor",
                **{f"{name}/score": title for name, title in PEERS.items()},
                "samples/s": "samples/s",
                "median samples/s": "median samples/s",
                "Mflop": "Mflop a sample",
                "Gflop/s": "Gflop/s",
            }
        )


if __name__ == "__main__":
    main()
