"""What several commands have in common: their name in --help, options, and what these make."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from openmm import unit

from .model.model import Model
from .model.reach import FACTOR, BrokenMoleculeError
from .sampling.watch import Watch

__all__ = [
    "add_allow_broken",
    "add_resuming",
    "add_simulation",
    "program",
    "watch_of",
]

_SCRIPTS = "score-"


def program(module: str) -> str:
    """A command as it was called: the name of its script, or its module below this package."""
    name = Path(sys.argv[0]).name
    return name if name.startswith(_SCRIPTS) else f"python -m {__package__}.{module}"


def add_simulation(
    parser: argparse.ArgumentParser, *, copies: int, time_ps: float, equilibration_ps: float
) -> None:
    """The options of a simulation, with these defaults."""
    parser.add_argument("model", type=Path, help="model file, .xml or .xml.gz")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help="frames to write, .h5; or .npy (frames, beads, dimensions), with <stem>_copy.npy",
    )
    parser.add_argument("--copies", type=int, default=copies, help=f"independent copies ({copies})")
    parser.add_argument("--time", type=float, default=time_ps, help=f"production, ps ({time_ps:g})")
    parser.add_argument(
        "--equilibration",
        type=float,
        default=equilibration_ps,
        help=f"discarded, ps ({equilibration_ps:g})",
    )
    parser.add_argument("--timestep", type=float, default=0.002, help="ps (.002)")
    parser.add_argument("--friction", type=float, default=1.0, help="1/ps (1)")
    parser.add_argument(
        "--start",
        metavar="FILE[:frame]",
        help="structure of all copies, .h5, .npy or PDB; its first frame, or the frame of that "
        "number; FILE:each starts every copy from a frame of its own, in turn (the model's own "
        "frame)",
    )
    parser.add_argument("--platform", default="CPU", help="OpenMM platform (CPU)")
    parser.add_argument("--seed", type=int, default=1)
    add_allow_broken(parser)
    add_resuming(parser)


def add_allow_broken(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-broken",
        action="store_true",
        help="go on where a molecule has fallen apart (farther than "
        f"{FACTOR:g} times the range of the data) or the kinetic temperature is wrong, and only "
        f"say so (ends with exit status {BrokenMoleculeError.status})",
    )


def add_resuming(parser: argparse.ArgumentParser) -> None:
    """Those of `openmmscore.sampling.run_output.RunOutput`."""
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from the output's checkpoint, if there is one, with the same other options",
    )
    parser.add_argument(
        "--checkpoint",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="between checkpoints (60)",
    )


def watch_of(options: argparse.Namespace, model: Model, diffusion_time: float = 1e-5) -> Watch:
    at_k, allow = model.temperature.value_in_unit(unit.kelvin), options.allow_broken
    return Watch(model, at_k, options.friction, options.timestep, diffusion_time, allow)
