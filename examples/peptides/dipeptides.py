"""Makes the dipeptide data: plain runs to train on and to compare with, and runs under a bias.

    python dipeptides.py                          everything that is not there yet
    python dipeptides.py --list                   what there is
    python dipeptides.py --set biased --only KS,LW

Every run has 16 copies of one dipeptide (amber14 and OBC1 at 310 K, friction 0.3/ps, steps of 2 fs
with hydrogens of 3 amu), which forget their common start for 100 ps. Frames are those of the beads.

train    175 sequences, 50 ns of all copies together, a frame every 5 ps: 10,000 frames
test     15 sequences, 500 ns, a frame every 5 ps: 100,000 frames
biased   13 of them, 48 ns under the frozen bias along phi2 (phi2_bias.txt), a frame every 1 ps,
         with its log-weight. AP and HP are left out: proline's ring keeps phi2 near -65 degrees, so
         that there is no slow turn to help, and the bias, fitted to alanine, would only push.

What is finished is left alone. Ctrl-C or SIGTERM stops the run that is going on, and the same
command goes on from there. Several such commands may be at work side by side: each leaves alone
what another one is making.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
from openmmscore.base.files import naming

import program
from phi2_bias import COEFFICIENTS, read_bias, write_bias_of
from program import PROGRAM, Job, State, atom_count, find_program, run_all
from systems import dipeptide_system

HERE = Path(__file__).resolve().parent
DATA = program.ROOT / "data"
SPLIT = HERE / "dipeptides.txt"

PAPER = "KS AT LW KQ NY IM TD HT NF RL ET AC RV HP AP"  # tested in arXiv 2506.17139
TEST = tuple(PAPER.split())

COPIES = 16
TEMPERATURE_K = 310.0
FRICTION_PER_PS = 0.3
TIMESTEP_FS = 2.0
EQUILIBRATION_PS = 100.0


@dataclass(frozen=True)
class Plan:
    """One set of runs. total_ns: of all copies together. seed: of the split's first sequence."""

    name: str
    part: str
    sequences: tuple[str, ...]
    total_ns: float
    interval_ps: float
    seed: int
    biased: bool = False

    @property
    def time_ps(self) -> float:
        """Of each copy."""
        return 1000 * self.total_ns / COPIES

    @property
    def frames(self) -> int:
        return COPIES * round(self.time_ps / self.interval_ps)

    def seed_of(self, sequence: str, split: dict[str, list[str]]) -> int:
        """The same whatever else is made."""
        return self.seed + split[self.part].index(sequence)


def read_split(path: Path = SPLIT) -> dict[str, list[str]]:
    """The lists of sequences by their names. A list begins with a line `name count`."""
    split: dict[str, list[str]] = {}
    counts: dict[str, int] = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        words = [] if line.startswith("#") else line.split()
        if len(words) == 2 and words[1].isdigit():
            split[words[0]], counts[words[0]] = [], int(words[1])
        elif words and not split:
            raise ValueError(f"{path}:{number}: sequences before the name of a list")
        elif words:
            split[list(split)[-1]] += words
    for name, sequences in split.items():
        if len(sequences) != counts[name]:
            raise ValueError(f"{path}: {len(sequences)} sequences of {name}, not {counts[name]}")
    return split


def plans(split: dict[str, list[str]]) -> list[Plan]:
    train = tuple(sequence for sequence in split["train"] if "G" not in sequence)
    unhindered = tuple(sequence for sequence in TEST if sequence[1] != "P")
    return [
        Plan("train", "train", train, 50.0, 5.0, 1),
        Plan("test", "test", TEST, 500.0, 5.0, 1001),
        Plan("biased", "test", unhindered, 48.0, 1.0, 2001, biased=True),
    ]


def make_job(plan: Plan, sequence: str, folder: Path, split: dict[str, list[str]]) -> Job:
    """Writes what the run needs. folder: of all dipeptides."""
    system = dipeptide_system(sequence, folder / "systems")
    words = [
        *("--copies", f"{COPIES}"),
        *("--temperature", f"{TEMPERATURE_K:g}"),
        *("--timestep", f"{TIMESTEP_FS:g}"),
        *("--friction", f"{FRICTION_PER_PS:g}"),
        *("--equilibration", f"{EQUILIBRATION_PS:g}"),
        *("--time", f"{plan.time_ps:g}"),
        *("--interval", f"{round(1000 * plan.interval_ps / TIMESTEP_FS)}"),
        *("--seed", f"{plan.seed_of(sequence, split)}"),
    ]
    if plan.biased:
        bias = folder / "systems" / f"{sequence}.bias"
        write_bias_of(bias, read_bias(COEFFICIENTS), system)
        words += ["--bias", str(bias)]
    steps = 1000 * (EQUILIBRATION_PS + plan.time_ps) / TIMESTEP_FS
    cost = atom_count(system) ** 2 * COPIES * steps
    output = output_of(plan, sequence, folder)
    return Job(f"{plan.name} {sequence}", system, output, tuple(words), cost)


