/* The operations that steps of a plan (model/plan.h) can have. A new one is a line here, its layer in
 * nn/ (a header with the equations, and a source), and a source in host/ that defines
 * SCORE_HOST_OPERATION(name) (host/call.h). */
#ifndef SCORE_OPERATION_KINDS_H
#define SCORE_OPERATION_KINDS_H

/* The first four arrays of a list. */
enum { SCORE_FIRST = 1, SCORE_SECOND = 2, SCORE_THIRD = 4, SCORE_FOURTH = 8 };

/* OPERATION(KIND, name, whether it has parameters, in, out, in of training): the last three are the
 * arrays that its backward step reads again, of those that the step reads and writes, and those that
 * only a step reads which forms gradients by parameters, or handles further streams. */
#define SCORE_OPERATION_LIST(OPERATION)                                                              \
    /* in x; out x minus the mean over a molecule's beads, if centred */                             \
    OPERATION(CENTRE, centre, false, 0, 0, 0)                                                        \
    /* in t; out time features (diffusion.h), their derivatives */                                   \
    OPERATION(ENCODE_TIME, encode_time, false, 0, SCORE_SECOND, 0)                                   \
    /* in time features; out nodes; tables, weight, bias */                                          \
    OPERATION(EMBED, embed, true, 0, 0, SCORE_FIRST)                                                 \
    /* in x; out y, x - mean, variance; scale, bias */                                               \
    OPERATION(NORM, norm, true, 0, SCORE_SECOND | SCORE_THIRD, 0)                                    \
    /* in x; out y = x W + b; weight, bias */                                                        \
    OPERATION(LINEAR, linear, true, 0, 0, SCORE_FIRST)                                               \
    /* in qkv, x; out heads, weights a, A^T q, y, scratch; derived A, c */                           \
    OPERATION(ATTENTION, attention, true, SCORE_FIRST | SCORE_SECOND,                                \
              SCORE_SECOND | SCORE_THIRD | SCORE_FOURTH, 0)                                          \
    /* in new, old; out gated, logit; weight */                                                      \
    OPERATION(GATE, gate, true, SCORE_FIRST | SCORE_SECOND, SCORE_SECOND, 0)                         \
    /* in x; out y, slope */                                                                         \
    OPERATION(ACTIVATE, activate, false, 0, SCORE_SECOND, SCORE_FIRST)                               \
    /* in nodes; out the sum over beads of node . w + b; weight, bias */                             \
    OPERATION(SUM_ENERGY, sum_energy, true, 0, 0, SCORE_FIRST)                                       \
    /* in x; out -x */                                                                               \
    OPERATION(NEGATE, negate, false, 0, 0, 0)                                                        \
    /* in x, time features; out both side by side */                                                 \
    OPERATION(JOIN_INPUTS, join_inputs, false, 0, 0, 0)                                              \
    /* in x, t; out += -log g_t(x) (diffused_gaussian.h) */                                          \
    OPERATION(ADD_BASE, add_base, false, SCORE_FIRST | SCORE_SECOND, 0, 0)                           \
    /* in nodes, qkv; what the next three need of a kind of molecule; derived A, c and, second,    \
       weight, bias of the output layer */ \
    OPERATION(MAKE_CONSTANTS, make_constants, false, 0, 0, 0)                                        \
    /* out nodes */                                                                                  \
    OPERATION(CONSTANT_NODES, constant_nodes, false, 0, 0, 0)                                        \
    /* in x; out [a, y] of each head (constant_attention.h) */                                       \
    OPERATION(CONSTANT_ATTENTION, constant_attention, false, SCORE_FIRST, SCORE_FIRST, 0)            \
    /* in [a, y]; out the attention's output */                                                      \
    OPERATION(CONSTANT_PROJECTION, constant_projection, false, 0, 0, 0)

typedef enum score_operation {
#define SCORE_OPERATION_KIND(kind, name, parameters, in, out, in_training) SCORE_##kind,
    SCORE_OPERATION_LIST(SCORE_OPERATION_KIND)
#undef SCORE_OPERATION_KIND
        SCORE_OPERATION_COUNT
} score_operation;

#endif
