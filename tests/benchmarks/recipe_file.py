"""What a JAX training step needs to know of a recipe (plugin/trainer/recipe/score-recipe.rng)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TIME_MIN = 1e-5
NM = {"nm": 1.0, "angstrom": 0.1}
OTHER_LOSSES = ("FokkerPlanck", "TimeClassification")


@dataclass(frozen=True)
class Classification:
    """Over diffusion time, of pairs whose log(sigma^2 + variance) differ by at most width."""

    weight: float  # 0: not used
    width: float
    variance: float


@dataclass(frozen=True)
class Recipe:
    """The first stage of a recipe, and its data."""

    frames: NDArray[np.float64]  # frames x beads x 3, nm
    log_weights: NDArray[np.float64]  # one a frame
    batch: int
    denoising: float  # weight
    antithetic: bool
    fokker_planck: float  # weight, 0: not used
    classification: Classification
    t_begin: float
    t_end: float
    time_variance: float | None  # times are uniform in log(sigma^2 + this); None: in themselves
    middle: float  # of equal_weight
    rate: float
    warm_up: float  # samples
    beta1: float
    beta2: float
    epsilon: float
    decay: float
    half_life: float  # samples


def read_frames(path: Path, unit: str, weights: str) -> tuple[NDArray[np.float64], ...]:
    """Frames in nm and their log-weights."""
    if path.suffix == ".npy":
        frames = np.load(path).astype(np.float64) * NM[unit]
        return frames, np.zeros(len(frames))
    import h5py

    with h5py.File(path) as file:
        frames = file["coordinates"][...].astype(np.float64)
        has_weights = weights not in ("", "none")
        return frames, file[weights][...] if has_weights else np.zeros(len(frames))


def _find(root: ElementTree.Element, path: str) -> ElementTree.Element:
    element = root.find(path)
    if element is None:
        raise ValueError(f"the recipe has no {path}")
    return element


def _number(element: ElementTree.Element, name: str, default: float) -> float:
    return float(element.get(name, default))


def _time_variance(stage: ElementTree.Element) -> float | None:
    return float(stage.attrib["timeVariance"]) if "timeVariance" in stage.attrib else None


def _fokker_planck(path: str | Path, stage: ElementTree.Element) -> float:
    element = stage.find("FokkerPlanck")
    if element is None:
        return 0.0
    if (share := _number(element, "share", 1)) != 1 or "variance" in element.attrib:
        raise ValueError(
            f"{path}: Fokker-Planck on a share of {share}, or with a variance, has no counterpart "
            "in JAX"
        )
    return float(element.attrib["weight"])


def _classification(stage: ElementTree.Element) -> Classification:
    element = stage.find("TimeClassification")
    if element is None:
        return Classification(0, 0, 0)
    variance = _number(element, "variance", _time_variance(stage) or 0.0)
    return Classification(float(element.attrib["weight"]), float(element.attrib["width"]), variance)


def read_recipe(path: str | Path) -> Recipe:
    root = ElementTree.parse(path).getroot()
    data, stage = _find(root, "Data"), _find(root, "Training/Stage")
    expert, adamw = _find(root, "Model/Expert"), stage.find("AdamW")
    if (
        adamw is None
        or stage.find("MovingAverage") is None
        or adamw.get("clipNorm")
        or stage.get("expert", "0") != "0"
        or expert.get("base", "none") != "none"
    ):
        raise ValueError(f"{path}: a stage or expert of this kind has no counterpart in JAX here")

    denoising = _find(stage, "DenoisingScoreMatching")
    t_begin = max(TIME_MIN, _number(stage, "timeBegin", _number(expert, "timeBegin", 0)))
    t_end = _number(stage, "timeEnd", _number(expert, "timeEnd", 1))
    frames, log_weights = read_frames(
        Path(path).parent / data.attrib["file"], data.get("unit", "nm"), data.get("logWeights", "")
    )
    return Recipe(
        frames=frames,
        log_weights=log_weights,
        batch=int(stage.attrib["batch"]),
        denoising=_number(denoising, "weight", 1),
        antithetic=denoising.get("antithetic") == "true",
        fokker_planck=_fokker_planck(path, stage),
        classification=_classification(stage),
        t_begin=t_begin,
        t_end=t_end,
        time_variance=_time_variance(stage),
        middle=_number(stage, "weightMiddle", (t_begin + t_end) / 2),
        rate=_number(adamw, "rate", 0),
        warm_up=_number(adamw, "warmUpSamples", 0),
        beta1=_number(adamw, "beta1", 0.9),
        beta2=_number(adamw, "beta2", 0.999),
        epsilon=_number(adamw, "epsilon", 1e-8),
        decay=_number(adamw, "weightDecay", 1e-4),
        half_life=_number(_find(stage, "MovingAverage"), "halfLifeSamples", 0),
    )


def write_with_losses(path: Path, losses: Mapping[str, Mapping[str, str]], to: Path) -> None:
    """A copy of a recipe that has its first stage alone, and its first expert, which is trained
    there on the given losses beside denoising score matching: name of the element to attributes.
    `to` may be in another folder."""
    tree = ElementTree.parse(path)
    root = tree.getroot()
    data, stage = _find(root, "Data"), _find(root, "Training/Stage")
    data.set("file", str((path.parent / data.attrib["file"]).resolve()))
    for parent, name in (("Model", "Expert"), ("Training", "Stage")):
        for element in root.findall(f"{parent}/{name}")[1:]:
            _find(root, parent).remove(element)
    for name in OTHER_LOSSES:
        for element in stage.findall(name):
            stage.remove(element)
    for name, attributes in losses.items():
        ElementTree.SubElement(stage, name, dict(attributes))
    tree.write(to, encoding="UTF-8", xml_declaration=True)
