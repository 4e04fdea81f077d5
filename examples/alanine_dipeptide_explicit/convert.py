"""Converts the alanine dipeptide frames of the cgnet project to this project's frames.

The input is examples/data/ala2_coordinates.npy of https://github.com/coarse-graining/cgnet:
float32, (10000, 5, 3), angstrom, frames 10 ps apart, beads C N CA C N. The topology is that of
../alanine_dipeptide, whose molecule is the same.

Of every three blocks of 250 frames, which are 2.5 ns, the middle one goes into reference.h5, for
comparison alone, with its number as that of a copy; the others go into
alanine_dipeptide_explicit.h5, for training.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
from openmmscore.io import read_frames, write_frames

HERE = Path(__file__).resolve().parent
SHA256 = "00f1f6b70fbc9473157511d53a73b6f629d284d3e08e79155b9d2bf546d6dc81"
SHAPE = (10000, 5, 3)
NM_PER_ANGSTROM = 0.1
FRAME_INTERVAL_PS = 10.0
BLOCK_FRAMES = 250
POSITION_QUANTUM_NM = 2.0**-17  # positions are rounded to it, which makes the file smaller


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("input", type=Path, help="ala2_coordinates.npy")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of both files")
    options = parser.parse_args()

    found = hashlib.sha256(options.input.read_bytes()).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{options.input} has the SHA-256 {found}, not {SHA256}")
    positions = np.load(options.input).astype(float) * NM_PER_ANGSTROM
    if positions.shape != SHAPE:
        raise SystemExit(f"{options.input} has the shape {positions.shape}, not {SHAPE}")
    positions -= positions.mean(axis=1, keepdims=True)
    positions = np.round(positions / POSITION_QUANTUM_NM) * POSITION_QUANTUM_NM
    block = np.arange(len(positions)) // BLOCK_FRAMES
    topology = read_frames(HERE.parent / "alanine_dipeptide" / "alanine_dipeptide.h5").topology
    held_out = block % 3 == 1
    for name, kept, part in (
        ("alanine_dipeptide_explicit.h5", ~held_out, "for training"),
        ("reference.h5", held_out, "held out, for comparison"),
    ):
        write_frames(
            options.output / name,
            positions[kept],
            topology,
            time_ps=FRAME_INTERVAL_PS * np.flatnonzero(kept),
            copy=block[kept],
            attributes={
                "title": f"Alanine dipeptide, five backbone beads, explicit water, 300 K; {part}",
                "temperature_k": 300.0,
                "force_field": "AMBER ff99SB-ILDN, explicit water",
                "frame_interval_ps": FRAME_INTERVAL_PS,
                "source": "https://github.com/coarse-graining/cgnet examples/data",
                "license": "BSD-3-Clause, Copyright (c) 2019, coarse-graining; see LICENSE.cgnet",
                "position_quantum_nm": POSITION_QUANTUM_NM,
            },
        )
        print(f"Wrote {options.output / name}: {np.count_nonzero(kept)} frames")


if __name__ == "__main__":
    main()
