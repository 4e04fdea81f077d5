"""Frames of a double well on a line, exact or by Metropolis walks, as evaluate reads them."""

import numpy as np
from openmmscore.evaluate import main

GRID = np.linspace(-2.5, 2.5, 5_001)


def energy(x):
    """A double well in kT: minima at -1 and 1, a barrier of 2, the left one .7 lower."""
    return 2 * (x**2 - 1) ** 2 + 0.35 * x


def draws(number, seed, scale=1.0, of=energy):
    """Independent, exact: by the inverse of the distribution function."""
    share = np.cumsum(np.exp(-scale * of(GRID)))
    return np.interp(np.random.default_rng(seed).uniform(size=number), share / share[-1], GRID)


def walk(copies, frames, seed, scale=1.0, every=4, of=energy):
    """(copies, frames): Metropolis walks from the left minimum, the first steps discarded."""
    generator = np.random.default_rng(seed)
    x = np.full(copies, -1.0)
    kept = np.empty((frames, copies))
    for step in range(-200, frames * every):
        proposed = x + generator.uniform(-1.5, 1.5, copies)
        cost = scale * (of(proposed) - of(x))
        x = np.where(generator.exponential(size=copies) > cost, proposed, x)
        if step >= 0:
            kept[step // every] = x
    return kept.T


def save(path, values, copy=None):
    """Frames of one bead. values: (frames,), or (frames, dimensions)."""
    values = np.asarray(values, np.float32)
    np.save(path, values.reshape(len(values), 1, -1))
    if copy is not None:
        np.save(path.with_name(path.stem + "_copy.npy"), copy)
    return path


def save_walk(path, walks):
    copies, frames = walks.shape
    return save(path, walks.ravel(), np.repeat(np.arange(copies), frames))


def evaluate(data, output, *words, coordinates="x"):
    common = ["--data", str(data), "--coordinates", coordinates, "--output", str(output)]
    return main(common + [str(word) for word in words])
