"""Selections of HDF5's that are regular, and may go on for ever along one dimension."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import h5py

__all__ = ["Slab", "read_slab", "select_more"]

_UNLIMITED = 2**64 - 1


@dataclass(frozen=True)
class Slab:
    """Along each dimension `count` blocks of `block` numbers, `stride` apart from `start` on."""

    start: tuple[int, ...]
    stride: tuple[int, ...]
    count: tuple[int, ...]
    block: tuple[int, ...]

    @property
    def endless(self) -> int | None:
        """The dimension along which there is no end."""
        for k, (count, block) in enumerate(zip(self.count, self.block, strict=True)):
            if _UNLIMITED in (count, block):
                return k
        return None

    def below(self, k: int, size: int) -> int:
        """How many places along dimension k are below `size`."""
        length = max(0, size - self.start[k])
        if self.block[k] == _UNLIMITED:
            return length
        whole, rest = divmod(length, self.stride[k])
        if whole >= self.count[k]:
            return self.count[k] * self.block[k]
        return whole * self.block[k] + min(rest, self.block[k])

    def select(self, space: Any, count: int) -> None:
        """Adds it to what is selected of a space, the first `count` places of it along its endless
        dimension, if it has one."""
        k = self.endless
        if k is None:
            self._select_blocks(space, 0, 0, self.count[0], self.block[0])
        elif self.block[k] == _UNLIMITED:
            self._select_blocks(space, k, 0, 1, count)
        else:
            whole, rest = divmod(count, self.block[k])
            self._select_blocks(space, k, 0, whole, self.block[k])
            self._select_blocks(space, k, whole, 1, rest)

    def _select_blocks(self, space: Any, k: int, skipped: int, count: int, block: int) -> None:
        if count and block:
            part = replace(
                self,
                start=_with(self.start, k, self.start[k] + skipped * self.stride[k]),
                count=_with(self.count, k, count),
                block=_with(self.block, k, block),
            )
            space.select_hyperslab(
                part.start, part.count, part.stride, part.block, op=h5py.h5s.SELECT_OR
            )


def _with(values: tuple[int, ...], k: int, value: int) -> tuple[int, ...]:
    return (*values[:k], value, *values[k + 1 :])


def read_slab(space: Any) -> Slab | None:
    """None where the selection is not regular."""
    if space.get_select_type() != h5py.h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        return None
    return Slab(*(tuple(int(n) for n in numbers) for numbers in space.get_regular_hyperslab()))


def select_more(space: Any, selection: Any) -> None:
    """Adds to what is selected of a space any selection that has an end."""
    if selection.get_select_type() == h5py.h5s.SEL_ALL:
        space.select_all()
        return
    slab = read_slab(selection)
    if slab is not None:
        slab.select(space, 0)
        return
    for first, last in selection.get_select_hyper_blocklist():
        size = tuple(int(n) for n in last - first + 1)
        Slab(tuple(int(n) for n in first), size, (1,) * len(size), size).select(space, 0)
