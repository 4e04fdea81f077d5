"""What several commands have in common: their name in --help, and options."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .model.reach import FACTOR, BrokenMoleculeError

__all__ = ["add_allow_broken", "add_resuming", "program"]

_SCRIPTS = "score-"


def program(module: str) -> str:
    """A command as it was called: the name of its script, or its module below this package."""
    name = Path(sys.argv[0]).name
    return name if name.startswith(_SCRIPTS) else f"python -m {__package__}.{module}"


def add_allow_broken(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-broken",
        action="store_true",
        help="go on where a molecule has fallen apart (farther than "
        f"{FACTOR:g} times the range of the data) or the kinetic temperature is wrong, and only "
        f"say so (ends with exit status {BrokenMoleculeError.status})",
    )


def add_resuming(parser: argparse.ArgumentParser) -> None:
    """The options of `openmmscore.sampling.run_output.RunOutput`."""
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
