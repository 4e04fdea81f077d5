"""What a run writes: its frames (`openmmscore.frame_file`), and checkpoints from which it goes on.

`<path>.checkpoint` holds the state of a run that has not come to its end: arrays, and a description
of the run, which another run must not go on with. It is replaced as a whole, and never knows of
frames that are not on the disk. OpenMM's own checkpoints are in it, with positions, velocities and
random numbers, so on the Reference platform, and on the CPU platform with the same number of
threads, a run that was killed and resumed has the frames of an uninterrupted one, bit by bit.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray

from .copies import own_positions
from .files import (
    UNFINISHED,
    naming,
    naming_os_errors,
    remove_leftovers,
    replace_file,
    sync_folder,
    target_of,
)
from .frame_file import SHORTER, FrameFile, attributes_of, plain
from .model import Model
from .progress import say

__all__ = ["RunOutput", "context_state", "describe_array", "describe_file", "restore_context"]

State = dict[str, NDArray[Any]]
Weights = Callable[[NDArray[np.float32]], NDArray[np.float64]]
"""(copies,), log-weights, of (copies, beads, dimensions)."""

_THREADS = "Threads"
_DIGEST = 32  # bytes


class RunOutput:
    """The output of one run, that is begun, or gone on with.

    identity: what makes two runs the same one, numbers and texts. resume: goes on from a
    checkpoint, if there is one; without, a run that has one is not begun anew. checkpoint_s:
    seconds between checkpoints.

    saved: the state of the checkpoint, or None where the run begins. always: what every checkpoint
    has beside the state that `save` is given.

    Raises ValueError where the checkpoint or the finished file is of another run.
    """

    def __init__(
        self,
        path: Path,
        identity: Mapping[str, Any],
        *,
        resume: bool = False,
        checkpoint_s: float = 60.0,
    ) -> None:
        if not checkpoint_s >= 0:
            raise ValueError(f"checkpoint is {checkpoint_s:g} s, must not be negative")
        self.path, self.identity, self.resume = path, plain(identity), resume
        self.checkpoint_s = checkpoint_s
        target = target_of(path)
        self.checkpoint = Path(f"{target}.checkpoint")
        self._unfinished = Path(f"{target}{UNFINISHED}")
        self._file: FrameFile | None = None
        self._kept = 0
        self._weights: Weights | None = None
        self._saved_at = time.monotonic()
        self._had_trouble = False
        self.always: State = {}
        self.saved: State | None = None
        if self.checkpoint.exists():
            if not resume:
                raise ValueError(
                    f"{self.checkpoint} is of a run that has not come to its end: --resume goes on "
                    f"with it; remove it, and {self._unfinished.name}, to begin anew"
                )
            self.saved = self._read()

    def _read(self) -> State:
        with naming(self.checkpoint):
            state = _unpacked(self.checkpoint.read_bytes())
            then = json.loads(state.pop("identity").tobytes())
            for name in [*self.identity, *then]:
                _compare(name, then.get(name), self.identity.get(name))
        return state

    def open(
        self,
        model: Model,
        frames: int,
        copies: int,
        interval_ps: float,
        attributes: Mapping[str, Any],
        weights: Weights | None = None,
    ) -> bool:
        """Makes the file, or opens the one that was begun. False: the run is finished already."""
        self.frames, self._weights = frames, weights
        begun = self._unfinished.exists()
        if self.resume and not begun and self.path.exists():
            with naming(self.path):
                then = attributes_of(self.path)
                for name, value in plain(attributes).items():
                    _compare(name, then.get(name), value)
            self._remove_checkpoint()
            return False
        if self.saved is not None and not begun:
            raise ValueError(f"{self.checkpoint} is there, but not {self._unfinished.name}")
        self._file = FrameFile(
            self.path,
            model,
            frames,
            copies,
            interval_ps,
            attributes,
            weighted=weights is not None,
            anew=self.saved is None,
        )
        self._remove_leftovers()  # nobody else writes there now
        return True

    def _remove_leftovers(self) -> None:
        """What a run that was killed while it wrote has left."""
        remove_leftovers(self.checkpoint)
        with suppress(OSError):
            Path(f"{target_of(self.path)}{SHORTER}").unlink()

    @property
    def file(self) -> FrameFile:
        assert self._file is not None, "open comes first"
        return self._file

    def describe(self, attributes: Mapping[str, Any]) -> None:
        """Other attributes than those that were expected, before the first frame."""
        self.file.lay_out({**self.file.attributes, **attributes})

    def add(self, number: int, positions: NDArray[np.float64]) -> None:
        """Frame `number` of every copy. positions: (copies, beads, 3), nm, as OpenMM has them."""
        own = own_positions(positions, self.file.model).astype(np.float32)
        weights = None if self._weights is None else self._weights(own)
        self.file.write(number, own, weights)
        self._kept = number + 1

    def save_if_due(self, state: Callable[[], State]) -> None:
        """A checkpoint, if the last one is old enough. A disk that is full does not end the run:
        its frames have their room."""
        if time.monotonic() - self._saved_at < self.checkpoint_s:
            return
        try:
            self.save(state())
            self._had_trouble = False
        except OSError as error:
            if not self._had_trouble:
                say(f"{error}; the run goes on without this checkpoint", error=True)
            self._had_trouble = True
        self._saved_at = time.monotonic()

    def save(self, state: State) -> None:
        """A checkpoint; the frames before it are on the disk first."""
        self.file.sync()
        identity = np.frombuffer(json.dumps(self.identity).encode(), np.uint8)
        arrays = {"identity": identity, **self.always, **state}
        replace_file(self.checkpoint, lambda file: file.write(_packed(arrays)))
        self._saved_at = time.monotonic()

    def end(self, kept: int, attributes: Mapping[str, Any], *, to_be_resumed: bool) -> None:
        """The end of a run that has `kept` frames of each copy. attributes: what a run that came
        to an early end has others of. to_be_resumed: its checkpoint and its unfinished file
        stay."""
        if kept == self.frames:
            self.file.finish()
            self._remove_checkpoint()
            return
        if kept > 0:
            self.file.finish_early(kept, {**self.file.attributes, **attributes})
        if not to_be_resumed:
            self.file.abandon()
            self._remove_checkpoint()

    def _remove_checkpoint(self) -> None:
        with naming_os_errors(self.checkpoint):
            self.checkpoint.unlink(missing_ok=True)
        sync_folder(self.checkpoint)

    def close(self) -> None:
        """Leaves an unfinished file if there is a checkpoint to go on from, or if it has frames,
        and else nothing."""
        if self._file is None:
            return
        if self.checkpoint.exists() or self._kept > 0:
            self._file.close()
        else:
            self._file.abandon()


def _packed(arrays: State) -> bytes:
    """An .npz file, and behind it its SHA-256."""
    whole = io.BytesIO()
    members: dict[str, Any] = {**arrays}
    np.savez(whole, **members)
    return whole.getvalue() + hashlib.sha256(whole.getvalue()).digest()


def _unpacked(content: bytes) -> State:
    whole, digest = content[:-_DIGEST], content[-_DIGEST:]
    if hashlib.sha256(whole).digest() != digest:
        raise ValueError("is damaged, or no checkpoint")
    with np.load(io.BytesIO(whole), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _compare(name: str, then: Any, now: Any) -> None:
    if then != now:
        raise ValueError(f"was made with {name} {then!r}, now it is {now!r}")


def context_state(context: openmm.Context) -> State:
    """OpenMM's checkpoint of a Context, and the number of threads that it is good for."""
    return {
        "context": np.frombuffer(context.createCheckpoint(), np.uint8),
        "threads": np.array(_threads(context)),
    }


def restore_context(context: openmm.Context, state: Mapping[str, Any], seed: int) -> None:
    """Everything as it was, or, with another number of threads, of which each has random numbers of
    its own: positions and velocities, and new random numbers from `seed`."""
    context.loadCheckpoint(state["context"].tobytes())
    if int(state["threads"]) == _threads(context):
        return
    kept = context.getState(positions=True, velocities=True, parameters=True)
    context.getIntegrator().setRandomNumberSeed(seed)
    context.reinitialize()
    context.setState(kept)


def _threads(context: openmm.Context) -> int:
    """0 on platforms without such a setting."""
    platform = context.getPlatform()
    if _THREADS not in platform.getPropertyNames():
        return 0
    return int(platform.getPropertyValue(context, _THREADS))


def describe_file(path: str | os.PathLike[str]) -> str:
    """What a file holds, for an identity."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe_array(values: NDArray[Any] | None) -> str:
    """Its numbers, for an identity; of None, nothing."""
    return "" if values is None else hashlib.sha256(values.tobytes()).hexdigest()
