"""The counts of the benchmarks, against lists of the products that make up a pass."""

import math

import pytest
from tests.benchmarks.operations import (
    FEEDFORWARD_FACTOR,
    Shape,
    force_operations,
    force_weight_bytes,
)

Product = tuple[int, ...]  # sizes; the last three are rows, the summed size and columns

CASES = [  # and whether the first layer is better folded
    (Shape(beads=10, hidden=128, layers=3, heads=8, head_width=64), True),
    (Shape(beads=56, hidden=128, layers=3, heads=8, head_width=64), True),
    (Shape(beads=200, hidden=128, layers=2, heads=8, head_width=64), False),
    (Shape(beads=3, hidden=7, layers=1, heads=2, head_width=5, dimensions=2), True),
]


def operations(products: list[Product]) -> int:
    return sum(2 * math.prod(product) for product in products)


def weight_products(shape: Shape) -> list[Product]:
    """Rows times weights in one layer, forward."""
    n, h, a, wide = shape.beads, shape.hidden, shape.attention, FEEDFORWARD_FACTOR * shape.hidden
    return [(n, h, 3 * a), (n, a, h), (n, h, wide), (n, wide, h)]


def attention_products(shape: Shape) -> list[Product]:
    """Forward and backward in one layer."""
    n, a, w, H, d = shape.beads, shape.attention, shape.head_width, shape.heads, shape.dimensions
    return [
        (H, n, w, n),  # queries times keys
        (n, a, d),  # queries times the map
        (H, n, d, n),  # mapped queries times positions
        (H, n, n, w),  # shares times values
        (H, n, n, d),  # shares times positions
        (n, d, a),  # mean positions times the map
        (n, a, d),  # adjoint of the mean positions
        (H, n, w, n),  # adjoint of the shares, through values
        (H, n, d, n),  # the same, through positions
        (H, n, n, w),  # adjoint of the values
        (H, n, n, d),  # adjoint of the positions, through their mean
        (H, n, n, d),  # the same, through the similarity
        (H, n, n, d),  # adjoint of the mapped queries
        (n, d, a),  # adjoint of the queries, through the map
        (H, n, n, w),  # the same, through keys
        (H, n, n, w),  # adjoint of the keys
    ]


def first_layer(shape: Shape, folded: bool) -> tuple[list[Product], list[Product]]:
    """Rows times constants forward, and all other products either way, of the first layer."""
    n, a, h = shape.beads, shape.attention, shape.hidden
    w, H, d = shape.head_width, shape.heads, shape.dimensions
    edges: list[Product] = [
        (H, n, d, n),  # constant mapped queries times positions
        (H, n, n, d),  # shares times positions
        (H, n, d, n),  # adjoint of the shares, through positions
        (H, n, n, d),  # adjoint of the positions, through their mean
        (H, n, n, d),  # the same, through the similarity
    ]
    output, *feedforward = weight_products(shape)[1:]
    if folded:  # shares of beads, and mean positions, of all heads side by side
        return [(n, H * (n + d), h), *feedforward], edges
    values: list[Product] = [(H, n, n, w), (H, n, w, n), (n, d, a), (n, a, d)]
    return [output, *feedforward], edges + values


def first_operations(shape: Shape, folded: bool) -> int:
    constants, other = first_layer(shape, folded)
    return 2 * operations(constants) + operations(other)  # forward and backward


@pytest.mark.parametrize(("shape", "folded"), CASES)
def test_force_operations_are_those_of_its_products(shape: Shape, folded: bool) -> None:
    first, otherwise = first_operations(shape, folded), first_operations(shape, not folded)
    layer = 2 * operations(weight_products(shape)) + operations(attention_products(shape))
    assert first < otherwise
    assert force_operations(shape) == first + (shape.layers - 1) * layer


@pytest.mark.parametrize(("shape", "folded"), CASES)
def test_weights_of_a_force_are_read_forward_and_backward(shape: Shape, folded: bool) -> None:
    products = first_layer(shape, folded)[0] + (shape.layers - 1) * weight_products(shape)
    assert force_weight_bytes(shape) == 2 * 4 * sum(math.prod(sizes[1:]) for sizes in products)
