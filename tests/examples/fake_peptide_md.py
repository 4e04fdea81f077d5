"""Stands in for score-peptide-md: the same command line and files, frames out of a hat.

A frame depends on the seed, the ladder and its own number alone, so that what --resume goes on with
is known. It locks OUTPUT.unfinished. Its state is how many frames there are. FAKE_PAUSE_S is slept
after every tenth of the run; FAKE_FAILURE is printed instead of running. What was asked for is
appended to OUTPUT.calls, and `stopped` where a signal ended it.
"""

import argparse
import json
import os
import re
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import h5py
import numpy as np
from openmmscore.base.files import lock

parser = argparse.ArgumentParser()
parser.add_argument("system", type=Path)
parser.add_argument("--output", type=Path, required=True)
for name in ("copies", "interval", "seed", "threads", "exchange-interval"):
    parser.add_argument(f"--{name}", type=int)
for name in ("temperature", "timestep", "friction", "equilibration", "time"):
    parser.add_argument(f"--{name}", type=float)
parser.add_argument("--bias", type=Path)
parser.add_argument("--ladder", type=lambda text: [float(word) for word in text.split(",")])
parser.add_argument("--continue", type=Path, dest="previous")
parser.add_argument("--resume", action="store_true")
options = parser.parse_args()
stopped = False


def beside(ending: str) -> Path:
    return Path(f"{options.output}.{ending}")


def stop(number: int, frame: FrameType | None) -> None:
    global stopped
    stopped = True


signal.signal(signal.SIGTERM, stop)
with beside("calls").open("a") as file:
    file.write(" ".join(sys.argv[1:]) + "\n")
if "FAKE_FAILURE" in os.environ:
    sys.exit(os.environ["FAKE_FAILURE"])

match = re.search(r"^bead_topology (.*)$", options.system.read_text(), re.MULTILINE)
topology = match[1] if match else ""
beads = sum(len(r["atoms"]) for c in json.loads(topology)["chains"] for r in c["residues"])
interval_ps = options.interval * options.timestep / 1000
frames, copies = round(options.time / interval_ps), options.copies
before = int(options.previous.read_text()) if options.previous else 0
if beside("unfinished").exists() and not options.resume:
    sys.exit(f"{options.output}: is begun already")
handle = os.open(beside("unfinished"), os.O_RDWR | os.O_CREAT)
if not lock(handle):
    sys.exit(f"{beside('unfinished')}: is being written by another process")
resumes = options.resume and beside("checkpoint").exists()
done = int(beside("checkpoint").read_text()) if resumes else 0
random = np.random.default_rng(options.seed)
shape = (frames * copies, beads, 3)
positions = (np.arange(beads)[:, None] * 0.3 + random.normal(size=shape)).astype(np.float32)
states = np.array([(np.arange(copies) + k) % len(options.ladder or [0]) for k in range(frames)])

tenth = max(1, frames // 10)
while done < frames:
    done = min(frames, done + tenth)
    beside("unfinished").write_text("frames")
    beside("checkpoint").write_text(str(before + done if done == frames else done))
    if done < frames:
        time.sleep(float(os.environ.get("FAKE_PAUSE_S", 0)))
    if stopped and done < frames:
        with beside("calls").open("a") as file:
            file.write("stopped\n")
        sys.exit(3)

with h5py.File(beside("unfinished"), "w") as file:
    file["coordinates"] = positions
    file["time"] = np.repeat(interval_ps * np.arange(1, frames + 1), copies).astype(np.float32)
    file["copy"] = np.tile(np.arange(copies, dtype=np.int32), frames)
    file["potential_energy"] = random.normal(size=frames * copies)
    ladder = np.array(options.ladder or [options.temperature])
    file["temperature"] = ladder[states.ravel()].astype(np.float32)
    file["topology"] = np.array([topology.encode()])
    if options.bias:
        file["log_weights"] = random.normal(size=frames * copies)
    if options.ladder:
        file.attrs["ladder_k"] = ladder
    else:
        file.attrs["temperature_k"] = options.temperature
    file.attrs["timestep_ps"] = options.timestep / 1000
    file.attrs["friction_per_ps"] = options.friction
    file.attrs["frame_interval_ps"] = interval_ps
    file.attrs["equilibration_ps"] = options.equilibration
    file.attrs["copies"], file.attrs["seed"] = copies, options.seed
    file.attrs["first_frame"] = before
beside("unfinished").rename(options.output)
