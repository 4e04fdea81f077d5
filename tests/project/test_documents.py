"""What the documents name exists: links, their anchors, files, functions of files."""

import re
from pathlib import Path

import pytest

from .documents import (
    DOCUMENTS,
    README,
    ROOT,
    SKIPPED,
    anchor,
    blocks_of,
    headings_of,
    name_of,
    repository_files,
    tokens_of,
)

EVERY = [
    path for path in sorted(ROOT.rglob("*.md")) if path.relative_to(ROOT).parts[0] not in SKIPPED
]
LANGUAGES = {"python", "sh", "xml", "text"}

SOURCE = re.compile(r"[\w./-]+\.(c|h|cpp|py|pyi|i|rng|cmake|md|toml|yml|yaml|cff)")
"""Such a name is one of the repository's; a name of data may be one of the reader's."""


@pytest.mark.parametrize("path", EVERY, ids=name_of)
def test_relative_links_lead_somewhere(path: Path) -> None:
    links = [token.attrGet("href") or token.attrGet("src") for token in tokens_of(path)]
    for link in filter(None, map(str, filter(None, links))):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, place = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{name_of(path)} links to {link}"
        if place:
            assert place in map(anchor, headings_of(target)), f"{name_of(path)} links to {link}"


def is_there(name: str, files: list[str]) -> bool:
    """From the root, or the end of a path."""
    return (ROOT / name).exists() or any(file.endswith(f"/{name}") for file in files)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_files_that_are_named_are_in_the_repository(path: Path) -> None:
    files = repository_files()
    folders = {file.split("/")[0] for file in files if "/" in file}
    for token in tokens_of(path):
        if token.type != "code_inline":
            continue
        name = token.content
        is_ours = name.split("/")[0] in folders and "/" in name and re.fullmatch(r"[\w./-]+", name)
        if SOURCE.fullmatch(name) or is_ours:
            assert is_there(name, files), f"{name_of(path)} names {name}"


@pytest.fixture(scope="module")
def words() -> set[str]:
    """Of the sources, those of the tests and examples included, but of no document."""
    endings = (".c", ".h", ".cpp", ".txt", ".cmake", ".py", ".json", ".rng")
    return {
        word
        for file in repository_files()
        if file.endswith(endings) and not file.startswith("tests/project/")
        for word in re.findall(r"\w+", (ROOT / file).read_text(encoding="utf-8"))
    }


OF_THE_SOURCES = [ROOT / "docs/architecture.md", ROOT / "docs/glossary.md"]
NAMES = re.compile(r"\.{0,3}\w+((\.|::)\w+)*")
"""Of functions, types, members, constants and the like."""


@pytest.mark.parametrize("path", OF_THE_SOURCES, ids=name_of)
def test_what_is_named_of_the_sources_is_there(path: Path, words: set[str]) -> None:
    files = repository_files()
    for token in tokens_of(path):
        if token.type == "code_inline" and NAMES.fullmatch(token.content):
            if is_there(token.content, files):
                continue
            for word in re.findall(r"\w+", token.content):
                assert any(word in each for each in words), f"{name_of(path)}: {token.content}"


IN_A_FILE = re.compile(r"`(\w[\w.:]*)`,? (?:in |\()`([\w/.-]+\.\w+)`")
"""A name in a file, or a name and its file in brackets."""


@pytest.mark.parametrize("path", OF_THE_SOURCES, ids=name_of)
def test_names_are_in_the_files_that_are_said_to_have_them(path: Path) -> None:
    files = repository_files()
    found = IN_A_FILE.findall(" ".join(path.read_text(encoding="utf-8").split()))
    assert len(found) >= 20
    for name, file in found:
        held = "".join(
            (ROOT / each).read_text(encoding="utf-8")
            for each in files
            if each == file or each.endswith(f"/{file}")
        )
        for word in re.findall(r"\w+", name):
            assert re.search(rf"\b{word}\b", held), f"{name_of(path)}: {name} in {file}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_options_are_those_of_some_program(path: Path) -> None:
    sources = ("plugin/", "python-wrappers/", "scripts/", "tests/benchmarks/")
    known: set[str] = {"--preset"}  # of cmake
    for file in repository_files():
        if file.startswith(sources) and not file.endswith((".csv", ".png")):
            known |= set(re.findall(r"--[a-z][a-z-]+", (ROOT / file).read_text(encoding="utf-8")))
    for token in tokens_of(path):
        if token.type in ("code_inline", "fence"):
            found = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", token.content))
            assert found <= known, f"{name_of(path)}: {sorted(found - known)}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_code_says_what_it_is(path: Path) -> None:
    for block in blocks_of(path):
        assert block.language in LANGUAGES, f"{name_of(path)}:{block.line}: {block.language!r}"


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 170


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_folders_of_a_map_are_there(path: Path) -> None:
    """A map: text whose lines begin with a folder, those below it further to the right."""
    for block in blocks_of(path):
        if block.language != "text":
            continue
        above: dict[int, str] = {}
        for line in block.text.splitlines():
            match = re.match(r"( *)([\w.-]+)/(?:\s|$)", line)
            if match is None:
                continue
            depth = len(match[1])
            above = {k: folder for k, folder in above.items() if k < depth}
            folder = "/".join([*above.values(), match[2]])
            assert (ROOT / folder).is_dir(), f"{name_of(path)}:{block.line}: {folder}"
            above[depth] = match[2]
