/* What the functions of the operations (host/host.h) share. */
#ifndef SCORE_CALL_H
#define SCORE_CALL_H

#include "host/host.h"
#include "nn/product.h"
#include "nn/streams.h"

#define score_host_add_base SCORE_TYPED(score_host_add_base)
#define score_host_activate SCORE_TYPED(score_host_activate)
#define score_host_attention SCORE_TYPED(score_host_attention)
#define score_host_centre SCORE_TYPED(score_host_centre)
#define score_host_constant_attention SCORE_TYPED(score_host_constant_attention)
#define score_host_constant_nodes SCORE_TYPED(score_host_constant_nodes)
#define score_host_constant_projection SCORE_TYPED(score_host_constant_projection)
#define score_host_embed SCORE_TYPED(score_host_embed)
#define score_host_encode_time SCORE_TYPED(score_host_encode_time)
#define score_host_gate SCORE_TYPED(score_host_gate)
#define score_host_join_inputs SCORE_TYPED(score_host_join_inputs)
#define score_host_linear SCORE_TYPED(score_host_linear)
#define score_host_make_constants SCORE_TYPED(score_host_make_constants)
#define score_host_negate SCORE_TYPED(score_host_negate)
#define score_host_norm SCORE_TYPED(score_host_norm)
#define score_host_sum_energy SCORE_TYPED(score_host_sum_energy)
#define score_start_positions SCORE_TYPED(score_start_positions)

extern const score_host_operation score_host_add_base, score_host_activate, score_host_attention,
    score_host_centre, score_host_constant_attention, score_host_constant_nodes,
    score_host_constant_projection, score_host_embed, score_host_encode_time, score_host_gate,
    score_host_join_inputs, score_host_linear, score_host_make_constants, score_host_negate,
    score_host_norm, score_host_sum_energy;

/* Zeroes the adjoint of positions, input `in`, of the heads that the call has, where it is the first
 * to add to it. */
void score_start_positions(const score_call *call, int in);

SCORE_INLINE const score_array *score_array_of(const score_call *call, int array) {
    return &call->tile->plan->arrays[array];
}

SCORE_INLINE score_real *score_in(const score_call *call, int k) {
    return call->tile->arrays[call->step->in[k]];
}

SCORE_INLINE score_real *score_out(const score_call *call, int k) {
    return call->tile->arrays[call->step->out[k]];
}

/* Adjoints. */
SCORE_INLINE score_real *score_in_bar(const score_call *call, int k) {
    return call->tile->arrays[score_array_of(call, call->step->in[k])->adjoint];
}

SCORE_INLINE score_real *score_out_bar(const score_call *call, int k) {
    return call->tile->arrays[score_array_of(call, call->step->out[k])->adjoint];
}

/* The step's tensors, `further` behind the k-th. */
SCORE_INLINE size_t score_offset_of(const score_call *call, int k, int further) {
    return score_plan_offset(call->packed->plan, call->packed->network,
                             call->step->tensor[k] + further);
}

SCORE_INLINE const score_real *score_value(const score_call *call, int k, int further) {
    return call->packed->values + score_offset_of(call, k, further);
}

/* Its place in the gradient, or NULL where none is wanted. */
SCORE_INLINE score_real *score_value_bar(const score_call *call, int k, int further) {
    score_real *gradient = call->pass->gradient;
    return gradient == NULL ? NULL : gradient + score_offset_of(call, k, further);
}

/* The streams that are not identically zero in what the step reads first: before the first attention,
 * nodes depend on time but not on the coordinates. */
SCORE_INLINE unsigned score_moving_streams(const score_call *call) {
    const score_streams *layout = &call->tile->streams;
    unsigned streams = call->pass->streams;
    if (!call->step->still)
        return streams;
    for (int s = 1; s < layout->count; s++)
        if (!layout->moves_time[s])
            streams &= ~(1u << s);
    return streams;
}

/* Rows of an array: those of the tile, or its molecules. */
SCORE_INLINE int score_rows_of(const score_call *call, int array) {
    const score_tile_view *view = &call->tile->view;
    return score_array_of(call, array)->extent.row > 0 ? view->rows : view->molecules;
}

SCORE_INLINE score_range score_share_of_columns(score_share share, int columns) {
    return score_share_range(share, columns, SCORE_PANEL);
}

/* Heads are shared out where a head is whole panels of the products, else one part has them all. */
SCORE_INLINE score_range score_share_of_heads(const score_call *call) {
    const score_expert_config *expert = &call->tile->network->expert;
    const int unit = expert->head_width % SCORE_PANEL == 0 ? 1 : expert->heads;
    return score_share_range(call->share, expert->heads, unit);
}

SCORE_INLINE score_real *score_work(const score_call *call) {
    return call->tile->work + (size_t)call->share.part * call->tile->work_size;
}

#endif
