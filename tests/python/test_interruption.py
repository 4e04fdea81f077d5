"""Signals, and words that cannot be written: neither costs a result."""

import io
import os
import signal
import subprocess
import sys

import pytest
from openmmscore.base.interruption import Interruption
from openmmscore.base.progress import Progress, say

from .test_resume import words

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def handlers():
    return [signal.getsignal(number) for number in NUMBERS]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_asks_and_is_then_as_before(number):
    before = handlers()
    with Interruption() as interruption:
        assert not interruption.asked
        signal.raise_signal(number)
        assert interruption.asked
        for again in (signal.SIGHUP, signal.SIGTERM):  # one request, of a closing terminal
            signal.raise_signal(again)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert handlers() == before


@pytest.mark.parametrize("number", NUMBERS)
def test_ignored_signals_stay_ignored(number):
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            signal.raise_signal(number)
            assert not interruption.asked
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_handlers_that_are_not_pythons_are_left_alone(monkeypatch):
    """Of those getsignal says None, which signal() does not take."""
    changed = []
    monkeypatch.setattr(signal, "getsignal", lambda number: None)
    monkeypatch.setattr(signal, "signal", lambda *words: changed.append(words))
    with Interruption():
        pass
    assert not changed


class _Broken(io.StringIO):
    def write(self, text, /):
        raise OSError(28, "No space left on device")

    def isatty(self):
        raise ValueError("I/O operation on closed file")


@pytest.mark.parametrize("stream", [None, _Broken(), io.TextIOWrapper(io.BytesIO(), "ascii")])
def test_words_that_cannot_be_written_are_dropped(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "stdout", stream)
    progress = Progress("µ", 10)
    progress.every = 0
    progress.update(5)
    progress.close()
    say("µ \udce8")
    say("µ \udce8", error=True)
    if isinstance(stream, io.TextIOWrapper):
        stream.seek(0)
        text = stream.read()
        assert "\\xb5:  50 %" in text
        assert text.endswith("\\xb5 \\udce8\n\\xb5 \\udce8\n")


@pytest.mark.parametrize("run", ["simulate", "replica_exchange"])
@pytest.mark.parametrize(
    "way", ["2>/dev/full", "2>&-", ">/dev/full", ">&-", "<&- >&- 2>&-", "2>&1 | true"]
)
def test_a_run_ends_well_whatever_becomes_of_its_streams(run, way, model_file, tmp_path):
    output = tmp_path / "run.h5"
    command = [sys.executable, "-m", f"openmmscore.{run}", *words(run, model_file, output)]
    script = f'set -o pipefail; "$@" {way}'
    done = subprocess.run(["bash", "-c", script, "bash", *command], capture_output=True, text=True)
    assert done.returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["run.h5"]
    expected = tmp_path / "expected.h5"
    subprocess.run([*command[:3], *words(run, model_file, expected)], capture_output=True)
    assert output.read_bytes() == expected.read_bytes()


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path):
    """What a library says there would be in the file."""
    code = (
        "import os; from openmmscore.base.progress import hold_standard_streams as hold; hold(); "
        "file = os.open('file', os.O_CREAT | os.O_WRONLY); os.write(2, b'said'); "
        "raise SystemExit(0 if file > 2 else 1)"
    )
    script = f'"{sys.executable}" -c "{code}" <&- >&- 2>&-'
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert (tmp_path / "file").read_bytes() == b""


def test_what_a_notebook_draws_with_does_not_matter(tmp_path):
    """Its kernel hands its MPLBACKEND to the programs that it starts."""
    pytest.importorskip("matplotlib")
    np = pytest.importorskip("numpy")
    np.save(tmp_path / "data.npy", np.random.default_rng(1).normal(size=(500, 1, 1)))
    environment = {**os.environ, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    command = [sys.executable, "-m", "openmmscore.evaluate", "--data", "data.npy"]
    command += ["--samples", "data.npy", "--coordinates", "x", "--output", "out"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(tmp_path / "out")) == ["evaluation.json", "evaluation.png"]
