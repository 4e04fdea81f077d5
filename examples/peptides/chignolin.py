"""Replica exchange of the ten-residue protein CLN025, from its native structure and from a chain.

    python chignolin.py run --parts 2      two more parts from each start
    python chignolin.py pack               finished parts for the repository, in chignolin/
    python chignolin.py unpack             and back, where they are missing
    python chignolin.py report             folding, melting curve, agreement of the two starts

All atoms, amber14 with GBn2, steps of 3 fs with hydrogens of 3 amu, friction 0.3/ps. 16 copies,
each at one of 16 temperatures from 280 to 500 K, whose neighbours try to swap them every
1.2 ps. A frame of the CA beads of all copies is kept every 24 ps. A start's run is made in
parts; a part goes on from the checkpoint of the one before, which may come out of a packed one, so
that the run can move to another machine. Ctrl-C or SIGTERM stops a part, and the same command goes
on with it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from openmmscore.base.files import naming

import program
from chignolin_report import report
from exchange import ExchangeRun, join, read_part
from packing import pack, unpack
from program import PROGRAM, Job, atom_count, find_program, run_all
from systems import CHIGNOLIN, STARTS, chignolin_system

HERE = Path(__file__).resolve().parent
DATA = program.ROOT / "data"
PACKED = HERE / "chignolin"
MOST_PACKED_BYTES = 20 * 2**20

LOWEST_K, HIGHEST_K, TEMPERATURES = 280.0, 500.0, 16
TIMESTEP_FS = 3.0  # of 1, 2 and 3 fs the mean energy is the same within its error; 4 fs fall apart
FRICTION_PER_PS = 0.3  # low: a chain folds the faster for it
EXCHANGE_PS = 1.2
FRAME_PS = 24.0
EQUILIBRATION_PS = 20.0  # of the first part: velocities and bonds; folding takes far longer
SEEDS = {"native": 1, "extended": 2}  # of all parts: random numbers go on with the steps


@dataclass(frozen=True)
class Ladder:
    lowest_k: float = LOWEST_K
    highest_k: float = HIGHEST_K
    count: int = TEMPERATURES

    @property
    def temperatures_k(self) -> list[float]:
        """Geometric, which makes swaps about equally likely where the heat capacity is constant."""
        return np.geomspace(self.lowest_k, self.highest_k, self.count).round(2).tolist()


@dataclass(frozen=True)
class Folders:
    """Where parts are: as the program made them, and packed."""

    made: Path
    packed: Path = PACKED

    def part(self, start: str, number: int) -> Path:
        return self.made / f"{start}-{number:03d}.h5"

    def checkpoint(self, start: str, number: int) -> Path:
        return self.made / f"{start}-{number:03d}.h5.checkpoint"

    def system(self, start: str) -> Path:
        return self.made / f"{start}.system"

    def packed_part(self, start: str, number: int) -> Path:
        return self.packed / f"{start}-{number:03d}.h5"

    def numbers(self, start: str) -> list[int]:
        """Of finished parts, made or packed. ValueError where one in between is missing."""
        found = {
            int(match[1])
            for folder in (self.made, self.packed)
            for path in folder.glob(f"{start}-*.h5")
            if (match := re.fullmatch(rf"{start}-(\d+)\.h5", path.name))
        }
        numbers = sorted(found)
        if numbers != list(range(1, len(numbers) + 1)):
            raise ValueError(f"{self.made}: of {start} there are parts {numbers}, with a gap")
        return numbers


def unpack_missing(folders: Folders, starts: Sequence[str]) -> None:
    folders.made.mkdir(parents=True, exist_ok=True)
    for start in starts:
        for number in folders.numbers(start):
            part, packed = folders.part(start, number), folders.packed_part(start, number)
            if not part.is_file():
                unpack(packed, part, folders.checkpoint(start, number), folders.system(start))
                print(f"{packed.name}: unpacked")


def make_job(
    folders: Folders, start: str, number: int, ladder: Ladder, nanoseconds: float, replicas: int
) -> Job:
    """nanoseconds: of each copy. replicas: copies a temperature."""
    system = chignolin_system(start, folders.made)
    copies = replicas * ladder.count
    first = number == 1
    words = [
        *("--copies", f"{copies}"),
        *("--ladder", ",".join(f"{value:g}" for value in ladder.temperatures_k)),
        *("--exchange-interval", f"{_steps(EXCHANGE_PS)}"),
        *("--timestep", f"{TIMESTEP_FS:g}"),
        *("--friction", f"{FRICTION_PER_PS:g}"),
        *("--equilibration", f"{EQUILIBRATION_PS if first else 0:g}"),
        *("--time", f"{1000 * nanoseconds:g}"),
        *("--interval", f"{_steps(FRAME_PS)}"),
        *("--seed", f"{SEEDS[start]}"),
    ]
    if not first:
        words += ["--continue", str(folders.checkpoint(start, number - 1))]
    cost = atom_count(system) ** 2 * copies * _steps(1000 * nanoseconds)
    output = folders.part(start, number)
    return Job(f"{start}, part {number}", system, output, tuple(words), float(cost))


def _steps(picoseconds: float) -> int:
    return round(1000 * picoseconds / TIMESTEP_FS)


def run_parts(options: argparse.Namespace, folders: Folders) -> bool:
    """The next parts of each start, the starts by turns."""
    executable = find_program(options.program)
    unpack_missing(folders, options.start)
    ladder = Ladder(options.lowest, options.highest, options.temperatures)
    for turn in range(options.parts):
        for start in options.start:
            number = len(folders.numbers(start)) + 1
            if number > 1:
                _require_same_ladder(folders.part(start, number - 1), ladder)
            job = make_job(folders, start, number, ladder, options.ns, options.replicas)
            print(f"Turn {turn + 1} of {options.parts}", flush=True)
            if not run_all([job], executable, options.threads):
                return False
    return True


def _require_same_ladder(part: Path, ladder: Ladder) -> None:
    found = read_part(part).ladder_k
    wanted = ladder.temperatures_k
    if len(found) != len(wanted) or not np.allclose(found, wanted, rtol=1e-6, atol=0):
        raise ValueError(f"{part}: its ladder is {list(found)} K, not {wanted}: go on with that")


def pack_finished(folders: Folders, starts: Sequence[str]) -> None:
    """Packs what is not packed. A packed part is never written again."""
    folders.packed.mkdir(parents=True, exist_ok=True)
    for start in starts:
        for number in folders.numbers(start):
            packed = folders.packed_part(start, number)
            if not packed.is_file():
                part, checkpoint = folders.part(start, number), folders.checkpoint(start, number)
                pack(part, checkpoint, folders.system(start), packed)
                print(f"{packed.name}: {packed.stat().st_size / 2**20:.2f} MiB")
    total = sum(path.stat().st_size for path in folders.packed.glob("*.h5"))
    print(f"{folders.packed}: {total / 2**20:.2f} MiB")
    if total > MOST_PACKED_BYTES:
        raise ValueError(f"{folders.packed}: more than {MOST_PACKED_BYTES / 2**20:.0f} MiB")


def read_runs(folders: Folders, starts: Sequence[str]) -> dict[str, ExchangeRun]:
    """The run of each start that has one."""
    runs = {}
    for start in starts:
        parts = [folders.part(start, number) for number in folders.numbers(start)]
        if parts:
            with naming(parts[0]):
                runs[start] = join([read_part(part) for part in parts], start)
    if not runs:
        raise ValueError(f"{folders.made}: no finished part")
    return runs


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA, help="folder of all made data")
    parser.add_argument("--packed", type=Path, default=PACKED, help="folder of packed parts")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("run", "pack", "unpack", "report"):
        command = commands.add_parser(name)
        command.add_argument("--start", nargs="+", choices=STARTS, default=list(STARTS))
        if name == "run":
            _add_run_options(command)
        if name == "report":
            command.add_argument(
                "--temperature", type=float, default=None, help="target, K (the melting point)"
            )
            command.add_argument(
                "--discard", type=float, default=None, metavar="NS", help="(a fifth of each run)"
            )
            command.add_argument("--figure", type=Path, default=HERE / "chignolin.png")
    options = parser.parse_args()
    if options.command == "run":
        for name in ("ns", "parts", "threads", "replicas"):
            if not getattr(options, name) > 0:
                parser.error(f"--{name} is {getattr(options, name)}, must be positive")
        if not 0 < options.lowest < options.highest or options.temperatures < 2:
            parser.error("a ladder rises, and has two temperatures at least")
    return options


def _add_run_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--parts", type=int, default=1, help="of each start (1)")
    command.add_argument("--ns", type=float, default=10.0, help="of each copy and part (10)")
    command.add_argument("--lowest", type=float, default=LOWEST_K, help="temperature, K (280)")
    command.add_argument("--highest", type=float, default=HIGHEST_K, help="K (500)")
    command.add_argument("--temperatures", type=int, default=TEMPERATURES, help="how many (16)")
    command.add_argument("--replicas", type=int, default=1, help="copies a temperature (1)")
    command.add_argument("--program", type=Path, default=PROGRAM, help="score-peptide-md")
    command.add_argument("--threads", type=int, default=1, help="of the program (1)")


def main() -> None:
    options = arguments()
    folders = Folders(options.data / "chignolin", options.packed)
    finished = True
    try:
        if options.command == "run":
            finished = run_parts(options, folders)
        elif options.command == "pack":
            pack_finished(folders, options.start)
        elif options.command == "unpack":
            unpack_missing(folders, options.start)
        else:
            unpack_missing(folders, options.start)
            runs = read_runs(folders, options.start)
            report(runs, CHIGNOLIN, options.figure, options.temperature, options.discard)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0 if finished else 1)


if __name__ == "__main__":
    main()
