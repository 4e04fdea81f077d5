"""What the benchmarks share: their options, a scratch folder, and how participants are started."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.benchmarks import table
from tests.benchmarks.workers import FULL, QUICK, Effort, Timing, Worker, WorkerError

MOST_DISTURBED = 1.2  # a matrix product's median over the best of the run


def integers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def words(text: str) -> list[str]:
    return text.split(",")


def parser(description: str, subjects: Iterable[str]) -> argparse.ArgumentParser:
    """The options that all benchmarks have."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--threads", type=integers, default=[1, 2], metavar="N,...")
    result.add_argument(
        "--subjects",
        type=words,
        default=list(subjects),
        metavar="NAME,...",
        help=f"participants; all: {','.join(subjects)}",
    )
    result.add_argument("--quick", action="store_true", help="a rough look, not for quoting")
    result.add_argument("--csv", type=Path, metavar="FILE", help="write all numbers to FILE too")
    result.add_argument(
        "--build", type=Path, required=True, help="the build folder; `run` gives it"
    )
    return result


def place(row: Mapping[str, str | int | float]) -> str:
    """Which row it is: its first three values, numbers with what they count."""
    first = list(row.items())[:3]
    return ", ".join(str(v) if isinstance(v, str) else f"{v} {key}" for key, v in first)


class Session:
    """One run of a benchmark. Everything it starts or writes ends with it, save the caches in which
    JAX and PyTorch keep what they have compiled."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.effort: Effort = QUICK if options.quick else FULL
        self.cores = sorted(os.sched_getaffinity(0))
        self.head = table.header(self.cores)
        self.rows: list[dict[str, str | int | float]] = []
        self.notes: list[str] = []
        self._workers: list[Worker] = []
        self._folder = tempfile.TemporaryDirectory()
        self.scratch = Path(self._folder.name)
        if max(options.threads) > len(self.cores):
            sys.exit(f"{max(options.threads)} threads, but there are {len(self.cores)} cores")

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(self._workers)
        self._folder.cleanup()

    def wants(self, subject: str) -> bool:
        return subject in self.options.subjects

    def note(self, text: str) -> None:
        """Something to say below the table, once."""
        print(text, file=sys.stderr, flush=True)
        if text not in self.notes:
            self.notes.append(text)

    def _start(
        self, name: str, command: Sequence[str], threads: int, environment: Mapping[str, str]
    ) -> Worker:
        worker = Worker(name, command, self.cores[-threads:], environment)
        self._workers.append(worker)
        return worker

    def core(self, name: str, threads: int) -> Worker:
        """The plugin's numerical core."""
        command = [str(self.options.build / "bin" / "bench_worker")]
        return self._start(name, command, threads, {})

    def python(self, module: str, name: str, kind: str, threads: int) -> Worker:
        """A Python module of this folder that serves; its first arguments are `kind` and
        `threads`."""
        environment = {
            **{f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "MKL", "OPENBLAS")},
            "CUDA_VISIBLE_DEVICES": "",
            "JAX_PLATFORMS": "cpu",
            "JAX_COMPILATION_CACHE_DIR": str((self.options.build / "jax").absolute()),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "TORCHINDUCTOR_CACHE_DIR": str((self.options.build / "inductor").absolute()),
        }
        environment["XLA_FLAGS"] = (
            "--xla_cpu_multi_thread_eigen=false"
            if threads == 1
            else f"--xla_force_host_platform_device_count={threads}"
        )
        command = [sys.executable, "-m", f"tests.benchmarks.{module}", kind, str(threads)]
        return self._start(name, command, threads, environment)

    def close(self, workers: Iterable[Worker]) -> None:
        for worker in list(workers):
            worker.close()
            self._workers.remove(worker)

    def ready(self, worker: Worker, *request: object) -> list[str] | None:
        """Lets a peer make its job. One that cannot is noted, and is None."""
        try:
            return worker.ask(*request)
        except WorkerError as error:
            self.note(f"{error}")
            return None

    def add_row(
        self, row: dict[str, str | int | float], timings: Mapping[str, Timing], unit: float = 1e3
    ) -> None:
        """Adds a row with every participant's times (in ms, if `unit` is 1e3). It is said and
        written at once, so that a run that is broken off has not been for nothing."""
        for name, timing in timings.items():
            row[name] = timing.best * unit
            row[f"{name} median"] = timing.median * unit
            row[f"{name} cores"] = timing.cores
        self.rows.append(row)
        times = ", ".join(f"{name} {table.number(row[name])}" for name in timings)
        print(f"{place(row)}: {times}", file=sys.stderr, flush=True)
        self._write_csv()

    def _write_csv(self) -> None:
        if self.options.csv:
            table.write_csv(self.options.csv, self.head, self.rows)

    def finish(self, columns: Mapping[str, str]) -> None:
        """Prints the table and writes the CSV, with what `derive` has added to its rows."""
        print(f"{self.head}\n\n{table.markdown(self.rows, columns)}")
        for note in self.notes:
            print(f"\n{note}")
        self._write_csv()


def note_disturbances(session: Session, product: str = "numpy product") -> None:
    """Says which rows were measured while something else used the machine: in them a matrix product
    took longer than in the others."""
    for threads in session.options.threads:
        rows = [row for row in session.rows if row["threads"] == threads]
        best = min(float(row[product]) for row in rows)
        for row in rows:
            slower = float(row[f"{product} median"]) / best
            if slower > MOST_DISTURBED:
                session.note(
                    f"{place(row)}: the machine was busy, products took {slower:.1f} times as long."
                )


def best_rate(rows: Iterable[Mapping[str, str | int | float]], amount: float, *keys: str) -> float:
    """`amount` a second in the best of all rows' times, which are in ms, under any of `keys`."""
    return amount / (1e-3 * min(float(row[key]) for row in rows for key in keys if key in row))
