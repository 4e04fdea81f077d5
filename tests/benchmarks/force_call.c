/* One force call, for valgrind to count the instructions of: force_call BEADS MOLECULES. What is
 * done once, the first layer at this diffusion time, is done before. */
#include <stdio.h>
#include <stdlib.h>

#include "bench_model.h"
#include "random_models.h"
#include "score/batch.h"

enum { MAX_BEADS = 64, MAX_MOLECULES = 64 };

typedef struct call {
    score_batch *batch;
    score_executor executor;
    double x[MAX_BEADS * MAX_MOLECULES * 3], score[MAX_BEADS * MAX_MOLECULES * 3];
    double energy[MAX_MOLECULES];
} call;

/* The name is known to tests/benchmarks/instructions. */
__attribute__((noinline)) score_status one_force_call(call *c);
score_status one_force_call(call *c) {
    return score_batch_evaluate(c->batch, c->x, 1e-5, &c->executor, c->energy, c->score, NULL,
                                NULL);
}

int main(int argc, char **argv) {
    static call c;
    const int beads = argc == 3 ? (int)strtol(argv[1], NULL, 10) : 0,
              molecules = argc == 3 ? (int)strtol(argv[2], NULL, 10) : 0;
    if (beads < 1 || beads > MAX_BEADS || molecules < 1 || molecules > MAX_MOLECULES) {
        fprintf(stderr, "usage: force_call BEADS MOLECULES, each 1 to 64\n");
        return 2;
    }
    score_molecule list[MAX_MOLECULES];
    score_model *model = bench_model(beads, 128, 3, 8, 64);
    for (int m = 0; m < molecules; m++)
        list[m] = (score_molecule){beads, NULL};
    fill_normal(2, 0.3, beads * molecules * 3, c.x);
    c.executor = score_executor_serial();
    if (score_batch_create(model, SCORE_SINGLE_PRECISION, molecules, list, 1, &c.batch, NULL) !=
            SCORE_OK ||
        score_batch_evaluate(c.batch, c.x, 1e-5, &c.executor, c.energy, c.score, NULL, NULL) !=
            SCORE_OK ||
        one_force_call(&c) != SCORE_OK)
        return 1;
    printf("energy of the first molecule: %g kT\n", c.energy[0]);
    score_batch_destroy(c.batch);
    score_model_destroy(model);
    return 0;
}
