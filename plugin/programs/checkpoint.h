/* A checkpoint: the whole state of a run in one file that appears whole or not at all, and that is
 * recognised when it has been damaged. In the byte order of the machine:
 *   eight characters for the kind of run, u32 0x01020304, u32 version, u64 bytes of what follows up
 *   to the CRC; the state, as it is; u64 size and text of the identity; u64 count of arrays, for each
 *   u64 size and content; CRC-32 of everything before it. */
#ifndef SCORE_CHECKPOINT_H
#define SCORE_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "score/status.h"

/* Of which kind of run. Its state is a struct without padding. */
typedef struct score_checkpoint_kind {
    char magic[8];
    uint32_t version;
    size_t state_size;
} score_checkpoint_kind;

enum { SCORE_MAX_ARRAYS = 32 };

/* Arrays that belong to the state, where they are in memory. */
typedef struct score_run_arrays {
    int count;
    void *data[SCORE_MAX_ARRAYS];
    size_t size[SCORE_MAX_ARRAYS]; /* bytes */
} score_run_arrays;

void score_run_arrays_add(score_run_arrays *arrays, void *data, size_t size);

/* SCORE_ERROR_FILE: cannot be written; the file is then as it was before. */
score_status score_checkpoint_write(const char *path, const score_checkpoint_kind *kind,
                                    const void *state, const char *identity,
                                    const score_run_arrays *arrays, score_error *error);

typedef struct score_checkpoint {
    char *identity;
    const char *path;
    unsigned char *content;
    size_t arrays; /* where they begin in `content` */
    size_t end;
} score_checkpoint;

/* Reads and checks the whole file, and copies its state to `state`. `path` must outlive the
 * checkpoint. SCORE_ERROR_FILE: cannot be read; SCORE_ERROR_FORMAT: not a checkpoint, of another
 * kind, version or byte order, cut off, or damaged (the CRC does not fit); SCORE_ERROR_MEMORY. */
score_status score_checkpoint_open(const char *path, const score_checkpoint_kind *kind, void *state,
                                   score_checkpoint *checkpoint, score_error *error);
/* Copies the stored arrays to `arrays`. SCORE_ERROR_FORMAT: their number or sizes are not those
 * that are stored; then nothing is copied. */
score_status score_checkpoint_arrays(const score_checkpoint *checkpoint,
                                     const score_run_arrays *arrays, score_error *error);
void score_checkpoint_close(score_checkpoint *checkpoint);

#endif
