"""The project's documents as Markdown: their links, their code, their tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
SKIPPED = {".git", ".venv", "build", "data"}  # at the root

# What a stranger reads, and whose code runs.
DOCUMENTS = [README, *sorted(ROOT.glob("C*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def repository_files() -> list[str]:
    """Paths from the root, of what could be part of the repository."""
    paths = (path.relative_to(ROOT) for path in sorted(ROOT.rglob("*")) if path.is_file())
    return [path.as_posix() for path in paths if path.parts[0] not in SKIPPED]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tokens_of(path: Path) -> Iterator[Token]:
    """All tokens, those of a line of text too."""
    for token in MarkdownIt().enable("table").parse(path.read_text(encoding="utf-8")):
        yield token
        yield from token.children or []


@dataclass(frozen=True)
class Block:
    """A block of code. language: "" where none is named, as of an indented one."""

    line: int
    language: str
    text: str


def blocks_of(path: Path) -> list[Block]:
    return [
        Block((token.map or [0])[0] + 1, token.info.strip(), token.content)
        for token in tokens_of(path)
        if token.type in ("fence", "code_block")
    ]


def headings_of(path: Path) -> list[str]:
    """Their text, without the marks of Markdown."""
    found, is_heading = [], False
    for token in tokens_of(path):
        if token.type == "inline" and is_heading:
            parts = token.children or []
            found.append("".join(part.content for part in parts if part.type != "image"))
        is_heading = token.type == "heading_open"
    return found


def anchor(heading: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def sections_of(path: Path) -> dict[str, str]:
    """The text below each heading, up to the next of any level."""
    found: dict[str, str] = {}
    heading = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"#+ (.*)", line):
            heading = match[1].replace("`", "")
            assert heading not in found, f"{name_of(path)}: two sections {heading!r}"
        found[heading] = f"{found.get(heading, '')}{line}\n"
    return found
