/* What the functions of the operations (host/host.h) share. */
#ifndef SCORE_CALL_H
#define SCORE_CALL_H

#include "host/host.h"
#include "nn/product.h"
#include "nn/streams.h"

#define score_start_positions SCORE_TYPED(score_start_positions)

/* The functions of an operation. */
#define SCORE_HOST_OPERATION(name) SCORE_TYPED(score_host_##name)

#define SCORE_DECLARE_OPERATION(kind, name, parameters, in, out, in_training)                      \
    extern const score_host_operation SCORE_HOST_OPERATION(name);
SCORE_OPERATION_LIST(SCORE_DECLARE_OPERATION)
#undef SCORE_DECLARE_OPERATION

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
