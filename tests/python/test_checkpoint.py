"""Checkpoints whose digest is right, and whose content no run has written: every number of them is
checked, and what is wrong is named with its file."""

import json
import zlib
from typing import Any

import numpy as np
import pytest
from openmmscore.sampling.checkpoint import Member, checked, packed, read_state, to_json

from .test_resume import MAINS, RUNS, killed_when_saved, names, words


@pytest.fixture
def checkpoint(request, model_file, tmp_path, monkeypatch, capsys):
    """Reads and writes that of a run that was killed, and resumes: returns the error."""

    class Checkpoint:
        def __init__(self, run):
            self.run = run
            self.arguments = words(run, model_file, tmp_path / "run.h5")
            killed_when_saved(monkeypatch, run, self.arguments, 18)
            self.path = tmp_path / "run.h5.checkpoint"
            self.state = read_state(self.path)
            self.before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
            capsys.readouterr()

        def error_with(self, state):
            self.path.write_bytes(packed(state))
            status = MAINS[self.run]([*self.arguments, "--resume"])
            error = capsys.readouterr().err
            assert status == 1, error
            assert "Traceback" not in error
            assert f"{self.path}: " in error or f"of {self.path.name}: they are of two" in error
            left = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
            left[self.path.name] = self.before[self.path.name]
            assert left == self.before
            return error

        def resumes(self):
            self.path.write_bytes(packed(self.state))
            return MAINS[self.run]([*self.arguments, "--resume"]) == 0

    return Checkpoint


def odd(values):
    """The same member as nobody wrote it: of other types, shapes and numbers."""
    yield "no array", np.array(["text"])
    yield "another type", values.astype(np.float32 if values.dtype != np.float32 else np.float64)
    yield "another type", values.astype(np.complex128)
    yield "an extent more", values[None]
    yield "flat", np.append(values.ravel(), values.ravel()[:1])
    if values.dtype.kind == "f":
        yield "NaN", np.full_like(values, np.nan)
        yield "infinity", np.full_like(values, np.inf)
    if values.dtype == np.int64:
        yield "negated", -values - 1
        yield "too large", np.full_like(values, 2**62)


@RUNS
def test_no_member_may_be_missing_or_odd(run, checkpoint):
    forged = checkpoint(run)
    for name, values in forged.state.items():
        rest = {each: array for each, array in forged.state.items() if each != name}
        assert f"has no {name}" in forged.error_with(rest)
        for what, other in odd(values):
            if what == "flat" and values.dtype == np.uint8:
                continue
            error = forged.error_with({**rest, name: other})
            assert name in error or what in ("negated", "too large"), (name, what, error)
    assert forged.resumes()


