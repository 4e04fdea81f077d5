#include "base/gemm.h"

#include <cblas.h>

#ifdef SCORE_SINGLE
#define SCORE_CBLAS_GEMM cblas_sgemm
#else
#define SCORE_CBLAS_GEMM cblas_dgemm
#endif

void gotoblas_init(void); /* OpenBLAS's own constructor; does nothing when called again */

/* Runs when the library is loaded, perhaps before OpenBLAS's constructor, without which setting the
 * number of threads starts one that crashes. The symbols of OpenBLAS are private to the library, so
 * that no other user of an OpenBLAS in the same process is affected. */
__attribute__((constructor)) static void use_one_thread(void) {
    gotoblas_init();
    openblas_set_num_threads(1);
}

void score_gemm(int m, int n, int k, const score_real *a, const score_real *b, score_real beta,
                score_real *c) {
    SCORE_CBLAS_GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, k, b, n, beta, c, n);
}

void score_gemm_tn(int m, int n, int k, const score_real *a, const score_real *b, score_real *c) {
    SCORE_CBLAS_GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, m, n, k, 1, a, m, b, n, 1, c, n);
}

void score_gemm_nt(int m, int n, int k, const score_real *a, const score_real *b, score_real *c) {
    SCORE_CBLAS_GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, a, k, b, k, 1, c, n);
}
