"""What the commands of this package have in common: how they end, and how they go on."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import openmm

from .intact import STATUS, BrokenMoleculeError
from .progress import hold_standard_streams, say, text_of

__all__ = ["EXPECTED", "add_resuming", "run_command"]

EXPECTED = (
    ImportError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    openmm.OpenMMException,
)
"""What a user's mistake or the machine brings about, and is told in one line."""


def run_command(command: Callable[[], int], *, failed: int = 1) -> int:
    """Runs a command and returns its exit status: `failed` where something is wrong with what it
    was given, 3 where a molecule has fallen apart, 130 where it was interrupted. What cannot be
    printed changes nothing."""
    hold_standard_streams()
    try:
        return command()
    except EXPECTED as error:
        say(f"error: {text_of(error)}", error=True)
        return failed
    except BrokenMoleculeError as error:
        say(f"error: {text_of(error)}", error=True)
        return STATUS
    except KeyboardInterrupt:
        say("Interrupted", error=True)
        return 130


def add_resuming(parser: argparse.ArgumentParser) -> None:
    """The options of `openmmscore.run_output.RunOutput`."""
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
