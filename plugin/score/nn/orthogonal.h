/* The nearest matrix with orthonormal rows or columns, approximately: U f(S) V^T of G = U S V^T, the
 * singular values S taken over the root of their summed squares. f is odd, within 0.978 and 1.022
 * from 0.002 to 1, and at most 713 s below. It is five polynomials of degree 5, one after the other,
 * each the one nearest to 1 where the last has led the values (arXiv 2505.16932), found from the
 * smaller of G^T G and G G^T. */
#ifndef SCORE_ORTHOGONAL_H
#define SCORE_ORTHOGONAL_H

#include <stddef.h>

#include "base/real.h"

#define score_orthogonalise_size SCORE_TYPED(score_orthogonalise_size)
#define score_orthogonalise SCORE_TYPED(score_orthogonalise)

/* Numbers that score_orthogonalise needs to work. */
size_t score_orthogonalise_size(int rows, int columns);

/* matrix (rows x columns, row-major) in place. One that is almost zero, of a norm below 1e-30, is left
 * as it is. */
void score_orthogonalise(int rows, int columns, score_real *matrix, score_real *work);

#endif
