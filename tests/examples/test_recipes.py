"""Every recipe of the examples is about its own system, and trains, here for a moment."""

import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from openmmscore import Model

from toy_accuracy import has_energy
from toys import TOYS, temperature_k

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
RECIPES = sorted([*EXAMPLES.glob("*/recipe*.xml"), *EXAMPLES.glob("*/recipes/*.xml")])


def assert_is_about_the_toy(root: ET.Element, name: str) -> None:
    data, model, toy = root.find("Data"), root.find("Model"), TOYS[name]
    assert data is not None and model is not None  # noqa: PT018
    assert float(model.get("temperatureK", "nan")) == pytest.approx(temperature_k(toy), rel=1e-6)
    assert int(model.get("dimensions", "3")) == len(toy.bounds_nm)
    assert data.get("scaleNm") == "1"


@pytest.mark.parametrize(
    "recipe", RECIPES, ids=lambda path: str(path.relative_to(EXAMPLES).with_suffix(""))
)
def test_recipe_trains_a_model_of_all_diffusion_times(
    recipe: Path, program: Callable[[str], str], tmp_path: Path
) -> None:
    name = recipe.relative_to(EXAMPLES).parts[0]
    text = recipe.read_text(encoding="utf-8")
    root = ET.fromstring(text)
    data = root.find("Data")
    assert data is not None
    file = (recipe.parent / data.get("file", "")).resolve()
    if name in TOYS:  # whose data are not in the repository
        assert file == EXAMPLES / name / f"{name}.npy"
        assert_is_about_the_toy(root, name)
        file = tmp_path / "data.npy"
        np.save(file, TOYS[name].samples(2000, 1)[:, None].astype(np.float32))
    else:
        assert file == EXAMPLES / name / f"{name}.h5"
    text = text.replace(f'"{data.get("file")}"', f'"{file}"')
    text = re.sub(r' samples="[^"]*"', ' samples="2048"', text)
    text = re.sub(r' warmUpSamples="[^"]*"', ' warmUpSamples="512"', text)
    (tmp_path / "recipe.xml").write_text(text, encoding="utf-8")
    command = [program("score-train"), "--threads", "1", "--output", "output", "recipe.xml"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    trained = Model(tmp_path / "output" / "model.xml.gz")
    first = 0 if name in TOYS else 1e-5
    assert min(expert.t_begin for expert in trained.experts) == first
    assert max(expert.t_end for expert in trained.experts) == 1
    assert has_energy(trained, 1e-5)
