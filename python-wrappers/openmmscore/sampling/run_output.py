"""What a run writes: its frames (`openmmscore.io.frame_file`), and checkpoints from which it goes
on.

`<path>.checkpoint` holds the state of a run that has not come to its end: arrays
(`openmmscore.sampling.checkpoint`), and a description of the run, which another run must not go on
with; the files of frames hold it, too. It is replaced as a whole, never knows of frames that are
not on the disk, and knows the last of those by its SHA-256. OpenMM's own checkpoints are in it,
with positions, velocities and random numbers, so on the Reference platform, and on the CPU platform
with the same number of threads, a run that was killed and resumed has the frames of an
uninterrupted one, bit by bit.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.files import (
    UNFINISHED,
    is_locked,
    keep_usable,
    naming,
    naming_os_errors,
    remove_leftovers,
    replace_file,
    sync_folder,
    target_of,
)
from ..base.progress import say, text_of
from ..io.finished import check_finished
from ..io.frame_file import IDENTITY, FrameFile, Shape, attributes_of, plain, remove_reserved
from ..model.model import Model
from ..model.system import create_system
from .checkpoint import (
    TEXT,
    Member,
    Members,
    State,
    checked,
    from_json,
    packed,
    read_state,
    to_json,
)
from .copies import own_positions

__all__ = ["RunOutput", "describe_array", "describe_file"]

Weights = Callable[[NDArray[np.float32]], NDArray[np.float64]]
"""(copies,), log-weights, of (copies, beads, dimensions)."""

_EARLY = "ended_early"
_REPLACED = ": a finished file of other options stands there, and without --resume is replaced"
_INTERRUPTED, _STOPPED = "interrupted", "limit on time"


class RunOutput:
    """The output of one run, that is begun, or gone on with.

    identity: what makes two runs the same one, numbers and texts. resume: goes on from a
    checkpoint, if there is one; without, a run that has one is not begun anew. checkpoint_s:
    seconds between checkpoints.

    finished: what there is to say where nothing is left to do, or "". saved: the state of the
    checkpoint, or None where the run begins. kept: frames of each copy that there are. always: what
    every checkpoint has beside the state that `save` is given.

    Raises ValueError where the checkpoint, the unfinished or the finished file is of another run.
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
        self.checkpoint = target_of(f"{target}.checkpoint")
        self._unfinished = Path(f"{target}{UNFINISHED}")
        self._file: FrameFile | None = None
        self.kept = 0
        self._weights: Weights | None = None
        self._saved_at = time.monotonic()
        self._had_trouble = False
        self._missed: State | None = None
        self.always: State = {}
        self.saved: State | None = None
        self.finished, self._is_short = "", False
        begun = os.path.lexists(self._unfinished)
        if self._unfinished.is_file() and is_locked(self._unfinished):
            raise OSError(f"{self._unfinished}: is being written by another process")
        if self.checkpoint.exists():
            if not resume:
                raise self._not_anew(self.checkpoint)
            self.saved = self._read()
        if resume and not begun and self.path.exists():
            self.finished = self._read_finished()
        elif self.saved is not None and not begun:
            raise ValueError(f"{self.checkpoint} is there, but not {self._unfinished.name}")

    def _not_anew(self, path: Path) -> ValueError:
        return ValueError(
            f"{path} is of a run that has not come to its end: --resume goes on with it; remove "
            f"it, and {(self._unfinished if path == self.checkpoint else self.checkpoint).name}, "
            "to begin anew"
        )

    def _read(self) -> State:
        state = read_state(self.checkpoint)
        identity = checked(self.checkpoint, state, {IDENTITY: TEXT})[IDENTITY]
        with naming(self.checkpoint):
            self._compare(from_json(identity))
        return state

    def _compare(self, then: Any, more: str = "") -> None:
        """more: to say behind what differs."""
        if not isinstance(then, dict):
            raise ValueError(
                "does not say of which run it is: remove it, or choose another --output"
            )
        for name in [*self.identity, *then]:
            if then.get(name) != self.identity.get(name):
                raise ValueError(
                    f"was made with {name} {then.get(name)!r}, now it is "
                    f"{self.identity.get(name)!r}{more}"
                )

    def _read_finished(self) -> str:
        """What there is to say of a file that has its name."""
        attributes = attributes_of(self.path)
        with naming(self.path):
            self._compare(attributes.get(IDENTITY), _REPLACED)
            why = attributes.get(_EARLY)
            if why is None:
                return f"{self.path}: finished already"
            self._is_short = True
            if why != _STOPPED:
                raise ValueError(
                    f"is of a run that was {why}, and {self._unfinished.name} is gone: remove it "
                    "to begin anew"
                )
            return (
                f"{self.path}: finished already, short of what was asked for: it came to its {why}"
            )

    def tell_finished(self, model: Model, frames: int, copies: int) -> None:
        """Says that nothing is left to do, where the file is what such a run has made.

        frames: of each copy. Errors: of `openmmscore.io.finished.check_finished`.
        """
        each = (len(model.beads), model.dimensions)
        check_finished(self.path, each, frames, copies, is_short=self._is_short)
        self._clean_up()
        say(self.finished)

    def members(self, members: Members) -> State:
        """These of the saved state. ValueError, with the name, where one is missing or wrong."""
        assert self.saved is not None, "there must be a checkpoint"
        return checked(self.checkpoint, self.saved, members)

    def open(
        self,
        model: Model,
        frames: int,
        copies: int,
        interval_ps: float,
        attributes: Mapping[str, Any],
        weights: Weights | None = None,
    ) -> None:
        """Makes the file, or opens the one that was begun."""
        assert not self.finished, "there is nothing left to do"
        self._model, self.frames, self._weights = model, frames, weights
        topology = create_system(model)[1]
        each = (len(model.beads), model.dimensions)
        shape = Shape(*each, topology, frames, copies, interval_ps, weights is not None)
        file = FrameFile(self.path, shape, {**attributes, IDENTITY: self.identity})
        try:
            if file.is_begun:
                if not self.resume:
                    raise self._not_anew(self._unfinished)
                self._check_identity(file)
            if self.saved is None:
                file.begin()
            else:
                file.go_on()
                self._find_last_frame(file)
        except BaseException:
            file.close()
            raise
        self._file = file
        remove_leftovers(self.checkpoint)  # nobody else writes there now

    def _check_identity(self, file: FrameFile) -> None:
        """Of frames that were begun. A sidecar that had its name may have gone elsewhere with it:
        the checkpoint says whose they are."""
        then = file.identity(also_finished=self.saved is None)
        if then is not None or self.saved is None:
            with naming(self._unfinished):
                self._compare(then)

    def _find_last_frame(self, file: FrameFile) -> None:
        """The last of which the checkpoint knows: is it of this file?"""
        saved = self.members({"frames": Member("i8", (), 0, self.frames), "last_frame": TEXT})
        self.kept = int(saved["frames"])
        if self.kept > 0 and file.digest(self.kept - 1) != saved["last_frame"].tobytes():
            raise ValueError(
                f"{self._unfinished}: frame {self.kept - 1} is not that of {self.checkpoint.name}: "
                "they are of two runs"
            )

    @property
    def file(self) -> FrameFile:
        assert self._file is not None, "open comes first"
        return self._file

    def describe(self, attributes: Mapping[str, Any]) -> None:
        """Other attributes than those that were expected, before the first frame."""
        self.file.describe(attributes)

    def add(self, positions: NDArray[np.float64]) -> None:
        """The next frame of every copy. positions: (copies, beads, 3), nm, as OpenMM has them."""
        own = own_positions(positions, self._model).astype(np.float32)
        weights = None if self._weights is None else self._weights(own)
        self.file.write(self.kept, own, weights)
        self.kept += 1

    def save_if_due(self, state: Callable[[], State]) -> None:
        """A checkpoint, if the last one is old enough. A disk that is full does not end the run:
        its frames have their room."""
        if time.monotonic() - self._saved_at >= self.checkpoint_s:
            self.save_or_tell(state())

    def save_or_tell(self, state: State) -> None:
        """As `save`; where that fails, says so once."""
        try:
            self.save(state)
            self._had_trouble, self._missed = False, None
        except (OSError, ValueError) as error:
            if not self._had_trouble:
                say(f"{text_of(error)}; the run goes on without this checkpoint", error=True)
            self._had_trouble, self._missed = True, state
        self._saved_at = time.monotonic()

    def save(self, state: State) -> None:
        """A checkpoint; the frames before it are on the disk first."""
        self.file.sync()
        last = self.file.digest(self.kept - 1) if self.kept > 0 else b""
        arrays = {
            IDENTITY: to_json(self.identity),
            "frames": np.array(self.kept),
            "last_frame": np.frombuffer(last, np.uint8),
            **self.always,
            **state,
        }
        replace_file(self.checkpoint, partial(_write_checkpoint, content=packed(arrays)))
        self._saved_at = time.monotonic()

    def end(self, attributes: Mapping[str, Any], *, interrupted: bool) -> None:
        """The end of a run. attributes: what a run that came to an early end has others of.
        interrupted: its checkpoint, if there is one, and its unfinished file stay."""
        if self.kept == self.frames:
            self.file.finish()
        else:
            if self.kept > 0:
                why = _INTERRUPTED if interrupted else _STOPPED
                self.file.finish_early(self.kept, {**attributes, _EARLY: why})
            if interrupted and self._missed is not None:  # the early file has given back its room
                self.save_or_tell(self._missed)
            if interrupted and self.is_saved:
                return
            self.file.abandon()
        self._clean_up()

    @property
    def is_saved(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return self.checkpoint.exists()

    def _clean_up(self) -> None:
        """Nothing beside what is finished; what cannot be removed costs nothing."""
        try:
            with naming_os_errors(self.checkpoint):
                self.checkpoint.unlink(missing_ok=True)
                remove_leftovers(self.checkpoint)
            with naming_os_errors(self.path):
                remove_reserved(self.path)
        except OSError as error:
            say(f"{text_of(error)}; it can be removed", error=True)
        sync_folder(self.checkpoint)

    def close(self) -> None:
        """Leaves an unfinished file if there is a checkpoint to go on from, or if it has frames,
        and else nothing."""
        if self._file is None:
            return
        if self.is_saved or self.kept > 0:
            self._file.close()
        else:
            self._file.abandon()


def _write_checkpoint(file: Any, content: bytes) -> None:
    keep_usable(file.fileno())
    file.write(content)


def describe_file(path: str | os.PathLike[str]) -> str:
    """What a file holds, for an identity."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe_array(values: NDArray[Any] | None) -> str:
    """Its numbers, for an identity; of None, nothing."""
    return "" if values is None else hashlib.sha256(values.tobytes()).hexdigest()
