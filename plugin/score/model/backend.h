/* The functions of model/tile.h and nn/orthogonal.h as compiled for one set of instructions. */
#ifndef SCORE_BACKEND_H
#define SCORE_BACKEND_H

#include "model/tile.h"
#include "nn/orthogonal.h"

#define score_backend_table SCORE_TYPED(score_backend_table)
#define score_backend_name SCORE_TYPED(score_backend_name)

typedef struct score_backend {
    const char *name;
    score_status (*packed_create)(const score_network *network, score_packed **packed,
                                  score_error *error);
    void (*packed_destroy)(score_packed *packed);
    void (*packed_update)(score_packed *packed, const score_real *parameters,
                          const score_executor *executor);
    size_t (*packed_gradient_size)(const score_packed *packed);
    void (*packed_fold_gradient)(const score_packed *packed, score_real *gradient);
    score_status (*tile_create)(const score_network *network, const score_streams *streams,
                                const score_tile_limits *limits, score_tile **tile,
                                score_error *error);
    void (*tile_destroy)(score_tile *tile);
    score_tile_view (*tile_set_molecules)(score_tile *tile, int molecules, const int *beads,
                                          const int *features);
    size_t (*first_layer_size)(const score_network *network, int beads);
    score_constant_attention (*first_layer)(const score_packed *packed, score_tile *tile,
                                            score_real *memory);
    size_t (*orthogonalise_size)(int rows, int columns);
    void (*orthogonalise)(int rows, int columns, score_real *matrix, score_real *work);
    void (*forward)(const score_packed *packed, score_tile *tile, const score_pass *pass);
    void (*backward)(const score_packed *packed, score_tile *tile, const score_pass *pass);
} score_backend;

extern const score_backend score_backend_table;

/* The instruction set in use, e.g. "x86-64-v4". */
const char *score_backend_name(void);

#endif
