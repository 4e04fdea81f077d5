"""Models small enough for tests, with random weights, written by this file's own writer of the
model format (plugin/score/weights) and not by the library under test."""

import base64
import zlib
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pytest
from numpy.typing import NDArray
from openmmscore import Model

Weights = dict[str, NDArray[np.float64]]


@dataclass
class Expert:
    """One network, with its weights by name."""

    architecture: str
    output: str
    hidden: int
    layers: int
    weights: Weights
    t_begin: float = 0.0
    t_end: float = 1.0
    heads: int = 0
    head_width: int = 0
    base: str = ""  # left out where empty

    def xml(self):
        """The network as an element of a model file."""
        attention = (
            {"heads": self.heads, "headWidth": self.head_width}
            if self.architecture == "graph-transformer"
            else {}
        )
        tensors = "".join(_tensor(name, values) for name, values in self.weights.items())
        return _element(
            "Expert",
            tensors,
            architecture=self.architecture,
            output=self.output,
            hidden=self.hidden,
            layers=self.layers,
            **attention,
            timeBegin=self.t_begin,
            timeEnd=self.t_end,
            **({"base": self.base} if self.base else {}),
            dtype="float64",
        )


@dataclass
class Gaussian:
    """What lies beneath experts with a base."""

    over: str
    variances: NDArray[np.float64]
    modes: NDArray[np.float64] | None = None
    mean: NDArray[np.float64] | None = None

    def xml(self):
        """The Gaussian as an element of a model file."""
        tensors = {"variances": self.variances, "modes": self.modes, "mean": self.mean}
        content = "".join(_tensor(k, values) for k, values in tensors.items() if values is not None)
        return _element("Gaussian", content, over=self.over)


@dataclass
class ModelText:
    """What a model file says."""

    names: list[str]
    residues: list[str]
    residue_indices: list[int]
    masses: list[float]
    frame: NDArray[np.float64]
    experts: list[Expert]
    dimensions: int = 3
    centred: int = 1
    scale: float = 0.1
    temperature: float = 300.0
    feature_sizes: tuple[int, ...] = ()
    features: list[list[int]] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    gaussian: Gaussian | None = None

    def xml(self):
        """The text of the file."""
        notes = "".join(
            _element("Note", escape(text), name=name) for name, text in self.notes.items()
        )
        sizes = "".join(_element("Feature", size=size) for size in self.feature_sizes)
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + _element(
            "ScoreModel",
            _element(
                "Coordinates", dimensions=self.dimensions, centred=self.centred, scale=self.scale
            )
            + _element("Thermodynamics", temperature=self.temperature)
            + _element("Schedule", type="variance-preserving", betaMin=0.1, betaMax=20.0)
            + (_element("Features", sizes) if sizes else "")
            + _element("Beads", "".join(self._bead(k) for k in range(len(self.names))))
            + (self.gaussian.xml() if self.gaussian else "")
            + (_element("Provenance", notes) if notes else "")
            + _element("Experts", "".join(expert.xml() for expert in self.experts)),
            version=1,
        )

    def _bead(self, k):
        position = np.zeros(3)
        position[: self.dimensions] = self.frame[k]
        attributes: dict[str, object] = dict(zip("xyz", position.tolist(), strict=True))
        if self.feature_sizes:
            attributes["features"] = " ".join(map(str, self.features[k]))
        return _element(
            "Bead",
            name=self.names[k],
            residue=self.residues[k],
            residueIndex=self.residue_indices[k],
            mass=self.masses[k],
            **attributes,
        )


def _element(tag, content="", **attributes):
    text = "".join(f" {name}={quoteattr(str(value))}" for name, value in attributes.items())
    return f"<{tag}{text}>{content}</{tag}>\n"


def _tensor(name, values):
    data = np.ascontiguousarray(values, "<f8").tobytes()
    return _element(
        "Tensor",
        base64.b64encode(zlib.compress(data)).decode(),
        name=name,
        shape=" ".join(map(str, values.shape)),
        dtype="float64",
        crc32=f"{zlib.crc32(data):08x}",
    )


