"""A model file as the peers need it: one energy network, its weights and its scale."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ElementTree
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import score_reference as ref

DTYPES = {"float32": "<f4", "float64": "<f8"}
MOST_BYTES = 2**30  # of one array of edges; more at once is never faster


@dataclass(frozen=True)
class ModelFile:
    network: ref.Network
    parameters: dict[str, NDArray[np.float32]]  # names and shapes as in score_reference.py
    scale_nm: float
    temperature_k: float


def _tensor(element: ElementTree.Element) -> NDArray[np.float32]:
    data = zlib.decompress(base64.b64decode("".join((element.text or "").split())))
    shape = [int(size) for size in element.attrib["shape"].split()]
    return np.frombuffer(data, DTYPES[element.attrib["dtype"]]).reshape(shape).astype(np.float32)


def read_model(path: str | Path) -> ModelFile:
    """Reads a model of one graph transformer that gives an energy, with beads known one by one."""
    root = ElementTree.parse(path).getroot()
    coordinates, (expert,) = root.find("Coordinates"), root.findall("Experts/Expert")
    temperature, beads = root.find("Thermodynamics"), root.findall("Beads/Bead")
    assert coordinates is not None
    assert temperature is not None
    network = ref.Network(
        architecture=expert.attrib["architecture"].replace("-", "_"),
        output=expert.attrib["output"],
        hidden=int(expert.attrib["hidden"]),
        layers=int(expert.attrib["layers"]),
        heads=int(expert.attrib["heads"]),
        head_width=int(expert.attrib["headWidth"]),
        beads=len(beads),
        dimensions=int(coordinates.attrib["dimensions"]),
        centred=coordinates.attrib["centred"] == "1",
        t_begin=float(expert.attrib["timeBegin"]),
        t_end=float(expert.attrib["timeEnd"]),
        time_variance=float(expert.get("timeVariance", 0)),
    )
    parameters = {tensor.attrib["name"]: _tensor(tensor) for tensor in expert.findall("Tensor")}
    shapes = {name: value.shape for name, value in parameters.items()}
    if (network.architecture, network.output) != ("graph_transformer", "energy") or shapes != (
        ref.parameter_shapes(network)
    ):
        raise ValueError(f"{path}: not a graph transformer's energy with beads known one by one")
    if expert.get("base", "none") != "none":
        raise ValueError(f"{path}: a base has no counterpart in JAX")
    return ModelFile(
        network,
        parameters,
        scale_nm=float(coordinates.attrib["scale"]),
        temperature_k=float(temperature.attrib["temperature"]),
    )


def chunk_sizes(kind: str, molecules: int, network: ref.Network) -> list[int]:
    """How many molecules to take at once: the sizes worth trying."""
    sizes = sorted({1, min(8, molecules), molecules})
    if not kind.endswith("-affine"):
        edges = 4 * network.beads**2 * network.heads * network.head_width
        sizes = [size for size in sizes if size * edges <= MOST_BYTES]
    return sizes
