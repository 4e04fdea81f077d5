/* The one traversal of a network: the steps of its plan in order, and backward from the end. */
#include "host/host.h"

static score_share share_of(const score_pass *pass) {
    if (pass->team == NULL)
        return (score_share){0, 1};
    return (score_share){pass->part, pass->team->parts};
}

static void wait(const score_pass *pass) {
    if (pass->team != NULL)
        score_team_wait(pass->team);
}

/* How what is written is shared out: columns of an array are not those of one of another width, nor
 * its heads. */
typedef struct written {
    score_sharing split;
    int columns;
} written;

static written find_written(const score_plan *plan, score_sharing split, int array) {
    const bool heads = split == SCORE_SHARE_COLUMNS && plan->arrays[array].head_groups > 0;
    return (written){
        .split = heads ? SCORE_SHARE_HEADS : split,
        .columns = split == SCORE_SHARE_COLUMNS && !heads ? score_array_width(&plan->arrays[array])
                                                          : 0,
    };
}

/* Does a part of a step, or all of it. The parts wait for each other first unless each reads what it
 * wrote last itself. */
static void run(score_run_step step, const score_host_operation *operation, const score_call *call,
                int array, written *last) {
    if (call->pass->team != NULL) {
        const written now = find_written(call->tile->plan, operation->writes, array);
        if (operation->reads != operation->writes || now.split != last->split ||
            now.columns != last->columns)
            score_team_wait(call->pass->team);
        *last = now;
    }
    if (operation->writes != SCORE_SHARE_NONE || call->share.part == 0)
        step(call);
}

void score_forward(const score_packed *packed, score_tile *tile, const score_pass *pass) {
    const score_plan *plan = tile->plan;
    const score_share share = share_of(pass);
    written last = {SCORE_SHARE_NONE, 0};
    score_call call = {packed, tile, pass, NULL, 0, share};
    for (int k = 0; k < plan->step_count; k++) {
        call.step = &plan->steps[k];
        const score_host_operation *operation = tile->host->operations[call.step->operation];
        run(operation->forward, operation, &call, call.step->out[0], &last);
    }
    wait(pass);
}

void score_backward(const score_packed *packed, score_tile *tile, const score_pass *pass) {
    const score_plan *plan = tile->plan;
    const score_share share = share_of(pass);
    const unsigned wanted = SCORE_OF_POSITIONS | (pass->wants_time ? SCORE_OF_TIMES : 0u) |
                            (pass->gradient != NULL ? SCORE_OF_PARAMETERS : 0u);
    written last = {SCORE_SHARE_NONE, 0};
    score_call call = {packed, tile, pass, NULL, wanted, share};
    for (int k = plan->step_count - 1; k >= 0; k--) {
        call.step = &plan->steps[k];
        if ((call.step->serves & wanted) == 0)
            continue;
        const score_host_operation *operation = tile->host->operations[call.step->operation];
        run(operation->backward, operation, &call, call.step->in[0], &last);
    }
    wait(pass);
}
