/* The course of a run as a table: CSV, one row a validation, each flushed when it is written. */
#ifndef SCORE_LOG_FILE_H
#define SCORE_LOG_FILE_H

#include <stdint.h>
#include <stdio.h>

#include "recipe/recipe.h"
#include "score/status.h"

typedef struct score_log_row {
    int stage;        /* from 1, as people count */
    uint64_t step;    /* of the stage */
    uint64_t samples; /* of all stages */
    double epoch;
    double rate;
    unsigned columns;                /* the losses of the log, bits 1 << score_loss_kind */
    double losses[SCORE_LOSS_KINDS]; /* means since the row before; 0: not used, left out */
    double validation_loss; /* denoising, of the averaged weights; not a number: there is none */
    double gradient_norm;   /* mean since the row before, before clipping */
    double samples_per_s;   /* since the row before, validation and checkpoints included */
    double seconds;         /* of all stages */
} score_log_row;

/* Makes a new log with columns for these losses. SCORE_ERROR_FILE. */
score_status score_log_create(const char *path, unsigned columns, FILE **log, score_error *error);

/* Opens the log of a resumed run and takes away the rows that come after `samples` samples, which
 * the run will write again, and a row that was not finished. A missing log begins anew.
 * SCORE_ERROR_FILE, SCORE_ERROR_FORMAT: `path` is not such a log. */
score_status score_log_resume(const char *path, unsigned columns, uint64_t samples, FILE **log,
                              score_error *error);

score_status score_log_write(FILE *log, const char *path, const score_log_row *row,
                             score_error *error);

/* Makes sure that all rows are on the disk, as they must be before a checkpoint is. */
score_status score_log_sync(FILE *log, const char *path, score_error *error);

#endif