def output_of(plan: Plan, sequence: str, folder: Path) -> Path:
    return folder / plan.name / f"{sequence}.h5"


def check_finished(path: Path, plan: Plan, seed: int) -> None:
    """ValueError where a finished file is not what the plan asks for."""
    wanted = {
        "temperature_k": TEMPERATURE_K,
        "timestep_ps": TIMESTEP_FS / 1000,
        "friction_per_ps": FRICTION_PER_PS,
        "frame_interval_ps": plan.interval_ps,
        "equilibration_ps": EQUILIBRATION_PS,
        "copies": COPIES,
        "seed": seed,
    }
    with naming(path), h5py.File(path, "r") as file:
        found = {name: float(file.attrs[name]) for name in wanted}
        for name, value in wanted.items():
            if abs(found[name] - value) > 1e-6 * value:
                raise ValueError(f"{name} is {found[name]:g}, must be {value:g}: remove the file")
        frames = len(file["coordinates"])
        if frames != plan.frames:
            raise ValueError(f"{frames} frames, must be {plan.frames}: remove the file")
        if plan.biased != ("log_weights" in file):
            raise ValueError("has log_weights, or none, against the plan: remove the file")


def chosen(
    all_plans: Sequence[Plan], names: Sequence[str], only: Sequence[str]
) -> list[tuple[Plan, str]]:
    """Plans and sequences in the order in which they are made. ValueError where none has one."""
    wanted = [plan for plan in all_plans if plan.name in names]
    for sequence in only:
        if not any(sequence in plan.sequences for plan in wanted):
            raise ValueError(f"{sequence} is no sequence of {', '.join(names)}")
    return [
        (plan, sequence)
        for plan in wanted
        for sequence in plan.sequences
        if not only or sequence in only
    ]


def print_list(runs: Sequence[tuple[Plan, str]], folder: Path) -> None:
    found: dict[tuple[str, State], list[str]] = {}
    for plan, sequence in runs:
        job = Job("", Path(), output_of(plan, sequence, folder), (), 0.0)
        found.setdefault((plan.name, job.state), []).append(sequence)
    for name in dict.fromkeys(plan.name for plan, _ in runs):
        for state in State:
            sequences = found.get((name, state), [])
            if sequences:
                print(f"{name:8}{state.value:10}{len(sequences):4}  {' '.join(sequences)}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ("train", "test", "biased")
    parser.add_argument(
        "--data", type=Path, default=DATA, help="folder of all made data (data/ of the project)"
    )
    parser.add_argument(
        "--set", nargs="+", choices=names, default=names, metavar="SET", dest="sets"
    )
    parser.add_argument(
        "--only", type=lambda text: text.split(","), default=[], metavar="KS,AT", help="sequences"
    )
    parser.add_argument("--program", type=Path, default=PROGRAM, help="score-peptide-md")
    parser.add_argument("--threads", type=int, default=1, help="of the program (1)")
    parser.add_argument("--list", action="store_true", help="say what there is and make nothing")
    options = parser.parse_args()
    if options.threads < 1:
        parser.error(f"--threads is {options.threads}, must be positive")
    return options


def main() -> None:
    options = arguments()
    try:
        finished = _make(options)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0 if finished else 1)


def _make(options: argparse.Namespace) -> bool:
    folder = options.data / "dipeptides"
    split = read_split()
    runs = chosen(plans(split), options.sets, options.only)
    if options.list:
        print_list(runs, folder)
        return True
    executable = find_program(options.program)
    for plan, sequence in runs:
        output = output_of(plan, sequence, folder)
        if output.is_file():
            check_finished(output, plan, plan.seed_of(sequence, split))
    missing = [run for run in runs if not output_of(*run, folder).is_file()]
    jobs = [make_job(plan, sequence, folder, split) for plan, sequence in missing]
    finished = run_all(jobs, executable, options.threads)
    print_list(runs, folder)
    return finished


if __name__ == "__main__":
    main()
