"""How commands end."""

from __future__ import annotations

from collections.abc import Callable

import openmm

from .progress import hold_standard_streams, say, text_of

__all__ = ["EXPECTED", "CommandError", "run_command"]

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


class CommandError(Exception):
    """Ends a command with an exit status of its own. No ValueError, so that it is not taken for a
    mistake in what the command was given."""

    status = 1


def run_command(command: Callable[[], int], *, failed: int = 1) -> int:
    """Runs a command and returns its exit status: `failed` where something is wrong with what it
    was given, the status of a CommandError, 130 where it was interrupted. What cannot be
    printed changes nothing."""
    hold_standard_streams()
    try:
        return command()
    except EXPECTED as error:
        say(f"error: {text_of(error)}", error=True)
        return failed
    except CommandError as error:
        say(f"error: {text_of(error)}", error=True)
        return error.status
    except KeyboardInterrupt:
        say("Interrupted", error=True)
        return 130