def _graph_transformer(
    rng, inputs, beads, hidden=8, layers=2, heads=2, head_width=4, time=4, outputs=1
):
    """The tensors that plugin/score/model/network.h lists; `inputs` are those of a bead."""
    inner = heads * head_width
    shapes = {
        "embedding.weight": (inputs + time, hidden),
        "embedding.bias": (hidden,),
        "edge.weight": (3, hidden),
        "edge.bias": (hidden,),
    }
    for layer in range(layers):
        shapes |= {
            f"layer.{layer}.{name}": shape
            for name, shape in {
                "attention_norm.scale": (hidden,),
                "attention_norm.bias": (hidden,),
                "query_key_value.weight": (hidden, 3 * inner),
                "query_key_value.bias": (3 * inner,),
                "attention_edge.weight": (hidden, inner),
                "attention_edge.bias": (inner,),
                "attention_out.weight": (inner, hidden),
                "attention_out.bias": (hidden,),
                "attention_gate.weight": (3 * hidden,),
                "feedforward_norm.scale": (hidden,),
                "feedforward_norm.bias": (hidden,),
                "feedforward_in.weight": (hidden, 4 * hidden),
                "feedforward_in.bias": (4 * hidden,),
                "feedforward_out.weight": (4 * hidden, hidden),
                "feedforward_out.bias": (hidden,),
                "feedforward_gate.weight": (3 * hidden,),
            }.items()
        }
    rows = hidden if outputs == 1 else beads * hidden
    shapes |= {"readout.weight": (rows, outputs), "readout.bias": (outputs,)}
    return {name: _random(rng, name, shape) for name, shape in shapes.items()}


def _random(rng, name, shape):
    if name.endswith("norm.scale"):
        return 1 + 0.1 * rng.standard_normal(shape)
    if len(shape) == 1:
        return 0.1 * rng.standard_normal(shape)
    return rng.standard_normal(shape) / np.sqrt(shape[0])


PEPTIDE_FRAME_NM = np.array(
    [
        [0.0, 0.0, 0.0],
        [0.133, 0.0, 0.0],
        [0.2, 0.13, 0.0],
        [0.35, 0.12, 0.02],
        [0.42, 0.24, 0.03],
    ]
)


def _peptide_text(experts, **more):
    return ModelText(
        names=["C", "N", "CA", "C", "N"],
        residues=["ACE", "ALA", "ALA", "ALA", "NME"],
        residue_indices=[0, 1, 1, 1, 2],
        masses=[12.011, 14.007, 12.011, 15.5, 14.007],
        frame=PEPTIDE_FRAME_NM,
        experts=experts,
        **more,
    )


@pytest.fixture
def rng():
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20250601)


@pytest.fixture(scope="session")
def peptide():
    """Five beads known one by one, one energy expert."""
    weights = _graph_transformer(np.random.default_rng(1), inputs=5, beads=5)
    expert = Expert("graph-transformer", "energy", 8, 2, weights, heads=2, head_width=4)
    return _peptide_text([expert], notes={"data": "random weights", "commit": "<&>\n\u03b1"})


