#include "nn/orthogonal.h"

#include <math.h>
#include <string.h>

#include "nn/product.h"

/* s -> linear s + cubic s^3 + quintic s^5: of all such polynomials the one that differs least from 1
 * between 0.002 and 1; then between the least and the largest value that this one gives; and so on.
 * What differs least takes its largest difference, up and down in turn, at both ends and twice between
 * (tests/core/test_orthogonal.c). */
typedef struct step_coefficients {
    double linear;
    double cubic;
    double quintic;
} step_coefficients;

static const step_coefficients steps[] = {
    {8.426788, -24.936134, 18.492493}, {4.111647, -3.059130, 0.574954},
    {3.714570, -2.778125, 0.542939},   {2.781950, -2.074927, 0.463501},
    {1.993145, -1.375813, 0.387787},
};
enum { STEPS = sizeof steps / sizeof *steps };

/* Float still holds its inverse. */
static const double LEAST_NORM = 1e-30;

/* c = factor a b, all n x n. */
static void square_product(int n, double factor, const score_real *a, const score_real *b,
                           score_real *c) {
    score_product(n, n, n, (score_real)factor, (score_matrix){a, n, 1}, b, n, c, n, false);
}

/* The product of the smaller side: G G^T of a wide matrix, G^T G of a tall one. */
static void gram(int rows, int columns, const score_real *matrix, score_real *transposed,
                 score_real *product) {
    if (rows > columns) {
        score_product(columns, columns, rows, 1, (score_matrix){matrix, 1, columns}, matrix,
                      columns, product, columns, false);
        return;
    }
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < columns; j++)
            transposed[j * rows + i] = matrix[i * columns + j];
    score_product(rows, rows, columns, 1, (score_matrix){matrix, columns, 1}, transposed, rows,
                  product, rows, false);
}

/* polynomial = linear + cubic square + quintic square^2 */
static void step_polynomial(int n, step_coefficients step, const score_real *square,
                            score_real *polynomial) {
    const ptrdiff_t size = (ptrdiff_t)n * n;
    square_product(n, step.quintic, square, square, polynomial);
    for (ptrdiff_t k = 0; k < size; k++)
        polynomial[k] += (score_real)step.cubic * square[k];
    for (ptrdiff_t i = 0; i < n; i++)
        polynomial[i * n + i] += (score_real)step.linear;
}

/* A step of a wide X is p(X X^T) X, and the next X X^T is p X X^T p: all p are polynomials of the first
 * X X^T and commute, so that in the end X has their product Q before it. Of a tall X likewise with
 * X^T X and Q behind it. `square` is that first matrix and is overwritten; Q is returned, in `factor`
 * or `spare`. */
static score_real *iterate(int n, score_real *square, score_real *factor, score_real *spare,
                           score_real *polynomial) {
    step_polynomial(n, steps[0], square, factor);
    memcpy(polynomial, factor, (size_t)n * (size_t)n * sizeof *factor);
    for (int k = 1; k < STEPS; k++) {
        square_product(n, 1, polynomial, square, spare);
        square_product(n, 1, spare, polynomial, square);
        step_polynomial(n, steps[k], square, polynomial);
        square_product(n, 1, polynomial, factor, spare);
        score_real *old = factor;
        factor = spare;
        spare = old;
    }
    return factor;
}

size_t score_orthogonalise_size(int rows, int columns) {
    const size_t n = (size_t)(rows < columns ? rows : columns);
    return (size_t)rows * (size_t)columns + 4 * n * n;
}

void score_orthogonalise(int rows, int columns, score_real *matrix, score_real *work) {
    const int n = rows < columns ? rows : columns;
    const ptrdiff_t size = (ptrdiff_t)rows * columns, square_size = (ptrdiff_t)n * n;
    double sum = 0;
    for (ptrdiff_t k = 0; k < size; k++)
        sum += (double)matrix[k] * (double)matrix[k];
    if (!(sum > LEAST_NORM * LEAST_NORM))
        return;
    const score_real scale = (score_real)(1 / sqrt(sum));
    for (ptrdiff_t k = 0; k < size; k++)
        matrix[k] *= scale;
    score_real *result = work, *square = work + size;
    gram(rows, columns, matrix, result, square);
    const score_real *factor = iterate(n, square, square + square_size, square + 2 * square_size,
                                       square + 3 * square_size);
    if (rows > columns)
        score_product(rows, columns, columns, 1, (score_matrix){matrix, columns, 1}, factor,
                      columns, result, columns, false);
    else
        score_product(rows, columns, rows, 1, (score_matrix){factor, rows, 1}, matrix, columns,
                      result, columns, false);
    memcpy(matrix, result, (size_t)size * sizeof *matrix);
}
