"""The text of a model file (docs/model-format.md), made of arrays, and the arrays of one."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import ArrayLike, NDArray
from openmm import unit

from ..base.values import as_number
from .parts import Bead, DataRange, Expert, Gaussian, NoiseSchedule

__all__ = ["Tensors", "expert_tensors", "model_text"]

Tensors = Mapping[str, NDArray[np.floating[Any]]]
"""Of one expert, by name."""

_TYPES: dict[str, np.dtype[Any]] = {"float32": np.dtype("<f4"), "float64": np.dtype("<f8")}


def expert_tensors(xml: str) -> tuple[dict[str, NDArray[np.floating[Any]]], ...]:
    """Of every expert. xml: of a model, so that it is known to be right."""
    experts = ElementTree.fromstring(xml).iterfind("Experts/Expert")
    return tuple(
        {each.attrib["name"]: _array(each) for each in expert.iterfind("Tensor")}
        for expert in experts
    )


def _array(tensor: ElementTree.Element) -> NDArray[np.floating[Any]]:
    data = zlib.decompress(base64.b64decode(tensor.text or ""))
    values = np.frombuffer(data, _TYPES[tensor.attrib["dtype"]])
    return values.reshape([int(word) for word in tensor.attrib["shape"].split()])


def model_text(
    tensors: Sequence[Mapping[str, ArrayLike]],
    experts: Sequence[Expert],
    beads: Sequence[Bead],
    *,
    scale: float | unit.Quantity,
    temperature: float | unit.Quantity,
    dimensions: int,
    centred: bool,
    schedule: NoiseSchedule,
    feature_sizes: Sequence[int],
    range: DataRange | None,
    gaussian: Gaussian | None,
    notes: Mapping[str, str],
) -> str:
    """See `Model.from_tensors`. What is written is checked by who reads it."""
    root = ElementTree.Element("ScoreModel", version="1")
    scale_nm = as_number("scale", scale, unit.nanometer)
    _add(root, "Coordinates", dimensions=dimensions, centred=int(centred), scale=scale_nm)
    _add(root, "Thermodynamics", temperature=as_number("temperature", temperature, unit.kelvin))
    _add(root, "Schedule", **_joined("a schedule", {"type": schedule.kind}, schedule.settings))
    if feature_sizes:
        features = _add(root, "Features")
        for size in feature_sizes:
            _add(features, "Feature", size=size)
    _add_beads(_add(root, "Beads"), beads)
    if range is not None:
        found = {
            name: as_number(name, getattr(range, name), unit.nanometer)
            for name in ("neighbours", "centre")
        }
        _add(root, "Range", **found)
    if gaussian is not None:
        _add_gaussian(_add(root, "Gaussian", over=gaussian.over), gaussian)
    if notes:
        provenance = _add(root, "Provenance")
        for name, text in notes.items():
            _add(provenance, "Note", name=name).text = text
    _add_experts(_add(root, "Experts"), tensors, experts)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode").replace("\r", "&#13;")


def _add(parent: ElementTree.Element, tag: str, /, **attributes: object) -> ElementTree.Element:
    words = {name: _word(value) for name, value in attributes.items()}
    return ElementTree.SubElement(parent, tag, words)


def _joined(
    what: str, common: Mapping[str, object], settings: Mapping[str, object]
) -> dict[str, object]:
    twice = sorted(set(common) & set(settings))
    if twice:
        raise ValueError(f"settings of {what} have {twice[0]!r}, which is none of them")
    return {**common, **settings}


def _word(value: object) -> str:
    """Of a number the shortest that is read as the same."""
    return str(value.item() if isinstance(value, np.generic) else value)


def _add_beads(parent: ElementTree.Element, beads: Sequence[Bead]) -> None:
    for k, bead in enumerate(beads):
        position = bead.position
        if unit.is_quantity(position):
            position = position.value_in_unit(unit.nanometer)
        x, y, z = (float(value) for value in position)
        mass = as_number(f"mass of bead {k}", bead.mass, unit.dalton)
        words = " ".join(map(str, bead.features))
        _add(
            parent,
            "Bead",
            name=bead.name,
            residue=bead.residue,
            residueIndex=bead.residue_index,
            mass=mass,
            x=x,
            y=y,
            z=z,
            **({"features": words} if words else {}),
        )


def _add_gaussian(parent: ElementTree.Element, gaussian: Gaussian) -> None:
    tensors: dict[str, ArrayLike] = {"variances": gaussian.variances}
    if gaussian.over != "all":
        tensors["modes"] = gaussian.directions
    if gaussian.mean is not None:
        tensors["mean"] = gaussian.mean
    _add_tensors(parent, tensors, "float64")


def _add_experts(
    parent: ElementTree.Element,
    tensors: Sequence[Mapping[str, ArrayLike]],
    experts: Sequence[Expert],
) -> None:
    if len(tensors) != len(experts):
        raise ValueError(f"tensors of {len(tensors)} experts, of which there are {len(experts)}")
    for expert, own in zip(experts, tensors, strict=True):
        single = all(np.asarray(values).dtype == np.float32 for values in own.values())
        dtype = "float32" if single else "float64"
        common = {
            "architecture": expert.architecture,
            "output": expert.output,
            "hidden": expert.hidden,
            "layers": expert.layers,
            "timeBegin": expert.t_begin,
            "timeEnd": expert.t_end,
            "base": expert.base,
            "dtype": dtype,
        }
        element = _add(parent, "Expert", **_joined("an expert", common, expert.settings))
        _add_tensors(element, own, dtype)


def _add_tensors(parent: ElementTree.Element, tensors: Mapping[str, ArrayLike], dtype: str) -> None:
    for name, values in tensors.items():
        array = np.ascontiguousarray(values, _TYPES[dtype])
        data = array.tobytes()
        shape = " ".join(map(str, array.shape))
        crc = f"{zlib.crc32(data):08x}"
        element = _add(parent, "Tensor", name=name, shape=shape, dtype=dtype, crc32=crc)
        element.text = base64.b64encode(zlib.compress(data)).decode()
