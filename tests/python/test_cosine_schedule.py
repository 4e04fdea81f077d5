"""The cosine noise schedule from a recipe to samples: a double well on a line is learned and drawn
from, by programs and package alike."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from openmmscore import Model

from . import double_well

RECIPE = """
<ScoreRecipe version="1" seed="3">
  <Data file="frames.npy" unit="nm" scaleNm="1"/>
  <Model temperatureK="300" dimensions="1">
    <Diffusion type="cosine"/>
    <Bead name="X" mass="1"/>
    <Expert architecture="mlp" hidden="32" layers="3"/>
  </Model>
  <Training>
    <Stage samples="200000" batch="128">
      <AdamW rate="3e-3" finalRate="1e-5" warmUpSamples="5000" clipNorm="1"/>
      <MovingAverage halfLifeSamples="10000"/>
      <DenoisingScoreMatching antithetic="true"/>
    </Stage>
  </Training>
</ScoreRecipe>
"""
SAMPLES = 4000


def test_a_model_of_the_cosine_schedule_learns(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    def run(*words: str) -> str:
        command = [program(words[0]), *words[1:]]
        done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout + done.stderr

    double_well.save(tmp_path / "frames.npy", double_well.draws(20_000, 1))
    (tmp_path / "recipe.xml").write_text(RECIPE)
    said = run("score-train", "recipe.xml", "--output", "run", "--threads", "1")
    gaussian = float(said.split("the best Gaussian has the loss ")[1].split()[0])
    last = (tmp_path / "run/log.csv").read_text().splitlines()[-1]
    assert float(last.split(",")[8]) < gaussian - 0.02  # five standard errors of a validation
    run("score-sample", "-n", str(SAMPLES), "-o", "samples.npy", "run/model.xml.gz")
    drawn = np.load(tmp_path / "samples.npy").ravel()
    exact = double_well.draws(200_000, 2)
    # The share of a well has the standard error .007, and the model its own.
    assert abs((drawn < 0).mean() - (exact < 0).mean()) < 0.05
    assert abs(np.abs(drawn).mean() - np.abs(exact).mean()) < 0.05
    assert abs(drawn.var() - exact.var()) < 0.1
    assert "noise schedule: cosine, offset 0.008\n" in run("score-info", "run/model.xml.gz")
    assert "noise schedule: cosine, offset " in Model(tmp_path / "run/model.xml.gz").notes["recipe"]


def test_a_model_tells_its_cosine_schedule(model: Model) -> None:
    linear, text = 'type="variance-preserving" betaMin="0.1" betaMax="20"', model.to_xml()
    assert linear in text
    model = Model.from_xml(text.replace(linear, 'type="cosine" offset="0.01"'))
    assert 'type="cosine" offset="0.01"' in model.to_xml()
    assert model.schedule.kind == "cosine"
    assert dict(model.schedule.settings) == {"offset": 0.01}
    first = np.pi / 2 * 0.01 / 1.01
    last = np.arccos(0.005 * np.cos(first))
    signal = np.cos(first + (last - first) * 0.3) / np.cos(first)
    assert abs(model.signal(0.3) - signal) < 1e-14
    assert abs(model.noise(0.3) - np.sqrt(1 - signal**2)) < 1e-14
    assert abs(model.time_of_noise(model.noise(0.3)) - 0.3) < 1e-14
