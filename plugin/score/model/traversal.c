/* The one traversal of a network: its steps in order, and backward from the end. */
#include "model/blocks.h"

static score_share share_of(const score_pass *pass) {
    if (pass->team == NULL)
        return (score_share){0, 1};
    return (score_share){pass->part, pass->team->parts};
}

static void wait(const score_pass *pass) {
    if (pass->team != NULL)
        score_team_wait(pass->team);
}

void score_forward(const score_packed *packed, score_tile *tile, const score_pass *pass) {
    const score_share share = share_of(pass);
    for (int k = 0; k < packed->step_count; k++) {
        const score_step *step = &packed->steps[k];
        if (k > 0 && step->forward_split != step[-1].forward_split)
            wait(pass);
        step->forward(packed, tile, pass, step->layer, share);
    }
    wait(pass);
}

void score_backward(const score_packed *packed, score_tile *tile, const score_pass *pass) {
    const score_share share = share_of(pass);
    for (int k = packed->step_count - 1; k >= 0; k--) {
        const score_step *step = &packed->steps[k];
        if (k < packed->step_count - 1 && step->backward_split != step[1].backward_split)
            wait(pass);
        step->backward(packed, tile, pass, step->layer, share);
    }
    wait(pass);
}

size_t score_first_layer_size(const score_network *network, int beads) {
    return score_constant_attention_size(network->expert.heads, network->expert.hidden, beads);
}

score_constant_attention score_first_layer(const score_packed *packed, score_tile *tile,
                                           score_real *memory) {
    enum { STEPS = 4 }; /* inputs, embedding, norm, query-key-value */
    const score_pass pass = {.streams = 1u};
    const score_expert_config *expert = &tile->network->expert;
    const score_layer_parameters *at = &packed->layers[0];
    for (int k = 0; k < STEPS; k++)
        packed->steps[k].forward(packed, tile, &pass, packed->steps[k].layer, (score_share){0, 1});
    const score_constant_attention_source source = {
        .heads = expert->heads,
        .width = expert->head_width,
        .hidden = expert->hidden,
        .beads = tile->view.rows,
        .node = tile->layers[0].node,
        .qkv = tile->layers[0].qkv,
        .a = packed->values + at->edge_a,
        .c = packed->values + at->edge_c,
        .out_weight = packed->values + at->out.weight,
        .out_bias = packed->values + at->out.bias,
    };
    return score_constant_attention_set(&source, memory);
}
