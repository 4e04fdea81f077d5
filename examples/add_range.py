"""States in a model file how far its training data reach, where it was trained before files did so.

    python examples/add_range.py model.xml.gz data.h5

The range is that of all frames whose weight is not zero; score-train takes its training frames
alone. The weights keep their bits, and so does all else in the file.
"""

import argparse
import re
import sys
from pathlib import Path

import numpy as np
from openmmscore import Model
from openmmscore.model.reach import Reach


def read_positions(path: Path) -> np.ndarray:
    """(frames, beads, dimensions), nm, those that count."""
    if path.suffix == ".npy":
        return np.load(path)
    from openmmscore.io import read_frames

    frames = read_frames(path)
    return frames.positions[np.isfinite(frames.log_weights)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    options = parser.parse_args()
    model = Model(options.model)
    positions = read_positions(options.data).reshape(-1, len(model.beads), model.dimensions)
    reach = Reach.of_frames(positions, model.centred)
    text = re.sub(r" *<Range [^>]*/>\n", "", model.to_xml())
    element = f'  <Range neighbours="{reach.neighbours:.9g}" centre="{reach.centre:.9g}"/>\n'
    text = text.replace("  </Beads>\n", f"  </Beads>\n{element}", 1)
    Model.from_xml(text).save(options.model)
    print(f"{options.model}: {element.strip()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
