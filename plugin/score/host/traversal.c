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

/* Parts that do the step wait for each other first unless each reads what it wrote last itself. */
static void wait_before(const score_pass *pass, const score_host_operation *operation, written last,
                        written now) {
    if (operation->reads != operation->writes || now.split != last.split ||
        now.columns != last.columns)
        wait(pass);
}

void score_forward(const score_packed *packed, score_tile *tile, const score_pass *pass) {
    const score_plan *plan = tile->plan;
    const score_share share = share_of(pass);
    written last = {SCORE_SHARE_NONE, 0};
    for (int k = 0; k < plan->step_count; k++) {
        const score_step *step = &plan->steps[k];
        const score_host_operation *operation = tile->host->operations[step->operation];
        const written now = find_written(plan, operation->writes, step->out[0]);
        wait_before(pass, operation, last, now);
        last = now;
        if (operation->writes == SCORE_SHARE_NONE && share.part > 0)
            continue;
        const score_call call = {packed, tile, pass, step, 0, share};
        operation->forward(&call);
    }
    wait(pass);
}

void score_backward(const score_packed *packed, score_tile *tile, const score_pass *pass) {
    const score_plan *plan = tile->plan;
    const score_share share = share_of(pass);
    const unsigned wanted = SCORE_OF_POSITIONS | (pass->wants_time ? SCORE_OF_TIMES : 0u) |
                            (pass->gradient != NULL ? SCORE_OF_PARAMETERS : 0u);
    written last = {SCORE_SHARE_NONE, 0};
    for (int k = plan->step_count - 1; k >= 0; k--) {
        const score_step *step = &plan->steps[k];
        const score_host_operation *operation = tile->host->operations[step->operation];
        if ((step->serves & wanted) == 0)
            continue;
        const written now = find_written(plan, operation->writes, step->in[0]);
        wait_before(pass, operation, last, now);
        last = now;
        if (operation->writes == SCORE_SHARE_NONE && share.part > 0)
            continue;
        const score_call call = {packed, tile, pass, step, wanted, share};
        operation->backward(&call);
    }
    wait(pass);
}
