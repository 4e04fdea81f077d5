"""Whether an HDF5 data set holds what it claims.

What was never written, what a source of a virtual data set or a raw file lacks, and what none of
them fills, reads as zeros, and a file of a few kB can claim any size. score-train looks at the same
(plugin/trainer/data/hdf5_written.h, hdf5_sources.h).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import h5py
import numpy as np

from .hdf5_links import check_links, places
from .hdf5_slab import Slab, read_slab, select_more
from .hdf5_units import USUAL, same_unit

__all__ = ["attribute_text", "check_filters", "check_written"]

_MOST_DEPTH = 4
_FILTERS = {  # https://portal.hdfgroup.org/documentation/hdf5-docs/registered_filters.html
    305: "lzo", 307: "bzip2", 32000: "lzf", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle",
    32013: "zfp", 32015: "zstd", 32017: "sz", 32026: "blosc2",
}  # fmt: skip


def check_filters(dataset: h5py.Dataset, name: str) -> None:
    """ValueError where the data set is compressed in a way that this HDF5 does not know."""
    plan = dataset.id.get_create_plist()
    for k in range(plan.get_nfilters()):
        code, _, _, label = plan.get_filter(k)
        if not h5py.h5z.filter_avail(code):
            text = label.decode(errors="replace").rstrip("\0")
            raise ValueError(
                f"data set {name} is compressed with {_FILTERS.get(code) or text or 'unknown'} "
                f"(filter {code}), which this HDF5 does not have: h5repack -f GZIP=5, where it "
                "has, makes a file that can be read"
            )


def attribute_text(dataset: h5py.Dataset, name: str) -> str | None:
    """The single text of an attribute, without spaces at its end, as Fortran fills it up; empty
    where it is none; None without it."""
    if name not in dataset.attrs:
        return None
    value = dataset.attrs[name]
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.ravel()[0]
    if isinstance(value, bytes):
        value = value.partition(b"\0")[0].decode(errors="surrogateescape")
    return value.rstrip(" ") if isinstance(value, str) else ""


def check_written(dataset: h5py.Dataset, name: str) -> None:
    """ValueError, with what is missing, where the data set claims more than there is."""
    _Claim(name).check(dataset)


@dataclass(frozen=True)
class _Claim:
    """What is looked at. source: the file of a data set that `name` is put together from, depth
    such steps away."""

    name: str
    source: str = ""
    depth: int = 0

    def refuse(self, what: str) -> ValueError:
        if self.source:
            return ValueError(
                f"data set {self.name} needs frames of {self.source} that were never written: "
                f"{what}"
            )
        return ValueError(f"data set {self.name} claims frames that were never written: {what}")

    def refuse_source(self, what: str) -> ValueError:
        return ValueError(f"data set {self.name} is put together from others, and {what}")

    def check(self, dataset: h5py.Dataset) -> None:
        if not dataset.size:
            return
        plan = dataset.id.get_create_plist()
        layout = plan.get_layout()
        if layout == h5py.h5d.CHUNKED:
            self._check_chunks(dataset)
        elif layout == h5py.h5d.VIRTUAL:
            self._check_prefix("HDF5_VDS_PREFIX")
            self._check_sources(dataset)
        elif plan.get_external_count():
            self._check_prefix("HDF5_EXTFILE_PREFIX")
            self._check_raw_files(dataset, plan)
        elif layout == h5py.h5d.CONTIGUOUS and (
            dataset.id.get_space_status() != h5py.h5d.SPACE_STATUS_ALLOCATED
        ):
            raise self.refuse("nothing of it is there")

    def _check_prefix(self, variable: str) -> None:
        """Such a variable makes HDF5 read other files than those that are looked at here."""
        prefix = os.environ.get(variable)
        if prefix:
            raise ValueError(
                f"data set {self.name} is in other files, and the environment's "
                f"{variable}={prefix!r} leads HDF5 away from them: unset it"
            )

    def _check_chunks(self, dataset: h5py.Dataset) -> None:
        expected = 1
        for size, chunk in zip(dataset.shape, dataset.chunks, strict=True):
            expected *= -(-size // chunk)
        found = dataset.id.get_num_chunks()
        if found != expected:
            raise self.refuse(f"it has {found} of {expected} chunks")

    def _check_raw_files(self, dataset: h5py.Dataset, plan: Any) -> None:
        left = dataset.size * dataset.id.get_type().get_size()
        for k in range(plan.get_external_count()):
            if not left:
                return
            found, offset, size = plan.get_external(k)
            name = os.fsdecode(found)
            taken = min(int(size) % 2**64, left)  # without end: -1
            left -= taken
            if not os.path.exists(name):
                raise self.refuse(f"its raw file {name} is missing")
            if not os.path.isfile(name):
                raise self.refuse(f"its raw file {name} is no regular file")
            there = os.path.getsize(name)
            if there < offset + taken:
                raise self.refuse(f"its raw file {name} has {there} bytes of {offset + taken}")
        if left:
            raise self.refuse("its raw files are too few")

    def _check_sources(self, dataset: h5py.Dataset) -> None:
        filled = dataset.id.get_space()
        filled.select_none()
        for part in dataset.virtual_sources():
            slab = read_slab(part.vspace)
            if slab is None or slab.endless is None:
                everything = part.vspace.get_select_type() == h5py.h5s.SEL_ALL
                wanted = dataset.size if everything else part.vspace.get_select_npoints()
                self._check_source(dataset, part, 0, wanted)
                select_more(filled, part.vspace)
                continue
            room = slab.below(slab.endless, dataset.shape[slab.endless])
            if "%b" in part.file_name or "%b" in part.dset_name:
                self._check_numbered(dataset, part, slab)
            else:
                room = min(room, self._check_source(dataset, part, 0, None))
            slab.select(filled, room)
        count = filled.get_select_npoints()
        if count != dataset.size:
            raise self.refuse(f"its sources fill {count} of {dataset.size} numbers")

    def _check_numbered(self, dataset: h5py.Dataset, part: Any, slab: Slab) -> None:
        """Blocks without end, each of a source of its own: all that begin inside of the set."""
        k, size = slab.endless, 1
        assert k is not None
        for j in range(len(slab.start)):
            size *= slab.block[j] if j == k else slab.count[j] * slab.block[j]
        for block, _ in enumerate(range(slab.start[k], dataset.shape[k], slab.stride[k])):
            self._check_source(dataset, part, block, size)

    def _check_source(
        self, dataset: h5py.Dataset, part: Any, block: int, wanted: int | None
    ) -> int:
        """How far the source of a block goes along the endless dimension of what is taken of it.
        wanted: how many numbers, if that is known."""
        file, name = (_resolve(text, block) for text in (part.file_name, part.dset_name))
        with self._open(dataset, file) as origin:
            check_links(origin, name)
            found = origin.get(name)
            if not isinstance(found, h5py.Dataset):
                raise self.refuse_source(f"{name} of {file} is missing")
            if self.depth == _MOST_DEPTH:
                raise self.refuse_source("these again from others, too often")
            if found.dtype.kind != dataset.dtype.kind:
                raise self.refuse_source(f"numbers of another kind are in {file}")
            self._check_units(dataset, found, file)
            check_filters(found, self.name)
            inner = replace(self, source=file, depth=self.depth + 1)
            available = _reach(found, part.src_space, wanted)
            if available is None:
                raise inner.refuse("it has fewer")
            inner.check(found)
        return available

    def _check_units(self, dataset: h5py.Dataset, source: h5py.Dataset, where: str) -> None:
        """HDF5 does not convert: the units of a source must be those of the set."""
        own, found = (attribute_text(each, "units") for each in (dataset, source))
        if found is None:
            return
        allowed = USUAL if own is None else (same_unit(own),)
        if same_unit(found) not in allowed:
            raise self.refuse_source(f"that of {where} has units {found!r}, which are not its own")

    @contextmanager
    def _open(self, dataset: h5py.Dataset, name: str) -> Iterator[h5py.File]:
        if name == ".":
            yield dataset.file
            return
        there = [path for path in places(dataset.file.filename, name) if os.path.isfile(path)]
        if not there:
            raise self.refuse_source(f"{name} is missing")
        if not h5py.is_hdf5(there[0]):
            raise self.refuse_source(f"{name} is no HDF5 file")
        with h5py.File(there[0], "r") as file:
            yield file


def _resolve(pattern: str, block: int) -> str:
    """A name, with the number of the block in it, if it has a place for that."""
    return re.sub("%[b%]", lambda found: str(block) if found[0] == "%b" else "%", pattern)


def _reach(source: h5py.Dataset, selection: Any, wanted: int | None) -> int | None:
    """None where the source has not all that is taken of it. A file says of a mapping of the whole
    source no more than that."""
    if selection.get_select_type() == h5py.h5s.SEL_ALL:
        return 0 if wanted in (None, source.size) else None
    slab = read_slab(selection)
    if slab is not None and slab.endless is not None:
        if len(slab.start) != source.ndim:
            return None
        for k, size in enumerate(source.shape):
            if k != slab.endless and slab.below(k, size) != slab.count[k] * slab.block[k]:
                return None
        return slab.below(slab.endless, source.shape[slab.endless])
    last = selection.get_select_bounds()[1]
    fits = len(last) == source.ndim and all(
        end < size for end, size in zip(last, source.shape, strict=True)
    )
    return 0 if fits else None
