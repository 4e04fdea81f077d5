/* The nearest matrix with orthonormal rows or columns, but for a fiftieth: U f(S) V^T of G = U S V^T,
 * where f is within 0.97 and 1.03 for singular values from 0.002 to 1 times the root of their summed
 * squares, and 0 at 0. f is five odd polynomials of degree 5, one after the other, each the one nearest
 * to 1 where the last has led the values (arXiv 2505.16932). All of f is found from the smaller of
 * G^T G and G G^T. */
#ifndef SCORE_ORTHOGONAL_H
#define SCORE_ORTHOGONAL_H

#include <stddef.h>

#include "base/real.h"

#define score_orthogonalise_size SCORE_TYPED(score_orthogonalise_size)
#define score_orthogonalise SCORE_TYPED(score_orthogonalise)

/* Numbers that score_orthogonalise needs to work. */
size_t score_orthogonalise_size(int rows, int columns);

/* matrix (rows x columns, row-major) in place; zero stays zero. */
void score_orthogonalise(int rows, int columns, score_real *matrix, score_real *work);

#endif
