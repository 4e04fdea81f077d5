"""Training: samples a second of score-train and of a step in JAX with the same losses.

README.md says what the table means.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.benchmarks.model_file import read_model
from tests.benchmarks.operations import Shape
from tests.benchmarks.peer import PRODUCT_SIZE
from tests.benchmarks.recipe_file import read_recipe, write_with_losses
from tests.benchmarks.session import Session, best_rate, note_disturbances, parser, words
from tests.benchmarks.training_operations import (
    classification_operations,
    dsm_operations,
    fokker_planck_operations,
)
from tests.benchmarks.workers import Worker, take_turns

PEERS = {"jax": "JAX", "jax-affine": "JAX affine"}
RECIPES = {
    "alanine": Path(__file__).parent / "alanine_dipeptide.xml",
    "chignolin": Path(__file__).parent / "chignolin.xml",
}


@dataclass(frozen=True)
class Losses:
    """What is trained on: denoising score matching and, beside it, these elements of a recipe."""

    title: str
    beside: Mapping[str, Mapping[str, str]]
    operations: Callable[[Shape], int]


LOSSES = {
    "dsm": Losses("DSM", {}, dsm_operations),
    "fp": Losses(
        "DSM + FP", {"FokkerPlanck": {"weight": "5e-4", "share": "1"}}, fokker_planck_operations
    ),
    "classification": Losses(
        "DSM + classification",
        {"TimeClassification": {"weight": "3", "width": "0.8", "variance": "7e-4"}},
        classification_operations,
    ),
}
KINDS = ("denoising", "Fokker-Planck", "classification")  # the losses of a step; 0: not used
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


@dataclass(frozen=True)
class Means:
    """Of the losses of the first steps, by KINDS, and their standard errors."""

    means: NDArray[np.float64]
    errors: NDArray[np.float64]


def _first_losses(session: Session, worker: Worker) -> Means:
    path = session.scratch / "losses"
    worker.ask("time", CHECKED_STEPS, 0)
    worker.ask("write", path)
    losses = np.fromfile(path, "<f8").reshape(-1, len(KINDS))[:CHECKED_STEPS]
    errors = np.std(losses, axis=0, ddof=1) / np.sqrt(len(losses))
    return Means(np.mean(losses, axis=0), errors)


def _check(name: str, peer: Means, score: Means) -> None:
    """Ends the benchmark where a peer's losses are not score-train's: the times would not be of the
    same work."""
    errors = np.hypot(peer.errors, score.errors)
    for k, kind in enumerate(KINDS):
        if not abs(peer.means[k] - score.means[k]) <= STANDARD_ERRORS * errors[k]:
            sys.exit(
                f"{name}: the first {CHECKED_STEPS} {kind} losses are {peer.means[k]:.4g} "
                f"+- {peer.errors[k]:.2g} in the mean, score-train's {score.means[k]:.4g} "
                f"+- {score.errors[k]:.2g}"
            )


def measure_row(
    session: Session,
    peers: Sequence[Worker],
    products: Sequence[Worker],
    system: str,
    losses: Losses,
    threads: int,
) -> None:
    recipe, initial = session.scratch / "recipe.xml", session.scratch / "initial.xml"
    write_with_losses(_recipe(session, system), losses.beside, recipe)
    score = session.core("score", threads)
    score.ask("train", recipe, threads, initial)
    network = read_model(initial).network
    shape = Shape(network.beads, network.hidden, network.layers, network.heads, network.head_width)
    row: dict[str, str | int | float] = {
        "system": system,
        "losses": losses.title,
        "threads": threads,
        "batch": read_recipe(recipe).batch,
        "operations": losses.operations(shape),
    }
    first = _first_losses(session, score)
    row |= {f"{kind} loss": float(mean) for kind, mean in zip(KINDS, first.means, strict=True)}
    taking_part = [score, *products]
    for peer in peers:
        if (form := session.ready(peer, "train", recipe, initial)) is None:
            continue
        row[f"{peer.name} form"] = form[0]
        _check(f"{peer.name}, {system}, {losses.title}", _first_losses(session, peer), first)
        taking_part.append(peer)
    session.add_row(row, take_turns(taking_part, session.effort))
    session.close([score])


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
            for losses in session.options.losses:
                measure_row(session, peers, usable, system, LOSSES[losses], threads)
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
    result.add_argument(
        "--losses",
        type=words,
        default=list(LOSSES),
        metavar="NAME,...",
        help=f"sets of losses; all: {','.join(LOSSES)}",
    )
    options = result.parse_args()
    for words_given, known in ((options.systems, RECIPES), (options.losses, LOSSES)):
        for word in words_given:
            if word not in known:
                result.error(f"{word}: must be one of {', '.join(known)}")
    return options


def main() -> None:
    with Session(options()) as session:
        measure(session)
        derive(session)
        note_disturbances(session)
        session.finish(
            {
                "system": "recipe",
                "losses": "losses",
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
