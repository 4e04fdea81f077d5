"""How many floating-point operations a force needs, and how many bytes.

One multiplication with its addition is two operations. Counted are the matrix products of the graph
transformer and of its attention, as few as give the exact result; what is done once for a number
(activation, norm, gate, softmax, read-out) is not: it is a few operations where a product has
hundreds. So the count is a floor, and no program can reach it entirely.

Two savings are exact and counted on. An edge's key and value is affine in x_j - x_i, so attention
is ordinary attention whose keys and values have `dimensions` more channels. And at a fixed
diffusion time the first layer's nodes do not depend on the positions: its queries, keys and values,
the products of queries with keys, and those of values with the output layer, are constants.
"""

from __future__ import annotations

from dataclasses import dataclass

FEEDFORWARD_FACTOR = 4
BYTES = 4  # of a float


@dataclass(frozen=True)
class Shape:
    """What of a network the counts depend on."""

    beads: int
    hidden: int
    layers: int
    heads: int
    head_width: int
    dimensions: int = 3

    @property
    def attention(self) -> int:
        """Width of the queries of all heads together."""
        return self.heads * self.head_width


def dense_weights(shape: Shape) -> tuple[int, int, int]:
    """Weights of one layer: of query, key and value; of attention's output; of the feed-forward."""
    h, a = shape.hidden, shape.attention
    return 3 * h * a, a * h, 2 * h * FEEDFORWARD_FACTOR * h


def _folded_weights(shape: Shape) -> int:
    """Constants of the first attention, where values have gone through the output layer: for every
    head, one row of the hidden width a bead and one a dimension."""
    return shape.heads * (shape.beads + shape.dimensions) * shape.hidden


def _first_layer_is_folded(shape: Shape) -> bool:
    """Whether the first attention has fewer operations so: values, affine map and output layer are
    then one product. It has, for fewer beads than the hidden width or so."""
    n, a = shape.beads, shape.attention
    output = dense_weights(shape)[1]
    return _folded_weights(shape) < n * a + a * shape.dimensions + output


def force_operations(shape: Shape) -> int:
    """Energy and forces of one molecule.

    With n beads, hidden width h, L layers, H heads, a channels of all heads and d dimensions, a
    layer's operations are
      dense     forward n 2 (3 h a + a h + 8 h^2), and backward to the activations as many;
      attention n^2 pairs, each product of queries with keys or of shares with values 2 a, of which
                there are 2 forward and 4 backward (adjoints of shares, values, queries, keys);
      edges     n^2 pairs, each product of one of H heads with d coordinates 2 H d, of which there
                are 2 forward (similarity, mean position) and 4 backward (adjoints of share, of the
                two positions, of the query's part); and n beads, each product with the affine map
                2 a d, of which there are 2 forward and 2 backward.
    The first layer needs, of these, no query, key or value product either way; of attention only
    values forward and the shares' adjoint backward; and not the affine map of its queries nor
    their adjoint. Its values, affine map and output layer are 2 n H (n + d) h each way instead,
    where that is less.
    """
    n, a, L = shape.beads, shape.attention, shape.layers
    query, output, feedforward = dense_weights(shape)
    pair_product = 2 * n * n * a
    edge_product = 2 * n * n * shape.heads * shape.dimensions
    affine_map = 2 * n * a * shape.dimensions
    if _first_layer_is_folded(shape):
        first = 4 * n * _folded_weights(shape)
    else:
        first = 4 * n * output + 2 * pair_product + 2 * affine_map
    first += 4 * n * feedforward + 5 * edge_product
    other = 4 * n * (query + output + feedforward)
    other += 6 * pair_product + 6 * edge_product + 4 * affine_map
    return first + (L - 1) * other


def force_weight_bytes(shape: Shape) -> int:
    """Bytes of weights read for one force: those of every product of `force_operations` once as
    they are, forward, and once transposed, backward. However many molecules there are, they are
    read at least once; where they do not fit in a core's own cache, this takes its time."""
    query, output, feedforward = dense_weights(shape)
    first = _folded_weights(shape) if _first_layer_is_folded(shape) else output
    others = (shape.layers - 1) * (query + output)
    return 2 * BYTES * (first + others + shape.layers * feedforward)
