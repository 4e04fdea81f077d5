"""Model.sample: the very samples of score-sample, in process."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openmm
import pytest
from numpy.testing import assert_array_equal
from openmmscore import Model

COUNT, STEPS = 300, 4


def written(
    program: Callable[[str], str], model: Model, folder: Path, *options: str
) -> tuple[Any, Any]:
    """Positions and log-densities, None where there are none, of score-sample."""
    model.save(folder / "model.xml")
    command = [program("score-sample"), "-n", str(COUNT), "--steps", str(STEPS)]
    command += ["-o", "samples.npy", *options, "model.xml"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    densities = folder / "samples.log_density.npy"
    return np.load(folder / "samples.npy"), np.load(densities) if densities.exists() else None


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", ["model", "based_model", "mixed_model", "feature_model", "toy"])
def test_samples_are_those_of_the_program(name, threads, request, program, tmp_path):
    model = request.getfixturevalue(name)
    expected, densities = written(program, model, tmp_path)
    positions, found = model.sample(COUNT, steps=STEPS, threads=threads, log_density=True)
    assert positions.shape == (COUNT, len(model.beads), model.dimensions)
    assert positions.dtype == np.float32
    assert_array_equal(positions, expected)
    assert_array_equal(found, densities)
    assert_array_equal(model.sample(COUNT, steps=STEPS, threads=threads), expected)


def test_seed_and_solver_are_those_of_the_program(model, program, tmp_path):
    options = ["--seed", str(2**63 - 1), "--solver", "euler-maruyama"]
    expected, _ = written(program, model, tmp_path, *options)
    found = model.sample(COUNT, 2**63 - 1, solver="euler-maruyama", steps=STEPS)
    assert_array_equal(found, expected)


def test_the_number_of_steps_is_the_programs(toy):
    assert_array_equal(toy.sample(5), toy.sample(5, 1, steps=100))
    euler = toy.sample(5, solver="euler-maruyama")
    assert_array_equal(euler, toy.sample(5, steps=1000, solver="euler-maruyama"))


def test_the_first_of_many_are_those_of_few(toy):
    assert_array_equal(toy.sample(40, 2, steps=STEPS)[:7], toy.sample(7, 2, steps=STEPS))
    assert toy.sample(0).shape == (0, 1, 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"n": -1}, "n is -1, must be a non-negative integer"),
        ({"n": 2**32}, "n is 4294967296"),
        ({"n": 1, "seed": 2**63}, "seed is 9223372036854775808"),
        ({"n": 1, "steps": 0}, "steps is 0, must be a positive integer"),
        ({"n": 1, "steps": 1}, "steps is 1, must be from 2 to 1000000"),
        ({"n": 1, "steps": 10**6 + 1}, "steps is 1000001"),
        ({"n": 1, "steps": 2**31}, "steps is 2147483648"),
        ({"n": 1, "threads": 0}, "threads is 0"),
        ({"n": 1, "threads": 2**31}, "threads is 2147483648, must be at most 1024"),
        ({"n": 1, "solver": "euler"}, "the solver is 'euler'"),
    ],
)
def test_values_that_are_out_of_range_are_named(toy, words, message):
    with pytest.raises(ValueError, match=message):
        toy.sample(**words)


def test_models_that_cannot_be_sampled_say_why(mixed_text, mixed_model):
    short = Model.from_xml(mixed_text.xml().replace('timeEnd="1.0"', 'timeEnd="0.9"'))
    with pytest.raises(ValueError, match=r"no expert of the model owns diffusion times 0\.9 to 1"):
        short.sample(1)
    first, second = mixed_model.experts
    scores = Model.from_tensors(
        [mixed_model.tensors[0]] * 2,
        [first, replace(first, t_begin=second.t_begin + 1e-6, t_end=second.t_end)],
        mixed_model.beads,
        scale=mixed_model.scale,
        temperature=mixed_model.temperature,
    )
    assert scores.sample(2, steps=2).shape == (2, 5, 3)
    with pytest.raises(ValueError, match="the model has no energy at diffusion time 1e-05"):
        scores.sample(2, steps=2, log_density=True)


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interruption_ends_it(model, threads):
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            model.sample(10_000_000, steps=10**6, threads=threads)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 30


def test_other_threads_run_meanwhile(toy):
    counted = 0
    done = threading.Event()

    def sample() -> None:
        toy.sample(2000, steps=1000)
        done.set()

    worker = threading.Thread(target=sample)
    worker.start()
    while not done.is_set():
        counted += 1
        time.sleep(0)
    worker.join()
    assert counted > 10


def test_a_sample_that_is_not_finite_is_an_error(toy):
    tensors = {name: values.copy() for name, values in toy.tensors[0].items()}
    tensors["readout.weight"][:] = 1e300
    wild = Model.from_tensors(
        [tensors],
        toy.experts,
        toy.beads,
        scale=toy.scale,
        temperature=toy.temperature,
        dimensions=2,
        centred=False,
    )
    with pytest.raises(openmm.OpenMMException, match="sample 0"):
        wild.sample(3)
