"""Arguments as the C++ side takes them: plain, of one type, checked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from openmm import unit

__all__ = [
    "as_array",
    "as_copies",
    "as_count",
    "as_integers",
    "as_number",
    "as_positive",
    "as_seed",
    "as_steps",
    "as_threads",
    "in_unit",
]

_MOST_STEPS = 10**12  # 2 ms at 2 fs
_MOST_THREADS = 1024  # OpenMM aborts where it cannot start them


def as_number(name: str, value: Any, in_unit: Any = unit.dimensionless) -> float:
    """A number or Quantity as a float in `in_unit`; ValueError with the value where it is none."""
    if unit.is_quantity(value):
        if not value.unit.is_compatible(in_unit):
            raise ValueError(f"{name} is {value}, must have the unit {in_unit}")
        value = value.value_in_unit(in_unit)
    if isinstance(value, (bool, np.bool_, str, bytes)):
        raise ValueError(f"{name} is {value!r}, must be a number")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {value!r}, must be a number") from None


def as_positive(name: str, value: Any, in_unit: Any = unit.dimensionless) -> float:
    """As `as_number`, positive and finite."""
    number = as_number(name, value, in_unit)
    if not 0 < number < math.inf:
        raise ValueError(f"{name} is {value}, must be positive")
    return number


def as_steps(name: str, time: Any, step_ps: float) -> int:
    """How many steps of `step_ps` a time takes, in ps or a Quantity, rounded up.

    A step may be several of the integrator's. ValueError where time is negative or too long.
    """
    time_ps = as_number(name, time, unit.picosecond)
    if not 0 <= time_ps < math.inf:
        raise ValueError(f"{name} is {time}, must not be negative or infinite")
    if time_ps > _MOST_STEPS * step_ps:
        raise ValueError(f"{name} is {time}, more than {_MOST_STEPS:g} times {step_ps:g} ps")
    return math.ceil(time_ps / step_ps - 1e-9)


def as_count(name: str, value: Any, least: int = 1) -> int:
    """An integer of any kind; least: 0 or 1."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        kind = "positive" if least else "non-negative"
        raise ValueError(f"{name} is {value!r}, must be a {kind} integer")
    return int(value)


def as_threads(name: str, value: Any) -> int:
    """A number of threads that can be started."""
    count = as_count(name, value)
    if count > _MOST_THREADS:
        raise ValueError(f"{name} is {count}, must be at most {_MOST_THREADS}")
    return count


def as_seed(name: str, value: Any) -> int:
    """From 0 to 2^63 - 1, as files can hold it."""
    seed = as_count(name, value, least=0)
    if seed >= 2**63:
        raise ValueError(f"{name} is {seed}, must be less than 2^63")
    return seed


def as_integers(name: str, values: Iterable[Any] | ArrayLike, rows: int | None = None) -> list[int]:
    """A sequence of integers of any kind as a list; also an array of `rows` rows, if given, row
    after row."""
    array = np.asarray(list(values) if isinstance(values, Iterator) else values)
    if array.ndim == 0:
        raise ValueError(f"{name} are {values!r}, must be integers")
    if array.ndim != 1 and (array.ndim != 2 or len(array) != rows):
        allowed = "one dimension" if rows is None else f"one dimension or {rows} rows"
        raise ValueError(f"{name} have the shape {array.shape}, must have {allowed}")
    if array.size == 0:
        return []
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} are {values!r}, must be integers")
    limits = np.iinfo(np.intc)
    wrong = array[(array < limits.min) | (array > limits.max)]
    if wrong.size:
        raise ValueError(f"{name} have {wrong[0]}, must be from {limits.min} to {limits.max}")
    return [int(value) for value in array.ravel()]


def as_array(name: str, values: Any, in_unit: Any) -> NDArray[np.float64]:
    """Numbers, or a Quantity of them, as a C-contiguous array of doubles in `in_unit`."""
    if unit.is_quantity(values):
        if not values.unit.is_compatible(in_unit):
            raise ValueError(f"{name} have the unit {values.unit}, must have {in_unit}")
        values = values.value_in_unit(in_unit)
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} are no array: {error}") from None
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} have the type {array.dtype}, must be numbers")
    array = np.ascontiguousarray(array, np.float64)
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        index = tuple(int(i) for i in wrong[0])
        raise ValueError(f"{name}[{', '.join(map(str, index))}] is {array[index]}, must be finite")
    return array


def in_unit(name: str, values: Any, wanted: Any) -> Any:
    """A Quantity of numbers, or a sequence of Quantities, in `wanted`; other values as they are."""
    if isinstance(values, (list, tuple)) and any(unit.is_quantity(each) for each in values):
        return [as_number(name, each, wanted) for each in values]
    if not unit.is_quantity(values):
        return values
    if not values.unit.is_compatible(wanted):
        raise ValueError(f"{name} have the unit {values.unit}, must have {wanted}")
    return values.value_in_unit(wanted)


def as_copies(name: str, values: Any) -> NDArray[np.int64]:
    """Labels of copies: integers that a file can hold, 32 bits."""
    labels = np.asarray(values)
    if labels.dtype.kind not in "iu" and labels.size:
        raise ValueError(f"{name} are {labels.dtype}, must be integers")
    limits = np.iinfo(np.int32)
    wrong = labels[(labels < limits.min) | (labels > limits.max)]
    if wrong.size:
        raise ValueError(f"{name} have {wrong[0]}, must be from {limits.min} to {limits.max}")
    return np.asarray(labels, np.int64)
