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
