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
#define OPERATION(kind, name, parameters, in, out, in_training)                                    \
    [SCORE_##kind] = &SCORE_HOST_OPERATION(name),
            SCORE_OPERATION_LIST(OPERATION)
#undef OPERATION
        },
    .panels_size = score_panels_size,
    .constants_size = score_constant_attention_size,
    .orthogonalise_size = score_orthogonalise_size,
    .orthogonalise = score_orthogonalise,
};
