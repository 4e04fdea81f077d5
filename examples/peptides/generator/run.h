/* A whole simulation: from the start, a checkpoint or another run's end, to a file of frames. */
#ifndef PEPTIDE_RUN_H
#define PEPTIDE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "score/status.h"

enum { PEPTIDE_MAX_LEVELS = 64 };

typedef struct peptide_options {
    const char *system, *output;
    const char *bias;     /* or NULL */
    const char *previous; /* the checkpoint of a run that this one goes on from, or NULL */
    bool resume;
    bool all_atoms; /* frames of all atoms, not of the beads */
    int copies, first_copy, threads;
    int levels;
    double temperatures_k[PEPTIDE_MAX_LEVELS];
    double timestep_fs, friction_per_ps, equilibration_ps, time_ps, checkpoint_s;
    uint32_t interval, swap_steps; /* steps */
    uint64_t seed;
} peptide_options;

/* Runs to the end, or until a signal or an error. What the file of frames holds says
 * peptide_frames.h. SCORE_ERROR_INTERRUPTED: a signal; the checkpoint and the frames so far are on
 * the disk. SCORE_ERROR_NUMERIC: a copy's energy is not finite; the same, from before that. */
score_status peptide_run(const peptide_options *options, score_error *error);

#endif
