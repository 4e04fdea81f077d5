"""What the commands of this package have in common: how they end, and how they go on."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable

import openmm

from .intact import STATUS, BrokenMoleculeError
from .progress import hold_standard_streams, say

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

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def run_command(command: Callable[[], int], *, failed: int = 1) -> int:
    """Runs a command and returns its exit status: `failed` where something is wrong with what it
    was given, 3 where a molecule has fallen apart, 130 where it was interrupted. What cannot be
    printed changes nothing."""
    hold_standard_streams()
    try:
        return command()
    except EXPECTED as error:
        say(f"error: {_text(error)}", error=True)
        return failed
    except BrokenMoleculeError as error:
        say(f"error: {_text(error)}", error=True)
        return STATUS
    except KeyboardInterrupt:
        say("Interrupted", error=True)
        return 130


def _text(error: BaseException) -> str:
    """In one line, whatever a path has in it."""
    return _CONTROL.sub("?", _plain_text(error))


def _plain_text(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return str(error) or type(error).__name__


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
