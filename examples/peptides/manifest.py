"""The checksums of the made data, so that it is known what there was, and whether it is the same.

    python manifest.py write     data.sha256, from the files that are finished; what it lists
                                 already and is not there stays as it is
    python manifest.py check     what is missing, what has changed, what is not in the list

A line of data.sha256 is a file's SHA-256, its size in bytes and its path relative to data/.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from openmmscore.base.files import replace_file

import program

__all__ = ["Entry", "differences", "entries_of", "read_manifest", "write_manifest"]

HERE = Path(__file__).resolve().parent
DATA = program.ROOT / "data"
MANIFEST = HERE / "data.sha256"
KINDS = (".h5", ".system", ".bias")


@dataclass(frozen=True)
class Entry:
    sha256: str
    size: int


def finished_files(data: Path) -> Iterator[Path]:
    """Runs and what they were made from, in order; nothing that is still being made."""
    for path in sorted(data.rglob("*")):
        if path.suffix in KINDS and path.is_file():
            yield path


def entries_of(data: Path) -> dict[str, Entry]:
    found = {}
    for path in finished_files(data):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found[path.relative_to(data).as_posix()] = Entry(digest, path.stat().st_size)
    return found


def write_manifest(path: Path, entries: dict[str, Entry]) -> None:
    lines = [f"{entry.sha256} {entry.size} {name}\n" for name, entry in sorted(entries.items())]
    replace_file(path, lambda file: file.write("".join(lines).encode()))


def read_manifest(path: Path) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        match = re.fullmatch(r"([0-9a-f]{64}) (\d+) (.+)", line)
        if match is None:
            raise ValueError(f"{path}:{number}: '{line}' is not 'SHA-256 size path'")
        if match[3] in entries:
            raise ValueError(f"{path}:{number}: {match[3]} stands there twice")
        entries[match[3]] = Entry(match[1], int(match[2]))
    return entries


def differences(listed: dict[str, Entry], found: dict[str, Entry]) -> list[str]:
    """What is missing, has changed or is not listed; a line each."""
    lines = [f"missing: {name}" for name in sorted(listed.keys() - found.keys())]
    lines += [
        f"changed: {name}"
        for name in sorted(listed.keys() & found.keys())
        if listed[name] != found[name]
    ]
    return lines + [f"not listed: {name}" for name in sorted(found.keys() - listed.keys())]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("write", "check"))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--manifest", type=Path, default=MANIFEST)
    options = parser.parse_args()
    try:
        if not options.data.is_dir():
            raise ValueError(f"{options.data} is no folder")
        found = entries_of(options.data)
        if options.command == "write":
            listed = read_manifest(options.manifest) if options.manifest.exists() else {}
            write_manifest(options.manifest, listed | found)
            print(f"{options.manifest}: {len(listed | found)} files, {len(found)} of them here")
            return
        lines = differences(read_manifest(options.manifest), found)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    print("\n".join(lines) if lines else f"{len(found)} files are as listed")
    sys.exit(1 if lines else 0)


if __name__ == "__main__":
    main()
