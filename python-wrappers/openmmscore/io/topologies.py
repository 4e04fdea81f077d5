"""MDTraj's topologies as the JSON of its HDF5 layout, with chain ids, bonds' kinds and orders, and
formal charges; `mdtraj.load` reads and writes the same."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import Any

try:
    import mdtraj
    from mdtraj.core import topology as kinds
except ImportError as error:
    raise ImportError(f"{error}: {__name__} needs openmm-score[data]", name=error.name) from error

__all__ = ["topology_from_json", "topology_to_json"]

_BOND_KINDS = {
    str(kind): kind
    for kind in (kinds.Single, kinds.Double, kinds.Triple, kinds.Amide, kinds.Aromatic)
}


def topology_to_json(topology: mdtraj.Topology) -> bytes:
    charged = any(getattr(atom, "formal_charge", None) is not None for atom in topology.atoms)
    chains = [
        {
            "index": chain.index,
            "chain_id": str(chain.chain_id) if chain.chain_id else None,
            "residues": [_residue(residue, charged) for residue in chain.residues],
        }
        for chain in topology.chains
    ]
    bonds = list(topology.bonds)
    document = {
        "chains": chains,
        "bonds": [[bond[0].index, bond[1].index] for bond in bonds],
        "bond_metadata": [
            {
                "order": None if bond.order is None else float(bond.order),
                "type": None if bond.type is None else str(bond.type),
            }
            for bond in bonds
        ],
    }
    return json.dumps(document).encode()


def _residue(residue: Any, charged: bool) -> dict[str, Any]:
    atoms = []
    for atom in residue.atoms:
        symbol = "" if atom.element is None else atom.element.symbol
        atoms.append({"index": atom.index, "name": atom.name, "element": symbol})
        if charged:
            atoms[-1]["formal_charge"] = getattr(atom, "formal_charge", None)
    return {
        "index": residue.index,
        "name": residue.name,
        "resSeq": residue.resSeq,
        "segmentID": residue.segment_id,
        "atoms": atoms,
    }


def topology_from_json(text: bytes | str) -> mdtraj.Topology:
    """An element that MDTraj does not know, of a bead that stands for several atoms, is a virtual
    site. ValueError where the text is none."""
    try:
        document = json.loads(text)
        topology = _topology(document)
        _add_bonds(topology, document)
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"data set topology is not that of MDTraj's layout: {what}") from error
    return topology


def _topology(document: dict[str, Any]) -> mdtraj.Topology:
    topology = mdtraj.Topology()
    numbers = []
    for chain in sorted(document["chains"], key=itemgetter("index")):
        new_chain = topology.add_chain()
        new_chain.chain_id = chain.get("chain_id")
        for residue in sorted(chain["residues"], key=itemgetter("index")):
            new_residue = topology.add_residue(
                residue["name"],
                new_chain,
                resSeq=residue.get("resSeq"),
                segment_id=residue.get("segmentID", ""),
            )
            for atom in sorted(residue["atoms"], key=itemgetter("index")):
                if not isinstance(atom["name"], str):
                    raise ValueError(f"atom {atom['index']} has name {atom['name']!r}")
                numbers.append(atom["index"])
                charge = atom.get("formal_charge")
                more = {} if charge is None else {"formal_charge": charge}
                topology.add_atom(atom["name"], _element(atom.get("element")), new_residue, **more)
    if numbers != sorted(numbers) and len(set(numbers)) == len(numbers):
        raise ValueError("its atoms are not in the order of their index")
    return topology


def _element(symbol: Any) -> Any:
    try:
        return mdtraj.element.Element.getBySymbol(symbol)
    except (AttributeError, KeyError):
        return mdtraj.element.virtual


def _add_bonds(topology: mdtraj.Topology, document: dict[str, Any]) -> None:
    atoms = list(topology.atoms)
    bonds = document.get("bonds", [])
    about = document.get("bond_metadata") or [{}] * len(bonds)
    if len(about) != len(bonds):
        raise ValueError(f"it has {len(bonds)} bonds and says what {len(about)} are")
    for bond, each in zip(bonds, about, strict=True):
        if not all(isinstance(atom, int) for atom in bond) or len(bond) != 2:
            raise ValueError(f"it has a bond {bond!r}, must be the numbers of two atoms")
        first, second = bond
        for atom in bond:
            if not 0 <= atom < len(atoms):
                raise ValueError(f"it has a bond of atom {atom}, of {len(atoms)}")
        order = each.get("order")
        if order not in (None, 1, 2, 3):
            raise ValueError(f"it has a bond of order {order!r}, must be 1, 2 or 3")
        topology.add_bond(
            atoms[first],
            atoms[second],
            order=order,
            type=_BOND_KINDS.get(each.get("type") or ""),
        )
