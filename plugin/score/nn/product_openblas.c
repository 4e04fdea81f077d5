/* The products of nn/product.h by OpenBLAS. A packed matrix is its columns, one behind the other, so
 * that any range of them is a matrix too. OpenBLAS may order an element's sum by the number of rows
 * and columns. */
#include <string.h>

#include "base/openblas.h"
#include "nn/product.h"

#ifdef SCORE_SINGLE
#define GEMM(...) score_openblas_load()->sgemm(__VA_ARGS__)
#else
#define GEMM(...) score_openblas_load()->dgemm(__VA_ARGS__)
#endif

const char score_products[] = "openblas";

/* c = factor a b + kept c, or a b^T where `transposed`. */
static void multiply(int m, int n, int k, score_real factor, score_matrix a,
                     CBLAS_TRANSPOSE transposed, const score_real *b, ptrdiff_t ldb,
                     score_real kept, score_real *c, ptrdiff_t ldc) {
    /* A matrix of one row or column has any distance to the next one, OpenBLAS wants a long one. */
    const bool by_rows = a.column == 1 && (a.row >= k || m == 1);
    const ptrdiff_t lda = by_rows ? a.row : a.column, least = by_rows ? k : m;
    GEMM(CblasRowMajor, by_rows ? CblasNoTrans : CblasTrans, transposed, m, n, k, factor, a.data,
         (blasint)(lda > least ? lda : least), b, (blasint)ldb, kept, c, (blasint)ldc);
}

size_t score_panels_size(int k, int n) {
    return (size_t)n * (size_t)k;
}

void score_panels_pack(int k, int begin, int end, score_matrix b, score_real *panels) {
    for (int j = begin; j < end; j++) {
        score_real *to = panels + (ptrdiff_t)j * k;
        const score_real *from = b.data + j * b.column;
        for (int q = 0; q < k; q++)
            to[q] = from[q * b.row];
    }
}

void score_product_panels(int m, int k, int begin, int end, score_matrix a,
                          const score_real *panels, const score_real *bias, score_real *c,
                          ptrdiff_t ldc, bool adds) {
    const bool starts = !adds && bias != NULL;
    for (int i = 0; starts && i < m; i++)
        memcpy(c + i * ldc + begin, bias + begin, (size_t)(end - begin) * sizeof *c);
    multiply(m, end - begin, k, 1, a, CblasTrans, panels + (ptrdiff_t)begin * k, k,
             adds || starts ? 1 : 0, c + begin, ldc);
}

void score_product(int m, int n, int k, score_real factor, score_matrix a, const score_real *b,
                   ptrdiff_t ldb, score_real *c, ptrdiff_t ldc, bool adds) {
    multiply(m, n, k, factor, a, CblasNoTrans, b, ldb, adds ? 1 : 0, c, ldc);
}
