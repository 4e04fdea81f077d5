"""examples/add_range.py states the range of the data, and leaves all else as it is."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from openmmscore import Model

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("times", [1, 2])
def test_the_range_is_added_or_replaced(tmp_path, times):
    path, data = tmp_path / "model.xml.gz", tmp_path / "data.npy"
    shutil.copy(EXAMPLES / "double_well_2d/model.xml.gz", path)
    before = re.sub(r" *<Range [^>]*/>\n", "", Model(path).to_xml())
    for k in range(times):
        np.save(data, np.array([[[3.0, 4.0]], [[0.0, -1.0]]], np.float32) * (k + 1))
        command = [sys.executable, EXAMPLES / "add_range.py", path, data]
        subprocess.run(command, check=True, capture_output=True)
    found = Model(path)
    assert found.range is not None
    assert_allclose(found.range.centre._value, 5 * times)
    assert found.range.neighbours._value == 0
    text = found.to_xml()
    assert text.count("<Range ") == 1
    assert re.sub(r" *<Range [^>]*/>\n", "", text) == before


@pytest.mark.parametrize("name", ["alanine_dipeptide", "double_well", "mueller_brown"])
def test_shipped_models_state_theirs(name):
    model = Model(EXAMPLES / name / "model.xml.gz")
    assert model.range is not None
    frame = model.frame._value
    if model.centred:
        frame = frame - frame.mean(axis=0)
    assert np.linalg.norm(frame, axis=-1).max() <= model.range.centre._value
