"""What a checkpoint holds: arrays by name, and a SHA-256 behind them.

What reads a checkpoint says of every array which numbers it may have (`Member`): a file may be
whole, and of another version of this program, or of nobody's.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..base.files import naming

__all__ = [
    "TEXT",
    "Member",
    "Members",
    "State",
    "checked",
    "from_json",
    "packed",
    "read_state",
    "to_json",
]

State: TypeAlias = dict[str, NDArray[Any]]

_DIGEST = 32  # bytes


@dataclass(frozen=True)
class Member:
    """Numbers of one dtype, kind, and shape, in which None stands for any extent; integers and
    floats from least to most, and finite."""

    kind: str
    shape: tuple[int | None, ...] = ()
    least: float = -math.inf
    most: float = math.inf

    def check(self, name: str, values: Any) -> None:
        if not isinstance(values, np.ndarray) or values.dtype != np.dtype(self.kind):
            found = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
            raise ValueError(f"{name} holds {found}, must be {np.dtype(self.kind)}")
        if len(values.shape) != len(self.shape) or any(
            wanted not in (None, found)
            for found, wanted in zip(values.shape, self.shape, strict=True)
        ):
            wanted = tuple("any" if extent is None else extent for extent in self.shape)
            raise ValueError(f"{name} has shape {values.shape}, must have {wanted}")
        if values.dtype.kind == "b":
            return
        wrong = values[~(np.isfinite(values) & (values >= self.least) & (values <= self.most))]
        if wrong.size:
            raise ValueError(f"{name} has {wrong[0]}, must be from {self.least} to {self.most}")


Members: TypeAlias = Mapping[str, Member]


def checked(path: str | os.PathLike[str], state: State, members: Members) -> State:
    """The members of a checkpoint, which may have others. ValueError names the file, and the member
    that is missing or wrong."""
    with naming(path):
        for name, member in members.items():
            if name not in state:
                raise ValueError(f"has no {name}")
            member.check(name, state[name])
    return {name: state[name] for name in members}


def packed(arrays: State) -> bytes:
    """An .npz file, and behind it its SHA-256."""
    whole = io.BytesIO()
    members: dict[str, Any] = {**arrays}
    np.savez(whole, **members)
    return whole.getvalue() + hashlib.sha256(whole.getvalue()).digest()


def read_state(path: Path) -> State:
    """ValueError, with the name, where it is no checkpoint."""
    with naming(path):
        content = path.read_bytes()
        whole, digest = content[:-_DIGEST], content[-_DIGEST:]
        if hashlib.sha256(whole).digest() != digest:
            raise ValueError("is damaged, or no checkpoint")
        with np.load(io.BytesIO(whole), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}


TEXT = Member("u1", (None,))
"""Of what `to_json` gives."""


def to_json(value: Any) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value).encode(), np.uint8)


def from_json(values: NDArray[Any]) -> Any:
    return json.loads(values.tobytes())
