"""How many floating-point operations a sample of a training step needs, by its losses.

Counted as in operations.py, for the passes that plugin/trainer/losses/loss.h describes. They
compute STREAMS: the value, and along each of a few directions the first derivative of every
quantity, along some the second one too. A product c = a b then has the terms

    c = a b,   c' = a' b + a b',   c'' = a'' b + 2 a' b' + a b''

less those with a factor that is identically zero. Backward, every term is a product for the adjoint
of each of its two factors, less those that nothing asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from tests.benchmarks.operations import Shape, dense_weights


@dataclass(frozen=True)
class Direction:
    """A straight line through positions and, where it moves it, time."""

    moves_time: bool = False
    second: bool = False  # second derivatives are taken along it


class Factor(Enum):
    """What a factor of a product depends on."""

    WEIGHTS = auto()
    POSITIONS = auto()
    NODES = auto()
    FIRST_NODES = auto()  # before the first attention: on time and weights, not on positions

    def order(self, direction: Direction) -> int:
        """The last derivative along a direction that is not identically zero."""
        if self is Factor.WEIGHTS or (self is Factor.FIRST_NODES and not direction.moves_time):
            return 0
        if self is Factor.POSITIONS:
            return 1
        return 2 if direction.second else 1


@dataclass(frozen=True)
class Product:
    operations: int
    factors: tuple[Factor, Factor]

    def terms(self, directions: Sequence[Direction]) -> int:
        """Of the value and of all derivatives."""
        count = 1
        for direction in directions:
            a, b = (factor.order(direction) for factor in self.factors)
            count += (a >= 1) + (b >= 1)
            if direction.second:
                count += (a >= 2) + (a >= 1 and b >= 1) + (b >= 2)
        return count

    def adjoints(self, *unwanted: Factor) -> int:
        """Factors whose adjoints are wanted."""
        return sum(factor not in unwanted for factor in self.factors)


def products(shape: Shape) -> list[Product]:
    """Those of a network's value."""
    n, a, d, heads = shape.beads, shape.attention, shape.dimensions, shape.heads
    query, output, feedforward = dense_weights(shape)
    pairs, edges, affine_map = 2 * n * n * a, 2 * n * n * heads * d, 2 * n * a * d
    result = []
    for layer in range(shape.layers):
        nodes = Factor.FIRST_NODES if layer == 0 else Factor.NODES
        result += [
            Product(2 * n * query, (nodes, Factor.WEIGHTS)),
            Product(pairs, (nodes, nodes)),  # queries and keys
            Product(affine_map, (nodes, Factor.WEIGHTS)),  # queries
            Product(edges, (nodes, Factor.POSITIONS)),
            Product(pairs, (Factor.NODES, nodes)),  # shares and values
            Product(edges, (Factor.NODES, Factor.POSITIONS)),
            Product(affine_map, (Factor.NODES, Factor.WEIGHTS)),  # mean positions
            Product(2 * n * (output + feedforward), (Factor.NODES, Factor.WEIGHTS)),
        ]
    return result


def _to_inputs(product: Product, wants_time: bool) -> int:
    """Backward from the value to the positions and, where asked for, the time."""
    if wants_time:
        return product.adjoints(Factor.WEIGHTS)
    return product.adjoints(Factor.WEIGHTS, Factor.FIRST_NODES)


def _all_passes(shape: Shape, directions: Sequence[Direction], wants_time: bool) -> int:
    """All streams forward, the value to the inputs, all streams to the weights."""
    return sum(
        product.operations
        * (
            product.terms(directions) * (1 + product.adjoints(Factor.POSITIONS))
            + _to_inputs(product, wants_time)
        )
        for product in products(shape)
    )


def dsm_operations(shape: Shape) -> int:
    """Denoising score matching: the direction is the noise and score that are left."""
    return _all_passes(shape, [Direction()], wants_time=False)


def fokker_planck_operations(shape: Shape) -> int:
    """The same with the Fokker-Planck loss: its direction, which moves time, is the same one, and
    there are second derivatives along two random vectors."""
    along, probe = Direction(moves_time=True), Direction(second=True)
    return _all_passes(shape, [along, probe, probe], wants_time=True)


def classification_operations(shape: Shape) -> int:
    """Denoising score matching with classification over time: the value at another time, forward
    and back to the weights."""
    other = sum(
        product.operations * (1 + product.adjoints(Factor.POSITIONS)) for product in products(shape)
    )
    return dsm_operations(shape) + other