@RUNS
def test_texts_and_bytes_are_what_they_should_be(run, checkpoint):
    forged = checkpoint(run)
    for name, values in forged.state.items():
        if values.dtype != np.uint8:
            continue
        for other in (values[:0], values[:-1], values[: len(values) // 2], ~values, 0 * values):
            forged.error_with({**forged.state, name: other})
    identities: list[Any] = [None, [], {}, {"seed": 1}, 7]
    for identity in identities:
        forged.error_with({**forged.state, "identity": to_json(identity)})
    assert forged.resumes()


def test_steps_that_no_run_comes_to_are_named(checkpoint):
    forged = checkpoint("simulate")
    kept = int(forged.state["frames"])
    for changes in (
        {"steps": np.array(50 + 5 * (kept + 2))},
        {"steps": np.array(50 + 5 * kept - 1)},
        {"discarded": np.array(0)},
        {"is_equilibrated": np.array(False)},
        {"frames": np.array(kept - 1)},
    ):
        error = forged.error_with({**forged.state, **changes})
        assert "no run comes there" in error or "they are of two runs" in error
    assert forged.resumes()


def test_swaps_that_no_run_has_done_are_named(checkpoint):
    forged = checkpoint("replica_exchange")
    state = forged.state
    walker = state["walker"].copy()
    walker[0, 1] = walker[1, 1]
    for changes, message in (
        ({"walker": walker}, "walker of copy 1 is "),
        ({"walker": state["walker"] + 1}, "walker has 3, must be from 0 to 2"),
        ({"accepted": state["attempts"] + 1}, "accepted are "),
        ({"attempts": state["attempts"] + 10**6}, "attempts at pair 0"),
        (
            {"started": state["started"] & False, "returning": state["started"] | True},
            "returning has a walker that never started",
        ),
        ({"completed": state["completed"] + 10**6}, "completed has 100000"),
        ({"parity": np.array(2)}, "parity has 2, must be from 0 to 1"),
        ({"ladder": state["ladder"][::-1]}, "ladder is "),
        ({"ladder": 2 * state["ladder"]}, "ladder is "),
        ({"ladder": state["ladder"][:2]}, "ladder has shape (2,)"),
        ({"sweeps": state["sweeps"] + 2}, "frames are "),
    ):
        assert message in forged.error_with({**state, **changes})
    assert forged.resumes()


def test_random_numbers_are_those_of_a_generator(checkpoint):
    forged = checkpoint("replica_exchange")
    good = json.loads(forged.state["random"].tobytes())
    inner = good["state"]
    states: list[Any] = [
        None,
        [],
        {},
        {**good, "bit_generator": "MT19937"},
        {**good, "has_uint32": -1},
        {**good, "uinteger": 2**40},
        {**good, "uinteger": None},
        {**good, "more": 1},
        {**good, "state": 7},
        {**good, "state": {**inner, "state": -1}},
        {**good, "state": {**inner, "inc": "1"}},
        {**good, "state": {**inner, "state": 2**128}},
    ]
    for state in states:
        error = forged.error_with({**forged.state, "random": to_json(state)})
        assert "random is no state of random numbers" in error, state
    assert forged.resumes()


def with_crc32(name, content):
    """A context and its CRC-32."""
    return {
        name: content,
        name.replace("context", "context_crc32"): np.array(zlib.crc32(content.tobytes())),
    }


@RUNS
def test_a_context_has_its_crc32(run, checkpoint):
    """OpenMM crashes on some that have not, as on the last byte of the Reference platform's."""
    forged = checkpoint(run)
    name = "context" if run == "simulate" else "context.1"
    for place in (-1, 0, len(forged.state[name]) // 2):
        content = forged.state[name].copy()
        content[place] ^= 0x80
        assert f"{name} is damaged" in forged.error_with({**forged.state, name: content})
    assert forged.resumes()


def test_parameters_of_a_context_are_those_of_the_run(checkpoint):
    forged = checkpoint("simulate")
    content = forged.state["context"].tobytes().replace(b"ScoreForceD", b"ScoreForc\xe5D")
    error = forged.error_with(
        {**forged.state, **with_crc32("context", np.frombuffer(content, np.uint8))}
    )
    assert "context has a parameter 'ScoreForc" in error
    assert "this run has none of that name" in error
    assert forged.resumes()


@RUNS
def test_positions_of_a_context_are_finite(run, checkpoint):
    """At whichever places of 8 bytes they are."""
    forged = checkpoint(run)
    name = "context" if run == "simulate" else "context.1"
    content = forged.state[name].tobytes()
    for shift in range(8):
        part = content[shift : shift + (len(content) - shift) // 8 * 8]
        numbers = np.frombuffer(part, "<f8").copy()
        places = np.flatnonzero((np.abs(numbers) > 0.01) & (np.abs(numbers) < 2))
        if len(places) < 10:
            continue
        numbers[places[len(places) // 2]] = np.nan
        other = np.frombuffer(content[:shift] + numbers.tobytes(), np.uint8)
        other = np.append(other, np.frombuffer(content[len(other) :], np.uint8))
        assert name in forged.error_with({**forged.state, **with_crc32(name, other)})
    assert forged.resumes()


def test_members_say_what_they_must_be(tmp_path):
    whole = Member("i8", (2,), 0, 9)
    for values, message in (
        (np.array([1, 10]), "x has 10, must be from 0 to 9"),
        (np.array([-1, 1]), "x has -1, must be from 0 to 9"),
        (np.array([1]), r"x has shape \(1,\), must have \(2,\)"),
        (np.array([1, 2], "i4"), "x holds int32, must be int64"),
    ):
        with pytest.raises(ValueError, match=f"run.checkpoint: {message}"):
            checked("run.checkpoint", {"x": values}, {"x": whole})
    with pytest.raises(ValueError, match=r"run.checkpoint: x holds bytes, must be float64"):
        checked("run.checkpoint", {"x": b"?"}, {"x": Member("f8")})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="x has nan"):
        checked("run.checkpoint", {"x": np.array(np.nan)}, {"x": Member("f8")})
    good = {"x": np.array([0, 9]), "more": np.array(1)}
    assert list(checked("run.checkpoint", good, {"x": whole})) == ["x"]
