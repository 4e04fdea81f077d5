#include "model/backend.h"

#define TEXT_(name) #name
#define TEXT(name) TEXT_(name)
#ifdef SCORE_HAS_X86_64_LEVELS
#define NAME "x86-64-" TEXT(SCORE_ISA)
#else
#define NAME "baseline"
#endif

const score_backend score_backend_table = {
    .name = NAME,
    .packed_create = score_packed_create,
    .packed_destroy = score_packed_destroy,
    .packed_update = score_packed_update,
    .packed_gradient_size = score_packed_gradient_size,
    .packed_fold_gradient = score_packed_fold_gradient,
    .tile_create = score_tile_create,
    .tile_destroy = score_tile_destroy,
    .tile_set_molecules = score_tile_set_molecules,
    .first_layer_size = score_first_layer_size,
    .first_layer = score_first_layer,
    .orthogonalise_size = score_orthogonalise_size,
    .orthogonalise = score_orthogonalise,
    .forward = score_forward,
    .backward = score_backward,
};
