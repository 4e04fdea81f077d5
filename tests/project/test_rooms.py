"""Who may import whom in the Python package."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from .documents import ROOT, name_of

PACKAGE = ROOT / "python-wrappers/openmmscore"

WINGS = {
    "base": [],
    "io": ["base"],
    "model": ["base", "io"],
    "sampling": ["base", "io", "model"],
    "evaluation": ["base", "io", "model"],
}
"""Of each folder, those whose modules its own may import. Modules outside of folders, the commands,
may import all of them, and are imported by none."""

EXTENSION = "_openmmscore"
MODULES = [path for wing in WINGS for path in sorted((PACKAGE / wing).rglob("*.py"))]


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line, and the first name below the package, of what a module imports of it, wherever in the
    module it does so."""
    package = (PACKAGE.name, *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            module = [*above, *(node.module or "").split(".")]
            names = [".".join(filter(None, [*module, each.name])) for each in node.names]
        elif isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        else:
            continue
        for name in names:
            if name.startswith(f"{PACKAGE.name}."):
                yield node.lineno, name.split(".")[1]


def test_every_folder_is_listed() -> None:
    found = {path.parent.name for path in PACKAGE.glob("*/*.py")}
    assert found == set(WINGS)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_its_own_room_and_those_below(path: Path) -> None:
    wing = path.relative_to(PACKAGE).parts[0]
    allowed = {wing, EXTENSION, *WINGS[wing]}
    for line, name in imports_of(path):
        assert name in allowed, f"{name_of(path)}:{line}: {wing} imports {name}"


def test_folders_are_in_an_order() -> None:
    """Nothing depends on itself by way of others."""
    before: set[str] = set()
    for wing, below in WINGS.items():
        assert set(below) <= before
        before.add(wing)
