/* The table of operations for one precision and set of instructions. */
#include "host/call.h"
#include "nn/constant_attention.h"
#include "nn/orthogonal.h"

#define TEXT_(name) #name
#define TEXT(name) TEXT_(name)
#ifdef SCORE_HAS_X86_64_LEVELS
#define NAME "x86-64-" TEXT(SCORE_ISA)
#else
#define NAME "baseline-" TEXT(SCORE_ISA)
#endif

const score_host score_host_table = {
    .name = NAME,
    .products = score_products,
    .lanes = SCORE_LANES,
    .operations =
        {
            [SCORE_CENTRE] = &score_host_centre,
            [SCORE_ENCODE_TIME] = &score_host_encode_time,
            [SCORE_EMBED] = &score_host_embed,
            [SCORE_NORM] = &score_host_norm,
            [SCORE_LINEAR] = &score_host_linear,
            [SCORE_ATTENTION] = &score_host_attention,
            [SCORE_GATE] = &score_host_gate,
            [SCORE_ACTIVATE] = &score_host_activate,
            [SCORE_SUM_ENERGY] = &score_host_sum_energy,
            [SCORE_NEGATE] = &score_host_negate,
            [SCORE_JOIN_INPUTS] = &score_host_join_inputs,
            [SCORE_ADD_BASE] = &score_host_add_base,
            [SCORE_MAKE_CONSTANTS] = &score_host_make_constants,
            [SCORE_CONSTANT_NODES] = &score_host_constant_nodes,
            [SCORE_CONSTANT_ATTENTION] = &score_host_constant_attention,
            [SCORE_CONSTANT_PROJECTION] = &score_host_constant_projection,
        },
    .panels_size = score_panels_size,
    .constants_size = score_constant_attention_size,
    .orthogonalise_size = score_orthogonalise_size,
    .orthogonalise = score_orthogonalise,
};
