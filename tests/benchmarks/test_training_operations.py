"""The counts of a training sample, against lists of the products of every pass."""

import math

import pytest
from tests.benchmarks.operations import FEEDFORWARD_FACTOR, Shape
from tests.benchmarks.training_operations import (
    classification_operations,
    dsm_operations,
    fokker_planck_operations,
)

SHAPES = [
    Shape(beads=10, hidden=128, layers=3, heads=8, head_width=64),
    Shape(beads=200, hidden=128, layers=2, heads=8, head_width=64),
    Shape(beads=3, hidden=7, layers=1, heads=2, head_width=5, dimensions=2),
]


class Layer:
    """Operations of one layer's products, forward, for one stream."""

    def __init__(self, shape: Shape) -> None:
        n, h, d, heads = shape.beads, shape.hidden, shape.dimensions, shape.heads
        w, wide = shape.head_width, FEEDFORWARD_FACTOR * shape.hidden
        a = shape.attention
        self.query = 2 * math.prod((n, h, 3 * a))  # and key and value
        self.other = 2 * sum(map(math.prod, [(n, a, h), (n, h, wide), (n, wide, h)]))
        self.map = 2 * math.prod((n, a, d))  # of queries, or of mean positions
        self.pairs = 2 * math.prod((heads, n, w, n))  # queries times keys, or shares times values
        self.edges = 2 * math.prod((heads, n, d, n))  # either, times positions


def value(at: Layer) -> int:
    """Forward."""
    return at.query + at.other + 2 * at.map + 2 * at.pairs + 2 * at.edges


def value_to_weights(at: Layer) -> int:
    """Two adjoints a product, but none of positions."""
    return 2 * (at.query + at.other + 2 * at.map + 2 * at.pairs) + 2 * at.edges


def value_to_positions(at: Layer) -> int:
    """No adjoints of weights."""
    return at.query + at.other + 2 * at.map + 4 * at.pairs + 4 * at.edges


def first_value_to_positions(at: Layer) -> int:
    """Of the first layer: the adjoints of shares, through values and positions, of their map and
    output, and of the positions themselves, twice."""
    return at.other + at.map + at.pairs + 3 * at.edges


def first_order(at: Layer) -> int:
    """Forward: every product of two quantities that move, twice."""
    return at.query + at.other + 2 * at.map + 4 * at.pairs + 4 * at.edges


def first_order_to_weights(at: Layer) -> int:
    """Twice the forward's, but no adjoints of positions, which half of the edges' would be."""
    return 2 * (at.query + at.other + 2 * at.map + 4 * at.pairs) + 4 * at.edges


def second_order(at: Layer) -> int:
    """Forward: queries (keys) and shares (values) thrice; positions have no second derivative."""
    return at.query + at.other + 2 * at.map + 6 * at.pairs + 4 * at.edges


def second_order_to_weights(at: Layer) -> int:
    return 2 * (at.query + at.other + 2 * at.map + 6 * at.pairs) + 4 * at.edges


def first_of_still_time(at: Layer) -> int:
    """Forward, first order, first layer: queries, keys and values do not move, shares do."""
    return at.other + at.map + at.pairs + 3 * at.edges


def first_of_still_time_to_weights(at: Layer) -> int:
    """Adjoints of queries with positions; of shares and values; of shares with positions, twice."""
    return 2 * (at.other + at.map + at.pairs) + 3 * at.edges


def first_second_of_still_time(at: Layer) -> int:
    """The same, second order: nothing in queries times positions, shares times positions twice."""
    return at.other + at.map + at.pairs + 2 * at.edges


def first_second_of_still_time_to_weights(at: Layer) -> int:
    return 2 * (at.other + at.map + at.pairs) + 2 * at.edges


@pytest.mark.parametrize("shape", SHAPES)
def test_denoising_is_two_streams(shape: Shape) -> None:
    at = Layer(shape)
    first = [
        value(at),
        first_value_to_positions(at),
        first_of_still_time(at),
        value_to_weights(at),
        first_of_still_time_to_weights(at),
    ]
    other = [
        value(at),
        value_to_positions(at),
        first_order(at),
        value_to_weights(at),
        first_order_to_weights(at),
    ]
    assert dsm_operations(shape) == sum(first) + (shape.layers - 1) * sum(other)


@pytest.mark.parametrize("shape", SHAPES)
def test_fokker_planck_is_six_streams(shape: Shape) -> None:
    at = Layer(shape)
    probe = first_of_still_time(at) + first_second_of_still_time(at)
    probe += first_of_still_time_to_weights(at) + first_second_of_still_time_to_weights(at)
    first = [
        value(at),
        value_to_positions(at),  # and to time
        first_order(at),
        value_to_weights(at),
        first_order_to_weights(at),
        2 * probe,
    ]
    probe = first_order(at) + second_order(at)
    probe += first_order_to_weights(at) + second_order_to_weights(at)
    other = [
        value(at),
        value_to_positions(at),
        first_order(at),
        value_to_weights(at),
        first_order_to_weights(at),
        2 * probe,
    ]
    assert fokker_planck_operations(shape) == sum(first) + (shape.layers - 1) * sum(other)


@pytest.mark.parametrize("shape", SHAPES)
def test_classification_is_one_more_value(shape: Shape) -> None:
    at = Layer(shape)
    more = shape.layers * (value(at) + value_to_weights(at))
    assert classification_operations(shape) == dsm_operations(shape) + more


def test_of_wide_layers_passes_are_those_of_the_dense_products() -> None:
    """Where attention is little: 7, 19 and 10 forward passes, less what does not move before the
    first attention: query, key and value of 4 and of 12 of them."""
    shape = Shape(beads=2, hidden=4096, layers=2, heads=1, head_width=512)
    at = Layer(shape)
    forward = shape.layers * (at.query + at.other)
    expected = {
        dsm_operations: 7 * forward - 4 * at.query,
        fokker_planck_operations: 19 * forward - 12 * at.query,
        classification_operations: 10 * forward - 4 * at.query,
    }
    for count, operations in expected.items():
        assert count(shape) == pytest.approx(operations, rel=1e-3)
