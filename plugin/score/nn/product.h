/* Matrix products, the one place where nearly all arithmetic is done.
 *
 * The right-hand matrix is read a PANEL at a time, SCORE_PANEL columns wide, and the result is
 * collected in registers, SCORE_PRODUCT_ROWS rows of a panel: a number of the left matrix is
 * multiplied with the whole width. So every element of the result is the sum over k, in order,
 * whatever the number of rows: rows can be shared out in any way without changing a bit.
 *
 * A matrix that is used often, a layer's weights, is packed once: panel after panel, each [k][SCORE_PANEL]
 * and zero behind the last column. Then it is read in one stream, and prefetched well ahead; with
 * few rows a product takes as long as its weights take to arrive.
 *
 * tests/benchmarks/products.c compares these products with those of libxsmm 1.17 and OpenBLAS 0.3.21,
 * which they replace: with AVX-512, one core and all weights of a network in turn they run at 1.36 and
 * 2.4 times the speed of these for 10 rows, 1.21 and 2.1 times for 28, 1.07 and 1.6 times for 64, .99
 * and 1.27 times for 256. And libraries that generate code or start threads are not needed.
 *
 * All this is nn/product.c. nn/product_openblas.c does the same through OpenBLAS, where that was found
 * when the build was configured: for processors other than x86-64, whose registers these panels are not
 * made for, and to check. Then "packed" is otherwise, and rows are not independent to the last bit. */
#ifndef SCORE_PRODUCT_H
#define SCORE_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/simd.h"

#define score_products SCORE_TYPED(score_products)
#define score_panels_size SCORE_TYPED(score_panels_size)
#define score_panels_pack SCORE_TYPED(score_panels_pack)
#define score_product_panels SCORE_TYPED(score_product_panels)
#define score_product SCORE_TYPED(score_product)

enum {
    SCORE_PANEL = 2 * SCORE_LANES,
    /* Two registers a row, two for the panel, one for the number of the left matrix. */
    SCORE_PRODUCT_ROWS = SCORE_VECTOR_REGISTERS == 32 ? 14 : 6,
};

/* A matrix of which element (i, j) stands at data[i * row + j * column]. */
typedef struct score_matrix {
    const score_real *data;
    ptrdiff_t row;
    ptrdiff_t column;
} score_matrix;

/* Who does them: "panels" or "openblas". */
extern const char score_products[];

/* Numbers that a packed k x n matrix takes. */
size_t score_panels_size(int k, int n);

/* Packs columns [begin, end) of b (k x n): whole panels, so begin is a multiple of SCORE_PANEL, and end
 * is one or is n. `panels` is that of the whole matrix. */
void score_panels_pack(int k, int begin, int end, score_matrix b, score_real *panels);

/* c (m x [begin, end)) = a (m x k) panels (k x n) + bias, or c += where `adds`; rows of c are ldc
 * apart. bias [n] may be NULL and is not read where `adds`. begin and end as above. */
void score_product_panels(int m, int k, int begin, int end, score_matrix a,
                          const score_real *panels, const score_real *bias, score_real *c,
                          ptrdiff_t ldc, bool adds);

/* c (m x n) = factor a (m x k) b (k x n), or c += where `adds`; b and c in rows, ldb and ldc
 * apart. For small matrices that are used once. */
void score_product(int m, int n, int k, score_real factor, score_matrix a, const score_real *b,
                   ptrdiff_t ldb, score_real *c, ptrdiff_t ldc, bool adds);

#endif
