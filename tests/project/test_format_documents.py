"""docs/model-format.md and docs/recipe.md name what the schemas name, and nothing else.

An element has a section of its own name, that names the elements it may stand in, and where it has
attributes a table: name, then "required", or what holds where it is absent, then its meaning. The
words that an attribute may be stand in its row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from .documents import ROOT, name_of, sections_of

RNG = "{http://relaxng.org/ns/structure/1.0}"
FORMATS = [
    (ROOT / "docs/model-format.md", ROOT / "plugin/score/weights/score-model.rng"),
    (ROOT / "docs/recipe.md", ROOT / "plugin/trainer/recipe/score-recipe.rng"),
]


@dataclass
class Element:
    parents: set[str] = field(default_factory=set)
    attributes: dict[str, bool] = field(default_factory=dict)  # whether it is required
    words: dict[str, set[str]] = field(default_factory=dict)  # that an attribute may be


def read_schema(path: Path) -> dict[str, Element]:
    root = ET.parse(path).getroot()
    defines = {str(each.get("name")): each for each in root.iter(f"{RNG}define")}
    found: dict[str, Element] = {}

    def words(node: ET.Element) -> set[str]:
        if node.tag == f"{RNG}value":
            return {node.text or ""}
        if node.tag == f"{RNG}except":
            return set()
        if node.tag == f"{RNG}ref":
            return words(defines[str(node.get("name"))])
        return set().union(*map(words, node))

    def required(node: ET.Element) -> set[str]:
        """The attributes that are always there."""
        if node.tag == f"{RNG}attribute":
            return {str(node.get("name"))}
        if node.tag in (f"{RNG}optional", f"{RNG}zeroOrMore", f"{RNG}element"):
            return set()
        if node.tag == f"{RNG}ref":
            return required(defines[str(node.get("name"))])
        parts = [required(each) for each in node if each.tag.startswith(RNG)]
        if node.tag == f"{RNG}choice":
            return set.intersection(*parts)
        return set().union(*parts)

    def visit(node: ET.Element, inside: str) -> None:
        if node.tag == f"{RNG}ref":
            visit(defines[str(node.get("name"))], inside)
        elif node.tag == f"{RNG}attribute":
            own = found[inside]
            name = str(node.get("name"))
            own.attributes.setdefault(name, False)
            own.words.setdefault(name, set()).update(words(node))
        elif node.tag == f"{RNG}element":
            name = str(node.get("name"))
            own = found.setdefault(name, Element())
            if inside:
                own.parents.add(inside)
            for child in node:
                visit(child, name)
            for attribute in set().union(*map(required, node)):
                own.attributes[attribute] = True
        else:
            for child in node:
                visit(child, inside)

    start = root.find(f"{RNG}start")
    assert start is not None
    visit(start, "")
    return found


@dataclass(frozen=True)
class Entry:
    required: bool
    text: str


def entries(section: str) -> dict[str, Entry]:
    """The rows of the section's table, by attribute."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*?) \|(.*)\|$", section, flags=re.MULTILINE)
    assert len({row[0] for row in rows}) == len(rows)
    return {name: Entry(absent == "required", absent + text) for name, absent, text in rows}


@pytest.mark.parametrize(("document", "schema"), FORMATS, ids=name_of)
def test_elements_and_attributes_are_those_of_the_schema(document: Path, schema: Path) -> None:
    elements, sections = read_schema(schema), sections_of(document)
    assert len(elements) >= 14
    assert set(elements) <= set(sections)
    written = {name for name, text in sections.items() if re.match(r"#+ `", text)}
    assert written == set(elements)
    for name, element in elements.items():
        found = entries(sections[name])
        assert set(found) == set(element.attributes), name
        for parent in element.parents:
            assert f"`{parent}`" in sections[name], f"{name} stands in {parent}"
        for attribute, required in element.attributes.items():
            entry = found[attribute]
            assert entry.required == required, f"{name}, {attribute}"
            for word in element.words[attribute]:
                assert f"`{word}`" in entry.text, f"{name}, {attribute}: {word}"


def test_limits_are_those_of_the_sources() -> None:
    weights = [f"score/weights/{name}.h" for name in ("format", "xml_stream", "xml_input")]
    sources = ["include/score/model.h", *weights]
    text = "".join((ROOT / "plugin" / file).read_text(encoding="utf-8") for file in sources)
    section = sections_of(ROOT / "docs/model-format.md")["Limits"]
    rows = re.findall(r"^\| `(SCORE_\w+)` \| ([\d,]+) \|", section, flags=re.MULTILINE)
    assert len(rows) >= 10
    for name, number in rows:
        value = re.search(rf"{name}\W+(?:size_t\W+)?(\d+)(?: << (\d+))?", text)
        assert value, name
        assert int(value[1]) << int(value[2] or 0) == int(number.replace(",", "")), name
