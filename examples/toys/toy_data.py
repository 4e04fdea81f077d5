"""Writes the training data of a toy system: independent, exact samples of its distribution.

    python examples/toys/toy_data.py mueller_brown

writes mueller_brown.npy, (frames, 1, dimensions) in nm, float32, into examples/mueller_brown.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np
from openmmscore.base.files import replace_file

from toys import TOYS

EXAMPLES = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("toy", nargs="+", choices=TOYS)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="instead of the example's; made where it is missing",
    )
    options = parser.parse_args()
    if options.frames < 1:
        parser.error(f"--frames is {options.frames}, must be positive")
    if options.seed < 0:
        parser.error(f"--seed is {options.seed}, must not be negative")
    try:
        for name in options.toy:
            path = (options.output or EXAMPLES / name) / f"{name}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            samples = TOYS[name].samples(options.frames, options.seed)
            frames = samples[:, None, :].astype(np.float32)
            replace_file(path, partial(np.save, arr=frames))
            print(f"{path}: {options.frames} frames, seed {options.seed}")
    except (MemoryError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
