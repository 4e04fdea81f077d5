"""Every block of code in the documents runs, in the order in which it stands.

A document has a folder of its own, in which `examples` are the repository's and `model.xml.gz` is
that of alanine dipeptide. A block of Python runs as it stands. A block of XML becomes the file
`model.xml` or `recipe.xml`, which the blocks behind it read. A line of a block of shell runs as it
stands, but for these:

- LENGTHS: what says how long a command works has another value, and a ladder is not searched for;
- a recipe has stages of a few samples;
- what sets up, builds or tests the project itself (OF_THE_PROJECT) is looked up, not run: it is
  what runs these tests.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .documents import DOCUMENTS, ROOT, blocks_of, name_of

LENGTHS = {
    "--copies": "8",
    "--time": ".2",
    "--equilibration": ".02",
    "--interval": "10",
    "-n": "100",
}
LADDER = ["--ladder", "1e-5,.005,.01"]
OF_THE_PROJECT = {
    "apt-get",
    "clang-format-14",
    "cmake",
    "ctest",
    "git",
    "mypy",
    "pip",
    "pytest",
    "ruff",
}

WITH_CODE = [path for path in DOCUMENTS if blocks_of(path)]


def reduced_recipe(recipe: Path, folder: Path) -> Path:
    """The same recipe, a file in `folder`, of stages of a few samples."""
    text = recipe.read_text(encoding="utf-8")
    for attribute, value in {"samples": "256", "epochs": ".01", "warmUpSamples": "0"}.items():
        text = re.sub(rf' {attribute}="[^"]*"', f' {attribute}="{value}"', text)
    data = recipe.parent / re.findall(r'<Data file="([^"]*)"', text)[0]
    text = re.sub(r'<Data file="[^"]*"', f'<Data file="{data.resolve()}"', text)
    shorter = folder / "shorter.xml"
    shorter.write_text(text, encoding="utf-8")
    return shorter


def reduced(words: list[str], folder: Path) -> list[str]:
    words = list(words)
    for k in range(len(words) - 1):
        words[k + 1] = LENGTHS.get(words[k], words[k + 1])
    if words[0] == "score-train":
        words[1] = str(reduced_recipe(folder / words[1], folder))
    if "--end" in words:
        end = words.index("--end")
        words[end : end + 2] = LADDER
    return words


def look_up(words: list[str]) -> None:
    """That a command of the project's own has what it names."""
    if words[0].startswith("scripts/"):
        assert os.access(ROOT / words[0], os.X_OK), words
        return
    assert shutil.which(words[0]) or words[0] in OF_THE_PROJECT, words
    if "--preset" in words:
        kind = {"cmake": "buildPresets", "ctest": "testPresets"}[words[0]]
        presets = json.loads((ROOT / "CMakePresets.json").read_text(encoding="utf-8"))[kind]
        assert words[words.index("--preset") + 1] in [preset["name"] for preset in presets], words
    for word in words[1:]:
        if "/" in word and not word.startswith("-"):
            assert (ROOT / word).exists() or word.startswith("build/"), words


def run_shell(text: str, folder: Path, environment: dict[str, str]) -> None:
    for line in text.replace("\\\n", " ").splitlines():
        for command in re.split(r"\s&&\s", line):
            words = shlex.split(command, comments=True)
            own = dict(environment)
            while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                name, _, value = words.pop(0).partition("=")
                own[name] = value
            if not words:
                continue
            if words[0] in OF_THE_PROJECT or words[0].startswith("scripts/"):
                look_up(words)
                continue
            done = subprocess.run(
                reduced(words, folder), cwd=folder, env=own, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def save_xml(text: str, folder: Path) -> None:
    is_model = "<ScoreModel" in text
    (folder / ("model.xml" if is_model else "recipe.xml")).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("document", WITH_CODE, ids=name_of)
def test_the_code_of_a_document_runs(
    document: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: Callable[[str], str],
) -> None:
    shutil.copy(ROOT / "examples/alanine_dipeptide/model.xml.gz", tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    programs = [str(Path(path).parent) for path in (program("score-train"), sys.executable)]
    environment = {**os.environ, "PATH": os.pathsep.join([*programs, os.environ["PATH"]])}
    for block in blocks_of(document):
        where = f"{name_of(document)}, line {block.line}"
        if block.language == "python":
            exec(compile(block.text, where, "exec"), {})
        elif block.language == "sh":
            run_shell(block.text, tmp_path, environment)
        elif block.language == "xml":
            save_xml(block.text, tmp_path)
