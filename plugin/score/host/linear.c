/* y = x W + b with packed weights. Rows are those of the output: where that has one of each
 * molecule, a molecule's rows of x side by side are one row. */
#include "nn/linear.h"

#include "host/call.h"

static const score_linear *linear_of(const score_packed *packed, const score_step *step) {
    return &packed->linears[packed->linear_of[step->tensor[0]]];
}

/* The columns that the call has of an array of `width`, in `ranges`; returns how many ranges they are. */
static int own_columns(const score_call *call, int array, int width, score_range ranges[3]) {
    if (call->share.parts == 1) {
        ranges[0] = (score_range){0, width};
        return 1;
    }
    const int groups = score_array_of(call, array)->head_groups;
    const score_expert_config *expert = &call->tile->network->expert;
    if (groups == 0) {
        ranges[0] = score_share_of_columns(call->share, width);
        return 1;
    }
    const score_range heads = score_share_of_heads(call);
    const int all = expert->heads * expert->head_width;
    if (heads.end - heads.begin == expert->heads) {
        ranges[0] = (score_range){0, groups * all};
        return 1;
    }
    for (int k = 0; k < groups; k++)
        ranges[k] = (score_range){k * all + heads.begin * expert->head_width,
                                  k * all + heads.end * expert->head_width};
    return groups;
}

static void linear_forward(const score_call *call) {
    const score_linear *linear = linear_of(call->packed, call->step);
    const int rows = score_rows_of(call, call->step->out[0]);
    const unsigned moving = score_moving_streams(call);
    score_range ranges[3];
    const int count = own_columns(call, call->step->out[0], linear->out, ranges);
    for (int k = 0; k < count; k++)
        score_linear_forward(moving, rows, linear->in, linear->out, ranges[k], linear->panels,
                             score_value(call, 0, 1), score_in(call, 0), score_out(call, 0));
    if (moving != call->pass->streams)
        score_zero_streams(call->pass->streams & ~moving, (ptrdiff_t)rows * linear->out,
                           score_out(call, 0));
}

static void linear_backward(const score_call *call) {
    const score_linear *linear = linear_of(call->packed, call->step);
    const int rows = score_rows_of(call, call->step->out[0]);
    const unsigned moving = score_moving_streams(call);
    score_range ranges[3];
    const int count = own_columns(call, call->step->in[0], linear->in, ranges);
    for (int k = 0; k < count; k++)
        score_linear_backward(moving, rows, linear->in, linear->out, ranges[k], linear->transposed,
                              score_out_bar(call, 0), score_in_bar(call, 0));
    if (call->pass->gradient != NULL)
        score_linear_gradient(moving, rows, linear->in, linear->out, score_in(call, 0),
                              score_out_bar(call, 0), score_value_bar(call, 0, 0),
                              score_value_bar(call, 0, 1));
}

/* The panels of the forward, or of the backward step. */
static void linear_pack(score_packed *packed, const score_step *step, int task) {
    const score_linear *linear = linear_of(packed, step);
    const int in = linear->in, out = linear->out;
    const score_real *weight = packed->values +
                               score_plan_offset(packed->plan, packed->network, linear->tensor);
    if (task == 0)
        score_panels_pack(in, 0, out, (score_matrix){weight, out, 1}, linear->panels);
    else
        score_panels_pack(out, 0, in, (score_matrix){weight, 1, out}, linear->transposed);
}

const score_host_operation SCORE_HOST_OPERATION(linear) = {.forward = linear_forward,
                                                           .backward = linear_backward,
                                                           .reads = SCORE_SHARE_ALL,
                                                           .writes = SCORE_SHARE_COLUMNS,
                                                           .pack = linear_pack};
