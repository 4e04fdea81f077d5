/* The file of frames of a run, in MDTraj's layout (frames_file.h): frame by frame, there copy by copy,
 *   coordinates (beads x 3, nm), time (ps), copy, potential_energy (kJ/mol, without the bias),
 *   temperature (K, of that copy in that frame), and log_weights (U_bias/kT) where there is a bias.
 * Of two atoms that a symmetry of the force field exchanges, it is drawn for every frame which one has
 * which name: their exchange, the slowest motion of all, then need not be waited for. */
#ifndef PEPTIDE_FRAMES_H
#define PEPTIDE_FRAMES_H

#include "ensemble.h"
#include "programs/frames_file.h"
#include "run.h"

typedef struct peptide_frames {
    score_frames_file file;
    const peptide_ensemble *ensemble;
    bool all_atoms;
    double interval_ps, temperatures_k[PEPTIDE_MAX_LEVELS];
    /* Of one frame: copies, or copies x beads x 3. */
    float *positions, *time, *temperature;
    int32_t *copy;
    double *log_weight;
} peptide_frames;

/* Opens the output's unfinished file, anew or as `resumes` says. `begin`: the number of the first
 * frame, counted from the first part of the run; `count`: frames of this part. */
score_status peptide_frames_open(const peptide_options *options, const peptide_ensemble *ensemble,
                                 uint64_t begin, uint64_t count, bool resumes,
                                 peptide_frames *frames, score_error *error);
/* Frame `row` of this part, number `number` of all; after peptide_ensemble_evaluate. `step`: of the
 * simulation. */
score_status peptide_frames_write(peptide_frames *frames, uint64_t row, uint64_t number,
                                  uint32_t step, score_error *error);
/* Closes a file that may be unfinished. */
void peptide_frames_close(peptide_frames *frames);

#endif
