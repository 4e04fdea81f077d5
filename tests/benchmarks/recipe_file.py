"""What a JAX training step needs to know of a recipe (plugin/trainer/score-recipe.rng)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TIME_MIN = 1e-5
NM = {"nm": 1.0, "angstrom": 0.1}


@dataclass(frozen=True)
class Recipe:
    """The first stage of a recipe for denoising score matching, and its data."""

    frames: NDArray[np.float64]  # frames x beads x 3, nm
    log_weights: NDArray[np.float64]  # one a frame
    batch: int
    antithetic: bool
    t_begin: float
    t_end: float
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


def read_recipe(path: str | Path) -> Recipe:
    root = ElementTree.parse(path).getroot()
    data, stage = _find(root, "Data"), _find(root, "Training/Stage")
    expert, adamw = _find(root, "Model/Expert"), _find(stage, "AdamW")
    if (
        stage.find("MovingAverage") is None
        or adamw.get("clipNorm")
        or stage.get("expert", "0") != "0"
    ):
        raise ValueError(f"{path}: a stage of this kind has no counterpart in JAX here")

    def number(element: ElementTree.Element, name: str, default: float) -> float:
        return float(element.get(name, default))

    t_begin = max(TIME_MIN, number(stage, "timeBegin", number(expert, "timeBegin", 0)))
    t_end = number(stage, "timeEnd", number(expert, "timeEnd", 1))
    frames, log_weights = read_frames(
        Path(path).parent / data.attrib["file"], data.get("unit", "nm"), data.get("logWeights", "")
    )
    return Recipe(
        frames=frames,
        log_weights=log_weights,
        batch=int(stage.attrib["batch"]),
        antithetic=_find(stage, "DenoisingScoreMatching").get("antithetic") == "true",
        t_begin=t_begin,
        t_end=t_end,
        middle=number(stage, "weightMiddle", (t_begin + t_end) / 2),
        rate=number(adamw, "rate", 0),
        warm_up=number(adamw, "warmUpSamples", 0),
        beta1=number(adamw, "beta1", 0.9),
        beta2=number(adamw, "beta2", 0.999),
        epsilon=number(adamw, "epsilon", 1e-8),
        decay=number(adamw, "weightDecay", 1e-4),
        half_life=number(_find(stage, "MovingAverage"), "halfLifeSamples", 0),
    )
