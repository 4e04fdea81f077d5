/* A checkpoint: the whole state of a run in one file that appears whole or not at all, and that is
 * recognised when it has been damaged. In the byte order of the machine:
 *   "SCORECKP", u32 0x01020304, u32 version, u64 bytes of what follows up to the CRC
 *   score_run_state; u64 size and text of the identity; u64 count of arrays, for each u64 size and
 *   content; CRC-32 of everything before it. */
#ifndef SCORE_CHECKPOINT_H
#define SCORE_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "recipe.h"
#include "score/status.h"

/* How far a run is. All members have eight bytes: there is no padding, and it is stored as is. */
typedef struct score_run_state {
    uint64_t stage;   /* under way, from 0; the number of stages once the run is finished */
    uint64_t step;    /* steps done in this stage */
    uint64_t samples; /* done in all stages */
    uint64_t frames;  /* drawn by earlier stages */
    double seconds;   /* spent in all stages */
    /* Since the last row of the log. */
    uint64_t interval_steps;
    double interval_losses[SCORE_LOSS_KINDS]; /* sums over steps */
    double interval_norm;
    /* In the last row of the log; not a number where there is none. */
    double last_loss;
    double last_validation_loss;
} score_run_state;

enum { SCORE_MAX_ARRAYS = 32 };

/* Arrays that belong to the state, where they are in memory. */
typedef struct score_run_arrays {
    int count;
    void *data[SCORE_MAX_ARRAYS];
    size_t size[SCORE_MAX_ARRAYS]; /* bytes */
} score_run_arrays;

void score_run_arrays_add(score_run_arrays *arrays, void *data, size_t size);

/* SCORE_ERROR_FILE: cannot be written; the file is then as it was before. */
score_status score_checkpoint_write(const char *path, const score_run_state *state,
                                    const char *identity, const score_run_arrays *arrays,
                                    score_error *error);

typedef struct score_checkpoint {
    score_run_state state;
    char *identity;
    const char *path;
    unsigned char *content;
    size_t arrays; /* where they begin in `content` */
    size_t end;
} score_checkpoint;

/* Reads and checks the whole file. `path` must outlive the checkpoint. SCORE_ERROR_FILE: cannot be
 * read; SCORE_ERROR_FORMAT: not a checkpoint, of another version or byte order, cut off, or damaged
 * (the CRC does not fit); SCORE_ERROR_MEMORY. */
score_status score_checkpoint_open(const char *path, score_checkpoint *checkpoint,
                                   score_error *error);
/* Copies the stored arrays to `arrays`. SCORE_ERROR_FORMAT: their number or sizes are not those
 * that are stored; then nothing is copied. */
score_status score_checkpoint_arrays(const score_checkpoint *checkpoint,
                                     const score_run_arrays *arrays, score_error *error);
void score_checkpoint_close(score_checkpoint *checkpoint);

#endif
