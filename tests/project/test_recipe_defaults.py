"""The defaults that docs/recipe.md states are those of score-train.

A recipe without them and the same recipe with all of them are the same run: what a model file keeps
of the recipe it was trained by is the same text.
"""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from openmmscore import Model

from .documents import ROOT, sections_of

RECIPE = """
<ScoreRecipe version="1">
  <Data file="frames.npy" unit="nm"/>
  <Model temperatureK="300">
    <Diffusion/>
    <Bead name="A" mass="1"/><Bead name="B" mass="1"/><Bead name="C" mass="1"/>
    <Expert architecture="graph-transformer" hidden="8" layers="1" timeEnd=".5"/>
    <Expert architecture="graph-transformer" hidden="8" layers="1" timeBegin=".5"/>
  </Model>
  <Training>
    <Stage samples="16" batch="16">
      <OPTIMIZER rate="1e-3"/>
      <DenoisingScoreMatching/>
      <FokkerPlanck weight="1e-3"/>
      <TimeClassification weight=".1" width="1"/>
    </Stage>
    <Stage expert="1" samples="16" batch="16">
      <OPTIMIZER rate="1e-3"/>
      <DenoisingScoreMatching/>
    </Stage>
  </Training>
</ScoreRecipe>
"""


def defaults_of(element: str) -> dict[str, str]:
    """Where what holds without an attribute is a number or a word, or begins with it."""
    section = sections_of(ROOT / "docs/recipe.md")[element]
    rows = re.findall(r"^\| `(\w+)` \| `?([-.\w]+)`?[^|]* \|.*\|$", section, flags=re.MULTILINE)
    is_plain = re.compile(r"[-\d.e]+|true|false|none|gaussian|energy|score|float32|float64")
    return {name: value for name, value in rows if is_plain.fullmatch(value)}


def described(recipe: ET.Element, name: str, folder: Path, program: str) -> str:
    """What the trained model says of its recipe."""
    path = folder / f"{name}.xml"
    path.write_bytes(ET.tostring(recipe))
    command = [program, str(path), "--output", str(folder / name), "--threads", "1"]
    subprocess.run(command, check=True, capture_output=True)
    return Model(folder / name / "model.xml.gz").notes["recipe"]


@pytest.mark.parametrize("optimizer", ["AdamW", "Muon"])
def test_documented_defaults_change_nothing(
    optimizer: str, tmp_path: Path, program: Callable[[str], str]
) -> None:
    frames = np.random.default_rng(1).normal(size=(200, 3, 3))
    np.save(tmp_path / "frames.npy", frames)
    plain = ET.fromstring(RECIPE.replace("OPTIMIZER", optimizer))
    full = ET.fromstring(RECIPE.replace("OPTIMIZER", optimizer))
    added = set()
    for element in full.iter():
        for attribute, value in defaults_of(element.tag).items():
            if attribute not in element.attrib:
                element.set(attribute, value)
                added.add((element.tag, attribute))
    assert len(added) >= 25, added
    train = program("score-train")
    assert described(full, "full", tmp_path, train) == described(plain, "plain", tmp_path, train)
