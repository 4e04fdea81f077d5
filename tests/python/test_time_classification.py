"""Classification over diffusion time learns log q up to one constant over all of x and t.

Two narrow normals, far apart: nothing in the data at early times says how they weigh against each
other, and denoising score matching alone cannot know it.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openmmscore
import pytest
from numpy.typing import NDArray

CENTRE, WIDTH, SHARE = 2.0, 0.3, 0.8  # of the normal on the right; the other one is its image

CLASSIFICATION = '<TimeClassification weight="3" width="10" variance="0.01"/>'
RECIPE = """<ScoreRecipe version="1" seed="3">
<Data file="frames.npy" unit="nm" scaleNm="1" heldOut="0"/>
<Model temperatureK="300" dimensions="1"><Bead name="X" mass="1"/>
<Expert architecture="mlp" hidden="32" layers="2"/></Model>
<Training><Stage samples="8e5" batch="256"><AdamW rate="3e-3" finalRate="1e-5" weightDecay="0"/>
<MovingAverage halfLifeSamples="5e4"/><DenoisingScoreMatching antithetic="true"/>{loss}</Stage>
</Training></ScoreRecipe>"""


def exact_log_density(x: NDArray[np.float64], t: float) -> NDArray[np.float64]:
    """Of the noised data, normalised."""
    m = np.exp(-(t**2) * 19.9 / 4 - 0.05 * t)
    variance = (m * WIDTH) ** 2 + 1 - m**2
    squares = [(x - side * m * CENTRE) ** 2 / (2 * variance) for side in (1, -1)]
    left_and_right = np.logaddexp(np.log(SHARE) - squares[0], np.log(1 - SHARE) - squares[1])
    return np.asarray(left_and_right - np.log(2 * np.pi * variance) / 2)


def errors_of(folder: Path, score_train: str, loss: str) -> NDArray[np.float64]:
    """(times, 6): log q - exact log q, three places in each normal, mean 0."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    side = np.where(generator.permutation(20000) < SHARE * 20000, 1.0, -1.0)
    frames = CENTRE * side + WIDTH * generator.standard_normal(20000)
    np.save(folder / "frames.npy", frames.reshape(-1, 1, 1).astype(np.float32))
    (folder / "recipe.xml").write_text(RECIPE.format(loss=loss))
    subprocess.run(
        [score_train, folder / "recipe.xml", "--output", folder / "run", "--threads", "1"],
        check=True,
        capture_output=True,
    )
    model = openmmscore.Model(folder / "run" / "model.xml.gz")
    errors = []
    for t in (1e-5, 0.01, 0.1, 0.3, 0.6):
        m = np.exp(-(t**2) * 19.9 / 4 - 0.05 * t)
        places = np.array([side * m * CENTRE + d for side in (-1, 1) for d in (-0.2, 0, 0.2)])
        energy, _ = model.energy_and_score(places.reshape(-1, 1, 1), t=t)
        errors.append(-energy - exact_log_density(places, t))
    return np.array(errors) - np.mean(errors)


def test_log_density_is_right_between_modes_and_over_time(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    """The tolerance is a quarter of what must be learned at the least: the modes' log 4.

    Denoising alone misses it by several times as much in either direction.
    """
    score_train = program("score-train")
    tolerance = np.log(SHARE / (1 - SHARE)) / 4
    errors = errors_of(tmp_path / "with", score_train, CLASSIFICATION)
    without = errors_of(tmp_path / "without", score_train, "")
    assert np.abs(errors).max() < tolerance, errors
    assert np.abs(without[0, :3].mean() - without[0, 3:].mean()) > 2 * tolerance, without
    assert np.abs(without.mean(axis=1)).max() > 2 * tolerance, without


@pytest.mark.parametrize("t", [1e-5, 0.1, 0.7])
def test_exact_density_is_normalised(t: float) -> None:
    x = np.linspace(-12, 12, 20001)
    assert np.trapezoid(np.exp(exact_log_density(x, t)), x) == pytest.approx(1, abs=1e-9)