@pytest.fixture(scope="session")
def model_file(peptide, tmp_path_factory):
    """The path of the peptide's model file."""
    path = tmp_path_factory.mktemp("models") / "peptide.xml"
    path.write_text(peptide.xml(), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def model(model_file):
    """The peptide's model."""
    return Model(model_file)


def _chain_gaussian(beads):
    """Over the beads of a centred molecule, with variances of a chain."""
    modes = np.zeros((beads - 1, beads))
    for k in range(1, beads):
        modes[k - 1, :k] = 1 / np.sqrt(k * (k + 1))
        modes[k - 1, k] = -k / np.sqrt(k * (k + 1))
    return Gaussian("beads", 4.0 / np.arange(1, beads), modes)


@pytest.fixture(scope="session")
def gaussian_text():
    """The peptide upon a Gaussian, with weights that are all zero."""
    weights = _graph_transformer(np.random.default_rng(1), inputs=5, beads=5)
    nothing = {name: 0 * values for name, values in weights.items()}
    expert = Expert(
        "graph-transformer", "energy", 8, 2, nothing, heads=2, head_width=4, base="gaussian"
    )
    return _peptide_text([expert], gaussian=_chain_gaussian(5))


@pytest.fixture(scope="session")
def based_model():
    """The peptide upon the same Gaussian, with the weights of `model`."""
    weights = _graph_transformer(np.random.default_rng(1), inputs=5, beads=5)
    expert = Expert(
        "graph-transformer", "energy", 8, 2, weights, heads=2, head_width=4, base="gaussian"
    )
    return Model.from_xml(_peptide_text([expert], gaussian=_chain_gaussian(5)).xml())


@pytest.fixture(scope="session")
def mixed_text():
    """The peptide with a score expert on (0.1, 1) and an energy expert on (0, 0.1)."""
    rng = np.random.default_rng(2)
    energy = _graph_transformer(rng, inputs=5, beads=5)
    score = _graph_transformer(rng, inputs=5, beads=5, time=7, outputs=15)
    experts = [
        Expert("graph-transformer", "score", 8, 2, score, 0.1, 1.0, heads=2, head_width=4),
        Expert("graph-transformer", "energy", 8, 2, energy, 0.0, 0.1, heads=2, head_width=4),
    ]
    return _peptide_text(experts)


@pytest.fixture(scope="session")
def mixed_model(mixed_text):
    """Of `mixed_text`."""
    return Model.from_xml(mixed_text.xml())


@pytest.fixture(scope="session")
def feature_model():
    """Beads known by two features of 3 and 2 values; the list has three beads."""
    rng = np.random.default_rng(3)
    features = {f"feature.{k}": rng.standard_normal((size, 16)) for k, size in enumerate((3, 2))}
    weights = features | _graph_transformer(rng, inputs=32, beads=0)
    return Model.from_xml(
        ModelText(
            names=["A", "B", "C"],
            residues=["XXX"] * 3,
            residue_indices=[0, 0, 0],
            masses=[10.0, 20.0, 30.0],
            frame=0.2 * rng.standard_normal((3, 3)),
            experts=[Expert("graph-transformer", "energy", 8, 2, weights, heads=2, head_width=4)],
            feature_sizes=(3, 2),
            features=[[0, 0], [1, 1], [2, 0]],
        ).xml()
    )


@pytest.fixture(scope="session")
def toy_weights():
    """A perceptron of two layers of 6 for one particle in two dimensions."""
    rng = np.random.default_rng(4)
    shapes = {
        "layer.0.weight": (6, 6),
        "layer.0.bias": (6,),
        "layer.1.weight": (6, 6),
        "layer.1.bias": (6,),
        "readout.weight": (6, 1),
        "readout.bias": (1,),
    }
    return {name: _random(rng, name, shape) for name, shape in shapes.items()}


@pytest.fixture(scope="session")
def toy(toy_weights):
    """The perceptron as a model: two dimensions, not centred, scale 1 nm."""
    return Model.from_xml(
        ModelText(
            names=["X"],
            residues=["TOY"],
            residue_indices=[0],
            masses=[1.0],
            frame=np.array([[0.3, -0.2]]),
            experts=[Expert("mlp", "energy", 6, 2, toy_weights)],
            dimensions=2,
            centred=0,
            scale=1.0,
        ).xml()
    )


@pytest.fixture
def topology():
    """Two beads, of two residues, with a bond."""
    mdtraj = pytest.importorskip("mdtraj")
    topology = mdtraj.Topology()
    chain = topology.add_chain()
    first = topology.add_residue("ACE", chain, resSeq=1)
    second = topology.add_residue("NME", chain, resSeq=2)
    carbon = topology.add_atom("C", mdtraj.element.carbon, first)
    nitrogen = topology.add_atom("N", mdtraj.element.nitrogen, second)
    topology.add_bond(carbon, nitrogen)
    return topology


@pytest.fixture
def positions():
    """Frames of two beads."""
    return np.random.default_rng(1).standard_normal((2_500, 2, 3)).astype(np.float32)
