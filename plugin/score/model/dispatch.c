/* model/tile.h and nn/orthogonal.h for everybody who does not care for instruction sets: the copies
 * that suit the processor. */
#include <stdlib.h>
#include <string.h>

#include "base/processor.h"
#include "model/backend.h"

#define TABLE__(precision, isa) score_backend_table_##precision##_##isa
#define TABLE_(precision, isa) TABLE__(precision, isa)
#define TABLE(isa) TABLE_(SCORE_PRECISION_SUFFIX, isa)

extern const score_backend TABLE(v1);
#ifdef SCORE_HAS_X86_64_LEVELS
extern const score_backend TABLE(v3);
extern const score_backend TABLE(v4);
#endif

static const score_backend *chosen = &TABLE(v1);

/* The best that the processor has; the environment variable SCORE_ISA (v1, v3, v4) can ask for less,
 * to test and to compare. Anything else it says is not heeded: score-info --build prints what is in
 * use. */
__attribute__((constructor)) static void choose(void) {
#ifdef SCORE_HAS_X86_64_LEVELS
    const char *wanted = getenv("SCORE_ISA");
    if (wanted != NULL && strcmp(wanted, "v1") == 0)
        return;
    const bool at_most_v3 = wanted != NULL && strcmp(wanted, "v3") == 0;
    if (score_processor_has_v4() && !at_most_v3)
        chosen = &TABLE(v4);
    else if (score_processor_has_v3())
        chosen = &TABLE(v3);
#endif
}

const char *score_backend_name(void) {
    return chosen->name;
}

score_status score_packed_create(const score_network *network, score_packed **packed,
                                 score_error *error) {
    return chosen->packed_create(network, packed, error);
}

void score_packed_destroy(score_packed *packed) {
    chosen->packed_destroy(packed);
}

void score_packed_update(score_packed *packed, const score_real *parameters,
                         const score_executor *executor) {
    chosen->packed_update(packed, parameters, executor);
}

size_t score_packed_gradient_size(const score_packed *packed) {
    return chosen->packed_gradient_size(packed);
}

void score_packed_fold_gradient(const score_packed *packed, score_real *gradient) {
    chosen->packed_fold_gradient(packed, gradient);
}

score_status score_tile_create(const score_network *network, const score_streams *streams,
                               const score_tile_limits *limits, score_tile **tile,
                               score_error *error) {
    return chosen->tile_create(network, streams, limits, tile, error);
}

void score_tile_destroy(score_tile *tile) {
    chosen->tile_destroy(tile);
}

score_tile_view score_tile_set_molecules(score_tile *tile, int molecules, const int *beads,
                                         const int *features) {
    return chosen->tile_set_molecules(tile, molecules, beads, features);
}

size_t score_first_layer_size(const score_network *network, int beads) {
    return chosen->first_layer_size(network, beads);
}

score_constant_attention score_first_layer(const score_packed *packed, score_tile *tile,
                                           score_real *memory) {
    return chosen->first_layer(packed, tile, memory);
}

size_t score_orthogonalise_size(int rows, int columns) {
    return chosen->orthogonalise_size(rows, columns);
}

void score_orthogonalise(int rows, int columns, score_real *matrix, score_real *work) {
    chosen->orthogonalise(rows, columns, matrix, work);
}

void score_forward(const score_packed *packed, score_tile *tile, const score_pass *pass) {
    chosen->forward(packed, tile, pass);
}

void score_backward(const score_packed *packed, score_tile *tile, const score_pass *pass) {
    chosen->backward(packed, tile, pass);
}
