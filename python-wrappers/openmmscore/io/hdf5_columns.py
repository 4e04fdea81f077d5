"""Data sets, texts and attributes of an HDF5 file of frames, with what must hold of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from .hdf5_storage import attribute_text, check_filters, check_written

__all__ = [
    "has",
    "plain",
    "read_column",
    "read_text",
    "root_attributes",
]


def has(file: h5py.File, name: str) -> bool:
    """Whether the file has something of this name, be it a link that leads nowhere."""
    return bool(file.id.links.exists(name.encode()))


def read_column(
    file: h5py.File, name: str, kinds: str, units: Mapping[str, float] | None = None
) -> NDArray[Any]:
    """A data set of numbers of these kinds, in the first of the units."""
    dataset = _dataset(file, name)
    if dataset.dtype.kind not in kinds:
        wanted = "integers" if "f" not in kinds else "floating-point numbers"
        raise ValueError(f"data set {name} holds {dataset.dtype}, must be {wanted}")
    if dataset.shape is None:
        raise ValueError(f"data set {name} holds nothing")
    if dataset.ndim == 0:
        raise ValueError(f"data set {name} is a single number")
    check_filters(dataset, name)
    check_written(dataset, name)
    factor = 1.0 if units is None else _factor(dataset, name, units)
    values = np.asarray(dataset[()])
    if factor == 1:
        return values
    kept = values.dtype.newbyteorder("=") if values.dtype.kind == "f" else np.dtype(np.float64)
    return np.asarray(values.astype(np.float64) * factor, kept)


def _dataset(file: h5py.File, name: str) -> h5py.Dataset:
    if not has(file, name):
        raise ValueError(f"has no data set {name!r}")
    try:
        dataset = file[name]
    except (KeyError, OSError, RuntimeError) as error:
        text = error.args[0] if error.args else error
        raise ValueError(f"data set {name} cannot be opened: {text}") from error
    if not isinstance(dataset, h5py.Dataset):
        raise ValueError(f"{name} is no data set")
    return dataset


def _factor(dataset: h5py.Dataset, name: str, units: Mapping[str, float]) -> float:
    found = attribute_text(dataset, "units")
    if found is None:
        return 1.0
    if not found:
        raise ValueError(f"data set {name} has an attribute 'units' that is not a text")
    if found not in units:
        raise ValueError(f"{name} have units {found!r}, must be one of {', '.join(units)}")
    return units[found]


def read_text(file: h5py.File, name: str) -> str:
    """The single text of a data set."""
    dataset = _dataset(file, name)
    check_filters(dataset, name)
    text = _single(dataset[()]) if dataset.dtype.kind in "SO" else None
    if not isinstance(text, str):
        raise ValueError(f"data set {name} is not a single text, but {dataset.dtype}")
    return text


def root_attributes(file: h5py.File) -> dict[str, Any]:
    """Those that can be read: others are none that this package has written."""
    found = {}
    for name in file.attrs:
        try:
            found[str(name)] = plain(file.attrs[name])
        except (KeyError, OSError, RuntimeError, TypeError, ValueError):
            continue
    return found


def plain(value: Any) -> Any:
    """Text as str, a number as Python has it; other values as they are."""
    if isinstance(value, bytes):
        return value.partition(b"\0")[0].decode(errors="surrogateescape")
    return value.item() if isinstance(value, np.generic) and not isinstance(value, str) else value


def _single(value: Any) -> Any:
    """Of an array of one value, that one."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.ravel()[0]
    return plain(value)
